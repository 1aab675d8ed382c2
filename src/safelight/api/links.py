"""Absolute addresses: those of `public_url`, else of the request; signed ones need no key."""

from __future__ import annotations

import math
import time
from typing import TypeAlias, cast

from starlette.requests import Request

from safelight.gateway import Keyring

Base: TypeAlias = str  # scheme, host and perhaps a path, no slash at the end


def base_of(request: Request) -> Base:
    """What every link of the answer begins with. The envelope has refused unusable Host headers."""
    configured = request.app.state.public_url
    if configured is not None:
        return str(configured)
    host = request.headers.get("host")
    if host is None:
        address, port = request.scope.get("server") or ("127.0.0.1", 80)
        host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return f"{request.scope['scheme']}://{host}"


def file_url(base: Base, image: str) -> str:
    """Where an image's bytes are, or will be."""
    return f"{base}/v1/images/{image}/file"


def preview_url(base: Base, image: str, number: int) -> str:
    """Where an image's preview is while it is drawn; the number makes a browser fetch it anew."""
    return f"{base}/v1/images/{image}/preview?n={number}"


def thumbnail_url(base: Base, image: str) -> str:
    """Where an image's small copy is, or will be."""
    return f"{base}/v1/images/{image}/thumbnail"


def expiry(seconds: float) -> int:
    """A moment at least so many seconds from now, and a twelfth longer at most, in Unix s.

    Rounded, so that whoever asks again soon gets the same link, and a browser that has the picture
    does not fetch it once more.
    """
    step = max(1, int(seconds) // 12)
    return math.ceil((time.time() + seconds) / step) * step


async def signed_url(request: Request, path: str, seconds: float, **params: str) -> str:
    """An absolute address that needs no key for so many seconds from now.

    `path` is the picture or the thumbnail of an image, `/v1/images/{id}/file`; nothing else is
    opened by a signature. Raises `DatabaseAway`.
    """
    return await url_until(request, path, expiry(seconds), **params)


async def url_until(request: Request, path: str, expires: int, **params: str) -> str:
    """Like `signed_url`, until a moment (Unix s)."""
    links = cast(Keyring, request.app.state.keyring).links
    return f"{base_of(request)}{path}?{await links.query(path, params, expires)}"
