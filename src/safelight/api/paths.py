"""Ids in paths: what cannot be one is not there, so it is 404 and not 422."""

from __future__ import annotations

import re
from typing import Final

import structlog

from safelight.core.errors import Unknown
from safelight.core.naming import ID_PATTERN, USER_PATTERN

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_INDEX: Final = re.compile(r"[1-9][0-9]{0,8}")


def uuid_or_unknown(id: str, kind: str) -> str:
    """The id in lower case. Raises Unknown."""
    if not _UUID.fullmatch(id):
        raise Unknown(f"There is no {kind} with this id.")
    # What this request logs from here on is about it.
    structlog.contextvars.bind_contextvars(**{f"{kind}_id": id.lower()})
    return id.lower()


def user_or_unknown(id: str) -> str:
    """The id of a user. Raises Unknown."""
    if not re.fullmatch(USER_PATTERN, id):
        raise Unknown("There is no user with this id.")
    return id


def id_or_unknown(id: str, kind: str) -> str:
    """The id of a character or workflow. Raises Unknown."""
    if not re.fullmatch(ID_PATTERN, id):
        raise Unknown(f"There is no {kind} with this id.")
    return id


def series_or_unknown(user: str, character: str) -> tuple[str, str]:
    """The ids of a series. Raises Unknown."""
    return user_or_unknown(user), id_or_unknown(character, "character")


def index_or_unknown(index: str) -> int:
    """An image's number in its series. Raises Unknown."""
    if not _INDEX.fullmatch(index):
        raise Unknown("There is no image with this index.")
    return int(index)
