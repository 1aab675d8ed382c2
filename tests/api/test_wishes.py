"""Cancel and retry over HTTP: what is refused, and by which name."""

from __future__ import annotations

from typing import Any

import pytest

from safelight.api import answer_schemas
from tests.api.asking import Answer, Server, new_user, order

NOBODYS = "6a3f0f7e-5c1d-4a58-9d0c-0f4e8d8b2a11"
ROUTES = [
    f"/v1/{things}/{{}}/{verb}" for things in ("batches", "images") for verb in ("cancel", "retry")
]


def ask(server: Server, path: str, body: bytes | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask("POST", path, body, named)


@pytest.fixture(scope="module")
def done(server: Server) -> Any:
    """A completed batch of two."""
    return server.batch(2, user=new_user())


@pytest.fixture
def both(done: Any) -> dict[str, str]:
    return {"batches": done["id"], "images": done["images"][0]["id"]}


@pytest.mark.parametrize("kind", ["batches", "images"])
def test_what_is_stored_is_neither_canceled_nor_retried(
    server: Server, both: dict[str, str], kind: str
) -> None:
    ask(server, f"/v1/{kind}/{both[kind]}/cancel").problem(409, "already-stored")
    ask(server, f"/v1/{kind}/{both[kind]}/retry").problem(409, "nothing-to-retry")
    assert server.get(f"/v1/batches/{both['batches']}").json["status"] == "completed"


def test_both_answer_with_what_the_document_says(server: Server) -> None:
    batch = server.post(order(user=new_user(), quantity=64)).json
    answer = ask(server, f"/v1/batches/{batch['id']}/cancel")
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    answer_schemas.Batch.model_validate(answer.json)
    image = next(i for i in answer.json["images"] if i["status"] == "canceled")
    again = ask(server, f"/v1/images/{image['id']}/cancel")
    assert again.status == 200
    assert again.json["status"] == "canceled"
    answer_schemas.Image.model_validate(again.json)
    ask(server, f"/v1/images/{image['id']}/retry").problem(409, "nothing-to-retry")
    refused = server.get(f"/v1/images/{image['id']}/file")
    refused.problem(404, "not-stored")
    assert "retry-after" not in refused.headers


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("id", [NOBODYS, "1", "..", "%00", "A" * 5000, "{}"])
def test_what_is_not_there_is_404(server: Server, route: str, id: str) -> None:
    assert ask(server, route.format(id)).status == 404


@pytest.mark.parametrize("route", ROUTES)
def test_a_field_nobody_would_heed_is_refused(
    server: Server, both: dict[str, str], route: str
) -> None:
    path = route.format(both[route.split("/")[2]])
    said = ask(server, path, b'{"images": [1]}').problem(422, "invalid-request")
    assert said["errors"][0]["pointer"] == "/images"
    ask(server, path, b"[]").problem(422, "invalid-request")
    ask(server, path, b"null").problem(422, "invalid-request")
    ask(server, path, b"{").problem(400, "not-json")
    head = f"POST {path} HTTP/1.1\r\nHost: {server.netloc}\r\nContent-Length: 2000000\r\n\r\n"
    assert server.raw(head.encode()).startswith(b"HTTP/1.1 413 ")
    assert ask(server, path, b"{}").status == 409


@pytest.mark.parametrize("route", ROUTES)
def test_pages_of_others_and_other_methods_are_refused(
    server: Server, both: dict[str, str], route: str
) -> None:
    path = route.format(both[route.split("/")[2]])
    ask(server, path, origin="https://evil.example").problem(403, "cross-origin")
    answer = server.get(path)
    answer.problem(405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"
