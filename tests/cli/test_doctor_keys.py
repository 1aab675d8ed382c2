"""What the doctor says of API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from safelight.assembly.checking_keys import check_keys
from safelight.database.connection import Database
from safelight.database.keys import Allowance, ApiKey
from safelight.gateway.keymaking import KeyMaker
from tests.cli.terminal import Shell
from tests.cli.test_alarms import checks

LONG_AGO = datetime.now(UTC) - timedelta(days=91)


def key(id: str, **fields: datetime) -> ApiKey:
    """A good one that ends tomorrow and was made now, unless said otherwise."""
    now = datetime.now(UTC)
    given = {"created_at": now, "expires_at": now + timedelta(days=1), "revoked_at": None}
    merged = {**given, "last_used_at": None, **fields}
    return ApiKey(id, "", ("admin",), allowance=Allowance(), **merged)  # type: ignore[arg-type]


def said(host: str, *keys: ApiKey) -> list[tuple[str, bool, str]]:
    return [(one.name, one.ok, one.detail) for one in check_keys(host, keys)]


def test_without_keys_only_loopback_is_well() -> None:
    assert said("::1") == [("keys", True, "none: whoever reaches ::1 may do everything")]
    refused = "none, and 10.0.0.1 can be reached from elsewhere"
    assert said("10.0.0.1") == [("keys", False, refused)]


def test_what_somebody_may_have_forgotten_is_only_told() -> None:
    """Keys that never end, and those nobody has used for long, unless they have ended."""
    keys = [
        key("AAAAAAAA"),
        key("BBBBBBBB", expires_at=None, created_at=LONG_AGO),  # type: ignore[arg-type]
        key("CCCCCCCC", created_at=LONG_AGO, last_used_at=datetime.now(UTC)),
        key("DDDDDDDD", created_at=LONG_AGO, revoked_at=LONG_AGO),
        key("EEEEEEEE", created_at=LONG_AGO, expires_at=LONG_AGO),
        *(key(f"F{n:07d}", last_used_at=LONG_AGO) for n in range(10)),
    ]
    [(name, ok, detail)] = said("127.0.0.1", *keys)
    assert (name, ok) == ("keys", True)
    assert detail.startswith("13 of 15 are good; never expire: BBBBBBBB; unused for 90 days: BBBB")
    assert detail.endswith("F0000008 and 1 more")


async def test_the_doctor_says_that_others_reach_the_server(
    backed: Shell, database: Database
) -> None:
    """It is well with a key, and not without."""
    backed.environ["SAFELIGHT_SERVER__HOST"] = "0.0.0.0"
    found = checks(backed, 1)
    assert found["keys"]["advice"] == "Type: safelight keys create --scope admin"
    kept, _ = await KeyMaker(database).create(["admin"])
    found = checks(backed, 0)
    assert found["keys"]["detail"] == f"1 of 1 are good; never expire: {kept.id}"
    assert found["server"]["detail"].startswith("listens on 0.0.0.0")
