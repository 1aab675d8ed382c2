"""Who asks: every request is somebody's before a route sees it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias, cast
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from safelight.api import page
from safelight.api.asked import note_asker, note_route
from safelight.api.headers import cookie
from safelight.api.problems import CrossOrigin
from safelight.core.errors import SignatureInvalid
from safelight.core.linking import SIGNATURE, Pairs, unsigned
from safelight.core.rights import LINKED, Rights
from safelight.gateway import Keyring

OPEN: Final = frozenset({"/healthz", "/readyz"})
"""What is answered without a key: whoever watches over the process has none."""
SESSION_PATH: Final = "/v1/session"
SESSION: Final = "safelight_session"
"""The cookie of whoever has signed in."""
Still: TypeAlias = Callable[[], Awaitable[object]]
_SCHEME: Final = re.compile(r"(?:bearer|key) +([!-~]{1,200}) *", re.I)
# What a signed link may lead to: it opens this very thing and nothing beside it.
_LINKABLE: Final = re.compile(r"/v1/images/[0-9a-fA-F-]{36}/(?:file|thumbnail)")
_MOST_FIELDS: Final = 20  # in the query of a signed link


class Doorkeeper:
    """Wraps the application, inside the envelope: what it raises becomes a problem there."""

    def __init__(self, app: ASGIApp, *, keyring: Keyring) -> None:
        self._app = app
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and not _open(scope):
            scope = await self._linked(scope) or await self._keyed(scope)
            note_asker(scope, scope["safelight.rights"])
        try:
            await self._app(scope, receive, send)
        finally:
            note_route(scope)

    async def _keyed(self, scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        shown, session = _shown(headers), cookie(headers.getlist("cookie"), SESSION)
        if shown is not None or session is None:
            rights = await self._keyring.rights(shown, address_of(scope))
            still = partial(self._keyring.still, rights)
        else:
            rights = await self._keyring.rights_of_session(session)
            still = partial(self._keyring.still, rights, session)
            if scope["method"] != "GET":
                _refuse_other_pages(headers)
        return {**scope, "safelight.rights": rights, "safelight.still": still}

    async def _linked(self, scope: Scope) -> Scope | None:
        """A request by a signed link, the signature taken off; None: it is none.

        Where there is a signature it decides: whoever sends a wrong one shall learn of it, and not
        only when they have no key.
        """
        if scope["method"] != "GET" or not _LINKABLE.fullmatch(scope["path"]):
            return None
        if SIGNATURE.encode() not in scope["query_string"]:
            return None
        pairs = _pairs(scope["query_string"])
        if all(name != SIGNATURE for name, _ in pairs):
            return None
        await self._keyring.links.check(scope["path"], pairs)
        query = urlencode(unsigned(pairs)).encode()
        return {**scope, "query_string": query, "safelight.rights": LINKED}


def rights_of(request: Request) -> Rights:
    """What whoever sent this request may see and do."""
    return cast(Rights, request.scope["safelight.rights"])


def address_of(scope: Scope) -> str:
    """Where a request comes from; empty where nobody can tell."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def still_of(request: Request) -> Still:
    """Asks whether what was shown with this request is still believed, for answers that take long:
    raises `Unauthorized` if not."""
    return cast(Still, request.scope["safelight.still"])


def _open(scope: Scope) -> bool:
    """Whether a request needs no key: nor does whoever reads the page, signs in, or out of what is
    over. Of the page there is only reading; HEAD is a GET to us."""
    path, method = scope["path"], scope["method"]
    signing = path == SESSION_PATH and method in ("POST", "DELETE")
    return path in OPEN or signing or (method == "GET" and page.opens(path))


def _refuse_other_pages(headers: Headers) -> None:
    """A browser sends the cookie along whichever page asks: a write must come from one of ours.

    Where there is an Origin the envelope has compared it. Raises `CrossOrigin`.
    """
    site = headers.get("sec-fetch-site")
    if site not in (None, "same-origin") or (site is None and "origin" not in headers):
        raise CrossOrigin("This request does not say that a page of this server sent it.")


def _shown(headers: Headers) -> str | None:
    """The key of the Authorization header; two of them, or something else, is a wrong key."""
    sent = headers.getlist("authorization")
    if not sent:
        return None
    match = _SCHEME.fullmatch(sent[0]) if len(sent) == 1 else None
    return match[1] if match else ""


def _pairs(query: bytes) -> Pairs:
    try:
        text = query.decode("latin-1")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise SignatureInvalid("this link is not signed here: its query is too long") from None
