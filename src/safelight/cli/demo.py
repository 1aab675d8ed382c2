"""`demo`: the whole of Safelight in one command, on a machine without a GPU.

Database, worker, HTTP API and two simulated ComfyUI servers run in this process. The order goes
through the HTTP API like anybody's, and whether the pictures differ is looked up in their pixels.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from safelight.cli.reach import LOST, connect, no_answer_is_a_failure
from safelight.cli.report import bring, folder_for_pictures, tell
from safelight.cli.session import BROKEN, KEPT, PRACTISE, Failure, Session, command, last_words
from safelight.cli.terminal import part, say, suggest

if TYPE_CHECKING:
    from safelight.client import AsyncClient, AsyncImage
    from safelight.settings import Settings

OUTPUT: Final = Path("demo-output")
GPUS: Final = ("gpu-1", "gpu-2")
ORDER: Final[dict[str, Any]] = {"user": "demo", "prompt": "red scarf, lantern light"}
LEFT: Final = "Stopped. The rest is drawn, under these indices, by the next:"
SETTINGS: Final = """\
# Written by `safelight demo`, anew each time.
[[backends]]
name = "gpu-1"
url = "{}"

[[backends]]
name = "gpu-2"
url = "{}"

[workflows.portrait]
file = "portrait.json"

[characters.mira]
name = "Mira"
workflow = "portrait"
prompt = "portrait of Mira"
negative_prompt = "lowres, bad anatomy"
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "demo", PRACTISE)(demo)


async def demo(
    session: Session,
    quantity: Annotated[int, typer.Option("--quantity", "-n", help="How many images.")] = 4,
    seconds: Annotated[float, typer.Option(min=0, help="How long one picture takes.")] = 2.0,
) -> int:
    """See it work: four pictures, without a GPU.

    Starts a database, two simulated ComfyUI servers and the API, and orders through the API. State
    is kept in SAFELIGHT_HOME/demo and no settings are read, so nothing of yours is touched. The
    pictures, a contact sheet and the batch as JSON go to ./demo-output.
    """
    if session.config:
        raise Failure("the demo reads no settings", "leave out --config")
    from safelight.assembly import running
    from safelight.cli.logs import log_to_stderr
    from safelight.settings import home

    log_to_stderr()
    folder_for_pictures(OUTPUT)
    folder = home() / "demo"
    say("Starting PostgreSQL, the API and two simulated ComfyUI servers …", "dim")
    async with _gpus(folder, seconds) as urls:
        settings = _settings(folder, urls)
        async with running(settings, worker=True, port=0) as server:
            with no_answer_is_a_failure(LOST):
                async with connect(server.url, settings) as client:
                    return await _order(session, client, quantity)


async def _order(session: Session, client: AsyncClient, quantity: int) -> int:
    from safelight.cli.board import follow

    batch = await client.order("mira", quantity=quantity, **ORDER)
    with last_words(lambda: part(LEFT, "safelight demo")):
        batch = await follow(client, batch)
    pictures = await bring(client, batch, OUTPUT)
    text = json.dumps(batch.raw, ensure_ascii=False, indent=2)
    (OUTPUT / "batch.json").write_text(f"{text}\n", "utf-8")
    code = await tell(client, batch, pictures, json=session.json)
    if code != KEPT:
        return code
    return look_at([(image, pictures[image.id]) for image in batch.images])


def look_at(pictures: Sequence[tuple[AsyncImage, Path]]) -> int:
    """Put the pictures side by side on one sheet and compare their pixels."""
    from safelight.pictures import contact_sheet

    items = [
        (path.read_bytes(), f"{image.index:05d}  {image.name}", f"seed {image.seed}")
        for image, path in pictures
    ]
    (OUTPUT / "contact-sheet.png").write_bytes(contact_sheet(items))
    different = len({_pixels(content) for content, *_ in items})
    if different < len(items):
        say(f"Only {different} of {len(items)} pictures differ in their pixels.", "bold red")
        return BROKEN
    words = f"{_in_words(different)}, compared pixel by pixel. See them side by side:"
    suggest(words, str(OUTPUT / "contact-sheet.png"))
    return KEPT


def _pixels(png: bytes) -> bytes:
    from PIL import Image as Pictures

    with Pictures.open(io.BytesIO(png)) as picture:
        return picture.convert("RGBA").tobytes()


def _in_words(different: int) -> str:
    if different == 1:
        return "One picture"
    return f"{different} pictures, all different"


def _settings(folder: Path, urls: Sequence[str]) -> Settings:
    """Through a file like anybody's, so that it can be looked at; no variable is read."""
    from safelight.settings import load

    graph = files("safelight.cli").joinpath("portrait.json").read_text("utf-8")
    (folder / "portrait.json").write_text(graph, "utf-8")
    config = folder / "safelight.toml"
    config.write_text(SETTINGS.format(*urls), "utf-8")
    return load(config, environ={"SAFELIGHT_HOME": str(folder)}, cwd=folder)


@asynccontextmanager
async def _gpus(folder: Path, seconds: float) -> AsyncIterator[list[str]]:
    """Simulated servers on free ports, each with a folder of its own that outlives it."""
    from safelight.simulator.main import Options, start

    async with AsyncExitStack() as stack:
        urls: list[str] = []
        for name in GPUS:
            home = folder / name
            options = Options(home=home, output=home / "output", port=0, seconds=seconds)
            servers = await start(options)
            stack.push_async_callback(servers.close)
            urls += servers.urls
        yield urls
