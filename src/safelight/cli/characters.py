"""`characters`: the named subjects. Those in safelight.toml are read-only here."""

from __future__ import annotations

from typing import Annotated

import typer

from safelight.cli.drawing import UNSAID, Drawing, drawing
from safelight.cli.reach import Reached, reached
from safelight.cli.session import DEFINE, KEPT, Failure, Session, command
from safelight.cli.terminal import emit, show, suggest
from safelight.cli.workflows import origin
from safelight.core.naming import slugify


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The named subjects of pictures.", no_args_is_help=True)
    command(group, "ls")(ls)
    command(group, "add")(add)
    command(group, "show")(show_one)
    app.add_typer(group, name="characters", rich_help_panel=DEFINE)


async def ls(session: Session) -> int:
    """List the characters."""
    async with reached(session, worker=False) as reach:
        characters = [each.raw for each in await reach.client.characters()]
    if session.json:
        emit(characters)
        return KEPT
    rows = [
        [each["id"], each["name"], each["style"], each["workflow"], origin(each)]
        for each in characters
    ]
    show(["character", "name", "style", "workflow", "kept in"], rows)
    return KEPT


async def add(
    session: Session,
    name: Annotated[
        str,
        typer.Argument(help='Its name, "Opal Fever"; the id becomes opal-fever.', metavar="NAME"),
    ],
    prompt: Annotated[
        str, typer.Option("--prompt", "-p", help="Who it is, in words.", show_default=False)
    ] = "",
    workflow: Annotated[
        str | None, drawing("--workflow", "Which graph draws it; left out: the style's.")
    ] = None,
    how: Drawing = UNSAID,
    replace: Annotated[
        bool, typer.Option("--replace", help="In place of one with the same id.")
    ] = False,
) -> int:
    """Keep a character in the database."""
    id = slugify(name)
    fields = {"name": name, "prompt": prompt, **how.said()}
    if workflow is not None:
        fields["workflow"] = workflow
    async with reached(session, worker=False) as reach:
        if not replace:
            await _refuse_a_second(reach, id)
        kept = await reach.client.put_character(id, **fields)
    if session.json:
        emit(kept.raw)
    suggest(f"Character {id} is kept; this draws it:", f"safelight generate {id} --user YOU")
    return KEPT


async def show_one(
    session: Session,
    id: Annotated[str, typer.Argument(metavar="ID", help="Of the character.", show_default=False)],
) -> int:
    """Show a character."""
    async with reached(session, worker=False) as reach:
        character = (await reach.client.character(id)).raw
    if session.json:
        emit(character)
        return KEPT
    loras = (f"{lora['name']}:{lora['strength']}" for lora in character["loras"])
    shown = {**character, "loras": ", ".join(loras), "kept in": origin(character)}
    del shown["read_only"]
    said = [[key.replace("_", " "), value] for key, value in shown.items() if value]
    show(["field", "value"], said)
    return KEPT


async def _refuse_a_second(reach: Reached, id: str) -> None:
    known = {character.id: character for character in await reach.client.characters()}
    if id not in known:
        return
    if known[id].read_only:
        raise Failure(f"character {id} stands in safelight.toml", "change it there")
    advice = "`--replace` puts this one in its place; its images and indices stay"
    raise Failure(f"there is a character {id} already", advice)
