"""Asking for signed links."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.api.asking import Server


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"expires_in": 0}, "out-of-range"),
        ({"expires_in": 604_801}, "out-of-range"),
        ({"expires_in": "60"}, "wrong-type"),
        ({"expires_in": 1.5}, "wrong-type"),
        ({"expires_in": True}, "wrong-type"),
        ({"expires_in": None}, "wrong-type"),
        ({"until": 5}, "unknown-field"),
        ([], "wrong-type"),
    ],
)
def test_a_link_is_good_for_seconds_up_to_a_week(server: Server, body: object, code: str) -> None:
    path = f"/v1/images/{server.batch()['images'][0]['id']}/links"
    problem = server.send("POST", path, body).problem(422, "invalid-request")
    assert problem["errors"][0]["code"] == code


def test_a_body_may_be_left_out(server: Server) -> None:
    """Then links are good for an hour, all of a batch until the same moment."""
    batch = server.batch(2)
    now = time.time()
    links = server.ask("POST", f"/v1/batches/{batch['id']}/links").json
    assert [one["index"] for one in links["images"]] == batch["indices"]
    ends = {int(dict(parse_qsl(urlsplit(one["url"]).query))["exp"]) for one in links["images"]}
    assert all(3_590 < end - now < 3_910 for end in ends)
    assert len(ends) == 1
    assert {one["expires_at"] for one in links["images"]} == {links["expires_at"]}
    for one in links["images"]:
        assert server.get(one["thumbnail_url"]).status == 200


def test_the_same_links_are_given_again_for_a_while(server: Server) -> None:
    """What a browser has fetched by one of them it need not fetch again."""
    batch = server.batch()
    path = f"/v1/batches/{batch['id']}/links"
    given = {server.send("POST", path, {"expires_in": 604_800}).body for _ in range(3)}
    assert len(given) <= 2  # the moment to which all are rounded may be just now
