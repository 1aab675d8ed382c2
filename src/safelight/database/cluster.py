"""One PostgreSQL cluster: make it, ask it, start it, stop it.

The server never sees a path. It is handed its folder open, as its data and working folder, and
its socket folder is `.`: so the folder may lie where the server's account cannot go, and at any
depth, though a socket's path has 107 bytes. Its processes are recognised by their working folder.
"""

from __future__ import annotations

import enum
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from safelight.database.binaries import HERE, Account, Binaries, EmbeddedError, run

USER = "safelight"
SOCKET = ".s.PGSQL.5432"

LOG_LIMIT = 8 * 1024 * 1024
"""Bytes of log at which the next start sets it aside as `server.log.1`."""

ORPHANS_HAVE = 5.0
"""Seconds the processes of a killed server may take to end before they are told to, and again
before they are ended."""

STOPPING = [(signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)]
"""How a server is told to stop (fast, at once, by force), and the seconds each may take."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "cluster_name": "safelight",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement's error reaches whoever sent it; the log keeps what the server itself did.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}

# A greeting (protocol 3.0) and a goodbye in one go: the answer ends by itself.
_NAMES = f"user\0{USER}\0database\0postgres\0\0".encode()
_GREETING = struct.pack("!ii", 8 + len(_NAMES), 196608) + _NAMES + b"X\0\0\0\4"
_CANNOT_CONNECT_NOW = b"C57P03\0"

# Run as the server's account: root without CAP_SYS_PTRACE (any container) may not look there.
_WHO_IS_HERE = 'for pid do [ "/proc/$pid/cwd" -ef . ] && echo "$pid"; done; true'

# Its parent ends at once, so that the server has none; what is left is its process id.
_LEAVE_RUNNING = '"$@" >&2 & echo $!'


class State(enum.Enum):
    """What a cluster is doing."""

    READY = "accepts connections"
    BUSY = "starts, recovers or stops"
    ORPHANED = "processes are left of a server that was killed"
    STOPPED = "no process"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's folder, its log, and the account of its server (None: this process's)."""

    folder: Path
    log: Path
    account: Account | None

    def state(self) -> State:
        """Ask the server, and where nobody answers, look for its processes."""
        if not self.folder.exists():
            return State.STOPPED
        if answer := self._answer():
            return State.BUSY if _CANNOT_CONNECT_NOW in answer else State.READY
        if answer is not None:
            return State.BUSY
        processes = self._processes()
        if self._recorded() in processes:
            return State.BUSY
        return State.ORPHANED if processes else State.STOPPED

    def start(self, binaries: Binaries, settings: Mapping[str, str]) -> int:
        """Start the server, making the cluster where there is none, and return its process id.

        Does not wait for it. Only for a stopped cluster: a killed server's leftovers are removed,
        which would let a second one in. Raises EmbeddedError, OSError.
        """
        if not self.folder.exists():
            self._make(binaries)
        self._check_version(binaries)
        for leftover in ("postmaster.pid", f"{SOCKET}.lock", SOCKET):
            (self.folder / leftover).unlink(missing_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        command = [binaries.program("postgres"), "-D", HERE]
        for name, value in {**SETTINGS, **settings}.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            shell = ["/bin/sh", "-c", _LEAVE_RUNNING, "sh", *command]
            return int(run(shell, self.account, self.folder, errors=log).stdout)

    def stop(self) -> None:
        """Stop the server: fast at first, by force where that does not help.

        Returns when its process has ended. Raises EmbeddedError where it does not.
        """
        pid = self._postmaster()
        if pid is None:
            return
        for number, seconds in STOPPING:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            if _within(seconds, lambda: not alive(pid)):
                return
        raise EmbeddedError(f"PostgreSQL (process {pid}) does not stop. {self.last_words()}")

    def reap(self, waited: float) -> None:
        """Hurry what a killed server left behind; `waited` seconds have passed so far.

        They end by themselves, most at once, and one in a long statement when it is done.
        """
        if waited > ORPHANS_HAVE:
            for pid in self._processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT if waited < 2 * ORPHANS_HAVE else signal.SIGKILL)

    def last_words(self) -> str:
        """The end of the server's log, as part of an error's message."""
        if not self.log.exists():
            return f"It has written nothing to {self.log}."
        lines = self.log.read_bytes()[-20_000:].decode(errors="replace").splitlines()
        told = [line for line in lines if "FATAL:  the database system is" not in line]
        return f"The end of {self.log}:\n" + "\n".join(told[-8:]) + "\n"

    def _make(self, binaries: Binaries) -> None:
        """Make the cluster beside its place, and move it there when it is whole."""
        for leftover in self.folder.parent.glob("cluster.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="cluster.new-", dir=self.folder.parent))
        try:
            if self.account:
                os.chown(draft, self.account.uid, self.account.gid)
            command = [binaries.program("initdb"), *_initdb_options(binaries.major)]
            done = run(command, self.account, draft)
            if done.returncode:
                said = done.stdout.decode(errors="replace")[-2000:].strip()
                raise EmbeddedError(f"PostgreSQL could not make its folder {self.folder}:\n{said}")
            draft.rename(self.folder)
            sync(self.folder.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _check_version(self, binaries: Binaries) -> None:
        file = self.folder / "PG_VERSION"
        made_by = file.read_text(errors="replace").strip() if file.exists() else ""
        if not made_by:
            raise EmbeddedError(
                f"{self.folder} is no PostgreSQL folder: it has no PG_VERSION. Restore it from a "
                "backup, or move it away to begin with an empty database."
            )
        if made_by != str(binaries.major):
            raise EmbeddedError(
                f"{self.folder} was made by PostgreSQL {made_by}, and the programs in "
                f"{binaries.folder} are PostgreSQL {binaries.major}. Go on with PostgreSQL "
                f"{made_by}, or dump the database with its pg_dump, move the folder away, and "
                "restore the dump into the new one."
            )

    def _answer(self) -> bytes | None:
        """What the server answers to a greeting; empty when it cannot say, None without one."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(5)
                line.connect(f"/proc/self/fd/{folder}/{SOCKET}")
                line.sendall(_GREETING)
                return b"".join(iter(lambda: line.recv(4096), b""))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except (TimeoutError, BlockingIOError, ConnectionError):
            return b""
        finally:
            os.close(folder)

    def _recorded(self) -> int:
        """The process id in the server's pid file, a stranger's perhaps; 0 without one."""
        try:
            first = (self.folder / "postmaster.pid").read_text().partition("\n")[0]
            return int(first)
        except (FileNotFoundError, ValueError):
            return 0

    def _postmaster(self) -> int | None:
        """The server's main process; one that has just been started has not yet written who it
        is, and what is left of a killed one never will."""
        deadline = time.monotonic() + 5
        while processes := self._processes():
            pid = self._recorded()
            if pid in processes:
                return pid
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        return None

    def _processes(self) -> list[int]:
        """The living processes of PostgreSQL whose working folder is this cluster's."""
        numbers = [name for name in os.listdir("/proc") if name.isdecimal()]
        named = [pid for pid in numbers if _is_postgres(int(pid))]
        if not named:
            return []
        ask = ["/bin/sh", "-c", _WHO_IS_HERE, "sh", *named]
        answer = run(ask, self.account, self.folder, errors=subprocess.DEVNULL)
        return [int(pid) for pid in answer.stdout.split()]


def _initdb_options(major: int) -> list[str]:
    options = ["-D", HERE, "-U", USER, "--encoding=UTF8", "--locale=C", "--no-instructions"]
    options += ["--auth-local=trust", "--auth-host=scram-sha-256"]
    if major >= 16:
        options += ["-c", "huge_pages=off"]
    if major >= 17:
        # The order of text then never depends on the system's C library.
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return options


def alive(pid: int | None) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    return _stat(pid or 0)[1] not in "ZX"


def sync(folder: Path) -> None:
    """Make what was created or renamed in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_postgres(pid: int) -> bool:
    name, state = _stat(pid)
    return name == "postgres" and state not in "ZX"


def _stat(pid: int) -> tuple[str, str]:
    """A process's name and the letter of its state; `X` without one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "", "X"
    name, _, rest = text.partition("(")[2].rpartition(") ")
    return name, rest[0]


def _within(seconds: float, true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
