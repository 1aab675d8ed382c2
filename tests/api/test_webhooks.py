"""Webhooks over HTTP: what is refused, what is answered. This server has no secret to sign with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from safelight.api import webhook_schemas
from safelight.core.addresses import LONGEST
from safelight.core.signing import check_secret, secret_of
from tests.api.asking import Answer, Server, new_user, order

URL = "https://hooks.example/safelight?token=1"
# Nothing is published here, so nobody is told.
NEVER = ["publication.failed"]
WRONG_URLS = [
    ("http://hooks.example/", "expected https"),
    ("ftp://hooks.example/", "expected a URL"),
    ("hooks.example", "expected a URL"),
    ("", "printable"),
    ("https://user:password@hooks.example/", "user or password"),
    ("https://hooks.example/#part", "fragment"),
    ("https://localhost/", "private network"),
    ("https://127.0.0.1/", "private network"),
    ("https://[::1]/", "private network"),
    ("https://169.254.169.254/latest/", "private network"),
    ("https://2130706433/", "usual form"),
    ("https://hooks.example/" + "x" * LONGEST, "at most 2000"),
    ("https://hooks.example/ü", "printable"),
]
WRONG_BODIES = [
    ({}, "/url", "missing"),
    ({"url": None}, "/url", "wrong-type"),
    ({"url": 1}, "/url", "wrong-type"),
    ({"url": URL, "events": None}, "/events", "wrong-type"),
    ({"url": URL, "events": "image.stored"}, "/events", "wrong-type"),
    ({"url": URL, "events": [1]}, "/events/0", "wrong-type"),
    ({"url": URL, "event": []}, "/event", "unknown-field"),
]


@pytest.fixture
def webhook(server: Server) -> Iterator[Any]:
    """A subscription, gone afterwards."""
    answer = server.send("POST", "/v1/webhooks", {"url": URL, "events": NEVER})
    assert answer.status == 201, answer.body
    yield answer.json
    server.ask("DELETE", f"/v1/webhooks/{answer.json['id']}")


def subscribe(server: Server, **fields: object) -> Answer:
    return server.send("POST", "/v1/webhooks", {"url": URL, "events": NEVER} | fields)


# --- subscriptions --------------------------------------------------------------------------------


def test_a_webhook_shows_its_secret_once(server: Server, webhook: Any) -> None:
    webhook_schemas.SecretWebhook.model_validate(webhook)
    assert check_secret(webhook["secret"])
    assert (webhook["status"], webhook["url"], webhook["events"]) == ("active", URL, NEVER)
    path = f"/v1/webhooks/{webhook['id']}"
    shown = server.get(path).json
    webhook_schemas.Webhook.model_validate(shown)
    webhook_schemas.Webhooks.model_validate(server.get("/v1/webhooks").json)
    assert shown == {name: value for name, value in webhook.items() if name != "secret"}
    for place in (path, "/v1/webhooks", f"{path}/deliveries"):
        assert webhook["secret"].encode() not in server.get(place).body
    told = server.get(f"{path}/deliveries").json
    webhook_schemas.Deliveries.model_validate(told)
    assert told == {"data": [], "next_cursor": None, "has_more": False}


def test_left_out_events_are_every_end_of_a_batch(server: Server) -> None:
    answer = server.send("POST", "/v1/webhooks", {"url": URL})
    server.ask("DELETE", answer.headers["location"])
    ends = {"batch.completed", "batch.partial", "batch.failed", "batch.canceled"}
    assert set(answer.json["events"]) == ends


def test_a_secret_may_be_given(server: Server) -> None:
    secret = secret_of(bytes(24))
    answer = subscribe(server, secret=secret)
    server.ask("DELETE", answer.headers["location"])
    assert answer.json["secret"] == secret


@pytest.mark.parametrize("secret", ["", "whsec_", "secret", secret_of(bytes(23)), "w" * 100])
def test_a_secret_that_is_none_is_refused(server: Server, secret: str) -> None:
    body = subscribe(server, secret=secret).problem(422, "bad-webhook-secret")
    assert body["errors"][0]["pointer"] == "/secret"
    assert len(secret) < 10 or secret not in body["detail"]


@pytest.mark.parametrize(("url", "why"), WRONG_URLS)
def test_a_url_that_cannot_be_used_is_refused(server: Server, url: str, why: str) -> None:
    body = subscribe(server, url=url).problem(422, "bad-webhook-url")
    assert body["errors"][0]["pointer"] == "/url"
    assert why in body["detail"]
    assert "password@" not in body["detail"]


@pytest.mark.parametrize(("sent", "pointer", "code"), WRONG_BODIES)
def test_a_body_that_is_wrong_is_refused(
    server: Server, sent: object, pointer: str, code: str
) -> None:
    body = server.send("POST", "/v1/webhooks", sent).problem(422, "invalid-request")
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in body["errors"]]


@pytest.mark.parametrize(
    ("events", "pointer"), [([], "/events"), (["image.stored", "progress"], "/events/1")]
)
def test_an_event_nobody_knows_is_refused(server: Server, events: object, pointer: str) -> None:
    body = subscribe(server, events=events).problem(422, "unknown-event")
    assert body["errors"][0]["pointer"] == pointer


def test_there_are_not_too_many(server: Server) -> None:
    """The hundred and first is refused; whoever removes one can make another."""
    made = []
    while (answer := subscribe(server)).status == 201:
        made.append(answer.headers["location"])
        assert len(made) <= 100
    answer.problem(409, "too-many-webhooks")
    assert server.ask("DELETE", made.pop()).status == 204
    made.append(subscribe(server).headers["location"])
    for path in made:
        assert server.ask("DELETE", path).status == 204


def test_a_new_secret_is_shown_once(server: Server, webhook: Any) -> None:
    path = f"/v1/webhooks/{webhook['id']}/rotate"
    rotated = server.ask("POST", path).json
    webhook_schemas.SecretWebhook.model_validate(rotated)
    assert check_secret(rotated["secret"]) != webhook["secret"]
    assert rotated["old_secret_until"] > webhook["created_at"]
    server.send("POST", path, {"secret": "x"}).problem(422, "invalid-request")


@pytest.mark.parametrize("id", ["5a0e1c7e-0000-4000-8000-000000000000", "nobody", "..", "%00"])
def test_what_is_not_there_is_404(server: Server, id: str) -> None:
    for method, path in (
        ("GET", f"/v1/webhooks/{id}"),
        ("DELETE", f"/v1/webhooks/{id}"),
        ("POST", f"/v1/webhooks/{id}/rotate"),
        ("GET", f"/v1/webhooks/{id}/deliveries"),
        ("POST", f"/v1/webhooks/{id}/deliveries/{uuid4()}/redeliver"),
        ("GET", f"/v1/batches/{id}/deliveries"),
        ("POST", f"/v1/batches/{id}/deliveries/{uuid4()}/redeliver"),
    ):
        server.ask(method, path).problem(404, "not-found")


def test_a_delivery_that_is_not_its_own_is_404(server: Server, webhook: Any) -> None:
    for delivery in (str(uuid4()), "nothing"):
        path = f"/v1/webhooks/{webhook['id']}/deliveries/{delivery}/redeliver"
        server.ask("POST", path).problem(404, "not-found")
        batch = server.batch()["id"]
        path = f"/v1/batches/{batch}/deliveries/{delivery}/redeliver"
        server.ask("POST", path).problem(404, "not-found")
        assert server.get(f"/v1/batches/{batch}/deliveries").json["data"] == []


@pytest.mark.parametrize(
    "query", ["status=lost", "limit=0", "limit=201", "limit=x", "cursor=", "cursor=x", "page=2"]
)
def test_a_query_that_is_wrong_is_refused(server: Server, webhook: Any, query: str) -> None:
    path = f"/v1/webhooks/{webhook['id']}/deliveries?{query}"
    server.get(path).problem(422, "invalid-request")


# --- a batch's own --------------------------------------------------------------------------------


def test_without_a_secret_no_batch_has_a_webhook(server: Server) -> None:
    """It is refused before an index is reserved."""
    user = new_user()
    body = server.post(order(user=user, webhook={"url": URL})).problem(422, "no-webhook-secret")
    assert body["errors"][0]["pointer"] == "/webhook"
    assert server.get(f"/v1/series/{user}/mira").json["highest"] == 0


@pytest.mark.parametrize(("url", "why"), WRONG_URLS)
def test_a_batchs_url_that_cannot_be_used_is_refused(server: Server, url: str, why: str) -> None:
    body = server.post(order(webhook={"url": url})).problem(422, "bad-webhook-url")
    assert body["errors"][0]["pointer"] == "/webhook/url"
    assert why in body["detail"]


@pytest.mark.parametrize(("sent", "pointer", "code"), WRONG_BODIES)
def test_a_batchs_webhook_that_is_wrong_is_refused(
    server: Server, sent: object, pointer: str, code: str
) -> None:
    body = server.post(order(webhook=sent)).problem(422, "invalid-request")
    pairs = [(error["pointer"], error["code"]) for error in body["errors"]]
    assert (f"/webhook{pointer}", code) in pairs


def test_a_batchs_webhook_has_no_secret_of_its_own(server: Server) -> None:
    sent = {"url": URL, "secret": secret_of(bytes(32))}
    body = server.post(order(webhook=sent)).problem(422, "invalid-request")
    assert body["errors"][0]["pointer"] == "/webhook/secret"
    assert sent["secret"] not in body["detail"]


def test_a_batch_is_told_of_events_that_exist(server: Server) -> None:
    sent = {"url": URL, "events": ["batch.ended"]}
    body = server.post(order(webhook=sent)).problem(422, "unknown-event")
    assert body["errors"][0]["pointer"] == "/webhook/events/0"


def test_a_null_is_no_webhook(server: Server) -> None:
    server.post(order(webhook=None)).problem(422, "invalid-request")
