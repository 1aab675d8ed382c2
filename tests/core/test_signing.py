"""Secrets and signatures; the Standard Webhooks library says what is right."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from safelight.core.signing import check_secret, secret_of, signatures

KEYS = st.binary(min_size=24, max_size=64)


def headers(id: str, timestamp: int, signature: str) -> dict[str, str]:
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


@given(KEYS, st.uuids().map(str), st.text(max_size=200))
def test_what_we_sign_the_standard_library_verifies(key: bytes, id: str, text: str) -> None:
    """Its own signature is ours, and what it is shown is accepted."""
    secret, now = secret_of(key), int(datetime.now(UTC).timestamp())
    ours = signatures([secret], f"{id}:1", now, text.encode())
    assert ours == Webhook(secret).sign(f"{id}:1", datetime.fromtimestamp(now, UTC), text)
    body = json.dumps({"text": text}).encode()
    signed = headers(f"{id}:1", now, signatures([secret], f"{id}:1", now, body))
    assert Webhook(secret).verify(body, signed) == {"text": text}


def test_during_a_rotation_either_secret_will_do_and_no_other() -> None:
    old, new, other = (secret_of(bytes([n]) * 32) for n in range(3))
    now = int(datetime.now(UTC).timestamp())
    signed = headers("b:1", now, signatures([new, old], "b:1", now, b"{}"))
    assert Webhook(new).verify(b"{}", signed) == {}
    assert Webhook(old).verify(b"{}", signed) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(b"{}", signed)
    for wrong in ({"webhook-id": "b:2"}, {"webhook-timestamp": str(now - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(new).verify(b"{}", signed | wrong)


@given(KEYS)
def test_a_secret_of_ours_is_one(key: bytes) -> None:
    assert check_secret(secret_of(key)) == secret_of(key)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        secret_of(bytes(23)),
        secret_of(bytes(65)),
        base64.b64encode(bytes(32)).decode(),  # nothing says what it is
        "whsec_" + "!" * 43 + "=",
        "whsec_" + base64.b64encode(bytes(32)).decode().rstrip("="),
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        secret_of(bytes(32)) + "\n",
        "whsec_" + "A" * 100_000,
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError) as refusal:
        check_secret(secret)
    assert "24 to 64 random bytes" in str(refusal.value)
    assert not secret or secret == "whsec_" or secret not in str(refusal.value)
