"""Sessions: a browser shows a key once and is then known by a cookie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api import bodies
from safelight.api.answers import respond
from safelight.api.auth import SESSION, SESSION_PATH, address_of, rights_of
from safelight.api.links import base_of
from safelight.api.openapi import BODY, GUARDED, described, takes
from safelight.api.schemas import SessionRequest
from safelight.core.rights import Rights
from safelight.gateway import SESSION_FOR, Keyring

router = APIRouter(tags=["session"])


@router.post(
    SESSION_PATH,
    operation_id="sign_in",
    summary="Sign in",
    responses=described({200: "Session"}, *BODY, *GUARDED),
    openapi_extra=takes("SessionRequest"),
)
async def sign_in(request: Request) -> Response:
    """Sets a cookie that stands for the key for seven days, or until the key is revoked.

    The cookie names the key and does not hold it. While there are no keys none is set.
    """
    body, _ = await bodies.read(request, SessionRequest)
    rights, cookie = await _keyring(request).sign_in(body.key, address_of(request.scope))
    answer = await _told(request, rights)
    if cookie is not None:
        _set(request, answer, cookie, SESSION_FOR)
    return answer


@router.get(
    SESSION_PATH,
    operation_id="get_session",
    summary="Who one is",
    responses=described({200: "Session"}),
)
async def get_session(request: Request) -> Response:
    """By the session's cookie or an API key. While there are no keys everybody is admin."""
    return await _told(request, rights_of(request))


@router.delete(
    SESSION_PATH,
    operation_id="sign_out",
    summary="Sign out",
    status_code=204,
    responses=described({}, 204),
)
async def sign_out(request: Request) -> Response:
    """Takes the cookie away; also one that is over."""
    answer = Response(status_code=204)
    _set(request, answer, "", 0)
    return answer


async def _told(request: Request, rights: Rights) -> Response:
    asker = await _keyring(request).asker(rights)
    return respond(
        {
            "key": asker.key,
            "name": asker.name,
            "scopes": list(asker.scopes),
            "admin": asker.admin,
            "keys": asker.keys,
            "users": _listed(asker.users),
            "characters": _listed(asker.characters),
        }
    )


def _listed(ids: Sequence[str] | None) -> list[str] | None:
    return None if ids is None else list(ids)


def _set(request: Request, answer: Response, cookie: str, seconds: int) -> None:
    base = urlsplit(base_of(request))
    answer.set_cookie(
        SESSION,
        cookie,
        max_age=seconds,
        path=base.path or "/",
        secure="https" in (base.scheme, request.url.scheme),
        httponly=True,
        samesite="lax",
    )


def _keyring(request: Request) -> Keyring:
    return cast(Keyring, request.app.state.keyring)
