"""What headers and errors mean, without a server."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from safelight.api.openai import errors
from safelight.api.openai.pieces import in_base64
from safelight.api.openai.requests import Wish, hold_for, sent_again
from safelight.core.errors import (
    Conflict,
    DatabaseAway,
    SafelightError,
    TooMany,
    TooManyQueued,
)
from safelight.core.records import Order

TIMEOUT = "x-stainless-read-timeout"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 540.0),
        ({TIMEOUT: "600"}, 540.0),
        ({TIMEOUT: "100"}, 85.0),
        ({TIMEOUT: "30"}, 15.0),
        ({TIMEOUT: "4.5"}, 2.25),
        ({"x-stainless-timeout": "60"}, 45.0),
        *(({TIMEOUT: text}, 540.0) for text in ("", "None", "nan", "inf", "-5", "0", "1e999", "x")),
    ],
)
def test_an_answer_is_held_back_until_shortly_before_its_client_gives_up(
    headers: dict[str, str], seconds: float
) -> None:
    assert hold_for(headers) == seconds


@pytest.mark.parametrize(
    ("count", "again"),
    [("0", False), ("1", True), ("17", True), ("", False), ("-1", False), ("²", False)],
)
def test_a_retry_count_is_a_plain_number(count: str, again: bool) -> None:
    assert sent_again({"x-stainless-retry-count": count}) is again


def test_a_quality_is_a_multiple_of_the_usual_steps() -> None:
    wish = Wish(Order("a", "m", "", 1), "", "auto", "png", 100, False, False, 0, False, None)
    found = {name: replace(wish, quality=name).steps(20) for name in ("auto", "low", "hd", "max")}
    assert found == {"auto": None, "low": 10, "hd": 30, "max": 60}
    assert replace(wish, quality="low").steps(1) == 1
    assert replace(wish, quality="max").steps(9_000) == 10_000
    assert replace(wish, quality="max").steps(None) is None


def too_many(wait: float) -> TooMany:
    error = TooMany("slowly")
    error.retry_after = wait
    return error


def queued(wait: float | None) -> TooManyQueued:
    error = TooManyQueued("too many")
    error.retry_after = wait
    return error


NO, WAIT = {"x-should-retry": "false"}, "retry-after"
TOLD: list[tuple[SafelightError, int, str, str, dict[str, str]]] = [
    (too_many(3.2), 429, "rate_limit_error", "rate_limit_exceeded", {WAIT: "4"}),
    (too_many(4000), 429, "rate_limit_error", "insufficient_quota", NO),
    (queued(300), 429, "rate_limit_error", "queue_full", {WAIT: "60"}),
    (queued(None), 429, "rate_limit_error", "queue_full", {}),
    (DatabaseAway("away"), 503, "server_error", "database_away", {WAIT: "2"}),
    (Conflict("no"), 409, "invalid_request_error", "conflict", NO),
    (errors.Incomplete("half", code="batch_partial"), 500, "server_error", "batch_partial", NO),
    (
        errors.StillRunning("later"),
        503,
        "server_error",
        "still_running",
        {"x-should-retry": "true", "retry-after-ms": "500", WAIT: "1"},
    ),
]


@pytest.mark.parametrize(("error", "status", "type", "code", "again"), TOLD)
def test_clients_are_told_whether_and_when_to_come_back(
    error: SafelightError, status: int, type: str, code: str, again: dict[str, str]
) -> None:
    """Never in more than a minute."""
    response = errors.answer(error, "the-id")
    told = json.loads(bytes(response.body))["error"]
    assert (response.status_code, told["type"], told["code"]) == (status, type, code)
    names = ("x-should-retry", "retry-after", "retry-after-ms")
    assert {n: response.headers[n] for n in names if n in response.headers} == again


def test_a_fault_of_ours_says_where_the_rest_is() -> None:
    """And nothing else of it."""
    told = json.loads(bytes(errors.internal_error("the-id").body))["error"]
    assert told["type"] == "server_error"
    assert "the-id" in told["message"]
    assert "secret" not in str(errors.body(SafelightError("a secret")))


@pytest.mark.parametrize("sizes", [(), (0,), (1,), (3,), (1, 1, 1), (5, 0, 7, 2), (262_144, 1)])
async def test_base64_of_pieces_is_that_of_the_whole(sizes: tuple[int, ...]) -> None:
    """Padding stands at the end alone, wherever the pieces were cut."""
    pieces = [bytes([at + 1]) * size for at, size in enumerate(sizes)]

    async def read() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    found = b"".join([piece async for piece in in_base64(read())])
    assert found == base64.b64encode(b"".join(pieces))
