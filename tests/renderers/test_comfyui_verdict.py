"""What the answers to a POST mean, as a table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from safelight.renderers.base import Accepted, InDoubt, Refused, Submission
from safelight.renderers.comfyui_http import Reply
from safelight.renderers.comfyui_verdict import verdict

OURS = "20edc183-90d2-4901-af5c-eaad5b3c3f66"
STRANGE = InDoubt("HTTP 200, but not as ComfyUI answers")
UNKNOWN = InDoubt("HTTP 400, but not as ComfyUI answers")


def judged(status: int, body: Any) -> Submission:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return verdict(Reply(status, {}, raw), OURS)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"prompt_id": OURS, "number": 7, "node_errors": {}}, Accepted(7.0)),
        (200, {"prompt_id": OURS, "number": -2.5}, Accepted(-2.5)),
        (200, {"prompt_id": OURS, "number": "7"}, Accepted(None)),
        (200, b'{"prompt_id": "%s", "number": NaN}' % OURS.encode(), Accepted(None)),
        (200, {"prompt_id": OURS, "number": 10**400}, Accepted(None)),
        (200, {"number": 7}, STRANGE),
        (200, {"prompt_id": 7}, STRANGE),
        (200, [], STRANGE),
        (200, b"<html>welcome</html>", STRANGE),
        (201, {"prompt_id": OURS}, InDoubt("HTTP 201")),
        (302, b"", InDoubt("HTTP 302")),
        (400, {"error": "No prompt provided"}, Refused("invalid_prompt", "No prompt provided")),
        (400, {"detail": "bad request"}, UNKNOWN),
        (400, b"<html>400 The plain HTTP request was sent to HTTPS port</html>", UNKNOWN),
        (408, b"", InDoubt("HTTP 408")),
        (429, b"", InDoubt("HTTP 429")),
        (500, b"500 Internal Server Error", InDoubt("HTTP 500")),
        (503, {"prompt_id": OURS}, InDoubt("HTTP 503")),
    ],
)
def test_verdicts(status: int, body: Any, expected: Submission) -> None:
    assert judged(status, body) == expected


def test_another_prompt_id_is_a_refusal_of_something_that_runs() -> None:
    refused = judged(200, {"prompt_id": "another", "number": 1, "node_errors": {}})
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.running) == ("foreign-prompt-id", True)


def test_node_errors_are_told_node_by_node() -> None:
    complaint = {"message": "Value -5 smaller than min of 1", "details": "width"}
    nodes = {"1": {"errors": [complaint], "class_type": "EmptyImage"}, "2": 7, "3": {"errors": [7]}}
    error = {"type": "prompt_outputs_failed_validation", "message": "Not valid", "details": ""}
    assert judged(400, {"error": error, "node_errors": nodes}) == Refused(
        "prompt_outputs_failed_validation",
        "Not valid; node 1 (EmptyImage): Value -5 smaller than min of 1: width; node 2; "
        "node 3 (): not valid",
    )
    accepted = {"prompt_id": OURS, "number": 1, "node_errors": nodes}
    refused = judged(200, accepted)
    assert isinstance(refused, Refused)
    assert refused.running
    assert "node 1 (EmptyImage)" in refused.detail


def lacking(*kinds: str) -> dict[str, Any]:
    return {str(n): {"errors": [{"type": kind, "message": "m"}]} for n, kind in enumerate(kinds)}


@pytest.mark.parametrize(
    ("kind", "message", "nodes", "missing"),
    [
        ("invalid_prompt", "Cannot execute because node NoSuchNode does not exist.", {}, True),
        ("missing_node_type", "Node 'X' not found.", {}, True),
        ("invalid_prompt", "Cannot execute because a node is missing the class_type", {}, False),
        ("prompt_outputs_failed_validation", "m", lacking("value_not_in_list"), True),
        ("prompt_outputs_failed_validation", "m", lacking(*["value_not_in_list"] * 2), True),
        (
            "prompt_outputs_failed_validation",
            "m",
            lacking("value_not_in_list", "required_input_missing"),
            False,
        ),
        ("prompt_outputs_failed_validation", "m", {}, False),
        ("prompt_outputs_failed_validation", "m", [], False),
        ("prompt_outputs_failed_validation", "m", {"1": 7}, False),
        ("prompt_outputs_failed_validation", "m", {"1": {"errors": []}}, False),
        ("prompt_outputs_failed_validation", "m", {"1": {"errors": [7]}}, False),
        ("prompt_outputs_failed_validation", "m", {"1": {"errors": [{}]}}, False),
    ],
)
def test_what_only_this_backend_lacks_is_told_from_a_bad_graph(
    kind: str, message: str, nodes: Any, missing: bool
) -> None:
    refused = judged(400, {"error": {"type": kind, "message": message}, "node_errors": nodes})
    assert isinstance(refused, Refused)
    assert refused.missing is missing


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no\x00thing\nhere", "no thing here"),
        ("half \ud800 a pair", "half a pair"),
        ("cannot open /srv/comfyui/models/a.ckpt", "cannot open …"),
        (r"cannot open C:\ComfyUI\models\a.ckpt", "cannot open …"),
        ("'a/b.ckpt' not in ['c/d.ckpt']", "'a/b.ckpt' not in ['c/d.ckpt']"),
        ("bad Traceback (most recent call last): File x", "bad"),
        ("x" * 3_000, "x" * 2_000),
    ],
)
def test_details_can_be_stored_and_show_no_paths(message: str, shown: str) -> None:
    error = {"type": "Not A Slug!", "message": message}
    assert judged(400, {"error": error}) == Refused("invalid_prompt", shown)


def test_a_flood_of_errors_is_cut() -> None:
    nodes = {str(n): {"errors": [{"message": "y" * 500}] * 50} for n in range(500)}
    refused = judged(400, {"error": {"type": "a", "message": "m"}, "node_errors": nodes})
    assert isinstance(refused, Refused)
    assert len(refused.detail) == 2_000
