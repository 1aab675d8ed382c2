"""Taking over what another service has drawn: from a folder, or from the ComfyUI that has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safelight.assembly.parts import bare_url, opened_database
from safelight.assembly.sharing import shared_store
from safelight.core.adopting import Means, Names, Report, read_index
from safelight.core.naming import DEFAULT_TEMPLATE, NameTemplate, check_id, check_user
from safelight.pipeline.adopt import Adopter, Progress, Takeover
from safelight.renderers.base import Fetched, Unfetched
from safelight.renderers.comfyui_output import ComfyOutput
from safelight.renderers.outputs import FolderOutput, Output, OutputAway
from safelight.settings import Settings

_INDEX_FILE: Final = 1024  # bytes of the largest that is read


@dataclass(frozen=True, slots=True)
class Adoption:
    """What somebody wants to be taken over."""

    user: str
    character: str
    source: str  # a folder, or the address of a ComfyUI
    subfolder: str = ""  # of ComfyUI's output folder
    index_file: str | None = None  # a name beside the pictures; with a slash, a path
    index_means: Means = "last"
    template: str | None = None  # of the names; None: the usual one
    apply: bool = False
    check: bool = False


async def adopt(settings: Settings, wanted: Adoption, progress: Progress) -> Report:
    """Say what would be taken over, or take it over.

    Raises:
        Invalid: no user id, character id or name template.
        OutputAway: pictures or index file cannot be read.
        SettingsError, DatabaseAway, StoreError.
    """
    template = DEFAULT_TEMPLATE if wanted.template is None else NameTemplate(wanted.template)
    check_user(wanted.user)
    check_id(wanted.character, "/character")
    names = Names(template, wanted.user, wanted.character)
    async with _opened(settings, wanted) as output:
        takeover = Takeover(
            names,
            await _index(output, wanted),
            wanted.apply,
            # A look into files of this machine costs nobody else anything.
            wanted.check or isinstance(output, FolderOutput),
            int(settings.rendering.max_file),
            settings.rendering.max_pixels,
            publishers=tuple(settings.publishers),
        )
        async with opened_database(settings) as database:
            store = await shared_store(settings, database) if wanted.apply else None
            return await Adopter(takeover, output, database, store).run(progress)


@asynccontextmanager
async def _opened(settings: Settings, wanted: Adoption) -> AsyncIterator[Output]:
    output = _output(settings, wanted)
    try:
        yield output
    finally:
        await output.close()


def _output(settings: Settings, wanted: Adoption) -> Output:
    if not wanted.source.lower().startswith(("http://", "https://")):
        if wanted.subfolder:
            raise OutputAway("a folder has no --subfolder: name that folder itself", usage=True)
        return FolderOutput(Path(wanted.source))
    # A server that draws for us too is asked with the same headers.
    known = [
        backend
        for backend in settings.backends
        if backend.kind == "comfyui"
        and bare_url(backend.url).rstrip("/") == wanted.source.rstrip("/")
    ]
    headers = {
        name: value.get_secret_value() for one in known[:1] for name, value in one.headers.items()
    }
    token = known[0].token.get_secret_value() if known and known[0].token else None
    try:
        return ComfyOutput(wanted.source, subfolder=wanted.subfolder, headers=headers, token=token)
    except ValueError as error:
        raise OutputAway(str(error), usage=True) from None


async def _index(output: Output, wanted: Adoption) -> int | None:
    name = wanted.index_file
    if name is None:
        return None
    beside: Output = output
    if "/" in name:
        path = Path(name)
        beside, name = FolderOutput(path.parent), path.name
    try:
        match await beside.fetch(name, _INDEX_FILE):
            case Unfetched(reason):
                raise OutputAway(f"the index file cannot be read: {reason}", usage=True)
            case Fetched(data):
                pass
    finally:
        if beside is not output:
            await beside.close()
    try:
        return read_index(data, wanted.index_means)
    except ValueError as error:
        raise OutputAway(f"the index file cannot be used: {error}", usage=True) from None
