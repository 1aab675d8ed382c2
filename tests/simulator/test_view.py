"""/view by hand: everything that depends on the request's headers."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.simulator.asking import Client, quick

IEND = bytes.fromhex("0000000049454e44ae426082")
PATH = "/view?filename=t_00001_.png"


@dataclass(frozen=True)
class File:
    content: bytes
    etag: str

    @classmethod
    def at(cls, path: Path) -> File:
        stat = path.stat()
        return cls(path.read_bytes(), f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"')


@pytest.fixture
async def file(client: Client) -> File:
    """One saved picture."""
    return File.at((await client.saved(quick()))[0])


async def test_a_file_comes_with_what_a_cache_needs(client: Client, file: File) -> None:
    for method in ("GET", "HEAD"):
        async with client.http.request(method, client.url + PATH) as response:
            content = await response.read()
        assert content == (file.content if method == "GET" else b"")
        headers = response.headers
        assert headers["Etag"] == file.etag
        assert headers["Content-Length"] == str(len(file.content))
        assert headers["Content-Disposition"] == 'filename="t_00001_.png"'
        assert headers["Content-Type"] == "image/png"
        assert headers["Accept-Ranges"] == "bytes"
        assert "Cache-Control" not in headers
        assert "Last-Modified" in headers


RANGES = [
    ("bytes=0-99", 206, slice(0, 100)),
    ("bytes=-12", 206, slice(-12, None)),
    ("bytes=100-", 206, slice(100, None)),
]


@pytest.mark.parametrize(("asked", "status", "part"), RANGES)
async def test_parts_can_be_asked_for(
    client: Client, file: File, asked: str, status: int, part: slice
) -> None:
    found, content = await client.ask("GET", PATH, headers={"Range": asked})
    assert (found, content) == (status, file.content[part])


async def test_the_end_tells_whether_a_file_is_whole(client: Client, file: File) -> None:
    assert (await client.ask("GET", PATH, headers={"Range": "bytes=-12"}))[1] == IEND


async def test_beyond_the_end_there_is_nothing(client: Client, file: File) -> None:
    status, _ = await client.ask("GET", PATH, headers={"Range": "bytes=999999999-"})
    assert status == 416


async def test_what_is_known_is_not_sent_again(client: Client, file: File) -> None:
    async with client.http.get(client.url + PATH) as response:
        headers = response.headers
    for condition in (
        {"If-None-Match": headers["Etag"]},
        {"If-Modified-Since": headers["Last-Modified"]},
    ):
        assert await client.ask("GET", PATH, headers=condition) == (304, b"")


async def test_a_name_says_itself_where_it_lies(client: Client, file: File) -> None:
    folder = client.output.parent / "input"
    (folder / "mine.png").write_bytes(b"x")
    assert await client.ask("GET", "/view?filename=mine.png&type=input") == (200, b"x")
    assert await client.ask("GET", "/view?filename=mine.png%20[input]") == (200, b"x")
    assert (await client.ask("GET", "/view?filename=mine.png%20[temp]"))[0] == 404


async def test_a_name_too_long_for_a_file_is_not_there(client: Client) -> None:
    assert (await client.ask("GET", f"/view?filename={'x' * 5_000}"))[0] == 404


@pytest.mark.parametrize("kind", ["webp", "jpeg"])
async def test_previews_are_encoded_anew(client: Client, file: File, kind: str) -> None:
    status, content = await client.ask("GET", f"{PATH}&preview={kind};50&channel=rgb")
    with Image.open(BytesIO(content)) as picture:
        assert (status, picture.format) == (200, kind.upper())


async def test_the_alpha_channel_can_be_asked_for(client: Client) -> None:
    Image.new("RGBA", (4, 4), (1, 2, 3, 77)).save(client.output / "a.png")
    _, content = await client.ask("GET", "/view?filename=a.png&channel=a")
    with Image.open(BytesIO(content)) as picture:
        assert picture.getchannel("A").getextrema() == (77, 77)
    _, content = await client.ask("GET", "/view?filename=a.png&channel=rgb")
    with Image.open(BytesIO(content)) as picture:
        assert (picture.mode, picture.getpixel((0, 0))) == ("RGB", (1, 2, 3))
