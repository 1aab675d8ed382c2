"""What RunPod's answers mean: tables of bodies, recorded shapes and hostile ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.renderers.base import (
    Errored,
    Finished,
    InDoubt,
    Interrupted,
    Refused,
    Rendered,
    Running,
    Waiting,
)
from safelight.renderers.comfyui_http import Reply, Unanswered
from safelight.renderers.runpod_jobs import Inline, Link
from safelight.renderers.runpod_verdict import Strange, state, submitted

NOTHING = Finished(Rendered((), cached=False))


def reply(status: int, body: object) -> Reply:
    return Reply(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def told(**fields: Any) -> Any:
    return state(json.dumps({"id": "j1", **fields}).encode(), "j1")


def failed(**fields: Any) -> Errored:
    seen = told(status="FAILED", **fields)
    assert isinstance(seen, Finished)
    assert isinstance(seen.outcome, Errored)
    return seen.outcome


@pytest.mark.parametrize("id", ["j1", "0a9-u1", "A_b"])
def test_a_job_is_known_by_its_id(id: str) -> None:
    assert submitted(reply(200, {"id": id, "status": "IN_QUEUE", "more": 1})) == id


@pytest.mark.parametrize(
    "body",
    [{}, [], {"id": 7}, {"id": ""}, {"id": "../x"}, {"id": "a?b"}, {"id": "x" * 200}, b"<html>"],
)
def test_a_200_without_a_usable_id_is_doubt(body: object) -> None:
    assert submitted(reply(200, body)) == InDoubt("HTTP 200, but not as RunPod answers")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "unauthorized"), (402, "unpaid"), (403, "forbidden"), (404, "not-found")],
)
def test_what_concerns_the_endpoint_is_no_fault_of_the_prompt(status: int, reason: str) -> None:
    answer = submitted(reply(status, b""))
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.shut_out) == (reason, True)


def test_a_bad_job_is_refused_with_its_words() -> None:
    refused = Refused("invalid-job", "input is required")
    assert submitted(reply(400, {"error": "input\n is required"})) == refused
    assert submitted(reply(400, {"message": "input is required"})) == refused
    assert isinstance(submitted(reply(400, {})), Refused)
    assert submitted(reply(400, b"<html>")) == InDoubt("HTTP 400, but not as RunPod answers")
    assert isinstance(submitted(reply(413, b"")), Refused)


def test_not_now_is_no_doubt() -> None:
    assert submitted(reply(429, b"")) == InDoubt("HTTP 429", sent=False)


@pytest.mark.parametrize("status", [302, 408, 409, 500, 502, 503, 504, 524])
def test_anything_else_is_doubt(status: int) -> None:
    assert submitted(reply(status, b"<html>")) == InDoubt(f"HTTP {status}")


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        ("IN_QUEUE", Waiting(None)),
        ("IN_PROGRESS", Running()),
        ("RUNNING", Running()),
        ("CANCELLED", Finished(Interrupted())),
        ("IN_LIMBO", Strange("IN_LIMBO")),
        ("a\nb", Strange("not a word")),
    ],
)
def test_every_status_means_something(status: str, seen: object) -> None:
    assert told(status=status, delayTime=1) == seen


def test_the_first_picture_counts() -> None:
    first = {"filename": "image_00001_.png", "type": "base64", "data": "AAAA"}
    link = {"filename": "image_00001_.png", "type": "s3_url", "data": "https://x/y"}
    assert told(status="COMPLETED", output={"images": [first, link]}) == Inline("AAAA")
    assert told(status="COMPLETED", output={"images": [link], "errors": ["x"]}) == Link(
        link["data"]
    )


@pytest.mark.parametrize(
    "output",
    [
        None,
        "text",
        [],
        {},
        {"images": []},
        {"images": "x"},
        {"images": [7, {}, {"type": "base64"}, {"type": "gif", "data": "AAAA"}]},
        {"status": "success_no_images", "images": []},
        {"message": "base64 of an old worker"},
    ],
)
def test_completed_without_a_picture_is_told_as_such(output: object) -> None:
    assert told(status="COMPLETED", output=output) == NOTHING
    assert told(status="COMPLETED") == NOTHING


def test_a_nodes_failure_is_found_in_the_details() -> None:
    line = "Workflow execution error: Node Type: KSampler, Node ID: 12:3, Message: boom\nat once"
    seen = failed(error="Job processing failed", output={"details": [line, 7]})
    assert seen == Errored("12:3", "KSampler", "FAILED", "boom at once", False)


@pytest.mark.parametrize(
    "text",
    [
        "Node Type: KSampler, Node ID: 3, Message: Allocation on device 0 would exceed",
        "Workflow failed: CUDA out of memory. Tried to allocate 2 GiB",
    ],
)
def test_out_of_memory_is_recognised(text: str) -> None:
    assert failed(error="Job processing failed", output={"details": [text]}).out_of_memory
    assert failed(error=text).out_of_memory


def test_an_exception_of_the_handler_is_unpacked() -> None:
    error = {
        "error_type": "<class 'torch.OutOfMemoryError'>",
        "error_message": "no room",
        "error_traceback": "Traceback (most recent call last): secret.py",
        "hostname": "pod-1",
    }
    seen = failed(error=json.dumps(error))
    assert (seen.message, seen.out_of_memory) == ("no room", False)
    assert "secret" not in repr(seen)
    named = failed(error=json.dumps({**error, "error_type": "torch.OutOfMemoryError"}))
    assert (named.exception_type, named.out_of_memory) == ("torch.OutOfMemoryError", True)


@pytest.mark.parametrize("error", [None, 7, [], {"a": 1}, ""])
def test_a_failure_without_a_reason_is_one(error: object) -> None:
    assert failed(error=error).message == "no reason was given"


def test_timed_out_says_where() -> None:
    waited, ran = told(status="TIMED_OUT"), told(status="TIMED_OUT", executionTime=5001)
    assert "waited" in waited.outcome.message
    assert "ran" in ran.outcome.message


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"status": 7}', b"<html>", b'{"id": "j2", "status": "COMPLETED"}']
)
def test_what_is_no_status_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unanswered):
        state(body, "j1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
STATUSES = ("COMPLETED", "FAILED", "TIMED_OUT")


@given(st.sampled_from(STATUSES), JSON, JSON)
def test_no_shape_of_an_answer_breaks_anything(status: str, output: object, error: object) -> None:
    body = {"status": status, "output": output, "error": error}
    seen = state(json.dumps(body).encode(), "j1")
    assert isinstance(seen, Finished | Inline | Link)
    submitted(reply(400, output))
    submitted(reply(200, output))
