"""Who asks: every request is somebody's before a route sees it."""

from __future__ import annotations

import re
from typing import Final, cast

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from safelight.api.asked import note_asker, note_route
from safelight.core.rights import Rights
from safelight.gateway import Keyring

OPEN: Final = frozenset({"/healthz", "/readyz"})
"""What is answered without a key: whoever watches over the process has none."""
_SCHEME: Final = re.compile(r"(?:bearer|key) +([!-~]{1,200}) *", re.I)


class Doorkeeper:
    """Wraps the application, inside the envelope: what it raises becomes a problem there."""

    def __init__(self, app: ASGIApp, *, keyring: Keyring) -> None:
        self._app = app
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            rights = await self._keyring.rights(_shown(Headers(scope=scope)))
            note_asker(scope, rights)
            scope = {**scope, "safelight.rights": rights}
        try:
            await self._app(scope, receive, send)
        finally:
            note_route(scope)


def rights_of(request: Request) -> Rights:
    """What whoever sent this request may see and do."""
    return cast(Rights, request.scope["safelight.rights"])


def _shown(headers: Headers) -> str | None:
    """The key of the Authorization header; something else than a key is a wrong key."""
    header = headers.get("authorization")
    if header is None:
        return None
    match = _SCHEME.fullmatch(header)
    return match[1] if match else ""
