"""Request headers, as tables and against anything."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.api.headers import (
    Span,
    Unsatisfiable,
    byte_range,
    cookie,
    event_number,
    idempotency_key,
    names_tag,
    preferred_wait,
    still_that,
    usable_host,
)
from safelight.core.errors import Invalid


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, None),
        ("order-7", "order-7"),
        ('"order-7"', "order-7"),
        ('  "a b"  ', "a b"),
        (r'"a\"b\\c"', r"a\"b\\c".replace("\\\\", "\\").replace('\\"', '"')),
        ('"unfinished', '"unfinished'),
        ("x" * 255, "x" * 255),
    ],
)
def test_an_idempotency_key_comes_bare_or_quoted(value: str | None, key: str | None) -> None:
    assert idempotency_key(value) == key


@pytest.mark.parametrize("value", ["", '""', "x" * 256, "schlüssel", "a\tb", "a\x7f"])
def test_an_idempotency_key_that_is_none(value: str) -> None:
    with pytest.raises(Invalid) as caught:
        idempotency_key(value)
    assert caught.value.code == "bad-idempotency-key"
    assert caught.value.errors[0].pointer == "Idempotency-Key"


@pytest.mark.parametrize(
    ("values", "wait"),
    [
        ([], None),
        (["wait=10"], 10),
        (["respond-async, wait=10"], 10),
        (["respond-async", "WAIT = 3"], 3),
        (['wait="7"'], 7),
        (["wait=5; foo=bar"], 5),
        (["wait=0"], 0),
        (["wait=601"], 600),
        (["wait=999999999"], 600),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait"], None),
        (["wait=soon"], None),
        (["handling=lenient"], None),
    ],
)
def test_a_preference_that_cannot_be_read_is_none(values: list[str], wait: int | None) -> None:
    assert preferred_wait(values) == wait


@pytest.mark.parametrize(
    ("value", "span"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-99", Span(0, 100)),
        ("bytes=10-", Span(10, 100)),
        ("bytes=-10", Span(90, 100)),
        ("bytes=-1000", Span(0, 100)),
        ("bytes=90-1000", Span(90, 100)),
        (" bytes = 5 - 6 ", Span(5, 7)),
        ("bytes=6-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        pytest.param("bytes=" + " " * 200_000 + "x", None, id="blanks"),
        pytest.param("bytes=1" + " " * 200_000 + "x", None, id="blanks behind a number"),
        pytest.param("bytes=-" + " " * 200_000 + "x", None, id="blanks behind the dash"),
    ],
)
def test_one_range_counts_and_what_cannot_be_read_is_none(
    value: str | None, span: Span | None
) -> None:
    assert byte_range(value, 100) == span


@pytest.mark.parametrize(
    ("value", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_a_range_without_a_byte(value: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        byte_range(value, size)


@given(st.text(max_size=40) | st.from_regex(r"bytes=\d{0,5}-\d{0,5}"), st.integers(0, 1000))
def test_any_range_stays_within_the_file(value: str, size: int) -> None:
    try:
        span = byte_range(value, size)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span.start < span.end <= size


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, False),
        ("", False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
    ],
)
def test_if_none_match(value: str | None, named: bool) -> None:
    assert names_tag(value, '"a"') is named


@pytest.mark.parametrize(
    ("value", "still"), [(None, True), ('"a"', True), ('W/"a"', False), ('"b"', False)]
)
def test_if_range(value: str | None, still: bool) -> None:
    assert still_that(value, '"a"') is still


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "localhost:8080", "127.0.0.1", "a_b.internal", "x:1"),
        *("[::1]:8080", "[::]", "[2001:DB8::1]", "[::ffff:127.0.0.1]"),
    ],
)
def test_a_usable_host(host: str) -> None:
    assert usable_host([host])


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["a", "b"],
        ["a/b"],
        ["a b"],
        ["user@host"],
        ['a"onload="x'],
        ["host:"],
        ["host:0"],
        ["host:65536"],
        ["host:x"],
        ["-host"],
        ["host\n"],
        ["höst"],
        ["[::1"],
        ["[::::]"],
        ["[127.0.0.1]"],
        ["[::1]x"],
        ["[1:2:3]:80"],
        ["a?b"],
        ["a#b"],
        ["x" * 300],
    ],
)
def test_a_host_that_must_not_stand_in_a_link(hosts: list[str]) -> None:
    assert not usable_host(hosts)


@pytest.mark.parametrize(
    ("values", "value"),
    [
        ([], None),
        ([""], None),
        (["b=1"], None),
        (["a"], None),
        (["a="], ""),
        (["x=1;a = 7 ; a=8"], "7"),
        (["x=1", "y=2; a=7"], "7"),
        (["A=1; aa=2; a=7=="], "7=="),
        (['a="\\"7\\055\\""'], '"\\"7\\055\\""'),
    ],
)
def test_a_cookie_is_found_as_it_was_sent(values: list[str], value: str | None) -> None:
    assert cookie(values, "a") == value


@given(st.text(alphabet="[]0aF:.1", max_size=20) | st.text(max_size=60))
def test_a_usable_host_makes_an_address(host: str) -> None:
    if usable_host([host]):
        assert urlsplit(f"http://{host}/v1").path == "/v1"


@given(st.text(max_size=60))
def test_no_usable_host_ends_the_authority_of_a_link(host: str) -> None:
    if usable_host([host]):
        assert not set(host) & set("/?#@\\\"'<> \r\n\t")


@pytest.mark.parametrize(
    ("value", "number"), [(None, 0), ("", 0), ("0", 0), ("17", 17), ("9" * 18, 2**31 - 1)]
)
def test_an_event_number(value: str | None, number: int) -> None:
    assert event_number(value) == number


@pytest.mark.parametrize("value", ["-1", "1.5", "abc", "٣", "1 2", "9" * 19])
def test_no_event_number(value: str) -> None:
    with pytest.raises(Invalid, match="number of an event"):
        event_number(value)
