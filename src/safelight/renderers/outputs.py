"""The border to an output folder that was there before: what is found in it, and the protocol.

Like a renderer (`base`), it answers with records for what may be wrong with one file. What is wrong
with all of it is an `OutputAway`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from safelight.core.adopting import Found, Names
from safelight.renderers.base import Answer, Fetched, Unfetched

END_OF_PNG: Final = bytes.fromhex("0000000049454e44ae426082")
T = TypeVar("T")

_BITE: Final = 1_000  # names told at once
_HOW: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class OutputAway(Exception):
    """The folder cannot be looked at; the text says why, without credentials.

    `usage` is true where something else should have been typed.
    """

    def __init__(self, reason: str, *, usage: bool = False) -> None:
        super().__init__(reason)
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Looked:
    """A part of the folder was looked at."""

    many: int  # names, or numbers, since the beginning
    found: Sequence[Found]  # in this part


class Output(Protocol):
    """A folder of pictures that somebody else has written."""

    kind: str  # "folder" or "comfyui"

    def pictures(self, names: Names, known: int) -> AsyncIterator[Looked]:
        """What is called like a picture of the series; `known` is a number that was given out
        according to somebody. Raises `OutputAway`."""
        ...

    async def ends_well(self, name: str) -> bool | None:
        """Whether a file ends as a whole PNG does, without reading all of it; None: nobody says.
        Raises `OutputAway`."""
        ...

    async def fetch(self, name: str, limit: int) -> Answer:
        """The bytes of a file, at most `limit` of them. Raises `OutputAway`."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class FolderOutput:
    """A folder of this machine. Nothing outside it is ever read: no link is followed, and names
    with a slash are none."""

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        """Raises `OutputAway`."""
        with _translated():
            self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    async def pictures(self, names: Names, known: int) -> AsyncIterator[Looked]:
        """All of the folder; `known` does not matter where names are listed."""
        with _translated():
            listed = await asyncio.to_thread(os.listdir, self._descriptor)
        for at in range(0, len(listed), _BITE):
            part = listed[at : at + _BITE]
            yield Looked(at + len(part), await asyncio.to_thread(self._among, part, names))

    async def ends_well(self, name: str) -> bool | None:
        """Whether its last bytes are those of a PNG."""
        answer = await asyncio.to_thread(self._read, name, None, -len(END_OF_PNG))
        return isinstance(answer, Fetched) and answer.data == END_OF_PNG

    async def fetch(self, name: str, limit: int) -> Answer:
        """Its bytes, if it is a plain file of this folder."""
        return await asyncio.to_thread(self._read, name, limit, 0)

    async def close(self) -> None:
        """Close the folder."""
        os.close(self._descriptor)

    def _among(self, listed: Sequence[str], names: Names) -> list[Found]:
        return [
            Found(index, name, self._size(name))
            for name in listed
            if (index := names.index_of(name)) is not None
        ]

    def _size(self, name: str) -> int | None:
        try:
            return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_size
        except OSError:
            return None  # gone since it was listed: reading it will say so

    def _read(self, name: str, limit: int | None, start: int) -> Answer:
        if "/" in name or "\0" in name or name in ("", ".", ".."):
            return Unfetched("no name of a file in this folder", gone=True)
        try:
            descriptor = os.open(name, _HOW, dir_fd=self._descriptor)
        except OSError as error:
            linked = error.errno == errno.ELOOP
            reason = "a link is not followed" if linked else os.strerror(error.errno or 0).lower()
            return Unfetched(reason, gone=True)
        try:
            return _content(descriptor, limit, start)
        except OSError as error:
            return Unfetched(os.strerror(error.errno or 0).lower())
        finally:
            os.close(descriptor)


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All of them at once; the first one that fails ends the others."""
    try:
        async with asyncio.TaskGroup() as tasks:
            begun = [tasks.create_task(work) for work in works]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in begun]


def _content(descriptor: int, limit: int | None, start: int) -> Answer:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return Unfetched("not a plain file", gone=True)
    if limit is not None and found.st_size > limit:
        return Unfetched(f"more than {limit} bytes", too_large=True)
    with FileIO(descriptor, closefd=False) as file:
        file.seek(max(found.st_size + start, 0) if start < 0 else 0)
        # As much as was announced: it may be growing.
        return Fetched(file.read(found.st_size))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputAway(os.strerror(error.errno or 0).lower(), usage=True) from None
    except ValueError:
        raise OutputAway("that is no path", usage=True) from None
