"""What servers believe of each other's links and sessions, and of who sends wrong keys."""

from __future__ import annotations

import asyncio
import time

import pytest

from safelight.core.errors import SignatureExpired, SignatureInvalid, TooMany
from safelight.database import link_keys
from safelight.database.connection import Database
from safelight.gateway.linking import Links
from safelight.gateway.wrong_keys import ALLOWED, WINDOW, WrongKeys

LATER = int(time.time()) + 86_400


async def test_what_one_server_signs_another_believes_at_once(database: Database) -> None:
    """Also when both sign for the first time at the same moment, and when the key that signs was
    changed an instant ago; then what was signed before is believed no more."""
    one, other = Links(database), Links(database)
    cookies = await asyncio.gather(*(each.session("K", LATER) for each in (one, other)))
    for server in (one, other):
        assert [await server.session_key(cookie) for cookie in cookies] == ["K", "K"]
    await link_keys.rotate(database)
    new = await Links(database).session("K", LATER)
    assert await other.session_key(new) == "K"
    assert [await other.session_key(cookie) for cookie in cookies] == [None, None]


async def test_keys_that_nobody_has_are_looked_for_together(database: Database) -> None:
    """Strangers make up as many as they like: the database is asked ten times a second."""
    links = Links(database)
    cookie = await links.session("K", LATER)
    made_up = [f"K.{LATER}.{n}.AAAA" for n in range(200)]
    found = await asyncio.gather(*map(links.session_key, [*made_up, cookie]))
    assert found == [None] * 200 + ["K"]


async def test_a_signature_ends_with_its_moment(database: Database) -> None:
    links, path = Links(database), "/v1/images/x/file"
    for expires, error in ((int(time.time()), SignatureExpired), (LATER, None)):
        query = await links.query(path, {"width": "320"}, expires)
        pairs = [(name, value) for name, _, value in (p.partition("=") for p in query.split("&"))]
        if error is None:
            await links.check(path, pairs)
        else:
            with pytest.raises(error):
                await links.check(path, pairs)
        with pytest.raises(SignatureInvalid):
            await links.check(path, [*pairs, ("more", "")])
    assert await links.session_key(await links.session("K", int(time.time()))) is None


async def test_wrong_keys_are_counted_by_network() -> None:
    """One network of IPv6 is one address, one of IPv4 is the same however it is written; what
    cannot be told is one, too."""
    wrong = WrongKeys()
    for n in range(ALLOWED):
        wrong.note(f"2001:db8::{n:x}")
        wrong.note("")
    for address in ("2001:db8::ffff", ""):
        with pytest.raises(TooMany) as refused:
            wrong.note(address)
        assert 0 < (refused.value.retry_after or 0) <= WINDOW
    with pytest.raises(TooMany):
        wrong.note("no address " * 1_000)
    wrong.note("2001:db8:0:1::1")
    wrong.note("203.0.113.7")
    for _ in range(ALLOWED):
        wrong.note("::ffff:203.0.113.8")
    wrong.note("::ffff:203.0.113.9")
    with pytest.raises(TooMany):
        wrong.note("203.0.113.8")


async def test_addresses_without_end_are_forgotten() -> None:
    """Memory has an end; nobody is shut out by it."""
    wrong = WrongKeys()
    for _ in range(ALLOWED):
        wrong.note("203.0.113.7")
    for n in range(10_000):
        wrong.note(f"10.0.{n // 250}.{n % 250}")
    wrong.note("203.0.113.7")
