"""`workflows`: graphs in API format, checked before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from safelight.cli.reach import reached
from safelight.cli.session import BROKEN, DEFINE, KEPT, Failure, Session, command, refused
from safelight.cli.terminal import complain, emit, say, show
from safelight.core.errors import Refusal
from safelight.core.naming import check_id, slugify

if TYPE_CHECKING:
    from safelight.client import AsyncClient

LARGEST: Final = 1_048_576  # bytes; the API takes no larger body
EXPORT: Final = "in ComfyUI's menu, choose Workflow > Export (API)"

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A graph in API format.", show_default=False)
]
Slots = Annotated[
    list[str] | None,
    typer.Option(
        "--slot",
        metavar="NAME=NODE.INPUT",
        help='Where a value goes, "seed=2.seed"; repeatable. Left out: found in the graph.',
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The ComfyUI graphs that draw.", no_args_is_help=True)
    command(group, "check")(check)
    command(group, "add")(add)
    command(group, "ls")(ls)
    command(group, "show")(show_one)
    command(group, "resume")(resume)
    app.add_typer(group, name="workflows", rich_help_panel=DEFINE)


async def check(session: Session, file: File, slot: Slots = None) -> int:
    """Say whether a graph can be used, and where its prompt, seed, size, … are."""
    graph, slots = read_graph(file), parse_slots(slot or [])
    try:
        report = examined(graph, slots)
    except Refusal as refusal:
        faults = [asdict(error) for error in refusal.errors]
        if session.json:
            emit({"usable": False, "errors": faults})
        failure = _unusable(file, refusal)
        complain(failure.message, failure.advice)
        return BROKEN
    if session.json:
        emit({"usable": True, **report})
    else:
        _tell(report)
    return KEPT


async def add(
    session: Session,
    file: File,
    slot: Slots = None,
    exact_size: Annotated[
        bool, typer.Option("--exact-size", help="Pictures of another size are not accepted.")
    ] = False,
) -> int:
    """Keep a graph as a workflow under the file's name (without .json)."""
    id, graph, slots = workflow_id(file), read_graph(file), parse_slots(slot or [])
    try:
        examined(graph, slots)
    except Refusal as refusal:
        raise _unusable(file, refusal) from None
    async with reached(session, worker=False) as reach:
        kept = await reach.client.put_workflow(id, graph, slots=slots, exact_size=exact_size)
    if session.json:
        emit(kept)
    say(f"Workflow {id} is kept.")
    return KEPT


async def ls(session: Session) -> int:
    """List the workflows."""
    async with reached(session, worker=False) as reach:
        workflows = await reach.client.workflows()
    if session.json:
        emit(workflows)
        return KEPT
    rows = [
        [each["id"], "exact" if each["exact_size"] else "any", origin(each), _held_in(each)]
        for each in workflows
    ]
    show(["workflow", "size", "kept in", "held in"], rows)
    return KEPT


async def show_one(
    session: Session,
    id: Annotated[str, typer.Argument(metavar="ID", help="Of the workflow.", show_default=False)],
) -> int:
    """Show where a workflow's prompt, seed, size, … are."""
    async with reached(session, worker=False) as reach:
        workflow = await reach.client.workflow(id)
    if session.json:
        emit(workflow)
    else:
        _tell(workflow["report"])
        for hold in workflow["held"]:
            say(f"Held in the pool {hold['pool']}: {hold['reason']}", "yellow")
    return KEPT


async def resume(
    session: Session,
    id: Annotated[str, typer.Argument(metavar="NAME", help="Of the workflow.", show_default=False)],
    pool: Annotated[
        str | None, typer.Option(help="Only in this pool; left out: wherever it is held.")
    ] = None,
) -> int:
    """Let a workflow be drawn again that is held because backends died under it."""
    async with reached(session, worker=False) as reach:
        resumed = await reach.client.resume_workflow(id, pool=pool)
    if session.json:
        emit(resumed)
    pools = ", ".join(resumed["pools"])
    say(f"{id} is drawn again in: {pools}." if pools else f"{id} was not held.")
    return KEPT


async def keep(client: AsyncClient, file: Path, graph: dict[str, Any]) -> None:
    """Keep a graph under the file's stem; one in the settings is fine if it is the same."""
    from safelight.client import ProblemError

    id = workflow_id(file)
    try:
        await client.put_workflow(id, graph)
    except ProblemError as problem:
        if problem.code != "read-only":
            raise
        if (await client.workflow(id))["graph"] != graph:
            message = f"the settings have another workflow named {id}, and they win"
            raise Failure(message, f"rename the file, or use `--workflow {id}`") from None


def workflow_id(file: Path) -> str:
    """The file's stem, which must be an id: nothing is renamed behind anybody's back."""
    try:
        return check_id(file.stem, "")
    except Refusal as refusal:
        advice = f"rename the file, for example to {slugify(file.stem)}.json"
        raise Failure(f'"{file.stem}" is no workflow id: {refusal.detail}', advice) from None


def read_graph(file: Path) -> dict[str, Any]:
    """The JSON object in a file; whether it is a graph is another question."""
    try:
        if file.stat().st_size > LARGEST:
            raise Failure(f"{file}: larger than {LARGEST} bytes, this is no workflow")
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Failure(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Failure(f"{file}: not JSON: {error}", EXPORT) from None
    if not isinstance(document, dict):
        raise Failure(f"{file}: not a JSON object, so not a workflow", EXPORT)
    return document


def examined(graph: dict[str, Any], slots: Mapping[str, str]) -> dict[str, Any]:
    """What the check of a graph tells. Raises `Refusal` with what is wrong."""
    from safelight.core.graph import check_graph
    from safelight.core.slots import describe

    return asdict(describe(check_graph(graph, output=slots.get("output")), slots))


def usable(file: Path) -> dict[str, Any]:
    """The graph in a file, checked."""
    graph = read_graph(file)
    try:
        examined(graph, {})
    except Refusal as refusal:
        raise _unusable(file, refusal) from None
    return graph


def parse_slots(pairs: Sequence[str]) -> dict[str, str]:
    """`NAME=NODE.INPUT`, each name once.

    Example:
        >>> parse_slots(["seed=2.seed", "output=9"])
        {'seed': '2.seed', 'output': '9'}
    """
    slots: dict[str, str] = {}
    for pair in pairs:
        name, _, place = pair.partition("=")
        if not name or not place:
            raise Failure(f"--slot {pair}: expected NAME=NODE.INPUT")
        if name in slots:
            raise Failure(f"--slot {name}: given twice")
        slots[name] = place
    return slots


def origin(kept: Mapping[str, Any]) -> str:
    """Where a character or workflow is kept."""
    return "safelight.toml" if kept["read_only"] else "database"


def _held_in(workflow: Mapping[str, Any]) -> str:
    return ", ".join(hold["pool"] for hold in workflow["held"])


def _tell(report: Mapping[str, Any]) -> None:
    show(["slot", "where"], list(report["slots"].items()))
    if report["missing"]:
        say(f"Not in this graph: {', '.join(report['missing'])}. Orders cannot set these.")
    for note in report["notes"]:
        say(f"Note: {note}.")
    say(f"A backend needs: {', '.join(report['classes'])}.")


def _unusable(file: Path, refusal: Refusal) -> Failure:
    failure = refused(refusal.detail, [(error.pointer, error.detail) for error in refusal.errors])
    return Failure(f"{file}: {failure.message}", failure.advice)
