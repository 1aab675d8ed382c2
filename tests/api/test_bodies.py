"""Strict JSON: every wrong field is named by its pointer, and nothing is converted."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.api.bodies import MAX_DEPTH, fingerprint, parse, validated
from safelight.api.problems import NotJson
from safelight.api.schemas import BatchRequest, CharacterRequest, WorkflowRequest
from safelight.api.wrong_fields import MOST_ERRORS
from safelight.core.errors import Invalid
from safelight.core.records import Lora, Parameters
from tests.api.asking import order


def wrong(raw: bytes) -> list[tuple[str, str]]:
    """Pointer and code of every wrong field of an order."""
    with pytest.raises(Invalid) as caught:
        validated(BatchRequest, parse(raw))
    return [(error.pointer, error.code) for error in caught.value.errors]


def wrong_order(**fields: Any) -> list[tuple[str, str]]:
    return wrong(json.dumps(order(**fields)).encode())


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "the body is empty"),
        (b"  \n", "the body is empty"),
        (b"nonsense", "line 1 column 1"),
        (b'{\n "user": "a",\n}', "line 3 column 1"),
        (b'{"user": "a"} x', "line 1 column 15"),
        (b"{'user': 1}", "line 1 column 2"),
        (b'{"a": NaN}', "NaN is no JSON value"),
        (b'{"a": -Infinity}', "-Infinity is no JSON value"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ("\ufeff{}".encode(), "BOM"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8 at byte 0"),
        (b'{"a": ' + b"9" * 5000 + b"}", "limit"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(raw: bytes, told: str) -> None:
    with pytest.raises(NotJson, match=told):
        parse(raw)


@pytest.mark.parametrize(
    ("raw", "errors"),
    [
        (b'{"prompt": "a\\u0000b"}', [("/prompt", "bad-text")]),
        (b'{"prompt": "\\ud800"}', [("/prompt", "bad-text")]),
        (b'{"metadata": {"a": [1, "\\udfff"]}}', [("/metadata/a/1", "bad-text")]),
        (b'{"metadata": {"a\\u0000": 1}}', [("/metadata/a\0", "bad-text")]),
        (b'{"metadata": {"a/b": {"~": "\\u0000"}}}', [("/metadata/a~1b/~0", "bad-text")]),
        (b'{"cfg": 1e400}', [("/cfg", "out-of-range")]),
        (b'{"user": "a", "user": "b"}', [("/user", "given-twice")]),
        (b'{"metadata": {"k": [{"a": 1, "b": 2, "a": 3}]}}', [("/metadata/k/0/a", "given-twice")]),
    ],
)
def test_what_cannot_be_kept_is_refused_anywhere(raw: bytes, errors: list[tuple[str, str]]) -> None:
    assert wrong(raw) == errors


def test_what_is_wrong_a_hundred_thousand_times_is_told_as_quickly() -> None:
    """A body as long as it may be: its last key is given twice, or every one is unknown. The first
    fifty faults are enough to tell."""
    many = {f"k{n}": 1 for n in range(100_000)}
    text = json.dumps(many)
    assert wrong(f'{text[:-1]}, "z": 1, "z": 2}}'.encode()) == [("/z", "given-twice")]
    assert len(wrong(text.encode())) == MOST_ERRORS


def test_a_surrogate_pair_is_one_character() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "😀"


def test_nesting_has_an_end() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    deeper = MAX_DEPTH + 1
    assert wrong(b"[" * deeper + b"]" * deeper) == [("/0" * MAX_DEPTH, "too-deep")]
    assert wrong(b"[" * 100_000 + b"]" * 100_000) == [("", "too-deep")]


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"quantity": "4"}, [("/quantity", "wrong-type")]),
        ({"quantity": 4.0}, [("/quantity", "wrong-type")]),
        ({"quantity": 1.5}, [("/quantity", "wrong-type")]),
        ({"quantity": True}, [("/quantity", "wrong-type")]),
        ({"quantity": None}, [("/quantity", "wrong-type")]),
        ({"seed": None}, [("/seed", "wrong-type")]),
        ({"seed": "1"}, [("/seed", "wrong-type")]),
        ({"width": 512.0}, [("/width", "wrong-type")]),
        ({"cfg": "7"}, [("/cfg", "wrong-type")]),
        ({"cfg": False}, [("/cfg", "wrong-type")]),
        ({"user": 7}, [("/user", "wrong-type")]),
        ({"prompt": ["a"]}, [("/prompt", "wrong-type")]),
        ({"metadata": []}, [("/metadata", "wrong-type")]),
        ({"metadata": "x"}, [("/metadata", "wrong-type")]),
        ({"loras": {}}, [("/loras", "wrong-type")]),
        ({"loras": [{"strength": 1}]}, [("/loras/0/name", "missing")]),
        ({"loras": [{"name": "a", "weight": 1}]}, [("/loras/0/weight", "unknown-field")]),
        ({"loras": [None]}, [("/loras/0", "wrong-type")]),
        (
            {"webhook": {"uri": "http://x"}},
            [("/webhook/url", "missing"), ("/webhook/uri", "unknown-field")],
        ),
        ({"n": 4}, [("/n", "unknown-field")]),
        ({"quantity": "4", "seed": "1"}, [("/quantity", "wrong-type"), ("/seed", "wrong-type")]),
    ],
)
def test_a_wrong_field_is_named(fields: Any, errors: list[tuple[str, str]]) -> None:
    assert sorted(wrong_order(**fields)) == sorted(errors)


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"4", b"null", b"true"])
def test_an_order_is_an_object(raw: bytes) -> None:
    assert wrong(raw) == [("", "wrong-type")]


def test_every_missing_field_is_named() -> None:
    missing = {(f"/{name}", "missing") for name in ("user", "character", "prompt", "quantity")}
    assert set(wrong(b"{}")) == missing


def test_an_order_keeps_what_was_sent_and_nothing_else() -> None:
    sent = order(seed=7, width=512, cfg=7, loras=[{"name": "a"}], metadata={"k": [1, None]})
    made = validated(BatchRequest, parse(json.dumps(sent).encode())).order("http://here")
    assert (made.user, made.character, made.prompt, made.quantity) == (
        "ann",
        "mira",
        "at the sea",
        1,
    )
    assert made.seed == 7
    assert made.parameters == Parameters(width=512, cfg=7)
    assert made.loras == (Lora("a", 1.0),)
    assert made.metadata == {"k": [1, None]}
    assert made.negative_prompt is None


def test_a_character_and_a_workflow_are_as_strict() -> None:
    character = validated(CharacterRequest, {"prompt": "p", "steps": 3}).character("mira")
    assert (character.name, character.prompt, character.parameters.steps) == ("mira", "p", 3)
    characters: list[Any] = [{"prompt": None}, {"id": "x"}, {"width": "1"}, {"name": ""}]
    for body in characters:
        with pytest.raises(Invalid):
            validated(CharacterRequest, body)
    workflows: list[Any] = [
        {},
        {"graph": []},
        {"graph": {}, "slots": {"seed": 1}},
        {"graph": {}, "x": 1},
    ]
    for body in workflows:
        with pytest.raises(Invalid):
            validated(WorkflowRequest, body)


def test_two_spellings_of_one_request_have_one_fingerprint() -> None:
    one = parse(b'{"a": "\\u00e9", "b": [1, 2]}')
    other = parse('{"b":[1,2],"a":"é"}'.encode())
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})
    assert fingerprint({"a": 1}) != fingerprint({"a": 1, "seed": 1})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_whatever_is_parsed_can_be_kept(value: Any) -> None:
    try:
        kept = parse(json.dumps(value).encode())
    except (Invalid, NotJson):
        return
    assert kept == value
    assert "\\u0000" not in json.dumps(kept)
    json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()


@given(st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    with contextlib.suppress(Invalid, NotJson):
        parse(raw)


@given(st.dictionaries(st.sampled_from([*BatchRequest.model_fields, "x"]), json_values))
def test_any_object_is_an_order_or_refused_with_pointers(value: dict[str, Any]) -> None:
    try:
        pointers = []
        validated(BatchRequest, value).order("http://here")
    except Invalid as refusal:
        pointers = [error.pointer for error in refusal.errors]
    assert all(pointer.startswith("/") for pointer in pointers)
