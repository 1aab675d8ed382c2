"""Ordering batches and looking at them, over HTTP."""

from __future__ import annotations

import base64
import json
import threading
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from safelight.api import answer_schemas
from tests.api.asking import Answer, Server, new_user, order


def test_a_batch_is_created_at_its_address(server: Server) -> None:
    """Before anything is drawn it has its indices, names and links, highest index first."""
    user = new_user()
    answer = server.post(order(user=user, quantity=4, metadata={"ticket": [7, None, "ü"]}))
    assert answer.status == 201
    batch = answer.json
    assert answer.headers["location"] == f"{server.url}/v1/batches/{batch['id']}"
    assert batch["indices"] == [4, 3, 2, 1]
    assert batch["quantity"] == 4
    assert batch["status"] in ("queued", "running")
    assert [image["index"] for image in batch["images"]] == batch["indices"]
    assert batch["images"][0]["name"] == f"{user}_mira_image_00004_.png"
    assert batch["urls"] == [image["url"] for image in batch["images"]]
    assert batch["url"] == batch["urls"][0]
    assert batch["metadata"] == {"ticket": [7, None, "ü"]}
    assert all(image["publications"] == [] for image in batch["images"])
    assert all(image["dispatched_at"] is None for image in batch["images"])
    assert all("error" not in image for image in batch["images"])


def test_what_is_answered_is_what_the_document_says(server: Server) -> None:
    batch = server.batch(2)
    answer_schemas.Batch.model_validate(batch)
    answer_schemas.Batches.model_validate(server.get("/v1/batches?limit=3").json)
    assert batch["status"] == "completed"
    assert batch["counts"] == {"stored": 2, "failed": 0, "canceled": 0}
    assert batch["created_at"] < batch["ended_at"] < batch["deadline"]
    assert all(batch[name].endswith("Z") for name in ("created_at", "ended_at", "deadline"))


def test_an_explicit_seed_counts_upwards_with_the_index(server: Server) -> None:
    batch = server.batch(3, user=new_user(), seed=100)
    assert [(i["index"], i["seed"]) for i in batch["images"]] == [(3, 102), (2, 101), (1, 100)]


def test_a_batch_says_what_its_order_named(server: Server) -> None:
    """And nothing that character, style or workflow say; in its own answer as in lists."""
    user = new_user()
    named = {"seed": 100, "width": 64, "height": 80}
    batch = server.post(order(user=user, workflow="quick", deadline=60, **named)).json
    plain = server.post(order(user=user)).json
    assert (batch["parameters"], plain["parameters"]) == (named, {})
    listed = server.get(f"/v1/batches?user={user}").json["data"]
    assert [one["parameters"] for one in listed] == [{}, named]
    assert server.get(f"/v1/batches/{batch['id']}").json["parameters"] == named


def test_a_batch_may_have_a_deadline_of_its_own(server: Server) -> None:
    for asked, told in ((7, 7), (86_400, 86_400)):
        batch = server.post(order(deadline=asked)).json
        began, ends = (datetime.fromisoformat(batch[name]) for name in ("created_at", "deadline"))
        assert (ends - began).total_seconds() == told


def test_what_is_expected_is_told_of_one_batch_while_it_runs(server: Server) -> None:
    """The answer to the order says nothing, lists neither; one that has ended expects nothing."""
    server.batch(2)
    ordered = server.post(order(quantity=30)).json
    told = server.get(f"/v1/batches/{ordered['id']}").json
    answer_schemas.Batch.model_validate(told)
    assert ordered["eta"] is None
    assert {(image["eta"], image["place"]) for image in ordered["images"]} == {(None, None)}
    assert told["eta"] is not None
    places = [image["place"] for image in told["images"] if image["place"] is not None]
    assert places == sorted(places, reverse=True)  # highest index first, drawn last
    listed = server.get("/v1/batches?limit=1").json["data"][0]
    assert (listed["id"], listed["eta"]) == (ordered["id"], None)
    ended = server.batch(1)
    assert (ended["eta"], ended["images"][0]["eta"], ended["images"][0]["place"]) == (None,) * 3


# --- idempotency ----------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_batch(server: Server) -> None:
    key, body = str(uuid4()), order(user=new_user(), quantity=2)
    first = server.post(body, idempotency_key=key)
    second = server.post(dict(reversed(body.items())), idempotency_key=f'"{key}"')
    assert (first.status, second.status) == (201, 200)
    assert first.json["id"] == second.json["id"]
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert server.get(f"/v1/series/{body['user']}/mira").json["highest"] == 2


def test_the_same_key_with_another_body_is_refused(server: Server) -> None:
    key = str(uuid4())
    server.post(order(), idempotency_key=key)
    answer = server.post(order(prompt="elsewhere"), idempotency_key=key)
    answer.problem(422, "idempotency-key-reused")


def test_ten_at_the_same_moment_give_one_batch(server: Server) -> None:
    key, body = str(uuid4()), order(user=new_user(), quantity=2)
    answers: list[Answer] = []
    asking = [
        threading.Thread(target=lambda: answers.append(server.post(body, idempotency_key=key)))
        for _ in range(10)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] * 9 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1


def test_without_a_key_every_order_is_its_own(server: Server) -> None:
    body = order(user=new_user())
    assert server.post(body).json["id"] != server.post(body).json["id"]


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "a\tb"])
def test_a_key_that_is_none(server: Server, key: str) -> None:
    server.post(order(), idempotency_key=key).problem(422, "bad-idempotency-key")


# --- waiting --------------------------------------------------------------------------------------


def test_waiting_ends_with_the_batch(server: Server) -> None:
    answer = server.post(order(quantity=2), prefer="wait=60")
    assert answer.status == 201
    assert answer.headers["preference-applied"] == "wait=60"
    assert answer.json["status"] == "completed"


def test_waiting_no_time_answers_at_once(server: Server) -> None:
    started = time.monotonic()
    answer = server.post(order(), prefer="respond-async, wait=0")
    assert time.monotonic() - started < 5
    assert answer.headers["preference-applied"] == "wait=0"


def test_a_preference_nobody_understands_is_ignored(server: Server) -> None:
    assert "preference-applied" not in server.post(order(), prefer="wait=soon").headers


# --- bad input ------------------------------------------------------------------------------------

NOBODY = "1e0f8d1c-6c35-4d3c-93a5-7e2c8d4f0a11"

BAD: list[tuple[dict[str, Any], str]] = [
    ({"quantity": 0}, "/quantity"),
    ({"quantity": -1}, "/quantity"),
    ({"quantity": 65}, "/quantity"),
    ({"quantity": "4"}, "/quantity"),
    ({"quantity": 1e9}, "/quantity"),
    ({"quantity": 10**30}, "/quantity"),
    ({"quantity": None}, "/quantity"),
    ({"quantity": True}, "/quantity"),
    ({"user": ""}, "/user"),
    ({"user": "../x"}, "/user"),
    ({"user": "x" * 65}, "/user"),
    ({"user": "a\n"}, "/user"),
    ({"user": "a\0"}, "/user"),
    ({"character": "nobody"}, "/character"),
    ({"character": "Mira"}, "/character"),
    ({"character": "../mira"}, "/character"),
    ({"prompt": None}, "/prompt"),
    ({"prompt": "x" * 100_000}, "/prompt"),
    ({"prompt": "a\0b"}, "/prompt"),
    ({"width": 0}, "/width"),
    ({"width": 100_000}, "/width"),
    ({"height": 15}, "/height"),
    ({"seed": -1}, "/seed"),
    ({"seed": 2**53}, "/seed"),
    ({"seed": 1.5}, "/seed"),
    ({"steps": 20}, "/steps"),
    ({"deadline": 0}, "/deadline"),
    ({"deadline": -5}, "/deadline"),
    ({"deadline": 86_401}, "/deadline"),
    ({"deadline": 10**30}, "/deadline"),
    ({"deadline": 1.5}, "/deadline"),
    ({"deadline": "60"}, "/deadline"),
    ({"deadline": True}, "/deadline"),
    ({"deadline": None}, "/deadline"),
    ({"style": "oil"}, "/style"),
    ({"workflow": "none"}, "/workflow"),
    ({"webhook": {"url": "http://127.0.0.1"}}, "/webhook/url"),
    ({"metadata": {"k": "\0"}}, "/metadata/k"),
    ({"metadata": {"k": float("1e300"), "j": [[["\ud800"]]]}}, "/metadata/j/0/0/0"),
]


@pytest.mark.parametrize(("fields", "pointer"), BAD)
def test_bad_input_is_named_and_reserves_nothing(
    server: Server, fields: dict[str, Any], pointer: str
) -> None:
    user = fields.get("user") or new_user()
    answer = server.post(order(**({"user": user} | fields)))
    assert answer.status == 422
    problem = answer.problem(422, answer.json["code"])
    assert pointer in [error["pointer"] for error in problem["errors"]]
    if user.startswith("user"):
        assert server.get(f"/v1/series/{user}/mira").json["highest"] == 0


def test_a_prompt_that_is_too_long_is_told_the_limit(server: Server) -> None:
    assert "20000" in server.post(order(prompt="x" * 20_001)).json["detail"]
    assert server.post(order(prompt="")).status == 201


def test_a_parameter_without_a_slot_is_refused_by_name(server: Server) -> None:
    problem = server.post(order(steps=20, sampler="euler")).problem(422, "parameter-without-slot")
    assert [error["pointer"] for error in problem["errors"]] == ["/steps", "/sampler"]


@pytest.mark.parametrize(
    ("body", "told"),
    [(b"", "empty"), (b"quantity=4", "line 1 column 1"), (b'{"user": "ann",}', "line 1 column")],
)
def test_a_body_that_is_not_json(server: Server, body: bytes, told: str) -> None:
    problem = server.ask("POST", "/v1/batches", body).problem(400, "not-json")
    assert told in problem["detail"]


# --- looking --------------------------------------------------------------------------------------


def test_a_batch_that_did_not_change_is_not_sent_again(server: Server) -> None:
    path = f"/v1/batches/{server.batch()['id']}"
    first = server.get(path)
    again = server.get(path, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert server.get(path, if_none_match='"other"').status == 200


def test_a_batch_that_changed_has_another_tag(server: Server) -> None:
    created = server.post(order(quantity=4))
    path = f"/v1/batches/{created.json['id']}"
    tags = set()
    while (answer := server.get(path)).json["status"] != "completed":
        tags.add(answer.headers["etag"])
        assert answer.headers["retry-after"] == "1"
    assert "retry-after" not in answer.headers
    assert answer.headers["etag"] not in tags


@pytest.mark.parametrize("id", ["x", "1", NOBODY, "%00", f"{{{NOBODY}}}"])
def test_a_batch_that_does_not_exist(server: Server, id: str) -> None:
    server.get(f"/v1/batches/{id}").problem(404, "not-found")


def test_an_id_may_be_in_upper_case(server: Server) -> None:
    batch = server.batch()
    assert server.get(f"/v1/batches/{batch['id'].upper()}").json["id"] == batch["id"]


def test_a_list_goes_page_by_page_newest_first(server: Server) -> None:
    user = new_user()
    made = [server.post(order(user=user)).json["id"] for _ in range(5)]
    seen: list[str] = []
    path: str | None = f"/v1/batches?user={user}&limit=2"
    pages = 0
    while path:
        answer = server.get(path)
        page, pages = answer.json, pages + 1
        seen += [batch["id"] for batch in page["data"]]
        assert page["has_more"] is (page["next_cursor"] is not None)
        path = answer.headers["link"][1:].split(">")[0] if page["has_more"] else None
    assert (seen, pages) == (made[::-1], 3)


def test_a_list_is_filtered(server: Server) -> None:
    user = new_user()
    done = server.batch(user=user)["id"]
    other = server.batch(user=user, character="opal-fever")["id"]

    def found(query: str) -> list[str]:
        return [
            batch["id"] for batch in server.get(f"/v1/batches?user={user}&{query}").json["data"]
        ]

    assert found("") == [other, done]
    assert found("character=mira") == [done]
    assert found("status=completed") == [other, done]
    assert found("status=failed") == []
    assert found("user=nobody") == []
    assert found("user=%00") == found("character=%00") == []


def cursor_at(created: object) -> str:
    """One made by hand."""
    made = json.dumps([created, "5a0e1c7e-0000-4000-8000-000000000000"])
    return base64.urlsafe_b64encode(made.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "?limit"),
        ("limit=201", "?limit"),
        ("limit=ten", "?limit"),
        ("limit=", "?limit"),
        ("cursor=nonsense", "?cursor"),
        ("cursor=", "?cursor"),
        ("cursor=%00", "?cursor"),
        (f"cursor={cursor_at('2026-11-22T12:00:00')}", "?cursor"),
        (f"cursor={cursor_at('0001-01-01T00:00:00+14:00')}", "?cursor"),
        (f"cursor={cursor_at('9999-12-31T23:59:59-14:00')}", "?cursor"),
        (f"cursor={cursor_at(7)}", "?cursor"),
        ("status=done", "?status"),
        ("star=true", "?star"),
    ],
)
def test_a_bad_parameter_is_named(server: Server, query: str, pointer: str) -> None:
    problem = server.get(f"/v1/batches?{query}").problem(422, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_an_answer_is_json_anybody_can_read(server: Server) -> None:
    raw = server.get("/v1/batches?limit=1").body
    assert json.loads(raw.decode("utf-8"))
