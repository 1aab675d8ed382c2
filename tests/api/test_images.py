"""Images over HTTP: what is known of them, their bytes, their small copies."""

from __future__ import annotations

import hashlib
import io
import time
from typing import Any

import pytest
from PIL import Image as Picture

from safelight.api import answer_schemas
from tests.api.asking import Server, order

NOBODY = "1e0f8d1c-6c35-4d3c-93a5-7e2c8d4f0a11"


@pytest.fixture(scope="module")
def image(server: Server) -> Any:
    """A stored image of a finished batch, as the batch shows it."""
    return server.batch(2)["images"][0]


def test_an_image_says_how_it_came_to_be(server: Server, image: Any) -> None:
    answer = server.get(f"/v1/images/{image['id']}")
    told = answer.json
    answer_schemas.Image.model_validate(told)
    assert {name: told[name] for name in image} == image
    assert told["status"] == "stored"
    assert (told["user"], told["character"], told["backend"]) == ("ann", "mira", "b1")
    assert told["attempts"][-1]["prompt_id"] == told["prompt_id"]
    assert told["attempts"][-1]["outcome"] == "stored"
    timings = told["timings"]
    assert timings["created_at"] < timings["dispatched_at"] < timings["finished_at"]
    assert told["dispatched_at"] == timings["dispatched_at"] == image["dispatched_at"]
    assert told["dispatched_at"] <= told["attempts"][-1]["started_at"] < timings["finished_at"]
    assert timings["working_seconds"] > 0
    body = server.get(image["url"]).body
    assert told["sha256"] == hashlib.sha256(body).hexdigest()
    assert told["bytes"] == len(body)
    picture = Picture.open(io.BytesIO(body))
    assert (told["width"], told["height"]) == picture.size
    tag = answer.headers["etag"]
    assert server.get(f"/v1/images/{image['id']}", if_none_match=tag).status == 304


def test_a_preview_is_only_of_what_is_drawn(server: Server, image: Any) -> None:
    """Of a stored image there is none, whatever number is named; a number that is none of ours
    could be is refused, and so is anything else."""
    path = f"/v1/images/{image['id']}/preview"
    for query in ("", "?n=0", "?n=1795363816412", f"?n={2**63 - 1}"):
        server.get(path + query).problem(404, "no-preview")
    for query in ("?n=-1", f"?n={2**63}", "?n=x", "?n=1.5", "?n=", "?m=1"):
        server.get(path + query).problem(422, "invalid-request")
    for id in (NOBODY, "x", "..%2f.."):
        server.get(f"/v1/images/{id}/preview").problem(404, "not-found")


def test_that_there_is_no_preview_can_be_told_quietly(server: Server, image: Any) -> None:
    """A page asks again and again, and a browser notes every 404: so that is 204, where it is
    wanted. What is not there at all is none the less not found."""
    path = f"/v1/images/{image['id']}/preview?quiet="
    answer = server.get(path + "true&n=7")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert server.ask("HEAD", path + "true").status == 204
    server.get(path + "false").problem(404, "no-preview")
    for value in ("", "1", "True", "yes", "true%00", "true&quiet=perhaps"):
        server.get(path + value).problem(422, "invalid-request")
    for id in (NOBODY, "x", "..%2f.."):
        server.get(f"/v1/images/{id}/preview?quiet=true").problem(404, "not-found")


def test_a_picture_may_be_kept_for_ever_and_does_no_harm(server: Server, image: Any) -> None:
    answer = server.get(image["url"])
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["etag"] == f'"sha256-{hashlib.sha256(answer.body).hexdigest()}"'
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert f'filename="{image["name"]}"' in answer.headers["content-disposition"]
    assert answer.body.startswith(b"\x89PNG")


def test_a_picture_one_has_is_not_sent_again(server: Server, image: Any) -> None:
    tag = server.ask("HEAD", image["url"]).headers["etag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = server.get(image["url"], if_none_match=given)
        assert (answer.status, answer.body) == (304, b"")


def test_head_tells_the_length_without_the_bytes(server: Server, image: Any) -> None:
    head, get = server.ask("HEAD", image["url"]), server.get(image["url"])
    assert head.status == 200
    assert head.body == b""
    assert int(head.headers["content-length"]) == len(get.body)


def test_parts_make_the_whole(server: Server, image: Any) -> None:
    whole = server.get(image["url"]).body
    middle = len(whole) // 2
    first = server.get(image["url"], range=f"bytes=0-{middle - 1}")
    rest = server.get(image["url"], range=f"bytes={middle}-")
    assert (first.status, rest.status) == (206, 206)
    assert first.body + rest.body == whole
    assert first.headers["content-range"] == f"bytes 0-{middle - 1}/{len(whole)}"
    last = server.get(image["url"], range="bytes=-12")
    assert last.body == whole[-12:]
    assert last.headers["content-length"] == "12"
    assert b"IEND" in last.body


def test_a_part_behind_the_end(server: Server, image: Any) -> None:
    size = len(server.get(image["url"]).body)
    answer = server.get(image["url"], range=f"bytes={size}-")
    answer.problem(416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize("asked", ["bytes=0-1,3-4", "lines=1-2", "bytes=9-1", "bytes=x-"])
def test_other_ranges_are_answered_with_the_whole(server: Server, image: Any, asked: str) -> None:
    assert server.get(image["url"], range=asked).status == 200


def test_a_part_counts_only_of_the_same_picture(server: Server, image: Any) -> None:
    tag = server.ask("HEAD", image["url"]).headers["etag"]
    part = server.get(image["url"], range="bytes=0-9", if_range=tag)
    assert (part.status, len(part.body)) == (206, 10)
    for given in ('"other"', "Sun, 22 Nov 2026 12:00:00 GMT"):
        assert server.get(image["url"], range="bytes=0-9", if_range=given).status == 200


@pytest.mark.parametrize("width", [16, 100, 320])
def test_a_thumbnail_is_small(server: Server, image: Any, width: int) -> None:
    answer = server.get(f"{image['thumbnail_url']}?width={width}")
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    picture = Picture.open(io.BytesIO(answer.body))
    assert picture.format == "WEBP"
    assert picture.width <= width
    again = server.get(
        f"{image['thumbnail_url']}?width={width}", if_none_match=answer.headers["etag"]
    )
    assert (again.status, again.body) == (304, b"")


def test_thumbnails_of_two_widths_have_two_tags(server: Server, image: Any) -> None:
    tags = {server.get(f"{image['thumbnail_url']}?width={w}").headers["etag"] for w in (64, 65)}
    assert len(tags) == 2
    assert server.get(image["thumbnail_url"]).status == 200


@pytest.mark.parametrize("query", ["width=15", "width=2049", "width=big", "width=", "height=9"])
def test_a_bad_width_is_named(server: Server, image: Any, query: str) -> None:
    problem = server.get(f"{image['thumbnail_url']}?{query}").problem(422, "invalid-request")
    assert problem["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


@pytest.mark.parametrize("tail", ["", "/file", "/thumbnail"])
@pytest.mark.parametrize("id", ["x", NOBODY])
def test_an_image_that_does_not_exist(server: Server, id: str, tail: str) -> None:
    server.get(f"/v1/images/{id}{tail}").problem(404, "not-found")


def test_an_image_that_is_not_stored_yet(server: Server) -> None:
    """Its links are there from the beginning; they answer 404 until it is stored, then for ever."""
    image = server.post(order(quantity=64)).json["images"][0]
    for url in (image["url"], image["thumbnail_url"]):
        early = server.get(url)
        early.problem(404, "not-stored")
        assert int(early.headers["retry-after"]) >= 1
    until = time.monotonic() + 60
    while (answer := server.get(image["url"])).status == 404 and time.monotonic() < until:
        time.sleep(0.2)
    assert answer.status == 200
