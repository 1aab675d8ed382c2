"""`keys`: what a person and a script are told."""

from __future__ import annotations

import pytest

from safelight.core.errors import Invalid, Unknown
from safelight.core.keys import key_text
from safelight.database.connection import Database
from safelight.database.keys import Allowance
from safelight.gateway.keymaking import KeyMaker
from tests.cli.terminal import Shell


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("keys create --scope Admin", "'Admin' is no scope: admin, user:ID"),
        ("keys create --scope admin --expires soon", "--expires: expected seconds"),
        ("keys revoke AAAAAAAA", "there is no key 'AAAAAAAA'"),
        (f"keys revoke {key_text('A' * 8, 'b' * 32)}", "there is no key 'slk_***'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(backed: Shell, line: str, words: str) -> None:
    backed.type(*line.split(" ")).assert_failed(2, words)


async def test_no_key_is_made_that_cannot_be(database: Database) -> None:
    """Names, times and numbers that nobody can mean."""
    maker = KeyMaker(database)
    for name in ("a\nb", "a" * 201, "\0"):
        with pytest.raises(Invalid, match="on one line"):
            await maker.create(["admin"], name=name)
    for seconds in (0, -1.0, float("nan"), float("inf"), 1e10):
        with pytest.raises(Invalid, match="more than 0 s"):
            await maker.create(["admin"], good_for=seconds)
    for most in (0, -1, 2**31):
        with pytest.raises(Invalid, match="a number from 1 on"):
            await maker.create(["admin"], allowance=Allowance(images_per_day=most))
        with pytest.raises(Invalid, match="a number from 1 on"):
            await maker.create(["admin"], allowance=Allowance(batches_per_minute=most))
    for id in ("AAAAAAAA", "", "\0", "\udcff", "a" * 1_000):
        with pytest.raises(Unknown, match="there is no key"):
            await maker.revoke(id)
    assert await maker.keys() == []


def test_a_key_is_shown_once_and_then_by_what_it_is(backed: Shell) -> None:
    """The text alone is on stdout, so that it can be piped; the first one says what it changes."""
    flags = ["--scope", "user:ann", "--name", "Ann's shop", "--expires", "90d"]
    made = backed.type("keys", "create", *flags, "--batches-per-minute", "5")
    [key] = made.out.split()
    assert key.startswith("slk_")
    assert "From now on every request needs a key" in made.err
    assert "From now on" not in backed.type("keys", "create", "--scope", "admin").err
    [listed, _] = backed.type("keys", "ls", "--json").json()
    assert listed["id"] == key[4:12]
    assert (listed["name"], listed["scopes"]) == ("Ann's shop", ["user:ann"])
    assert (listed["batches_per_minute"], listed["images_per_day"]) == (5, None)
    shown = backed.type("keys", "ls").out
    assert "Ann's shop" in shown
    assert key[13:] not in shown
    assert backed.type("keys", "revoke", key[4:12]).err == f"Key {key[4:12]} is revoked.\n"
    states = {one["id"]: one["state"] for one in backed.type("keys", "ls", "--json").json()}
    assert states[key[4:12]] == "revoked"
    assert backed.type("keys", "rotate-links").out == ""
