"""Requests to a publisher: a patience for each piece, and every accident in our words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from safelight.publishers.http import Body, Http, Patience, Unanswered, plain_link
from tests.standins import Bytes

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = Patience(connect=2.0, stall=0.5, answer=0.5)
STEADY = Patience(connect=2.0, stall=1.0, answer=1.0)
LARGE = Bytes(bytes(32 * 2**20))


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    """A server that does with each connection what a test wants."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for task in tasks:
            task.cancel()
        server.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def http(patience: Patience = QUICK) -> AsyncIterator[Http]:
    opened = Http(patience)
    try:
        yield opened
    finally:
        await opened.close()


async def refused(url: str, body: Body | None = None, method: str = "POST") -> str:
    async with http() as opened:
        with pytest.raises(Unanswered) as trouble:
            await opened.ask(method, url, body=body)
    assert "127.0.0.1" not in trouble.value.reason
    return trouble.value.reason


async def test_who_takes_nothing_any_more_is_given_up() -> None:
    """A frozen far side holds a copy for half a second here, for a minute in earnest."""

    async def freeze(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(60)

    async with serving(freeze) as url:
        assert await refused(url, Body(LARGE, "image/png")) == "timed out"


async def test_who_is_slow_but_steady_gets_the_time_it_needs() -> None:
    """Altogether it takes two and a half seconds, of which a piece may take one."""
    taken = 0

    async def sip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        while taken < LARGE.size:
            taken += len(await reader.readexactly(2**20))
            await asyncio.sleep(0.08)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await asyncio.sleep(60)

    async with serving(sip) as url, http(STEADY) as opened:
        reply = await opened.ask("POST", url, body=Body(LARGE, "image/png"))
    assert (reply.status, reply.json(), taken) == (200, {}, LARGE.size)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "closed without an answer"),
        (b"what?\r\n\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "the answer was cut short"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "HTTP 301"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000, "more than"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the answer"),
    ],
)
async def test_accidents_are_told_in_our_words(said: bytes, reason: str) -> None:
    """Short, and without any address."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    async with serving(say) as url:
        assert reason in await refused(url)


async def test_a_refusal_that_comes_before_all_is_sent_is_heard() -> None:
    """Nobody reads 32 MB to say that they are too many."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await asyncio.sleep(0.2)

    async with serving(refuse) as url, http() as opened:
        reply = await opened.ask("POST", url, body=Body(LARGE, "image/png"))
    assert reply.status == 413


async def test_a_download_that_stalls_or_leads_elsewhere_is_given_up() -> None:
    """Reading back is bounded like sending."""
    answers = iter(
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
            b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        ]
    )

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        await writer.drain()
        await asyncio.sleep(60)

    async with serving(stall) as url, http() as opened:
        for reason in ("timed out", "HTTP 302"):
            with pytest.raises(Unanswered, match=reason):
                await opened.hashes(url, {})


async def test_who_is_not_there_or_not_trusted() -> None:
    """Nobody at the port, no TLS where it should be."""
    assert await refused("http://127.0.0.1:1/") == "connection refused"

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async with serving(say) as url:
        told = await refused(url.replace("http://", "https://"))
    assert told == "TLS failed"


@pytest.mark.parametrize(
    "text", [None, 3, "", "ftp://a/b", "https://", "//a/b", "https://a/\u202eb", "https://a b"]
)
def test_what_is_no_plain_link_is_none(text: object) -> None:
    """It will be shown to people and followed by programs."""
    assert plain_link(text) is None
    assert plain_link("https://a.example/b_c-d.png?e=1") == "https://a.example/b_c-d.png?e=1"
