"""What the doctor says of API keys: who may ask, and which keys somebody may have forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from safelight.assembly.check import Check
from safelight.database.keys import ApiKey
from safelight.settings import is_loopback

UNUSED: Final = timedelta(days=90)
_NAMED: Final = 10  # keys named in one line


def check_keys(host: str, known: Sequence[ApiKey]) -> Iterator[Check]:
    """Whether the server may listen there; keys that never end or are not used are only told."""
    if known:
        yield Check("keys", True, _told(known))
    elif is_loopback(host):
        yield Check("keys", True, f"none: whoever reaches {host} may do everything")
    else:
        advice = "Type: safelight keys create --scope admin"
        yield Check("keys", False, f"none, and {host} can be reached from elsewhere", advice)
    if known and not is_loopback(host):
        told = f"listens on {host}: others reach it, and are answered with a key only"
        yield Check("server", True, told)


def _told(known: Sequence[ApiKey]) -> str:
    now = datetime.now(UTC)
    good = [key for key in known if _good(key, now)]
    endless = [key for key in good if key.expires_at is None]
    unused = [key for key in good if (key.last_used_at or key.created_at) < now - UNUSED]
    told = [f"{len(good)} of {len(known)} are good"]
    told += [f"never expire: {_ids(endless)}"] if endless else []
    told += [f"unused for {UNUSED.days} days: {_ids(unused)}"] if unused else []
    return "; ".join(told)


def _good(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _ids(keys: Sequence[ApiKey]) -> str:
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return ", ".join(key.id for key in keys[:_NAMED]) + more
