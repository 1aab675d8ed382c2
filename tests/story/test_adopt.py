"""What the old service has drawn is taken over: every picture under the number it has."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.processes import Process, Processes, Serving
from tests.story.old_service import OldFolder, name, picture
from tests.story.pictures import assert_exactly, pixels
from tests.story.streams import told, types
from tests.story.test_restore import query
from tests.waiting import until

SERIES = "/v1/series/ann/mira"


def adopting(processes: Processes, source: str | Path, *arguments: str) -> Process:
    """The command, for ann's mira."""
    given = ("--user", "ann", "--character", "mira", "--from", str(source), *arguments)
    return processes.start("adopt", *given)


def adopt(processes: Processes, source: str | Path, *arguments: str, code: int = 0) -> Any:
    """The command to its end: its report."""
    process = adopting(processes, source, *arguments, "--json")
    ended = process.popen.wait(120)
    process.end_of_lines()
    text = "\n".join(process.lines)
    assert ended == code, text
    assert "{\n" in text, text
    return json.loads(text[text.index("{\n") :])


def refused(processes: Processes, source: str | Path, *arguments: str, code: int = 2) -> str:
    """The command to its end: why it did nothing."""
    process = adopting(processes, source, *arguments)
    ended = process.popen.wait(60)
    process.end_of_lines()
    text = "\n".join(process.lines)
    assert ended == code, text
    assert "Traceback" not in text
    return text


def images(serving: Serving) -> dict[int, Any]:
    """Every image of the series by index."""
    found: dict[int, Any] = {}
    before = ""
    while page := serving.get(f"{SERIES}/images?limit=100{before}")["data"]:
        found |= {image["index"]: image for image in page}
        before = f"&before={page[-1]['index']}"
    return found


def rows(processes: Processes) -> list[Any]:
    """All that is remembered of the series."""
    found = query(
        processes.database_url,
        "select i.*, s.highest from series s left join images i using (user_id, character_id) "
        "order by i.index",
    )
    told_of = query(processes.database_url, "select * from events order by batch_id, number")
    return [*found, *told_of, *query(processes.database_url, "select * from batches order by id")]


def stored(processes: Processes) -> dict[str, bytes]:
    """Every picture in the store, by key."""
    store = processes.home / "state" / "store"
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*.png")}


def tells_everything(report: Any, old: OldFolder) -> None:
    """The report says what is the matter with the old folder."""
    assert (report["found"], report["highest"], report["index_file"]) == (300, 320, 320)
    assert report["missing_count"] == 20
    assert report["missing"] == [[7, 7], [50, 59], [100, 104], [200, 202], [319, 319]]
    assert report["goes_on_after"] == 320
    assert report["adopted"] == old.whole
    assert [one["index"] for one in report["left"]] == list(old.cut_short)
    assert {one["code"] for one in report["left"]} == {"truncated"}


@pytest.mark.parametrize("kind", ["folder", "comfyui"])
def test_the_old_folder_is_taken_over_and_the_series_goes_on_above(
    processes: Processes, tmp_path: Path, kind: str
) -> None:
    """First it is only looked at and nothing changes. Then all whole pictures become images of
    the series under their own numbers, while `serve` runs; what follows gets the next numbers;
    and whoever does it once more changes nothing."""
    old = OldFolder(tmp_path / "old")
    simulating = processes.simulate("--output", str(old.path))
    source = str(old.path) if kind == "folder" else simulating.url
    serving = processes.serve([simulating.url])
    index = ("--index-file", "index.txt")

    report = adopt(processes, source, *index, code=1)
    tells_everything(report, old)
    assert report["applied"] is False
    assert report["twins"] == ([[10, 250], [30, 31]] if kind == "folder" else [])
    assert (rows(processes), stored(processes)) == ([], {})

    report = adopt(processes, source, *index, "--apply", code=1)
    tells_everything(report, old)
    assert (report["applied"], report["twins"]) == (True, [[10, 250], [30, 31]])
    _are_images(serving, old)
    _index_file_says(processes, 320)

    later = serving.order(4)
    assert_exactly(later, 4)
    assert later["indices"] == [324, 323, 322, 321]
    _index_file_says(processes, 324)

    before = rows(processes), stored(processes)
    report = adopt(processes, source, *index, "--apply", code=1)
    assert (report["adopted"], report["already"]) == ([], 297)
    assert report["twins"] == [[10, 250], [30, 31]]
    assert [one["index"] for one in report["left"]] == list(old.cut_short)
    assert (rows(processes), stored(processes)) == before


def _are_images(serving: Serving, old: OldFolder) -> None:
    found = images(serving)
    assert sorted(found) == old.whole
    assert {image["status"] for image in found.values()} == {"stored"}
    assert {index: image["seed"] for index, image in found.items()} == {
        index: 100_000 + index for index in old.whole
    }
    for index in (1, 31, 250, 320):
        data = serving.read(found[index]["url"])
        assert data == (old.path / name(index)).read_bytes()
        assert found[index]["name"] == name(index)
    detail = serving.get(f"/v1/images/{found[31]['id']}")
    assert (detail["backend"], detail["attempts"]) == (None, [])
    assert serving.get(SERIES)["counts"] == {"stored": 297}
    batches = serving.get("/v1/batches?limit=100")["data"]
    assert {batch["status"] for batch in batches} == {"completed"}
    assert sum(batch["quantity"] for batch in batches) == 297
    names = {k: v for batch in batches for k, v in batch["metadata"]["adopted"]["names"].items()}
    assert names == {str(index): name(index) for index in old.whole}
    for batch in batches:
        shown = [pixels(serving.read(image["url"])) for image in batch["images"]]
        assert len(set(shown)) == batch["quantity"]
    events = told(serving, f"/v1/batches/{batches[0]['id']}/events")
    ending = ["image.stored"] * batches[0]["quantity"] + ["batch.completed"]
    assert types(events) == ["batch.created", *ending]


def _index_file_says(processes: Processes, number: int) -> None:
    path = processes.home / "state" / "store" / "ann" / "mira" / "index.txt"
    until(lambda: path.exists() and path.read_text() == f"{number}\n")


async def test_a_run_that_is_killed_in_the_middle_goes_on(
    processes: Processes, tmp_path: Path
) -> None:
    """Ctrl-C, and kill -9, when the first pictures lie in the store and have no row yet; kill -9
    again later; the last run takes the rest. No picture is taken twice, none is lost, and orders
    meanwhile have numbers above all of them."""
    old = OldFolder(tmp_path / "old")
    simulating = processes.simulate()
    processes.configure([simulating.url])
    async with _session(processes) as connection, connection.transaction():
        await connection.execute("lock table images in share mode")
        stopped = await _stopped_at_the_rows(processes, old, connection, signal.SIGINT)
        assert stopped.popen.wait(30) == 130
        stopped.end_of_lines()
        assert stopped.lines_with("the same command goes on") == 1
        await _waits_for(connection, 0)
        stopped = await _stopped_at_the_rows(processes, old, connection, signal.SIGKILL)
        assert stopped.popen.wait(30) == -signal.SIGKILL
        assert await connection.fetchval("select count(*) from images") == 0
    so_far = stored(processes)
    serving = processes.serve([simulating.url])
    process = adopting(processes, old.path, "--apply")
    until(lambda: len(stored(processes)) > 130)
    process.kill()
    assert serving.order(2)["indices"] == [322, 321]
    report = adopt(processes, old.path, "--apply", code=1)
    assert report["already"] + len(report["adopted"]) == 297
    assert sorted(images(serving)) == [*old.whole, 321, 322]
    now = stored(processes)
    assert {key: now[key] for key in so_far} == so_far
    async with _session(processes) as connection:
        keys = [row["key"] for row in await connection.fetch("select key from images")]
    assert sorted(keys) == sorted(now)
    assert len(keys) == 299


@asynccontextmanager
async def _session(processes: Processes) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(processes.database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _stopped_at_the_rows(
    processes: Processes, old: OldFolder, connection: Any, number: int
) -> Process:
    """A run that gets a signal when pictures are stored and their rows are not written yet."""
    process = adopting(processes, old.path, "--apply")
    await _waits_for(connection, 1)
    assert len(stored(processes)) == 63  # of 64, one of which is cut short
    process.popen.send_signal(number)
    return process


async def _waits_for(connection: Any, many: int) -> None:
    """Until so many wait for the lock of this session."""
    waiting = "select count(*) from pg_locks where not granted and relation = 'images'::regclass"
    async with asyncio.timeout(30):
        while await connection.fetchval(waiting) != many:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)


def test_two_runs_at_once_take_every_picture_once(processes: Processes, tmp_path: Path) -> None:
    old = OldFolder(tmp_path / "old")
    runs = [adopting(processes, old.path, "--apply", "--json") for _ in range(2)]
    reports = []
    for process in runs:
        assert process.popen.wait(120) == 1
        process.end_of_lines()
        text = "\n".join(process.lines)
        reports.append(json.loads(text[text.index("{\n") :]))
    assert sorted(reports[0]["adopted"] + reports[1]["adopted"]) == old.whole
    for report in reports:
        assert report["already"] + len(report["adopted"]) == 297
    assert len(query(processes.database_url, "select 1 from images")) == 297


def test_numbers_that_are_taken_are_left_alone_and_file_and_folder_may_disagree(
    processes: Processes, tmp_path: Path
) -> None:
    """Two images were ordered here before anybody thought of the old ones. The index file has a
    higher number than the folder, the one of a picture whose file is gone: it counts."""
    folder = tmp_path / "old"
    folder.mkdir()
    for number in range(1, 6):
        (folder / name(number)).write_bytes(picture(number))
    (folder / "index.txt").write_text("12")
    serving = processes.serve([processes.simulate().url])
    first = serving.order(2)
    report = adopt(processes, folder, "--index-file", "index.txt", "--index-means", "next", code=1)
    assert (report["index_file"], report["highest"], report["goes_on_after"]) == (11, 5, 11)
    text = refused(processes, folder, "--index-file", "index.txt", "--apply", code=1)
    assert "12 was given out last, the highest picture is 5" in text
    assert re.search(r"^adopted +3$", text, re.MULTILINE)
    assert re.search(r"^goes on after +12$", text, re.MULTILINE)
    assert text.count("index-taken") == 2
    assert "seed is not known" in text
    found = images(serving)
    assert sorted(found) == [1, 2, 3, 4, 5]
    assert {found[index]["id"] for index in (1, 2)} == {image["id"] for image in first["images"]}
    assert [found[index]["seed"] for index in (3, 4, 5)] == [0, 0, 0]
    [batch] = [one for one in serving.get("/v1/batches")["data"] if one["id"] != first["id"]]
    assert batch["metadata"]["adopted"]["seed_unknown"] == [3, 4, 5]
    assert serving.order(1)["indices"] == [13]


def test_what_is_not_a_picture_is_left_and_said(processes: Processes, tmp_path: Path) -> None:
    """A web page, an empty file, a link out of the folder, a folder, a JPEG, two files with one
    number, names with four digits and with six."""
    folder = tmp_path / "old"
    folder.mkdir()
    outside = tmp_path / "outside.png"
    outside.write_bytes(picture(77))
    (folder / name(1)).write_bytes(b"<!DOCTYPE html><title>502</title>")
    (folder / name(2)).write_bytes(b"")
    (folder / name(3)).symlink_to(outside)
    (folder / name(4)).mkdir()
    (folder / name(5)).write_bytes(_jpeg())
    (folder / name(6)).write_bytes(picture(6))
    (folder / name(6, digits=4)).write_bytes(picture(66))
    (folder / name(7, digits=4)).write_bytes(picture(7, drawn_with=2**60))
    (folder / name(100_001)).write_bytes(picture(8))
    report = adopt(processes, folder, "--apply", code=1)
    assert report["adopted"] == [6, 7, 100_001]
    why = {(one["index"], one["code"]) for one in report["left"]}
    assert why == {
        (1, "html"),
        (2, "empty"),
        (3, "unreadable"),
        (4, "unreadable"),
        (5, "not-a-png"),
        (6, "index-twice"),
    }
    assert report["goes_on_after"] == 100_001
    told_of = query(processes.database_url, "select metadata from batches")
    [metadata] = [json.loads(text) for (text,) in told_of]
    assert metadata["adopted"]["large_seeds"] == {"7": str(2**60)}
    assert metadata["adopted"]["names"]["7"] == name(7, digits=4)
    # It is mended later: its number is still free.
    (folder / name(2)).unlink()
    (folder / name(2)).write_bytes(picture(2))
    report = adopt(processes, folder, "--apply", code=1)
    assert (report["adopted"], report["already"]) == ([2], 3)
    assert len(stored(processes)) == 4


def _jpeg() -> bytes:
    from tests.pictures.samples import encode, noise

    return encode(noise(64, 64), "JPEG")


def test_over_http_the_same_is_left_and_said(processes: Processes, tmp_path: Path) -> None:
    """What a ComfyUI serves: its subfolder, an empty file, a web page under a picture's name, a
    picture cut short that only its bytes tell."""
    output = tmp_path / "output"
    folder = output / "old"
    folder.mkdir(parents=True)
    (folder / name(1)).write_bytes(picture(1))
    (folder / name(2)).write_bytes(b"")
    (folder / name(3)).write_bytes(b"<html>502</html>")
    (folder / name(4, digits=4)).write_bytes(picture(4))
    whole = picture(5)
    (folder / name(5)).write_bytes(whole[:60] + whole[70:])
    url = processes.simulate("--output", str(output)).url
    looked = adopt(processes, url, "--subfolder", "old", code=1)
    assert (looked["checked"], looked["adopted"]) == (False, [1, 4, 5])
    assert rows(processes) == []
    report = adopt(processes, url, "--subfolder", "old", "--apply", code=1)
    assert report["adopted"] == [1, 4]
    assert [(one["index"], one["code"]) for one in report["left"]] == [
        (2, "empty"),
        (3, "html"),
        (5, "damaged"),
    ]
    assert "HTTP 403" in refused(processes, url, "--subfolder", "../..", code=3)


def test_what_cannot_be_read_is_refused_before_anything_changes(
    processes: Processes, tmp_path: Path
) -> None:
    """The exit code says who must act: 2 for what was typed, 3 for a server that is not there."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / name(1)).write_bytes(picture(1))
    long = "x" * 5_000
    assert "no such file" in refused(processes, tmp_path / "nowhere")
    assert "200 bytes" in refused(processes, folder, "--name-template", long + "{index:05d}.png")
    assert "connection refused" in refused(processes, "http://127.0.0.1:1", code=3)
    told_why = refused(processes, "http://ann:secret-part@127.0.0.1:1")
    assert "no user" in told_why
    assert "secret-part" not in told_why
    away = {"SAFELIGHT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}
    given = ("--user", "ann", "--character", "mira", "--from", str(folder))
    assert processes.start("adopt", *given, environ=away).popen.wait(60) == 3
    assert rows(processes) == []


def test_a_second_name_template_and_a_kept_old_folder(processes: Processes, tmp_path: Path) -> None:
    """Other names, told by a template; the old folder is as it was afterwards. All of it in the
    embedded database, with nothing else running."""
    processes.database_url = ""
    folder = tmp_path / "old"
    folder.mkdir()
    for number in range(1, 4):
        (folder / f"mira-{number:04d}.png").write_bytes(picture(number))
    shutil.copytree(folder, tmp_path / "copy")
    template = ("--name-template", "{character}-{index:04d}.png")
    report = adopt(processes, folder, *template, "--apply")
    assert report["adopted"] == [1, 2, 3]
    assert "Nothing to do" in refused(processes, folder, *template, "--apply", code=0)
    for path in (tmp_path / "copy").iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()
