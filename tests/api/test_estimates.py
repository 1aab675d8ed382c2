"""Asking when an order would be there, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from safelight.api import answer_schemas
from tests.api.asking import Server, new_user, order


def test_an_estimate_reserves_nothing(server: Server) -> None:
    """Whatever goes with an order may stand there and has no effect; asked twice under one
    Idempotency-Key it is told twice, and the order has the first index."""
    user = new_user()
    server.batch(1)
    body = order(user=user, quantity=4, metadata={"a": [1]}, deadline=1, seed=7, width=64)
    for _ in range(2):
        answer = server.send("POST", "/v1/estimates", body, idempotency_key="once")
        assert answer.status == 200
        answer_schemas.Estimate.model_validate(answer.json)
        told = answer.json
        assert (told["quantity"], told["held"]) == (4, None)
        assert told["ahead"] >= 0
        assert told["seconds"] > 0
        assert told["eta"].endswith("Z")
        assert answer.headers["cache-control"] == "no-store"
        assert "idempotency-replayed" not in answer.headers
    assert server.get(f"/v1/batches?user={user}").json["data"] == []
    assert server.get(f"/v1/series/{user}/mira").json["highest"] == 0
    assert server.post(order(user=user), idempotency_key="once").json["indices"] == [1]


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "no one"},
        {"user": 7},
        {"character": "nobody"},
        {"character": "Mira"},
        {"quantity": 0},
        {"quantity": 65},
        {"quantity": "4"},
        {"prompt": None},
        {"prompt": "a\0b"},
        {"seed": -1},
        {"style": "oil"},
        {"workflow": "none"},
        {"steps": 3},
        {"width": 7},
        {"loras": [{"name": "../x"}]},
        {"embedding": "a b"},
        {"deadline": 0},
        {"webhook": {"url": "https://example.com/"}},
        {"webhook": {"url": "ftp://example.com/", "events": ["no.such"]}},
        {"surprise": 1},
    ],
)
def test_what_would_be_refused_is_refused_with_the_same_words(
    server: Server, fields: dict[str, Any]
) -> None:
    refused = server.post(order(**fields))
    told = server.send("POST", "/v1/estimates", order(**fields))
    assert refused.status == told.status == 422
    assert told.json["errors"] == refused.json["errors"]
    assert (told.json["code"], told.json["detail"]) == (
        refused.json["code"],
        refused.json["detail"],
    )


def test_what_is_no_order_is_none(server: Server) -> None:
    for body in (b"", b"{", b"[]", b'{"user": "ann", "user": "ben"}', b"\xff"):
        headers = {"Content-Type": "application/json"}
        assert server.ask("POST", "/v1/estimates", body, headers).status in (400, 422)
    assert server.get("/v1/estimates").status == 405
