"""All that the page is made of, read once: what a request asks for is a name, never a path.

Files are packed beforehand, and addressed under a version, a hash over all of them. So whoever has
a file of this version has it for good, and all files of a page fit together.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
"""What is served; all else in the folder is not."""
_TEMPLATE: Final = "index.html"
_DEEPEST: Final = 3  # folders above the page's deepest address
_INLINE: Final = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
# `require-trusted-types-for` has a browser refuse every script and every markup made of text.
_POLICY: Final = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self'; img-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes as they are sent, and their strong entity tag."""

    content: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Asset:
    """Something that can be asked for."""

    media_type: str
    plain: Body
    packed: Body | None  # with gzip; None: it would be no smaller


@dataclass(frozen=True, slots=True)
class Site:
    """Everything."""

    version: str
    files: Mapping[str, Asset]  # by name, `js/app.js`
    pages: Mapping[str, Asset]  # index.html, by its way up to the root
    policy: str  # the Content-Security-Policy of the page


@cache
def load() -> Site:
    """Read the folder."""
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and (path.suffix in TYPES or path.name == _TEMPLATE)
    }
    version = _version(found)
    template = found.pop(_TEMPLATE).decode("utf-8").replace("{version}", version)
    ways = ["./", *("../" * depth for depth in range(1, _DEEPEST + 1))]
    pages = {way: template.replace("{base}", way).encode("utf-8") for way in ways}
    return Site(
        version,
        {name: _asset(TYPES[Path(name).suffix], content) for name, content in found.items()},
        {way: _asset("text/html; charset=utf-8", content) for way, content in pages.items()},
        _POLICY.format(scripts=" ".join(_hashes(pages["./"].decode("utf-8")))),
    )


def _version(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _asset(media_type: str, content: bytes) -> Asset:
    tag = hashlib.sha256(content).hexdigest()[:32]
    small = gzip.compress(content, 9, mtime=0)
    # Another encoding is another representation, which a strong tag must tell.
    packed = Body(small, f'"{tag}-gzip"') if len(small) < len(content) * 0.9 else None
    return Asset(media_type, Body(content, f'"{tag}"'), packed)


def _hashes(page: str) -> list[str]:
    """What a policy calls each script that stands in the page itself."""
    digests = [hashlib.sha256(text.encode("utf-8")).digest() for text in _INLINE.findall(page)]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
