"""Where the page is: its own addresses, which all answer the same, and those of its files."""

from __future__ import annotations

import re
from typing import Final

from safelight.api.page.assets import load

PAGES: Final = (
    "/",
    "/batches",
    "/batches/{id}",
    "/series",
    "/series/{user}/{character}",
    "/series/{user}/{character}/{index}",
    "/queue",
    "/fleet",
    "/characters",
    "/characters/{id}",
    "/workflows",
    "/workflows/{id}",
)
STATIC: Final = "/static/{version}/{name:path}"
ICON: Final = "/favicon.ico"
_PAGE: Final = re.compile("|".join(re.sub(r"\{\w+\}", "[^/]+", address) for address in PAGES))
_FILE: Final = re.compile(r"/static/[^/]+/(.+)", re.DOTALL)


def opens(path: str) -> bool:
    """Whether this is the page or one of its files: all of it is the same for everybody, so to read
    it needs no key.

    Example:
        >>> opens("/series/ann/mira/13"), opens("/v1/batches"), opens("/static/1/../../v1/batches")
        (True, False, False)
    """
    if _PAGE.fullmatch(path) or path == ICON:
        return True
    file = _FILE.fullmatch(path)
    return file is not None and file[1] in load().files


def way_up(raw_path: bytes) -> str:
    """The relative address of the page's root, as a browser sees it from this one.

    It reads the path as it was sent: to a browser `%2F` divides nothing.

    Example:
        >>> way_up(b"/"), way_up(b"/series/ann/mira")
        ('./', '../../')
    """
    return "../" * (raw_path.count(b"/") - 1) or "./"
