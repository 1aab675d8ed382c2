"""What scopes allow, as a table."""

from __future__ import annotations

import pytest

from safelight.core.errors import Forbidden, Invalid
from safelight.core.rights import ANYBODY, LINKED, NOBODY, check_scopes, rights_of

REACHED = [
    # scopes, user, character, reached
    (["admin"], "ann", "mira", True),
    (["user:ann"], "ann", "mira", True),
    (["user:ann"], "ann", "opal-fever", True),
    (["user:ann"], "bob", "mira", False),
    (["user:ann"], "Ann", "mira", False),
    (["user:ann", "user:bob"], "bob", "mira", True),
    (["user:*"], "bob", "mira", True),
    (["character:mira"], "bob", "mira", True),
    (["character:mira"], "bob", "opal-fever", False),
    (["character:*"], "bob", "opal-fever", True),
    (["user:ann", "character:mira"], "ann", "mira", True),
    (["user:ann", "character:mira"], "ann", "opal-fever", False),
    (["user:ann", "character:mira"], "bob", "mira", False),
    (["user:ann", "user:*"], "bob", "mira", True),
    (["user:ann", "admin"], "bob", "mira", True),
]


@pytest.mark.parametrize(("scopes", "user", "character", "reached"), REACHED)
def test_what_a_key_reaches(scopes: list[str], user: str, character: str, reached: bool) -> None:
    rights = rights_of("k", check_scopes(scopes))
    assert rights.reaches(user, character) is reached
    assert rights.everything is (rights.users is None and rights.characters is None)
    assert rights.key == "k"


@pytest.mark.parametrize("scopes", [["user:*"], ["character:*"], ["user:ann"]])
def test_only_an_administrator_is_one(scopes: list[str]) -> None:
    """Reaching every series is not running the service."""
    with pytest.raises(Forbidden, match="scope admin"):
        rights_of("k", scopes).need_admin()
    rights_of("k", ["admin"]).need_admin()
    ANYBODY.need_admin()


def test_who_has_a_link_is_no_administrator() -> None:
    """The link says what may be looked at; that may be anybody's."""
    assert LINKED.everything
    assert not LINKED.admin


@pytest.mark.parametrize("scopes", [["admin"], ["user:ann"]])
def test_a_key_may_have_quotas_of_its_own(scopes: list[str]) -> None:
    assert rights_of("k", scopes, limited=True).limited
    assert not rights_of("k", scopes).limited


def test_nobody_reaches_nothing() -> None:
    assert not NOBODY.reaches("ann", "mira")
    assert not NOBODY.everything
    assert not NOBODY.admin


@pytest.mark.parametrize(
    "scope",
    ["", "Admin", "user", "user:", "user:../x", "user:a b", "character:Mira", "users:ann", "*"],
)
def test_what_is_no_scope_is_refused(scope: str) -> None:
    with pytest.raises(Invalid, match="is no scope"):
        check_scopes([scope])


def test_a_key_without_a_scope_is_refused() -> None:
    with pytest.raises(Invalid, match="needs a scope"):
        check_scopes([])


def test_scopes_are_kept_once_in_their_order() -> None:
    assert check_scopes(["user:b", "user:a", "user:b"]) == ("user:b", "user:a")
