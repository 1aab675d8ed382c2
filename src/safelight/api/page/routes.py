"""The page at its addresses, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from safelight.api.headers import accepts_gzip, names_tag
from safelight.api.page.addresses import ICON, PAGES, STATIC, opens, way_up
from safelight.api.page.assets import Asset, load
from safelight.core.errors import Unknown

router = APIRouter(include_in_schema=False)
_ASK_AGAIN: Final = "no-cache"
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_GUARDS: Final = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
_PAGE_GUARDS: Final = {
    **_GUARDS,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_FILE_GUARDS: Final = {**_GUARDS, "content-security-policy": "default-src 'none'"}


async def page(request: Request) -> Response:
    """The page, whatever the address names: it asks the API itself what is there."""
    _check(request)
    site = load()
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    guards = {**_PAGE_GUARDS, "content-security-policy": site.policy}
    return _answer(request, site.pages[way_up(raw)], _ASK_AGAIN, guards)


for _address in PAGES:
    router.get(_address)(page)


@router.get(STATIC)
async def file(request: Request, version: str, name: str) -> Response:
    """A file of the page; under another version too, for a page that was open over an upgrade."""
    _check(request)
    site = load()
    keep = _FOR_GOOD if version == site.version else _ASK_AGAIN
    return _answer(request, site.files[name], keep, _FILE_GUARDS)


@router.get(ICON)
async def icon(request: Request) -> Response:
    """For browsers that ask here before they have read the page, or read another of ours."""
    _check(request)
    return _answer(request, load().files["icon.svg"], _ASK_AGAIN, _FILE_GUARDS)


def _check(request: Request) -> None:
    """What is answered is exactly what is open to everybody: the router alone would also let pass
    an address with a line feed at its end."""
    if not opens(request.scope["path"]):
        raise Unknown("The page has neither such an address nor a file of this name.")


def _answer(request: Request, asset: Asset, keep: str, guards: Mapping[str, str]) -> Response:
    packed = asset.packed if accepts_gzip(request.headers.getlist("accept-encoding")) else None
    body = packed or asset.plain
    headers = {**guards, "cache-control": keep, "etag": body.etag}
    if asset.packed:
        headers["vary"] = "accept-encoding"
    if names_tag(request.headers.get("if-none-match"), body.etag):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["content-encoding"] = "gzip"
    return Response(body.content, headers=headers, media_type=asset.media_type)
