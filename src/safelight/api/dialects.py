"""Errors are told in the words of whoever asks: each face has its own, chosen by the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from safelight.api import problems
from safelight.api.openai import errors as openai_errors
from safelight.core.errors import SafelightError

_OPENAI: Final = "/openai/"


class Dialect(Protocol):
    """How one face tells what is not done as asked."""

    def answer(
        self, error: SafelightError, request_id: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """One of our errors."""

    def internal_error(self, request_id: str) -> Response:
        """A fault of ours."""

    async def on_refusal(self, request: Request, error: Exception) -> Response:
        """One of our errors, raised by a route."""

    async def on_http_exception(self, request: Request, error: Exception) -> Response:
        """What the router says: no such route, no such method."""

    async def on_wrong_parameters(self, request: Request, error: Exception) -> Response:
        """Query parameters that do not fit."""


def dialect_of(path: str) -> Dialect:
    """The dialect of an address."""
    return openai_errors if f"{path}/".startswith(_OPENAI) else problems


async def on_refusal(request: Request, error: Exception) -> Response:
    """Handler of everything in our own error tree."""
    return await dialect_of(request.scope["path"]).on_refusal(request, error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Handler of what the router says."""
    return await dialect_of(request.scope["path"]).on_http_exception(request, error)


async def on_wrong_parameters(request: Request, error: Exception) -> Response:
    """Handler of query parameters that do not fit."""
    return await dialect_of(request.scope["path"]).on_wrong_parameters(request, error)
