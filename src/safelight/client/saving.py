"""Pictures as files: whole or not at all, and never in the place of another picture."""

from __future__ import annotations

import filecmp
import os
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias

from safelight.client.errors import UnexpectedAnswer

Bring: TypeAlias = Callable[[str, IO[bytes]], Awaitable[None]]  # what is asked for, an open file


async def save(folder: Path, wanted: Mapping[str, str], bring: Bring) -> list[Path]:
    """Bring files (name -> what to ask for) into a folder: all of them or none.

    Raises:
        FileExistsError: a file of that name holds something else. Nothing was written.
        OSError: the folder cannot be written to.
    """
    with tempfile.TemporaryDirectory(prefix=".safelight-", dir=folder) as parts:
        for name, id in wanted.items():
            with (Path(parts) / name).open("wb") as file:
                await bring(id, file)
        return _put_in_place(Path(parts), folder, list(wanted))


def made(folder: Path) -> Path:
    """The folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def target_of(path: Path, name: str) -> tuple[Path, str]:
    """Folder and file name: in a folder that is there under the image's own name."""
    if path.is_dir():
        return path, own_name(name)
    return path.parent, path.name


def own_name(name: str) -> str:
    """The name of an image's file, as the server says it, which may be no way out of a folder."""
    if name in ("", ".", "..") or name.startswith(".safelight-") or set(name) & set("/\\\0:"):
        raise UnexpectedAnswer(200, f"an image is named {name[:100]!r}, which is no file name")
    return name


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of what was there when everything is written, not before."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _put_in_place(parts: Path, folder: Path, names: list[str]) -> list[Path]:
    made: list[Path] = []
    try:
        for name in names:
            if _put(parts / name, folder / name):
                made.append(folder / name)
    except OSError:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    return [folder / name for name in names]


def _put(part: Path, path: Path) -> bool:
    """Give a file its name; False where the same picture is there already."""
    try:
        _link(part, path)
    except FileExistsError:
        if path.is_file() and filecmp.cmp(part, path, shallow=False):
            return False
        raise FileExistsError(f"{path} is there already and is another file") from None
    return True


def _link(part: Path, path: Path) -> None:
    """Like a rename, but never over what is there."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is taken first, then filled
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(part, path)
