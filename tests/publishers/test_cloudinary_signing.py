"""Our signatures are those of the official client, for any parameters."""

from __future__ import annotations

from typing import Any

import cloudinary
import pytest
from cloudinary.utils import api_sign_request, encode_context
from hypothesis import given
from hypothesis import strategies as st

from safelight.publishers.cloudinary_signing import context, form, is_signed, sign
from tests.standins.cloudinary import parsed, unescaped
from tests.standins.server import Request

names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12).filter(
    lambda name: name not in ("file", "cloud_name", "resource_type", "api_key", "signature")
)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
params = st.dictionaries(names, words | st.lists(words, max_size=3), max_size=6)


@pytest.mark.parametrize(
    ("said", "signature"),
    [
        (
            {"public_id": "sample_image", "timestamp": "1315060510"},
            "b4ad47fb4e25c7bf5f92a20089f9db59bc302313",
        ),
        (
            {
                "eager": "w_400,h_300,c_pad|w_260,h_200,c_crop",
                "public_id": "sample_image",
                "timestamp": "1315060510",
            },
            "bfd09f95f331f558cbd1320e67aa8d488770583e",
        ),
    ],
)
def test_the_documented_vectors(said: dict[str, str], signature: str) -> None:
    """What stands in Cloudinary's own pages."""
    assert sign(said, "abcd") == signature
    unsigned = {"file": "x", "api_key": "k", "cloud_name": "c", "resource_type": "r", "tags": ""}
    assert sign({**unsigned, **said, "signature": "s"}, "abcd") == signature


@given(params, st.text(min_size=1, max_size=40))
def test_any_request_is_signed_as_the_official_client_signs_it(
    said: dict[str, Any], secret: str
) -> None:
    """Lists, ampersands, line ends, everything that is text."""
    try:
        expected = api_sign_request(said, secret)
    except UnicodeEncodeError:
        return  # half a surrogate pair in the secret
    assert sign(said, secret) == expected


@given(words.filter(bool), st.integers(0, 2**40), st.text("abc123", min_size=1))
def test_answers_are_checked_as_the_official_client_checks_them(
    public_id: str, version: int, secret: str
) -> None:
    """By version 1 of the rule, with either hash, in either case."""
    said = {"public_id": public_id, "version": version}
    cloudinary.config(api_secret=secret)
    for algorithm in ("sha1", "sha256"):
        signature = api_sign_request(said, secret, algorithm, signature_version=1)
        assert is_signed(public_id, version, signature, secret) is (version != 0)
        assert not is_signed(public_id, version + 1, signature, secret)
        assert not is_signed(public_id, version, signature, secret + "x")
    for nonsense in ("", "0" * 40, "0" * 64, "é" * 40):
        assert not is_signed(public_id, version, nonsense, secret)


@given(st.dictionaries(names, st.text("ab=|, ", max_size=9), max_size=4))
def test_context_is_escaped_as_the_official_client_escapes_it(said: dict[str, str]) -> None:
    """And can be read back."""
    assert context(said) == encode_context(said)
    assert unescaped(context(said)) == said


def test_a_form_holds_what_was_signed_and_the_file() -> None:
    """Empty parameters are not sent; lists go as one."""
    before, after = form({"a": "1", "b": "", "tags": ["x", "y"]}, "n.png", "image/png", "B")
    body = before + b"\r\n--binary\r\n" + after
    request = Request("POST", "/", {"content-type": "multipart/form-data; boundary=B"}, body)
    assert parsed(request) == ({"a": "1", "tags": "x,y"}, b"\r\n--binary\r\n")
