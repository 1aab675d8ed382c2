"""Pictures of a series as a ZIP, over HTTP: the very files, all or none of them."""

from __future__ import annotations

import http.client
import io
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import psutil
import pytest

from safelight.store import CHUNK
from tests.api.asking import Answer, Server, new_user, order
from tests.processes import Processes, Serving
from tests.story.test_keys import all_made
from tests.story.test_sessions import cookie_of, signed_in
from tests.waiting import until

LARGE: Final = {"width": 1024, "height": 1024}  # some 750 kB a picture


def path_of(user: str, indices: str | None = None) -> str:
    query = "" if indices is None else f"?indices={indices}"
    return f"/v1/series/{user}/mira/download.zip{query}"


def unpacked(answer: Answer) -> dict[str, bytes]:
    """Its files by their names, in their order; it is whole."""
    assert answer.status == 200, answer.body
    assert int(answer.headers["content-length"]) == len(answer.body)
    archive = ZipFile(io.BytesIO(answer.body))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def test_all_pictures_of_a_series(server: Server) -> None:
    """Under their names, highest index first, byte for byte what their own addresses give, with the
    moment each was stored."""
    user = new_user()
    images = server.batch(3, user=user)["images"]
    answer = server.get(path_of(user))
    files = {image["name"]: server.get(image["url"]).body for image in images}
    assert unpacked(answer) == files
    assert list(unpacked(answer)) == [f"{user}_mira_image_{n:05d}_.png" for n in (3, 2, 1)]
    told = {name: answer.headers[name] for name in ("content-type", "content-disposition")}
    assert told == {
        "content-type": "application/zip",
        "content-disposition": f'attachment; filename="{user}-mira.zip"',
    }
    assert answer.headers["cache-control"] == "no-store"
    for image, info in zip(images, ZipFile(io.BytesIO(answer.body)).infolist(), strict=True):
        finished = server.get(f"/v1/images/{image['id']}").json["timings"]["finished_at"]
        late = datetime.fromisoformat(finished) - datetime(*info.date_time, tzinfo=UTC)
        assert -1 < late.total_seconds() < 3
    assert server.get(path_of(user)).body == answer.body


def test_head_says_how_long_it_is(server: Server) -> None:
    user = new_user()
    server.batch(2, user=user)
    for indices in (None, "1"):
        whole, head = (server.ask(m, path_of(user, indices)) for m in ("GET", "HEAD"))
        assert (head.status, head.body) == (200, b"")
        passing = ("date", "x-request-id")
        headers = [{n: v for n, v in a.headers.items() if n not in passing} for a in (whole, head)]
        assert headers[0] == headers[1]


def test_some_pictures_of_a_series(server: Server) -> None:
    """Exactly those that are named, each once, highest first however they are named."""
    user = new_user()
    names = [image["name"] for image in server.batch(6, user=user)["images"]]
    for indices, wanted in {
        "6": [6],
        "6,5,3-1": [6, 5, 3, 2, 1],
        "1,4": [4, 1],
        "4-2,3": [4, 3, 2],
        "6-1": [6, 5, 4, 3, 2, 1],
    }.items():
        found = list(unpacked(server.get(path_of(user, indices))))
        assert found == [names[6 - index] for index in wanted], indices


def test_what_is_deleted_is_left_out_or_refused(server: Server) -> None:
    """Of all it is none; who names it is told so."""
    user = new_user()
    images = server.batch(3, user=user)["images"]
    server.ask("DELETE", f"/v1/images/{images[1]['id']}")
    assert list(unpacked(server.get(path_of(user)))) == [images[0]["name"], images[2]["name"]]
    problem = server.get(path_of(user, "3-1")).problem(410, "gone")
    assert "deleted: 2;" in problem["detail"]
    problem = server.get(path_of(user, "9,3,2")).problem(404, "not-found")
    assert "no images 9;" in problem["detail"]
    assert server.ask("HEAD", path_of(user, "3-1")).status == 410


def test_what_is_not_stored_is_refused(processes: Processes) -> None:
    """While it is drawn one may come back; whatever there is is nothing, too."""
    server = Server(processes.serve().url)
    for user in ("nobody", "ann"):
        problem = server.get(path_of(user)).problem(404, "not-stored")
        assert "order some" in problem["detail"]
        batch = server.post(order(quantity=3)).json
    answer = server.get(path_of("ann", "2-1"))
    assert "not stored: 2, 1;" in answer.problem(404, "not-stored")["detail"]
    assert answer.headers["retry-after"] == "1"
    server.ask("POST", f"/v1/batches/{batch['id']}/cancel")
    answer = server.get(path_of("ann", "6"))
    answer.problem(404, "not-stored")
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    "indices",
    [
        *(
            "",
            "0",
            "-1",
            "1-",
            "4-10",
            "x",
            "1,,2",
            "1.5",
            "%00",
            "1%20",
            "%2B1",
            "%d9%a3",
            "00001",
        ),
        *("2147483648", "10001-1", "2147483647-1", "6000-1,6000-1", "9" * 5_000, "1," * 10_001),
    ],
)
def test_what_is_no_list_of_indices(server: Server, indices: str) -> None:
    problem = server.get(path_of("ann", indices)).problem(422, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["?indices"]


def test_another_parameter_is_refused(server: Server) -> None:
    problem = server.get(path_of("ann") + "?index=1").problem(422, "invalid-request")
    assert problem["errors"][0]["pointer"] == "?index"


def test_a_plain_link_in_a_browser_that_has_signed_in(processes: Processes) -> None:
    """The cookie does; without it, and for others, there is nothing."""
    server = Server(processes.serve([processes.simulate(seconds=0).url]).url)
    server.batch(1)
    ann, bob = all_made(processes, ["user:ann"], ["user:bob"])
    cookies = [cookie_of(signed_in(server, key)) for key in (ann, bob)]
    assert len(unpacked(server.ask("GET", path_of("ann"), headers=cookies[0]))) == 1
    server.ask("GET", path_of("ann"), headers=cookies[1]).problem(404, "not-found")
    server.get(path_of("ann")).problem(401, "unauthorized")


@pytest.fixture
def serving(processes: Processes) -> Serving:
    """With four large pictures of mira for ann."""
    serving = processes.serve([processes.simulate(seconds=0).url])
    assert Server(serving.url).batch(4, **LARGE)["status"] == "completed"
    return serving


def originals(processes: Processes) -> list[Path]:
    """Their files, lowest index first."""
    return sorted((processes.home / "state").rglob("0000*-*.png"))


def test_a_store_that_fails_in_the_middle_breaks_the_connection(
    processes: Processes, serving: Serving
) -> None:
    """A file that is not there, or is too short, is no shorter ZIP; the log says what it was, and
    the next one asks in vain as well, until it is there again. What came before has arrived, but
    for less than one piece."""
    server = Server(serving.url)
    lowest, *others = originals(processes)
    sound = sum(file.stat().st_size for file in others)
    content = lowest.read_bytes()
    for damage in (lowest.unlink, lambda: lowest.write_bytes(content[:-1])):
        damage()
        with pytest.raises(http.client.IncompleteRead) as broken:
            server.get(path_of("ann"))
        assert sound - CHUNK < len(broken.value.partial) < sound + len(content)
    lowest.write_bytes(content)
    assert len(unpacked(server.get(path_of("ann")))) == 4
    until(lambda: serving.process.lines_with("a download breaks off") == 2)
    assert serving.process.lines_with("request failed") == 0


def test_what_is_wrong_before_the_first_byte_is_told(
    processes: Processes, serving: Serving
) -> None:
    server = Server(serving.url)
    originals(processes)[-1].unlink()
    server.get(path_of("ann")).problem(503, "store-away")
    assert len(unpacked(server.get(path_of("ann", "3-1")))) == 3


def test_who_goes_away_in_the_middle_leaves_nothing_behind(
    processes: Processes, serving: Serving
) -> None:
    """Ten of them: each connection, file and request of theirs is gone, and the next one is
    answered."""
    server = Server(serving.url)
    process = psutil.Process(serving.process.popen.pid)
    for _ in range(10):
        connection = http.client.HTTPConnection(server.netloc, timeout=30)
        connection.request("GET", path_of("ann"))
        response = connection.getresponse()
        assert response.read(10_000).startswith(b"PK")
        response.close()
        connection.close()
    until(lambda: serving.process.lines_with("/download.zip") >= 10)
    until(lambda: not connections(process, server))
    until(lambda: not [f for f in process.open_files() if f.path.endswith(".png")])
    assert serving.process.lines_with("request failed") == 0
    assert len(unpacked(server.get(path_of("ann")))) == 4


def connections(process: psutil.Process, server: Server) -> list[Any]:
    """Those that are open to its port."""
    port = int(server.netloc.rpartition(":")[2])
    there = process.net_connections("tcp")
    return [c for c in there if c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED]


def test_a_slow_reader_gets_it_all(serving: Serving) -> None:
    """Piece by piece, with what is on its way bounded by the sockets."""
    server = Server(serving.url)
    connection = http.client.HTTPConnection(server.netloc, timeout=30)
    connection.request("GET", path_of("ann"))
    response = connection.getresponse()
    crc, length = 0, 0
    while piece := response.read(50_000):
        crc, length = zlib.crc32(piece, crc), length + len(piece)
    connection.close()
    whole = server.get(path_of("ann")).body
    assert (crc, length) == (zlib.crc32(whole), len(whole))
