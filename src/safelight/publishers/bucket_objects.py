"""What objects need beside obstore: credentials from a URL, pieces, lasting names."""

from __future__ import annotations

import asyncio
import mmap
import os
import re
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from safelight.publishers.base import Copy, Found

if TYPE_CHECKING:
    from obstore.store import RetryConfig

AWAY: Final = "the folder is not there"
_SMALL: Final = 4 * 1_048_576  # bytes; larger copies are sent from a file
_CHUNK: Final = 256 * 1024  # bytes
# How the user and the password of a URL are called in each cloud.
_USER_INFO: Final = {
    "s3": ("access_key_id", "secret_access_key"),
    "az": ("account_name", "account_key"),
}
_SECRET: Final = re.compile(r"secret|token|sas|_key$|_key_base64")


@dataclass(frozen=True, slots=True)
class Target:
    """An opened bucket or folder."""

    objects: ObjectStore = field(repr=False)
    folder: Path | None  # where it is one
    secrets: Sequence[str] = field(repr=False)  # never to be repeated

    def check_there(self) -> None:
        """Raise FileNotFoundError for a folder that is away: nothing may be made in its place."""
        if self.folder is not None and not self.folder.is_dir():
            raise FileNotFoundError(AWAY)


def open_target(url: str) -> Target:
    """`s3://bucket/prefix`, `gs://…`, `az://…` or `file:///folder`.

    Credentials come from the environment, or from the URL where it has them: as user and password
    (`s3://key:secret@bucket`), and every other option of the cloud in the query
    (`?endpoint=https://…&region=…`). Raises ValueError, without repeating anything secret.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        folder = Path(unquote(parts.path))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return Target(LocalStore(folder), folder, ())
        except (OSError, BaseError):
            raise ValueError(f"the folder {folder} cannot be made or entered") from None
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    told = (parts.username, parts.password)
    for name, value in zip(_USER_INFO.get(parts.scheme, ()), told, strict=False):
        if value is not None:
            options[name] = unquote(value)
    hidden = [value for name, value in options.items() if _SECRET.search(name)]
    return Target(_opened(f"{parts.scheme}://{parts.hostname}{parts.path}", options), None, hidden)


def _opened(bare: str, options: Mapping[str, Any]) -> ObjectStore:
    client: dict[str, Any] = {
        "timeout": timedelta(minutes=10),
        "connect_timeout": timedelta(seconds=10),
    }
    if str(options.get("endpoint", "")).startswith("http://"):
        client["allow_http"] = True
    retries: RetryConfig = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
    settings = {"config": options, "client_options": client, "retry_config": retries}
    try:
        return from_url(bare, **cast("Any", settings))
    except (BaseError, TypeError, ValueError):
        raise ValueError(
            f"{bare} cannot be opened: see its user, password and options, or the environment"
        ) from None


@asynccontextmanager
async def held(copy: Copy) -> AsyncIterator[bytes | mmap.mmap]:
    """A copy's bytes in one piece, as creating an object wants them; large ones from a file.

    Raises OSError when it has another size than it said.
    """
    if copy.size <= _SMALL:
        data = b"".join([piece async for piece in copy.pieces()])
        _check(len(data), copy)
        yield data
        return
    with tempfile.TemporaryFile() as file:
        async for piece in copy.pieces():
            await asyncio.to_thread(file.write, piece)
        file.flush()
        _check(file.tell(), copy)
        # Pages of a file can be dropped by the kernel, and are never ours twice. It is closed with
        # the last reader of it, which may be a request that was given up.
        yield mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _check(size: int, copy: Copy) -> None:
    if size != copy.size:
        raise OSError("the copy has another size than it said")


async def hashes(objects: ObjectStore, key: str) -> Found:
    """Size and hashes of an object, read in pieces. Raises what obstore raises."""
    size, hashed = 0, (md5(usedforsecurity=False), sha256())
    found = await obstore.get_async(objects, key)
    async for piece in found.stream(min_chunk_size=_CHUNK):
        size += len(piece)
        for one in hashed:
            one.update(piece)
    return Found(size, hashed[0].hexdigest(), hashed[1].hexdigest())


async def make_lasting(folder: Path | None, key: str) -> None:
    """In a folder: a file and its names are on the disk before anybody is told. Raises OSError."""
    if folder is not None:
        await asyncio.to_thread(_sync, folder, key)


def _sync(folder: Path, key: str) -> None:
    path = folder / key
    for one in (path, *path.parents):
        descriptor = os.open(one, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if one == folder:
            return
