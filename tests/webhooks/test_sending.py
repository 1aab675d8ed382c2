"""One message, to an address that a stranger chose: what may be reached, what answers do to us."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from safelight.core.reporting import Answered, Forbidden, Silent
from safelight.webhooks.resolving import MOST, Resolver
from safelight.webhooks.sending import MOST_READ, Messenger
from tests.receiver import Receiver

HEADERS = {"webhook-id": "b:1", "content-type": "application/json"}
NOWHERE = "3ffe::1"  # given back long ago: public by its number, and no way leads there


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver().open()
    yield opened
    opened.close()


class Names(AbstractResolver):
    """A name server that gives these addresses, one after the other; the last one for ever."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [_result(host, port, address) for address in addresses.split()]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=flags
    )


@asynccontextmanager
async def messenger(
    *, private: bool = True, patience: float = 5.0, names: AbstractResolver | None = None
) -> AsyncIterator[Messenger]:
    made = Messenger(allow_private=private, patience=patience, resolver=names)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def saying(*pieces: bytes, pause: float = 0.0, hang: bool = False) -> AsyncIterator[str]:
    """The URL of a server that answers with these bytes, whatever it is asked."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            if hang:
                await asyncio.sleep(30)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


async def test_it_arrives_as_it_is(receiver: Receiver) -> None:
    async with messenger() as sender:
        assert await sender.send(receiver.url, HEADERS, b'{"a":1}') == Answered(204)
    [message] = receiver.messages
    assert (message.path, message.body, message.id) == ("/hook", b'{"a":1}', "b:1")
    assert message.headers["content-length"] == "7"
    assert message.headers["content-type"] == "application/json"
    assert "cookie" not in message.headers


async def test_what_the_target_asks_for_is_told(receiver: Receiver) -> None:
    receiver.behave = lambda _: (429, {"Retry-After": "7"})
    async with messenger() as sender:
        assert await sender.send(receiver.url, HEADERS, b"{}") == Answered(429, "7")


async def test_no_redirect_is_followed_and_no_cookie_kept(receiver: Receiver) -> None:
    other = Receiver().open()
    receiver.behave = lambda _: (308, {"Location": other.url, "Set-Cookie": "a=b; Path=/"})
    async with messenger() as sender:
        for _ in range(2):
            assert await sender.send(receiver.url, HEADERS, b"{}") == Answered(308)
    assert other.messages == []
    assert all("cookie" not in message.headers for message in receiver.messages)
    other.close()


async def test_proxies_of_the_environment_are_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Receiver().open()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    async with messenger() as sender:
        assert await sender.send(receiver.url, HEADERS, b"{}") == Answered(204)
    assert proxy.messages == []
    proxy.close()


# --- where it may not go --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.0.0.1", "127.1"],
)
async def test_nothing_is_sent_inside(receiver: Receiver, host: str) -> None:
    async with messenger(private=False) as sender:
        answer = await sender.send(f"https://{host}:{receiver.port}/", HEADERS, b"{}")
        assert isinstance(answer, Forbidden)
        plain = await sender.send(f"http://{host}:{receiver.port}/", HEADERS, b"{}")
        assert isinstance(plain, Forbidden)
    assert receiver.messages == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.1 192.168.0.1",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "100.64.0.1",
    ],
)
async def test_a_name_that_leads_inside_is_not_connected_to(address: str) -> None:
    """The real resolver of a name server that lies; it is asked once for each try."""
    names = Names(address)
    async with messenger(private=False, names=names) as sender:
        answer = await sender.send("https://hooks.example/", HEADERS, b"{}")
    assert answer == Forbidden("the target's name leads into a private network")
    assert names.asked == ["hooks.example"]


async def test_a_name_that_changes_its_mind_is_looked_at_again(receiver: Receiver) -> None:
    """DNS rebinding: public when it is first looked at, loopback when it is used. It is looked at
    once for each connection, and the connection made to what was looked at."""
    names = Names(NOWHERE, "127.0.0.1")
    url = f"https://hooks.example:{receiver.port}/"
    async with messenger(private=False, patience=0.3, names=names) as sender:
        first = await sender.send(url, HEADERS, b"{}")
        assert isinstance(first, Silent)  # there is nobody
        assert names.asked == ["hooks.example"]
        assert isinstance(await sender.send(url, HEADERS, b"{}"), Forbidden)
        assert len(names.asked) == 2
    assert receiver.messages == []


async def test_of_several_addresses_only_those_outside_are_tried(receiver: Receiver) -> None:
    names = Names(f"127.0.0.1 {NOWHERE}")
    url = f"https://hooks.example:{receiver.port}/"
    async with messenger(private=False, patience=0.3, names=names) as sender:
        assert isinstance(await sender.send(url, HEADERS, b"{}"), Silent)
    assert receiver.messages == []


async def test_the_connection_goes_where_the_name_was_resolved_to(receiver: Receiver) -> None:
    """Nobody resolves it a second time: with leave, this name of nobody's leads to us."""
    names = Names("127.0.0.1")
    async with messenger(names=names) as sender:
        url = f"http://hooks.example:{receiver.port}/x"
        assert await sender.send(url, HEADERS, b"{}") == Answered(204)
    assert receiver.messages[0].headers["host"] == f"hooks.example:{receiver.port}"


# --- what does not answer as it should ------------------------------------------------------------


async def test_who_says_nothing_is_given_up(receiver: Receiver) -> None:
    async with saying(hang=True) as url, messenger(patience=0.3) as sender:
        assert await sender.send(url, HEADERS, b"{}") == Silent("no answer within 0.3 s")


async def test_who_speaks_too_slowly_is_given_up() -> None:
    drops = [bytes([letter]) for letter in b"HTTP/1.1 200 OK\r\n\r\n"]
    async with saying(*drops, pause=0.1) as url, messenger(patience=0.4) as sender:
        assert await sender.send(url, HEADERS, b"{}") == Silent("no answer within 0.4 s")


async def test_nobody_there() -> None:
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{asking.getsockname()[1]}/secret-token"
        async with messenger() as sender:
            answer = await sender.send(url, HEADERS, b"{}")
    assert isinstance(answer, Silent)
    assert answer.reason == "no connection: Connection refused"


async def test_a_name_nobody_has() -> None:
    async with messenger(private=False) as sender:
        answer = await sender.send("https://nobody.invalid/", HEADERS, b"{}")
    assert answer == Silent("the target's name cannot be resolved")


async def test_a_name_server_that_hangs_holds_up_nothing_else(receiver: Receiver) -> None:
    """More names than may be looked up at once are waited for in vain; meanwhile the threads of
    the process are free. When the name server is back, so are we."""
    release = threading.Event()

    def lookup(*arguments: Any) -> Any:
        release.wait(30)
        return socket.getaddrinfo(*arguments)

    resolver = Resolver(lookup)
    url = f"http://localhost:{receiver.port}/"
    async with messenger(patience=0.3, names=resolver) as sender:
        answers = await asyncio.gather(*(sender.send(url, HEADERS, b"") for _ in range(MOST + 1)))
        assert set(answers) == {Silent("no answer within 0.3 s")}
        assert await asyncio.to_thread(lambda: "free") == "free"
        release.set()
        async with asyncio.timeout(10):
            while await sender.send(url, HEADERS, b"{}") != Answered(204):
                pass


async def test_a_url_is_used_as_it_was_given(receiver: Receiver) -> None:
    """Nothing is decoded, and nothing encoded again: a token in it may be signed."""
    path = "/a%2Fb/%7Ec/../d?x=%41&y=a+b&z=%C3%BC"
    async with messenger() as sender:
        url = f"http://LocalHost:{receiver.port}{path}"
        assert await sender.send(url, HEADERS, b"{}") == Answered(204)
    assert receiver.messages[0].path == path


async def test_no_tls_where_it_is_wanted(receiver: Receiver) -> None:
    async with messenger() as sender:
        url = f"https://localhost:{receiver.port}/"
        answer = await sender.send(url, HEADERS, b"{}")
    assert isinstance(answer, Silent)
    assert answer.reason.startswith("TLS: ")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\0" * 10_000,
    ],
    ids=["nothing", "prose", "status", "long header", "many headers", "length", "chunks", "zeros"],
)
async def test_what_is_no_answer_is_tried_again(said: bytes) -> None:
    async with saying(said) as url, messenger() as sender:
        answer = await sender.send(url, HEADERS, b"{}")
    assert isinstance(answer, Silent), answer
    assert "127.0.0.1" not in answer.reason


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 99999999\r\n\r\nshort",
        b"Content-Encoding: gzip\r\n\r\nno gzip",
        b"\r\n" + b"x" * (MOST_READ * 4),
    ],
    ids=["cut off", "gzip", "long"],
)
async def test_the_status_counts_whatever_the_body_is(body: bytes) -> None:
    async with saying(b"HTTP/1.1 200 OK\r\n" + body) as url, messenger() as sender:
        assert await sender.send(url, HEADERS, b"{}") == Answered(200)


async def test_of_an_endless_answer_little_is_read() -> None:
    """The target goes on for ever; it is left alone after 64 kB."""
    sent = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 8192)
                await writer.drain()
                sent += 8192
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with messenger() as sender:
        assert await sender.send(url, HEADERS, b"{}") == Answered(200)
    server.close()
    assert sent < 20_000_000  # what the kernel holds, and no more


async def test_an_answer_whose_body_never_ends_is_still_one(receiver: Receiver) -> None:
    head = b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\n"
    async with saying(head, hang=True) as url, messenger() as sender:
        assert await sender.send(url, HEADERS, b"{}") == Answered(202)
