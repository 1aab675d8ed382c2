"""database.url must give real sessions: poolers that share them out are refused at the start."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from safelight.database import embedded
from tests.contracts.pooler import Pooler
from tests.processes import Processes
from tests.waiting import until

UNPACKED = Path(__file__).parents[2] / ".cache" / "pgbouncer" / "usr" / "sbin"
PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(UNPACKED)])
PGBOUNCER = shutil.which("pgbouncer", path=PATHS)


@contextmanager
def pooled(server: embedded.Server, **how: Any) -> Iterator[Pooler]:
    pooler = Pooler(str(server.data / "cluster" / ".s.PGSQL.5432"), **how)
    try:
        yield pooler
    finally:
        pooler.close()


def refusal(processes: Processes, command: str, url: str) -> str:
    """What a command says that is refused."""
    process = processes.start(command, environ={"SAFELIGHT_DATABASE_URL": url})
    code = process.popen.wait(60)
    process.end_of_lines()
    said = " ".join("\n".join(process.lines).split())
    assert code == 2, said
    return said


@pytest.mark.parametrize("command", ["work", "migrate"])
@pytest.mark.parametrize(
    ("servers", "lifo"), [(1, True), (4, True), (2, False), (3, False)], ids=str
)
def test_a_pooler_that_hands_out_transactions_is_refused(
    processes: Processes,
    postgres: embedded.Server,
    database_name: str,
    servers: int,
    lifo: bool,
    command: str,
) -> None:
    """Whether it gives the session that was idle last (as PgBouncer does) or the next in turn."""
    with pooled(postgres, servers=servers, lifo=lifo) as pooler:
        url = f"postgresql://{postgres.user}@127.0.0.1:{pooler.port}/{database_name}"
        said = refusal(processes, command, url)
    assert "error: database.url leads to a pooler that gives no sessions of one's own" in said
    assert "Connect to PostgreSQL itself" in said


def test_a_pooler_that_hands_out_sessions_will_do(
    processes: Processes, postgres: embedded.Server, database_name: str
) -> None:
    with pooled(postgres, whole_sessions=True) as pooler:
        url = f"postgresql://{postgres.user}@127.0.0.1:{pooler.port}/{database_name}"
        process = processes.start("migrate", environ={"SAFELIGHT_DATABASE_URL": url})
        assert process.popen.wait(60) == 0


@pytest.mark.skipif(PGBOUNCER is None, reason="no PgBouncer: sudo make tools")
@pytest.mark.parametrize("ignored", [True, False], ids=["settings ignored", "settings refused"])
def test_the_real_pgbouncer_in_transaction_mode_is_refused(
    processes: Processes,
    postgres: embedded.Server,
    database_name: str,
    ignored: bool,
) -> None:
    """Also where it refuses the settings of a session before anything can be asked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with bouncing(postgres, database_name, port, ignored=ignored):
        url = f"postgresql://{postgres.user}@127.0.0.1:{port}/{database_name}"
        said = refusal(processes, "work", url)
    assert "database.url leads to a pooler that gives no sessions of one's own" in said


@contextmanager
def bouncing(server: embedded.Server, database: str, port: int, *, ignored: bool) -> Iterator[None]:
    """PgBouncer, as the user that PostgreSQL runs as: neither wants to be root."""
    cluster = server.data / "cluster"
    owner = cluster.stat()
    # By descriptor, as PostgreSQL itself is given it: only root may enter the folders above.
    folder = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
    here = f"/proc/self/fd/{folder}"
    settings = "statement_timeout,lock_timeout,idle_in_transaction_session_timeout"
    config = cluster / f"pgbouncer-{port}.ini"
    config.write_text(
        f"[databases]\n{database} = host={here} user={server.user}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\n"
        + (f"ignore_startup_parameters = {settings}\n" if ignored else "")
    )
    config.chmod(0o644)
    as_owner: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [str(PGBOUNCER), f"{here}/{config.name}"],
        stdout=quiet,
        stderr=quiet,
        pass_fds=[folder],
        **(as_owner if os.geteuid() == 0 else {}),
    ) as bouncer:
        try:
            until(lambda: _answers(port))
            yield
        finally:
            bouncer.kill()
            config.unlink()
            os.close(folder)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
