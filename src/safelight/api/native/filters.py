"""Query parameters that say which images of a series are meant."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from safelight.api.schemas import ImageStatus
from safelight.core.selecting import Filters

_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


def _moment(text: Any) -> Any:
    """A moment as RFC 3339 spells it. Pydantic itself takes numbers and much else for one."""
    if text is None:
        return None
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError("another spelling")
        # In UTC, so that what lies just outside the years that are kept is found out here.
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError(
            "moment", "expected a moment like 2026-01-02T03:04:05Z (RFC 3339; + is written %2B)"
        ) from None


class ImageFilters(BaseModel):
    """Which images; what is left out does not matter."""

    model_config = ConfigDict(extra="forbid")

    status: ImageStatus | None = None
    starred: Literal["true", "false"] | None = None
    deleted: Literal["true", "false"] | None = None
    created_before: Annotated[datetime | None, BeforeValidator(_moment)] = None

    def filters(self) -> Filters:
        """The same as the core knows it."""
        return Filters(self.status, _flag(self.starred), _flag(self.deleted), self.created_before)


def _flag(text: str | None) -> bool | None:
    return None if text is None else text == "true"
