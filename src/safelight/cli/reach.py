"""A server to talk to: the one that runs, or everything in this process until the command ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from safelight.cli.session import AWAY, BAD_USAGE, Failure, Session, refused
from safelight.cli.terminal import say

if TYPE_CHECKING:
    from safelight.client import AsyncClient
    from safelight.settings import Settings


UNSET: Final = "start one with `safelight serve`, or unset SAFELIGHT_URL to do without"
LOST: Final = "what it has accepted is not lost; start it again with `safelight serve`"
PROBE: Final = 3.0  # seconds; another program at that port may never answer


@dataclass(frozen=True, slots=True)
class Reached:
    """A client, and whether its server ends with this command."""

    client: AsyncClient
    embedded: bool


@asynccontextmanager
async def reached(session: Session, *, worker: bool) -> AsyncIterator[Reached]:
    """SAFELIGHT_URL if it is set, else the settings' server if it runs, else one of our own.

    `worker` says whether one of our own draws; a server that runs does as it pleases.
    """
    settings = session.settings()
    with no_answer_is_a_failure(UNSET if settings.url else LOST):
        url = settings.url or await _running(settings)
        if url:
            async with connect(url, settings) as client:
                await client.health()
                yield Reached(client, embedded=False)
        else:
            async with _embedded(session, worker) as client:
                yield Reached(client, embedded=True)


@contextmanager
def no_answer_is_a_failure(advice: str) -> Iterator[None]:
    """What a client raises, in the words of the command line."""
    from safelight.client import NoServer, ProblemError

    try:
        yield
    except NoServer as error:
        raise Failure(str(error), advice, AWAY) from None
    except ProblemError as error:
        faults = [(each.pointer, each.detail) for each in error.errors]
        code = AWAY if error.status >= 500 else BAD_USAGE
        raise refused(error.detail, faults, code) from None


def connect(url: str, settings: Settings, *, timeout: float = 30.0) -> AsyncClient:
    """A client with the key that the settings have."""
    from safelight.client import AsyncClient

    key = settings.key.get_secret_value() if settings.key else ""
    return AsyncClient(url, key, timeout=timeout)


async def _running(settings: Settings) -> str | None:
    """The address in the settings, if a Safelight and nothing else answers there."""
    from safelight.client import ClientError

    if settings.server.port == 0:
        return None
    async with connect(_address(settings), settings, timeout=PROBE) as client:
        try:
            answer = await client.ready()
        except ClientError:
            return None
    return client.url if "checks" in answer else None


@asynccontextmanager
async def _embedded(session: Session, worker: bool) -> AsyncIterator[AsyncClient]:
    """Links name the address where `safelight serve` would listen: they outlive this server."""
    from safelight.assembly import running
    from safelight.cli.logs import log_warnings
    from safelight.client import AsyncClient

    settings = session.settings()
    log_warnings(settings)
    if worker:
        say("No server runs, so everything runs here until this is done.", "dim")
    if settings.server.public_url is None and settings.server.port:
        settings = session.settings({"server.public_url": _address(settings)})
    async with (
        running(settings, worker=worker, port=0) as server,
        AsyncClient(server.url, server.key) as client,
    ):
        yield client


def _address(settings: Settings) -> str:
    host, port = settings.server.host, settings.server.port
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # all there are: this one too
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
