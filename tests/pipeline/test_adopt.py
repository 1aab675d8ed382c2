"""Taking over, in this process: what is refused, and what a stranger's server may answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from safelight.assembly import Adoption, OutputAway, adopt
from safelight.core.adopting import Names, Report
from safelight.core.errors import Invalid
from safelight.core.naming import DEFAULT_TEMPLATE
from safelight.core.rights import ANYBODY
from safelight.database import series
from safelight.database.connection import Database
from safelight.pipeline.adopt import Adopter, Takeover
from safelight.renderers.base import Unfetched
from safelight.renderers.comfyui_output import ComfyOutput
from safelight.renderers.outputs import FolderOutput
from safelight.settings import Settings, load
from safelight.store import open_store
from tests.story.old_service import name, picture

LONG = "x" * 5_000
NAMES = Names(DEFAULT_TEMPLATE, "ann", "mira")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One picture, and files that are none."""
    old = tmp_path / "old"
    old.mkdir()
    (old / name(1)).write_bytes(picture(1))
    (old / "index.txt").write_text("<html>")
    (tmp_path / "secret.txt").write_text("57")
    (old / "link.txt").symlink_to(tmp_path / "secret.txt")
    return old


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    environ = {"SAFELIGHT_HOME": str(tmp_path / "home"), "SAFELIGHT_DATABASE_URL": database_url}
    (tmp_path / "safelight.toml").write_text("")
    return load(tmp_path / "safelight.toml", environ=environ)


async def taken_over(settings: Settings, source: object, **fields: object) -> Report:
    """Look, or do it."""
    wanted = Adoption(user="ann", character="mira", source=str(source))
    return await adopt(settings, replace(wanted, **fields), lambda what, done, of: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "fields", "words"),
    [
        ("{old}/nowhere", {}, "no such file or directory"),
        ("{old}/ann_mira_image_00001_.png", {}, "not a directory"),
        (LONG, {}, "file name too long"),
        ("a\0b", {}, "no path"),
        ("{old}", {"subfolder": "x"}, "name that folder itself"),
        ("{old}", {"index_file": "nowhere.txt"}, "no such file or directory"),
        ("{old}", {"index_file": "no/index.txt"}, "no such file or directory"),
        ("{old}", {"index_file": LONG}, "file name too long"),
        ("{old}", {"index_file": ".."}, "no name of a file"),
        ("{old}", {"index_file": "index.txt"}, "does not hold a number"),
        ("{old}", {"index_file": "link.txt"}, "a link is not followed"),
        ("http://user:pw@127.0.0.1:1", {}, "no user"),
        ("http://", {}, "a host"),
        ("http://127.0.0.1:1", {"index_file": "/nowhere/index.txt"}, "no such file or directory"),
    ],
)
async def test_what_was_typed_wrongly_is_refused(
    settings: Settings, folder: Path, source: str, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(OutputAway, match=words) as refused:
        await taken_over(settings, source.format(old=folder), **fields)
    assert refused.value.usage
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize(
    "fields", [{"user": LONG}, {"user": "a/b"}, {"character": "../x"}, {"template": "{user}.png"}]
)
async def test_what_cannot_be_an_id_or_a_template_is_refused(
    settings: Settings, folder: Path, fields: dict[str, str]
) -> None:
    with pytest.raises(Invalid):
        await taken_over(settings, folder, **fields)


@pytest.mark.parametrize("index_file", ["nowhere.txt", "..", LONG])
async def test_an_index_file_that_a_server_does_not_have_is_refused(
    settings: Settings, index_file: str
) -> None:
    async with server(lambda _: web.Response(status=404)) as url:
        with pytest.raises(OutputAway, match="HTTP 404") as refused:
            await taken_over(settings, url, index_file=index_file)
    assert refused.value.usage


async def test_no_file_outside_the_folder_is_read(folder: Path) -> None:
    output = FolderOutput(folder)
    try:
        for outside in ("../secret.txt", "/etc/passwd", "link.txt", ".", "..", "", "a\0b"):
            assert isinstance(await output.fetch(outside, 1_000), Unfetched)
            assert await output.ends_well(outside) is False
        assert await output.fetch(name(1), 10) == Unfetched("more than 10 bytes", too_large=True)
        assert await output.ends_well(name(1)) is True
        assert await output.ends_well("index.txt") is False
    finally:
        await output.close()


@asynccontextmanager
async def server(answer: Callable[[web.Request], web.StreamResponse]) -> AsyncIterator[str]:
    """The address of a server that answers as it likes."""

    async def view(request: web.Request) -> web.StreamResponse:
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", view)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stranger(
    answer: Callable[[web.Request], web.StreamResponse],
) -> AsyncIterator[ComfyOutput]:
    """What such a server is taken for."""
    async with server(answer) as url:
        output = ComfyOutput(url)
        try:
            yield output
        finally:
            await output.close()


async def found_at(output: ComfyOutput) -> list[int]:
    return [one.index async for looked in output.pictures(NAMES, 0) for one in looked.found]


@pytest.mark.parametrize(
    ("answer", "words", "usage"),
    [
        (lambda _: web.Response(text="<html>", content_type="text/html"), "no ComfyUI", False),
        (lambda _: web.Response(status=401), "HTTP 401", False),
        (lambda _: web.Response(status=302, headers={"Location": "/x"}), "leads elsewhere", True),
        (lambda _: web.Response(status=503), "HTTP 503", False),
    ],
)
async def test_a_server_that_is_no_comfyui_is_refused(
    answer: Callable[[web.Request], web.StreamResponse], words: str, usage: bool
) -> None:
    async with stranger(answer) as output:
        with pytest.raises(OutputAway, match=words) as refused:
            await found_at(output)
        assert refused.value.usage is usage


def unreliable(request: web.Request) -> web.StreamResponse:
    """A few pictures, of which each is another trouble."""
    asked = request.query["filename"]
    index = NAMES.index_of(asked) or 0
    if not 1 <= index <= 5 or asked != name(index):
        return web.Response(status=404)
    if request.method == "HEAD":
        # Nothing it says of the body need be so.
        return web.StreamResponse() if index == 1 else web.Response(body=b"x" * 70)
    if index == 2:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
    if index == 3:
        return web.Response(text="<html>gone</html>", content_type="text/html")
    if index == 4:
        return web.Response(body=b"\x89PNG" + b"x" * 5_000_000)
    return web.Response(body=picture(index), headers={"Content-Type": "image/png"})


async def test_each_trouble_with_a_file_is_told_and_the_rest_is_taken(
    database: Database, tmp_path: Path
) -> None:
    """A redirect is not followed, a web page is no picture, what is too large is not read."""
    store = open_store(None, tmp_path / "originals")
    wish = Takeover(NAMES, None, True, True, 1_000_000, 10**6, publishers=("shelf",))
    async with stranger(unreliable) as output:
        report = await Adopter(wish, output, database, store).run(lambda what, done, of: None)
    assert report.adopted == (1, 5)
    assert [(one.index, one.detail) for one in report.left] == [
        (2, "HTTP 302"),
        (3, "HTML instead of a picture"),
        (4, "more than 1000000 bytes"),
    ]
    async with database.session() as c:
        copies = await c.fetch(
            "select i.index, p.publisher, p.status from publications p "
            "join images i on i.id = p.image_id order by i.index"
        )
        plan = json.loads(await c.fetchval("select plan from batches"))
    assert [tuple(row) for row in copies] == [(1, "shelf", "pending"), (5, "shelf", "pending")]
    assert plan["publishers"] == ["shelf"]
    [listed] = await series.listed(database, series.Asked(None, None, None, 10), ANYBODY)
    assert (listed.highest, listed.counts, listed.latest and listed.latest[1]) == (
        *(5, {"stored": 2}),
        5,
    )


async def test_a_server_without_ranges_leaves_damage_to_be_found_later(
    database: Database,
) -> None:
    wish = Takeover(NAMES, None, False, False, 1_000_000, 10**6)
    async with stranger(unreliable) as output:
        report = await Adopter(wish, output, database, None).run(lambda what, done, of: None)
    assert (report.adopted, report.checked) == ((1, 2, 4, 5), False)
    assert [one.index for one in report.left] == [3]


async def test_a_server_that_goes_away_meanwhile_ends_the_run(database: Database) -> None:
    asked = 0

    def dying(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=404 if asked < 50 else 500)

    wish = Takeover(NAMES, None, False, False, 1_000_000, 10**6)
    async with stranger(dying) as output:
        with pytest.raises(OutputAway, match="HTTP 500"):
            await Adopter(wish, output, database, None).run(lambda what, done, of: None)


async def test_an_object_that_a_cut_short_run_left_is_not_overwritten(
    settings: Settings, folder: Path, tmp_path: Path
) -> None:
    """The file was another one then."""
    store = open_store(None, tmp_path / "home" / "store")
    key = f"ann/mira/00001-{NAMES.attempt(1)}.png"
    await store.put(key, picture(99))
    report = await taken_over(settings, folder, apply=True)
    assert [one.code for one in report.left] == ["key-taken"]
    assert await store.get(key) == picture(99)
    await store.delete(key)
    assert (await taken_over(settings, folder, apply=True)).adopted == (1,)


async def test_a_backend_of_ours_is_asked_with_its_token(tmp_path: Path, database_url: str) -> None:
    """What stands in the settings for that address is sent to that address."""
    tokens = set()

    def guarded(request: web.Request) -> web.StreamResponse:
        tokens.add(request.headers.get("Authorization"))
        return web.Response(status=404)

    async with server(guarded) as url:
        environ = {"SAFELIGHT_HOME": str(tmp_path / "h"), "SAFELIGHT_DATABASE_URL": database_url}
        (tmp_path / "safelight.toml").write_text(
            f'[[backends]]\nname = "pod"\nurl = "{url}"\ntoken = "secret-part"\n'
        )
        settings = load(tmp_path / "safelight.toml", environ=environ)
        report = await taken_over(settings, url)
    assert (report.found, report.complete) == (0, False)
    assert tokens == {"Bearer secret-part"}
