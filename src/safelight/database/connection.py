"""Connections to PostgreSQL: the pool, transactions, and foreign errors turned into ours.

Every session sets `statement_timeout` 10 s, `lock_timeout` 5 s and
`idle_in_transaction_session_timeout` 5 s: whoever hangs inside a transaction is thrown out before
others wait for its locks. LISTEN and the lease need real sessions,
not those of a pooler in transaction mode.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from importlib import resources
from typing import Any, TypeAlias

import asyncpg

from safelight.core.errors import DatabaseAway, SettingsError
from safelight.core.happenings import Happening
from safelight.database.noting import Session, nothing_yet

Connection: TypeAlias = Any  # asyncpg.Connection or its pool proxy; asyncpg has no common type
Row: TypeAlias = Any  # asyncpg.Record

SESSION_SETTINGS = {
    "statement_timeout": "10000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "5000",
    "timezone": "UTC",
}
POOLED = (
    "database.url leads to a pooler that gives no sessions of one's own (PgBouncer in transaction "
    "mode, for example); leases and notifications would be lost there. Connect to PostgreSQL "
    "itself, or through a pooler in session mode that passes session settings on"
)
_PATIENCE = 5.0  # s to connect, or for a session of the pool to become free
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # shut down, terminated, starting up, cancelled
    asyncpg.InsufficientResourcesError,  # disk full, too many connections, out of memory
    asyncpg.PostgresSystemError,  # its disk fails
    asyncpg.InvalidCatalogNameError,  # no such database: it is being restored, or never was
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalClientError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database admits nobody now
    asyncpg.IdleInTransactionSessionTimeoutError,
    ConnectionError,
    TimeoutError,
    OSError,
)


@contextmanager
def translating() -> Iterator[None]:
    """Foreign errors that mean "not now" become `DatabaseAway`; mistakes of ours stay loud."""
    try:
        yield
    except _AWAY as error:
        raise DatabaseAway(f"{type(error).__name__}: {_first_line(error)}") from error
    except asyncpg.InvalidPasswordError:
        raise DatabaseAway("the database refuses this user or password") from None


@contextmanager
def _dropping(connection: Connection) -> Iterator[None]:
    """A session that did not answer in time is dropped: its rollback would be waited for too."""
    try:
        yield
    except TimeoutError:
        connection.terminate()
        raise


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or ["no further word"])[0][:200]


@functools.cache
def sql(name: str) -> str:
    """The one statement in `queries/<name>.sql`."""
    return resources.files(__package__).joinpath("queries", f"{name}.sql").read_text("utf-8")


class Database:
    """A pool of sessions.

    Example:
        async with database.transaction() as c:
            rows = await c.fetch(sql("backends"))
    """

    def __init__(
        self, pool: asyncpg.Pool, arguments: Mapping[str, Any], name: str, one: _One
    ) -> None:
        self._pool = pool
        self._arguments = arguments
        self.name = name
        """What the pool's sessions are called in pg_stat_activity; no other process's are."""
        self._one = one
        self.count: Callable[[Happening], None] = lambda happening: None
        """Where it is told what happened, after the commit; set once by whoever counts."""

    async def stay_with_this_one(self) -> None:
        """From now on a new session must lead to this same database, in this same life.

        What a process remembers of another one is worth nothing: after a restore it can neither
        read nor write until it is started again. Raises `DatabaseAway`.
        """
        row = await self.fetchrow("life")
        assert row is not None
        self._one.life = row["life"]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction on one session. Raises `DatabaseAway`."""
        with translating():
            async with self._pool.acquire(timeout=_PATIENCE) as connection:
                happened = nothing_yet(connection)
                async with connection.transaction():
                    with _dropping(connection):
                        yield connection
                self._tell(happened)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """One session, every statement its own transaction. Raises `DatabaseAway`."""
        with translating():
            async with self._pool.acquire(timeout=_PATIENCE) as connection:
                happened = nothing_yet(connection)
                try:
                    with _dropping(connection):
                        yield connection
                finally:
                    self._tell(happened)

    def _tell(self, happened: Sequence[Happening]) -> None:
        for happening in happened:
            self.count(happening)

    def sessions(self) -> tuple[int, int, int]:
        """How many are open, how many of these are idle, and how many there may be."""
        return self._pool.get_size(), self._pool.get_idle_size(), self._pool.get_max_size()

    async def fetch(self, name: str, *arguments: object) -> list[Row]:
        """All rows of one statement. Raises `DatabaseAway`."""
        async with self.session() as connection:
            return list(await connection.fetch(sql(name), *arguments))

    async def fetchrow(self, name: str, *arguments: object) -> Row | None:
        """The first row of one statement, or None. Raises `DatabaseAway`."""
        async with self.session() as connection:
            return await connection.fetchrow(sql(name), *arguments)

    async def connect(self, name: str, *, patient: bool = False) -> Connection:
        """A session of one's own, beside the pool, called `name` in pg_stat_activity.

        A `patient` one waits for a statement as long as it takes.
        """
        with translating():
            connection = await _connect(self._arguments, name, patient)
            with ExitStack() as stack:
                stack.callback(connection.terminate)
                await self._one.check(connection)
                stack.pop_all()
            return connection

    async def close(self) -> None:
        """Close every session; those still busy after 3 s are dropped."""
        try:
            await asyncio.wait_for(self._pool.close(), 3)
        except TimeoutError:
            self._pool.terminate()


async def open_database(arguments: Mapping[str, Any], *, sessions: int = 10) -> Database:
    """Open a pool; `arguments` are those of `asyncpg.connect` (`dsn`, or host, user, database).

    Raises:
        DatabaseAway: no answer, wrong password, unknown database.
        SettingsError: a pooler shares the sessions out.
    """
    one, name = _One(), f"safelight {secrets.token_hex(4)}"
    with translating(), refusing_poolers():
        if "dsn" in arguments:
            await _prove_sessions(arguments)
        pool = await asyncpg.create_pool(
            **arguments,
            min_size=1,
            max_size=sessions,
            max_inactive_connection_lifetime=0,
            timeout=_PATIENCE,
            init=one.check,
            connection_class=Session,
            reset=_keep_as_is,
            server_settings={**SESSION_SETTINGS, "application_name": name},
            command_timeout=_patience(arguments),
            statement_cache_size=256,
            max_cached_statement_lifetime=0,
        )
    return Database(pool, arguments, name, one)


async def _prove_sessions(arguments: Mapping[str, Any]) -> None:
    """Two connections held open are two server processes, and each stays the same.

    A pooler in transaction mode gives both the one that was idle last, or each statement the next
    one; so the first is asked three times, the last two without a pause between them.
    """
    async with AsyncExitStack() as stack:
        first = await _connect(arguments, "safelight-check", patient=False)
        stack.callback(first.terminate)
        second = await _connect(arguments, "safelight-check", patient=False)
        stack.callback(second.terminate)
        own, other, *again = [await _server_process(each) for each in (first, second, first, first)]
    if own == other or {own} != set(again):
        raise SettingsError(POOLED)


async def _server_process(connection: Connection) -> int:
    # In a transaction, so that even a pooler in transaction mode can answer.
    async with connection.transaction():
        return int(await connection.fetchval("select pg_backend_pid()"))


@contextmanager
def refusing_poolers() -> Iterator[None]:
    """What a pooler answers to those who need sessions becomes a `SettingsError`."""
    try:
        yield
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError):
        raise SettingsError(POOLED) from None
    except asyncpg.ProtocolViolationError as error:
        if "unsupported startup parameter" not in str(error):
            raise
        raise SettingsError(f"{POOLED} ({_first_line(error)})") from None


class _One:
    """The one database a process works with, once it has said which."""

    def __init__(self) -> None:
        self.life: str | None = None

    async def check(self, connection: Connection) -> None:
        if self.life is None:
            return
        try:
            life = await connection.fetchval(sql("life"))
        except asyncpg.UndefinedTableError:
            life = None
        if life != self.life:
            raise DatabaseAway(
                "the database is not the one this process began with; after a restore, "
                "start it again"
            )


def _patience(arguments: Mapping[str, Any]) -> float | None:
    # A network may swallow an answer; a socket of this machine cannot, and a timer for each
    # statement is not free. `statement_timeout` holds for both.
    return None if str(arguments.get("host", "")).startswith("/") else 15.0


async def _connect(arguments: Mapping[str, Any], name: str, patient: bool) -> Connection:
    settings = {**SESSION_SETTINGS, "application_name": name}
    if patient:
        settings |= {setting: "0" for setting in SESSION_SETTINGS if setting.endswith("_timeout")}
    return await asyncpg.connect(
        **arguments,
        server_settings=settings,
        command_timeout=None if patient else _patience(arguments),
        timeout=_PATIENCE,
    )


async def _keep_as_is(connection: Connection) -> None:
    # No session state is ever changed, so there is nothing to reset; it would cost a statement
    # each time a session goes back to the pool.
    return
