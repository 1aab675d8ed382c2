"""Problems: every code there is has its page, its line in the reference and one title."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from safelight.api import problems
from safelight.api.field_texts import FIELDS
from safelight.api.problem_texts import PROBLEMS
from safelight.api.wrong_fields import field_errors, pointer_to
from safelight.core import errors
from safelight.core.errors import FieldError, Invalid, NotStored, SafelightError, SettingsError
from safelight.core.states import Forbidden
from tests.api.asking import Server

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "safelight"
REFERENCE = ROOT / "docs" / "reference" / "problems.md"
# Roots of the tree that are never raised themselves, and what does not travel by HTTP.
NOT_BY_HTTP = {
    "bad-scope",
    "bad-settings",
    "error",
    "forbidden-transition",
    "refused",
    "trouble",
}


def codes_in_the_source() -> set[str]:
    """Every slug that stands behind `code` where answers come from."""
    found: set[str] = set()
    for folder in ("api", "core", "gateway", "pipeline"):
        for path in (SOURCE / folder).rglob("*.py"):
            found |= set(re.findall(r'\bcode\s*=\s*"([a-z][a-z-]+)"', path.read_text()))
    return found


def test_every_code_has_a_text() -> None:
    unknown = codes_in_the_source() - PROBLEMS.keys() - FIELDS.keys() - NOT_BY_HTTP
    assert not unknown


def test_every_problem_stands_in_the_reference() -> None:
    page = REFERENCE.read_text()
    found = re.findall(r"^## `([a-z-]+)`\n\n\*\*(\d+)\*\* (.+)\.\n\n(.+)$", page, re.MULTILINE)
    told = [(code, text.status, text.title, text.text) for code, text in PROBLEMS.items()]
    assert [(code, int(status), title, text) for code, status, title, text in found] == told
    lines = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", page, re.MULTILINE)
    assert lines == list(FIELDS.items())


@pytest.mark.parametrize("code", PROBLEMS)
def test_the_type_of_a_problem_leads_to_its_page(server: Server, code: str) -> None:
    answer = server.get(f"/problems/{code}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert code in answer.body.decode()


def test_a_code_nobody_knows_has_no_page(server: Server) -> None:
    server.get("/problems/nonsense").problem(404, "not-found")


def answered(error: SafelightError) -> tuple[int, dict[str, object], dict[str, str]]:
    response = problems.answer(error, "the-id")
    return response.status_code, json.loads(bytes(response.body)), dict(response.headers)


def test_a_problem_is_whole() -> None:
    status, body, headers = answered(Invalid("wrong", pointer="/quantity", code="bad-seed"))
    assert status == 422
    assert body == {
        "type": "/problems/bad-seed",
        "title": PROBLEMS["bad-seed"].title,
        "status": 422,
        "detail": "wrong",
        "instance": "urn:uuid:the-id",
        "code": "bad-seed",
        "request_id": "the-id",
        "errors": [{"pointer": "/quantity", "detail": "wrong", "code": "bad-seed"}],
    }
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"


def test_every_error_of_the_tree_has_its_status_and_a_text() -> None:
    for name in ("Invalid", "Unknown", "NotStored", "Gone", "Conflict", "TooLarge"):
        kind = getattr(errors, name)
        status, body, _ = answered(kind("detail"))
        assert (status, body["code"]) == (kind.status, kind.code)
        assert PROBLEMS[kind.code].status == status
    for name in ("DatabaseAway", "StoreTrouble"):
        status, body, headers = answered(getattr(errors, name)("detail"))
        assert (status, headers["retry-after"]) == (503, "2")


def test_whoever_should_come_back_is_told_when() -> None:
    _, _, headers = answered(NotStored("not yet"))
    assert headers["retry-after"] == "1"
    never = NotStored("never")
    never.retry_after = None
    assert "retry-after" not in answered(never)[2]
    assert answered(errors.TooLarge("x"))[2]["connection"] == "close"


@pytest.mark.parametrize("error", [Forbidden("a secret detail"), SafelightError("a secret detail")])
def test_what_is_nobodys_fault_outside_says_nothing(error: SafelightError) -> None:
    status, body, _ = answered(error)
    assert (status, body["code"]) == (500, "internal-error")
    assert "secret" not in str(body)


def test_settings_are_the_operators(recwarn: pytest.WarningsRecorder) -> None:
    assert answered(SettingsError("x"))[0] == 500


def test_a_detail_may_quote_anything() -> None:
    _, body, _ = answered(Invalid("half \ud800 and \0", pointer="/\udfff"))
    assert body["detail"] == "half ? and \ufffd"


async def test_other_statuses_of_the_framework_are_problems_too() -> None:
    request = Request({"type": "http", "safelight.request_id": "the-id", "headers": []})
    response = await problems.on_http_exception(request, HTTPException(418, "teapot"))
    assert response.status_code == 418
    assert json.loads(bytes(response.body))["detail"] == "teapot"


@pytest.mark.parametrize(
    ("location", "pointer"),
    [
        ((), ""),
        (("quantity",), "/quantity"),
        (("loras", 0, "name"), "/loras/0/name"),
        (("a/b", "c~d"), "/a~1b/c~0d"),
        (("query", "limit"), "?limit"),
    ],
)
def test_pointers(location: tuple[str | int, ...], pointer: str) -> None:
    assert pointer_to(location) == pointer


def test_an_error_without_a_saying_keeps_its_message() -> None:
    error = {"loc": ("a",), "type": "of_tomorrow", "msg": "not so"}
    assert field_errors([error]) == (FieldError("/a", "not so", "bad-value"),)


def test_the_summary_of_many_errors_is_short() -> None:
    many = tuple(FieldError(f"/{n}", "wrong", "bad-value") for n in range(8))
    assert problems.summary(many).endswith("/4: wrong; and 3 more")
