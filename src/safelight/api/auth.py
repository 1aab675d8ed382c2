"""Who asks: every request is somebody's before a route sees it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, cast

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from safelight.core.rights import Rights
from safelight.gateway import Keyring

OPEN: Final = frozenset({"/healthz", "/readyz"})
"""What is answered without a key: whoever watches over the process has none."""
Still: TypeAlias = Callable[[], Awaitable[object]]
_SCHEME: Final = re.compile(r"(?:bearer|key) +([!-~]{1,200}) *", re.I)


class Doorkeeper:
    """Wraps the application, inside the envelope: what it raises becomes a problem there."""

    def __init__(self, app: ASGIApp, *, keyring: Keyring) -> None:
        self._app = app
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            shown = _shown(Headers(scope=scope))

            async def still() -> Rights:
                return await self._keyring.rights(shown)

            scope = {**scope, "safelight.rights": await still(), "safelight.still": still}
        await self._app(scope, receive, send)


def rights_of(request: Request) -> Rights:
    """What whoever sent this request may see and do."""
    return cast(Rights, request.scope["safelight.rights"])


def still_of(request: Request) -> Still:
    """Asks whether what was shown with this request is still believed, for answers that take long:
    raises `Unauthorized` if not."""
    return cast(Still, request.scope["safelight.still"])


def _shown(headers: Headers) -> str | None:
    """The key of the Authorization header; something else than a key is a wrong key."""
    header = headers.get("authorization")
    if header is None:
        return None
    match = _SCHEME.fullmatch(header)
    return match[1] if match else ""
