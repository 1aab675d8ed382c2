"""The embedded PostgreSQL: started when first needed, shared, stopped by the last clean exit.

The data folder holds

    cluster/      PostgreSQL's own folder (0700), with the socket
    lock          held alone while somebody starts or stops the server
    users         held shared by everybody who uses it; the kernel lets go for the dead
    server.log    what the server said

The server is nobody's child: killing the process that started it leaves it running, and the next
one attaches. Whether it runs is decided by asking it, never by its pid file, which outlives
kill -9 and names strangers after a reboot.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safelight.database.binaries import EmbeddedError, account_for, locate
from safelight.database.cluster import USER, Cluster, State, alive, sync

__all__ = ["EmbeddedError", "Server", "attach", "release"]

PATIENCE = 280.0
"""Seconds a start may take: replaying the log after an unclean stop can take minutes."""

RELEASE_PATIENCE = 3.0
"""Seconds a release waits for its turn. Whoever keeps it waiting longer is starting the server
for himself, so it is not ours to stop."""


@dataclass(frozen=True, slots=True)
class Server:
    """One process's use of an embedded server.

    `host` is the socket's folder as this process must name it; it means nothing in another.

        server = await attach(Path("data"))
        connection = await asyncpg.connect(**server.connect_arguments())
        ...
        await release(server)
    """

    data: Path
    host: str
    user: str
    database: str
    _cluster: Cluster = field(repr=False, compare=False)
    _held: list[int] = field(repr=False, compare=False)
    """Descriptors: the place among the users, then the socket's folder. Empty: released."""

    @property
    def log(self) -> Path:
        """The file the server writes to."""
        return self._cluster.log

    def connect_arguments(self) -> dict[str, Any]:
        """Keyword arguments for asyncpg's `connect` and `create_pool`."""
        return {
            "host": self.host,
            "port": 5432,
            "user": self.user,
            "database": self.database,
        }


async def attach(
    data: Path,
    *,
    binaries: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Server:
    """Use the server of this data folder, making and starting it where needed.

    Returns when it accepts connections. `binaries` is a folder with `bin/postgres` in it; left
    out, the installed wheel's. `settings` are PostgreSQL's and count only when this call starts
    the server. Raises EmbeddedError, which says what to do.
    """
    patience = _Patience(PATIENCE)
    attaching = asyncio.ensure_future(
        asyncio.to_thread(_attach, data, binaries, dict(settings or {}), patience)
    )
    try:
        return await asyncio.shield(attaching)
    except asyncio.CancelledError:
        patience.abandoned.set()
        with suppress(EmbeddedError):
            await release(await attaching)
        raise


async def release(server: Server) -> None:
    """Give up this use of the server; the last one stops it and returns when it is gone.

    A second call does nothing. Raises EmbeddedError where it cannot be stopped.
    """
    await asyncio.shield(asyncio.to_thread(_release, server))


def _attach(
    data: Path, binaries: Path | None, settings: dict[str, str], patience: _Patience
) -> Server:
    if sys.platform != "linux":
        raise EmbeddedError("The embedded database needs Linux: set SAFELIGHT_DATABASE_URL.")
    data = data.absolute()
    held: list[int] = []
    with _explained(data):
        _make_folder(data)
        try:
            with _alone(data, patience):
                held.append(os.open(data / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                fcntl.flock(held[0], fcntl.LOCK_SH)
                folder = data / "cluster"
                cluster = Cluster(folder, data / "server.log", account_for(folder))
                _until_ready(cluster, binaries, settings, patience, held[0])
                held.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except (EmbeddedError, OSError):
            _close(held)
            raise
    # A path of any length, below folders of any mode, behind a name that always fits a socket.
    return Server(data, f"/proc/self/fd/{held[1]}", USER, "postgres", cluster, held)


def _make_folder(data: Path) -> None:
    missing = [folder for folder in (data, *data.parents) if not folder.exists()]
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in missing:
        # Else a power cut could take the whole database. A parent nobody may list is not ours.
        with suppress(PermissionError):
            sync(folder.parent)


def _until_ready(
    cluster: Cluster,
    binaries: Path | None,
    settings: dict[str, str],
    patience: _Patience,
    use: int,
) -> None:
    """Bring the cluster to where it accepts connections, from whatever state it was left in."""
    started: int | None = None
    orphaned: float | None = None
    try:
        while (state := cluster.state()) is not State.READY:
            if state is State.STOPPED and started is None:
                started = cluster.start(locate(binaries, cluster.account), settings)
            elif state is State.STOPPED and not alive(started):
                raise EmbeddedError(f"PostgreSQL did not start. {cluster.last_words()}")
            elif state is State.ORPHANED and started is None:
                orphaned = orphaned or time.monotonic()
                cluster.reap(time.monotonic() - orphaned)
            patience.pause("PostgreSQL is not ready yet", cluster.last_words)
    except EmbeddedError:
        if patience.abandoned.is_set() and _last(use):
            cluster.stop()
        raise


def _release(server: Server) -> None:
    held = server._held
    with _explained(server.data):
        try:
            with suppress(_OutOfPatience), _alone(server.data, _Patience(RELEASE_PATIENCE)):
                if held and _last(held[0]):
                    server._cluster.stop()
                # Only then: of two who leave together, the second must see that he is the last.
                _close(held)
        finally:
            _close(held)


def _last(use: int) -> bool:
    """Whether nobody else uses the server; true only while `lock` is held."""
    try:
        fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close(held: list[int]) -> None:
    while held:
        descriptor = held.pop()
        # Closing alone would not do while another thread is starting a process: it has a copy.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


class _OutOfPatience(EmbeddedError):
    """The time was up."""


class _Patience:
    """How long somebody waits, and whether he still wants to."""

    def __init__(self, seconds: float) -> None:
        self.abandoned = threading.Event()
        self._began = time.monotonic()
        self._seconds = seconds

    def pause(self, reason: str, more: Callable[[], str] = str) -> None:
        """Wait a little, longer the longer it lasts. Raises _OutOfPatience, EmbeddedError."""
        spent = time.monotonic() - self._began
        if self.abandoned.wait(min(0.25, 0.01 + spent / 20)):
            raise EmbeddedError("The start was given up.")
        if spent > self._seconds:
            raise _OutOfPatience(
                f"After {self._seconds:g} s {reason}. Wait for it and try again. {more()}"
            )


@contextmanager
def _alone(data: Path, patience: _Patience) -> Iterator[None]:
    """Be the only one who starts or stops this server."""
    lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                patience.pause(f"another process is starting or stopping PostgreSQL in {data}")
        yield
    finally:
        _close([lock])


@contextmanager
def _explained(data: Path) -> Iterator[None]:
    """Turn what the system says into what the operator can do."""
    try:
        yield
    except OSError as error:
        reason = f"The database in {data} cannot be used: {error.strerror or error}"
        where = f" ({error.filename})" if error.filename else ""
        raise EmbeddedError(f"{reason}{where}. {_advice(error)}") from error


def _advice(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "Free some space on its disk and start again."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "Start as the folder's owner, or choose another with SAFELIGHT_HOME."
        case _:
            return "Choose another folder with SAFELIGHT_HOME, or set SAFELIGHT_DATABASE_URL."
