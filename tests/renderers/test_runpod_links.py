"""Pictures behind links: nothing of ours goes with the question, and no link leads inside."""

from __future__ import annotations

import pytest

from safelight.renderers.base import Answer, Fetched, Unfetched
from safelight.renderers.runpod_links import Links
from tests.renderers.raw_server import HASTE, Call, ok, raw_server

INSIDE = Unfetched("the picture's link leads into a private network", gone=True)


async def fetched(link: str, limit: int = 100, *, private: bool = True) -> Answer:
    links = Links(private, HASTE)
    try:
        return await links.fetch(link, limit)
    finally:
        await links.close()


async def test_a_link_is_asked_without_any_of_our_credentials() -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(b"picture"))

    async with raw_server(handle) as server:
        assert await fetched(f"{server.url}/a%2Fb?X-Amz-Signature=s%2B") == Fetched(b"picture")
    (call,) = server.calls
    assert call.line == "GET /a%2Fb?X-Amz-Signature=s%2B HTTP/1.1"
    assert not {"authorization", "cookie"} & call.headers.keys()


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://[::1]:{port}/x",
        "http://[::ffff:127.0.0.1]:{port}/x",
        "http://0x7f.1:{port}/x",
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "https://192.168.1.1/x",
        "http://0.0.0.0:{port}/x",
        "http://224.0.0.1/x",
        "http://100.64.0.1/x",
        "http://[fd00::1]/x",
    ],
)
async def test_no_link_leads_into_our_own_network(link: str) -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(b"picture"))

    async with raw_server(handle) as server:
        port = server.url.rpartition(":")[2]
        assert await fetched(link.format(port=port), private=False) == INSIDE
    assert server.calls == []


@pytest.mark.parametrize(
    "link",
    [
        "",
        "file:///passwd",
        "ftp://x/y",
        "//x/y",
        "x",
        "https://",
        "http://[::1",
        "http://a:b@127.0.0.1/x",
        "http://x:99999999/",
        "http://2130706433/x",
        "data:image/png;base64,AAAA",
    ],
)
async def test_what_is_no_address_is_no_picture(link: str) -> None:
    answer = await fetched(link)
    assert isinstance(answer, Unfetched)
    assert answer.gone


async def test_a_link_may_be_moved_but_not_in_circles() -> None:
    async def handle(call: Call) -> None:
        if " /old" in call.line:
            await call.send(ok(b"", "Location: /new", status="307 Moved"))
        elif " /circle" in call.line:
            await call.send(ok(b"", "Location: /circle", status="302 Moved"))
        elif " /file" in call.line:
            await call.send(ok(b"", "Location: file:///passwd", status="302 Moved"))
        elif " /tls" in call.line:
            await call.send(ok(b"", "Location: https://127.0.0.1/x", status="302 Moved"))
        elif " /lost" in call.line:
            await call.send(ok(b"", "Location: http://[", status="302 Moved"))
        else:
            await call.send(ok(b"picture"))

    async with raw_server(handle) as server:
        assert await fetched(f"{server.url}/old") == Fetched(b"picture")
        for path in ("circle", "file", "tls", "lost"):
            answer = await fetched(f"{server.url}/{path}")
            assert isinstance(answer, Unfetched)
            assert answer.gone
    assert len([call for call in server.calls if " /circle" in call.line]) == 4


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        (ok(b"", status="403 Expired"), True),
        (ok(b"", status="404 Gone"), True),
        (ok(b"", status="429 Later"), False),
        (ok(b"", status="503 Slow Down"), False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", False),
        (ok(b"<html>", "Content-Type: text/html"), False),
        (ok(b"x", "Content-Encoding: gzip"), False),
        (b"", False),
    ],
)
async def test_only_a_clear_no_is_final_and_no_reason_tells_the_link(
    answer: bytes, gone: bool
) -> None:
    async def handle(call: Call) -> None:
        await call.send(answer)

    async with raw_server(handle) as server:
        said = await fetched(f"{server.url}/x?X-Amz-Signature=topsecret")
    assert isinstance(said, Unfetched)
    assert said.gone == gone
    assert "topsecret" not in said.reason
    assert "127.0.0.1" not in said.reason


async def test_no_more_is_read_than_allowed() -> None:
    async def handle(call: Call) -> None:
        await call.send(ok(b"x" * 101))

    async with raw_server(handle) as server:
        answer = await fetched(f"{server.url}/x")
    assert answer == Unfetched("more than 100 bytes", too_large=True)


async def test_nothing_is_asked_after_close() -> None:
    links = Links(True, HASTE)
    await links.close()
    assert await links.fetch("http://127.0.0.1:9/x", 10) == Unfetched("closed")
