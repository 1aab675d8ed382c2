"""Filters of a series over HTTP, its indices as ranges, and the list of all series."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from safelight.api import series_schemas
from tests.api.asking import Server, new_user, order
from tests.processes import Processes


def indices(server: Server, user: str, query: str = "") -> Any:
    """What matches, which the pages and the ranges say alike."""
    told = server.get(f"/v1/series/{user}/mira/indices?{query}").json
    series_schemas.Indices.model_validate(told)
    page = server.get(f"/v1/series/{user}/mira/images?limit=200&{query}").json
    spread = [index for high, low in told["ranges"] for index in range(high, low - 1, -1)]
    assert [image["index"] for image in page["data"]] == spread
    assert told["count"] == len(spread)
    return told


def test_a_series_that_has_none(server: Server) -> None:
    user = new_user()
    assert indices(server, user) == {"highest": 0, "count": 0, "ranges": []}


def test_what_was_starred_and_what_was_deleted(server: Server) -> None:
    """Alone and together; where nothing is said, all there are."""
    user = new_user()
    images = server.batch(6, user=user)["images"]
    for image in images[1:3]:
        server.ask("PUT", f"/v1/images/{image['id']}/star")
    for image in images[2:4]:
        server.ask("DELETE", f"/v1/images/{image['id']}")
    cases = {
        "": [[6, 1]],
        "starred=true": [[5, 4]],
        "starred=false": [[6, 6], [3, 1]],
        "deleted=true": [[4, 3]],
        "deleted=false": [[6, 5], [2, 1]],
        "starred=true&deleted=true": [[4, 4]],
        "starred=true&deleted=false&status=stored": [[5, 5]],
        "status=stored": [[6, 1]],
        "status=failed": [],
    }
    for query, ranges in cases.items():
        told = indices(server, user, query)
        assert (told["highest"], told["ranges"]) == (6, ranges), query


def test_what_waits_and_what_was_canceled(processes: Processes) -> None:
    server = Server(processes.serve().url)
    first = server.post(order(quantity=3)).json
    server.post(order(quantity=2))
    server.ask("POST", f"/v1/images/{first['images'][1]['id']}/cancel")
    assert indices(server, "ann", "status=queued")["ranges"] == [[5, 3], [1, 1]]
    assert indices(server, "ann", "status=canceled")["ranges"] == [[2, 2]]
    assert indices(server, "ann", "status=stored&deleted=false")["ranges"] == []
    [one] = server.get("/v1/series").json["data"]
    assert one["counts"] == {"queued": 4, "canceled": 1}
    assert (one["highest"], one["latest"]) == (5, None)
    assert one["counts"] == server.get("/v1/series/ann/mira").json["counts"]


def test_what_was_ordered_before_a_moment(server: Server) -> None:
    """To the microsecond, in whatever zone it is told; pages go on below as ever."""
    user = new_user()
    server.batch(2, user=user)
    second = server.batch(3, user=user)["created_at"]
    moment = datetime.fromisoformat(second)
    later = (moment + timedelta(microseconds=1)).isoformat()
    elsewhere = second.replace("Z", "%2B00:00")
    for spelled, ranges in (
        (second, [[2, 1]]),
        (elsewhere, [[2, 1]]),
        (second.lower(), [[2, 1]]),
        (quote(later), [[5, 1]]),
        ("0001-01-01T00:00:00Z", []),
        ("9999-12-31T23:59:59.999999999Z", [[5, 1]]),
    ):
        assert indices(server, user, f"created_before={spelled}")["ranges"] == ranges, spelled
    page = server.get(f"/v1/series/{user}/mira/images?created_before={second}&limit=1").json
    assert (page["data"][0]["index"], page["next_before"]) == (2, 2)


@pytest.mark.parametrize(
    "query",
    [
        *("status=done", "status=", "status=Stored", "starred=1", "starred=True", "starred="),
        *("deleted=yes", "created_before=", "created_before=2026-01-02", "created_before=now"),
        *("created_before=1700000000", "created_before=2026-01-02T03:04:05"),
        *("created_before=2026-01-02T03:04:05+01:00", "created_before=2026-13-02T03:04:05Z"),
        *("created_before=2026-02-30T03:04:05Z", "created_before=2026-01-02T03:04:60Z"),
        *("created_before=0001-01-01T00:00:00%2B23:59", "created_before=20260102T030405Z"),
        *("created_before=9999-12-31T23:59:59-23:59", "created_before=%00", "created_before=P1D"),
        *("created_before=٢٠٢٦-01-02T03:04:05Z", "created_before=2026-01-02T03:04:05%2B99:00"),
        "starred_at=true",
    ],
)
def test_a_filter_that_is_none_is_named(server: Server, query: str) -> None:
    name, _, value = query.partition("=")
    for what in ("images", "indices"):
        path = f"/v1/series/ann/mira/{what}?{name}={quote(value, safe='%+')}"
        problem = server.get(path).problem(422, "invalid-request")
        assert [error["pointer"] for error in problem["errors"]] == [f"?{name}"]


def test_ranges_have_no_pages(server: Server) -> None:
    for query in ("before=3", "limit=3"):
        server.get(f"/v1/series/ann/mira/indices?{query}").problem(422, "invalid-request")


def test_the_list_of_series(server: Server) -> None:
    """What was ordered from last comes first; counts, the newest picture, and page by page."""
    user, other = new_user(), new_user()
    server.batch(2, user=user)
    server.batch(1, user=user, character="opal-fever")
    newest = server.batch(3, user=other)
    ours = server.get("/v1/series?limit=3").json
    series_schemas.SeriesList.model_validate(ours)
    told = [(one["user"], one["character"]) for one in ours["data"]]
    assert told == [(other, "mira"), (user, "opal-fever"), (user, "mira")]
    first = ours["data"][0]
    assert (first["highest"], first["counts"]) == (3, {"stored": 3})
    assert first["latest"] == {"id": newest["images"][0]["id"], "index": 3}
    assert first["updated_at"] <= newest["created_at"]
    server.batch(2, user=user)
    server.ask("DELETE", f"/v1/images/{newest['images'][0]['id']}")
    found = server.get(f"/v1/series?user={user}").json["data"]
    assert [one["character"] for one in found] == ["mira", "opal-fever"]
    assert [one["counts"] for one in found] == [{"stored": 4}, {"stored": 1}]
    [mine] = server.get(f"/v1/series?character=mira&user={other}").json["data"]
    assert (mine["latest"]["index"], mine["counts"]) == (2, {"stored": 3})


def test_the_list_goes_on_with_its_cursor(server: Server) -> None:
    """Also by the header; and each series comes once."""
    users = [new_user() for _ in range(3)]
    for user in users:
        server.post(order(user=user))
    seen: list[str] = []
    path = "/v1/series?character=mira&limit=1"
    for _ in itertools.repeat(None, 3):
        answer = server.get(path)
        seen += [one["user"] for one in answer.json["data"]]
        assert answer.json["has_more"] is (answer.json["next_cursor"] is not None)
        path = answer.headers["link"].partition(">")[0].removeprefix("<")
    assert seen == users[::-1]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "cursor=", "cursor=x", "cursor=W10", "cursor=%00", "n=1"],
)
def test_a_bad_parameter_of_the_list_is_named(server: Server, query: str) -> None:
    problem = server.get(f"/v1/series?{query}").problem(422, "invalid-request")
    assert problem["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


def test_what_nobody_can_be_called_has_no_series(server: Server) -> None:
    for query in ("user=%00", "character=Mira", "user=..%2F", "user=nobody", "character='--"):
        assert server.get(f"/v1/series?{query}").json["data"] == [], query
