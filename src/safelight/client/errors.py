"""What a client raises.

ClientError
├── ProblemError   the server answered, and the answer is no
└── NoServer       nothing answered
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """The root of what this client raises."""


class NoServer(ClientError):
    """Nothing answers at this address, or not in time."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no server answers at {url}: {reason}")
        self.url = url
        self.reason = reason


class ProblemError(ClientError):
    """The server says no; `errors` lists the wrong fields as `{pointer, detail, code}`."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: tuple[Mapping[str, Any], ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after
