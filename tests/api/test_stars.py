"""Stars over HTTP: kept with the image, in whatever state it is, until it is deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from safelight.api import answer_schemas
from tests.api.asking import Answer, Server, new_user, order
from tests.processes import Processes

NOBODYS = "6a3f0f7e-5c1d-4a58-9d0c-0f4e8d8b2a12"


def star(server: Server, id: str, method: str = "PUT", **headers: str) -> Answer:
    return server.ask(method, f"/v1/images/{id}/star", headers=headers)


def starred_at(image: Any) -> datetime:
    return datetime.fromisoformat(image["starred_at"])


def test_a_star_is_seen_wherever_the_image_is(server: Server) -> None:
    """Alone, in its batch, in its series; and no event is told of it."""
    user = new_user()
    batch = server.batch(2, user=user)
    id = batch["images"][1]["id"]
    assert [image["starred_at"] for image in batch["images"]] == [None, None]
    answer = star(server, id)
    assert answer.status == 200, answer.body
    answer_schemas.Image.model_validate(answer.json)
    assert starred_at(answer.json) > datetime.fromisoformat(batch["created_at"])
    assert answer.json == server.get(f"/v1/images/{id}").json
    now = server.get(f"/v1/batches/{batch['id']}").json
    page = server.get(f"/v1/series/{user}/mira/images").json
    for images in (now["images"], page["data"]):
        assert [image["starred_at"] for image in images] == [None, answer.json["starred_at"]]
    assert now["last_event"] == batch["last_event"]
    gone = star(server, id, "DELETE")
    assert (gone.status, gone.json["starred_at"]) == (200, None)
    assert gone.json == server.get(f"/v1/images/{id}").json


def test_twice_is_as_good_as_once(server: Server) -> None:
    """The first moment counts; an image without a star can lose none."""
    id = server.batch(1, user=new_user())["images"][0]["id"]
    assert star(server, id, "DELETE").json["starred_at"] is None
    first = star(server, id).json
    assert star(server, id).json == first
    assert [star(server, id, "DELETE").json["starred_at"] for _ in range(2)] == [None, None]
    assert starred_at(star(server, id).json) > starred_at(first)


def test_whatever_state_it_is_in(processes: Processes) -> None:
    """What waits, and what was canceled; the star stays while the image goes on."""
    server = Server(processes.serve().url)
    batch = server.post(order(quantity=2)).json
    id = batch["images"][0]["id"]
    given = star(server, id).json
    assert (given["status"], given["starred_at"] is None) == ("queued", False)
    assert server.ask("POST", f"/v1/batches/{batch['id']}/cancel").status == 200
    assert server.get(f"/v1/images/{id}").json["starred_at"] == given["starred_at"]
    other = star(server, batch["images"][1]["id"]).json
    assert (other["status"], other["starred_at"] is None) == ("canceled", False)
    assert star(server, id, "DELETE").json["starred_at"] is None


def test_a_deleted_image_keeps_what_it_has(server: Server) -> None:
    """410, as its file; a star that it had is still told."""
    with_star, without = server.batch(2, user=new_user())["images"]
    given = star(server, with_star["id"]).json["starred_at"]
    for image in (with_star, without):
        assert server.ask("DELETE", f"/v1/images/{image['id']}").status == 200
        for method in ("PUT", "DELETE"):
            star(server, image["id"], method).problem(410, "gone")
    assert server.get(f"/v1/images/{with_star['id']}").json["starred_at"] == given
    assert server.get(f"/v1/images/{without['id']}").json["starred_at"] is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("id", [NOBODYS, "1", "..", "%00", "A" * 5000, "{}"])
def test_what_is_not_there_is_404(server: Server, id: str, method: str) -> None:
    assert star(server, id, method).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_bodies_and_pages_of_others_are_refused(server: Server, method: str) -> None:
    id = server.batch(1, user=new_user())["images"][0]["id"]
    path = f"/v1/images/{id}/star"
    assert server.ask(method, path, b'{"starred": true}').status == 422
    assert server.ask(method, path, b"no").status == 400
    assert server.ask(method, path, b"{}").status == 200
    star(server, id, method, Origin="https://evil.example").problem(403, "cross-origin")
