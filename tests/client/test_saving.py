"""Pictures as files: whole or not at all, and never in the place of another picture."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from safelight.client import AsyncBatch, AsyncClient, NotFound, UnexpectedAnswer
from tests.cli.scripted_server import PNG, ScriptedServer, batch_json, problem, says, sends

FIRST, SECOND = "GET /v1/images/i1/file", "GET /v1/images/i2/file"
NAMES = ["ann_mira_image_00001_.png", "ann_mira_image_00002_.png"]
OTHER = PNG[::-1]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
async def batch(server: ScriptedServer, client: AsyncClient) -> AsyncBatch:
    """Two stored images, `i2` and `i1`, whose pictures differ."""
    server.usual["GET /v1/batches/b1"] = says(batch_json("completed", ("stored", "stored")))
    server.usual[FIRST], server.usual[SECOND] = sends(PNG), sends(OTHER)
    return await client.batch("b1")


async def test_a_batch_is_saved_under_the_names_of_its_images(
    batch: AsyncBatch, tmp_path: Path
) -> None:
    """In their order, in a folder that is made; saving it again changes nothing."""
    folder = tmp_path / "new" / "folder"
    for _ in range(2):
        saved = await batch.save(folder)
        assert [path.name for path in saved] == NAMES[::-1]
        assert names_in(folder) == NAMES
        assert [path.read_bytes() for path in saved] == [OTHER, PNG]


async def test_an_image_is_saved_where_one_says(batch: AsyncBatch, tmp_path: Path) -> None:
    image = batch.images[1]
    assert await image.save(tmp_path) == tmp_path / NAMES[0]
    assert await image.save(str(tmp_path / "other.png")) == tmp_path / "other.png"
    assert names_in(tmp_path) == [NAMES[0], "other.png"]
    assert (tmp_path / "other.png").read_bytes() == PNG == await image.read()
    with pytest.raises(FileNotFoundError):
        await image.save(tmp_path / "nowhere" / "other.png")


async def test_another_picture_is_never_overwritten(batch: AsyncBatch, tmp_path: Path) -> None:
    """Two series can have the same names; then nothing of the batch is kept at all."""
    (tmp_path / NAMES[0]).write_bytes(b"another")
    with pytest.raises(FileExistsError, match="is another file"):
        await batch.save(tmp_path)
    with pytest.raises(FileExistsError):
        await batch.images[1].save(tmp_path)
    assert names_in(tmp_path) == NAMES[:1]
    assert (tmp_path / NAMES[0]).read_bytes() == b"another"


async def test_what_breaks_off_leaves_nothing_behind(
    server: ScriptedServer, batch: AsyncBatch, tmp_path: Path
) -> None:
    server.usual[FIRST] = problem(410, "gone", "this image was deleted")
    with pytest.raises(NotFound):
        await batch.save(tmp_path)
    with pytest.raises(NotFound):
        await batch.images[1].save(tmp_path)
    assert names_in(tmp_path) == []


async def test_what_is_not_stored_is_not_saved(
    server: ScriptedServer, client: AsyncClient, tmp_path: Path
) -> None:
    server.usual["GET /v1/batches/b1"] = says(batch_json("partial", ("stored", "failed")))
    server.usual[SECOND] = sends(OTHER)
    saved = await (await client.batch("b1")).save(tmp_path)
    assert [path.name for path in saved] == names_in(tmp_path) == NAMES[1:]


@pytest.mark.parametrize("name", ["../a.png", "/tmp/a.png", "a/b.png", "..", "", "a\\b", "a\0b"])
async def test_a_name_that_leads_out_of_the_folder_is_refused(
    server: ScriptedServer, client: AsyncClient, tmp_path: Path, name: str
) -> None:
    told: dict[str, Any] = batch_json("completed", ("stored",))
    told["images"][0]["name"] = name
    server.usual["GET /v1/batches/b1"] = says(told)
    batch = await client.batch("b1")
    folder = tmp_path / "folder"
    folder.mkdir()
    for thing in (batch, batch.images[0]):
        with pytest.raises(UnexpectedAnswer, match="is no file name"):
            await thing.save(folder)
    assert names_in(tmp_path) == ["folder"]
    assert names_in(folder) == []


async def test_bytes_that_were_changed_on_the_way_are_asked_for_again(
    server: ScriptedServer, batch: AsyncBatch
) -> None:
    tag = f'"sha256-{hashlib.sha256(PNG).hexdigest()}"'
    server.next(FIRST, sends(OTHER, tag=tag), sends(PNG, tag=tag))
    assert await batch.images[1].read() == PNG
    assert len(server.requests(FIRST)) == 2


ZIP = "GET /v1/series/ann/mira/download.zip"


async def test_a_series_is_saved_whole_or_not_at_all(
    server: ScriptedServer, client: AsyncClient, tmp_path: Path
) -> None:
    """What breaks off is asked for again; then it is there, and in no other file's place."""
    server.usual[ZIP] = sends(PNG)
    server.next(ZIP, sends(PNG, whole=False), sends(PNG, whole=False))
    for _ in range(2):
        saved = await client.download_series("ann", "mira", tmp_path)
        assert saved == tmp_path / "ann-mira.zip"
        assert (names_in(tmp_path), saved.read_bytes()) == (["ann-mira.zip"], PNG)
    assert len(server.requests(ZIP)) == 4
    server.usual[ZIP] = sends(OTHER)
    with pytest.raises(FileExistsError, match="is another file"):
        await client.download_series("ann", "mira", tmp_path)
    assert saved.read_bytes() == PNG
    other = await client.download_series("ann", "mira", str(tmp_path / "other.zip"))
    assert (other.name, other.read_bytes()) == ("other.zip", OTHER)
    server.usual[ZIP] = problem(404, "not-stored", "nothing is stored")
    with pytest.raises(NotFound, match="nothing is stored"):
        await client.download_series("ann", "mira", tmp_path / "third.zip")
    assert names_in(tmp_path) == ["ann-mira.zip", "other.zip"]


@pytest.mark.parametrize(
    ("indices", "asked"),
    [([13], "13"), ([1, 2, 3], "3-1"), ([10, 13, 9, 8, 13, 1], "13,10-8,1"), ([], "")],
)
async def test_some_of_a_series_are_asked_for_by_ranges(
    server: ScriptedServer, client: AsyncClient, tmp_path: Path, indices: list[int], asked: str
) -> None:
    """None of them is not all: the server says no to it."""
    server.usual[ZIP] = sends(PNG)
    await client.download_series("ann", "mira", tmp_path, iter(indices))
    assert server.requests(ZIP)[0].query == {"indices": asked}


async def test_a_star_is_asked_for_by_an_image_or_its_id(
    server: ScriptedServer, batch: AsyncBatch, client: AsyncClient
) -> None:
    """The answer is the image as it is now."""
    moment = "2026-01-02T03:04:05Z"
    image = batch.images[1]
    assert image.starred_at is None
    for method, starred_at in (("PUT", moment), ("DELETE", None)):
        route = f"{method} /v1/images/i1/star"
        server.usual[route] = says(image.raw | {"starred_at": starred_at})
        asked = client.star if method == "PUT" else client.unstar
        assert [(await asked(one)).starred_at for one in (image, "i1")] == [starred_at] * 2
        assert len(server.requests(route)) == 2
