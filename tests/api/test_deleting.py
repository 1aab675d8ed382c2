"""Deleting an image over HTTP: what is gone, what stays, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from safelight.api import answer_schemas
from tests.api.asking import Answer, Server, new_user, order
from tests.waiting import until

NOBODYS = "6a3f0f7e-5c1d-4a58-9d0c-0f4e8d8b2a12"


def delete(server: Server, id: str, query: str = "", **headers: str) -> Answer:
    return server.ask("DELETE", f"/v1/images/{id}{query}", headers=headers)


@pytest.mark.parametrize("query", ["", "?publications=true", "?publications=false"])
def test_a_deleted_picture_is_gone_and_its_index_stays_taken(server: Server, query: str) -> None:
    """File and thumbnail answer 410, also who has a copy of them; the batch stays completed, its
    other picture stays, and the next image gets the next index."""
    user = new_user()
    batch = server.batch(2, user=user)
    image, other = batch["images"]
    tag = server.get(image["url"]).headers["etag"]
    assert server.get(image["thumbnail_url"]).status == 200
    answer = delete(server, image["id"], query)
    assert answer.status == 200, answer.body
    answer_schemas.Image.model_validate(answer.json)
    assert answer.json["deleted_at"] is not None
    assert (answer.json["status"], answer.json["index"]) == ("stored", 2)
    for url in (image["url"], image["thumbnail_url"]):
        server.get(url).problem(410, "gone")
        server.get(url, if_none_match=tag).problem(410, "gone")
        server.get(url, range="bytes=0-9").problem(410, "gone")
    server.get(f"/v1/series/{user}/mira/images/2/file").problem(410, "gone")
    now = server.get(f"/v1/batches/{batch['id']}").json
    assert (now["status"], now["counts"]["stored"]) == ("completed", 2)
    assert [one["deleted_at"] is None for one in now["images"]] == [False, True]
    assert server.get(other["url"]).status == 200
    assert server.batch(1, user=user)["indices"] == [3]


def test_deleting_twice_is_as_good_as_once(server: Server) -> None:
    image = server.batch(1, user=new_user())["images"][0]
    first = delete(server, image["id"])
    again = delete(server, image["id"], "?publications=true")
    assert (first.status, again.status) == (200, 200)
    assert again.json == first.json


def test_what_is_unfinished_is_canceled_first_and_then_nothing_is_left(server: Server) -> None:
    """409 while it waits or is drawn; a canceled image has no file, so it stays as it is."""
    batch = server.post(order(user=new_user(), quantity=64)).json
    last = batch["images"][0]["id"]
    delete(server, last).problem(409, "not-finished")
    assert server.ask("POST", f"/v1/batches/{batch['id']}/cancel").status == 200

    def ended() -> bool:
        found: bool = server.get(f"/v1/images/{last}").json["status"] == "canceled"
        return found

    until(ended)
    answer = delete(server, last)
    assert (answer.status, answer.json["status"]) == (200, "canceled")
    assert answer.json["deleted_at"] is None


@pytest.mark.parametrize("id", [NOBODYS, "1", "..", "%00", "A" * 5000, "{}"])
def test_what_is_not_there_is_404(server: Server, id: str) -> None:
    assert delete(server, id).status == 404


def refused(server: Server, id: str, query: str) -> Any:
    return delete(server, id, query).problem(422, "invalid-request")["errors"]


@pytest.mark.parametrize(
    "query", ["?force=true", "?publications=yes", "?publications=", "?publications=True"]
)
def test_a_parameter_nobody_would_heed_is_refused(server: Server, query: str) -> None:
    """The picture is still there afterwards."""
    image = server.batch(1, user=new_user())["images"][0]
    [error] = refused(server, image["id"], query)
    assert error["pointer"] == f"?{query[1:].partition('=')[0]}"
    assert server.get(image["url"]).status == 200


def test_a_body_and_pages_of_others_are_refused(server: Server) -> None:
    image = server.batch(1, user=new_user())["images"][0]
    path = f"/v1/images/{image['id']}"
    assert server.ask("DELETE", path, b'{"publications": true}').status == 422
    delete(server, image["id"], Origin="https://evil.example").problem(403, "cross-origin")
    assert server.get(image["url"]).status == 200
