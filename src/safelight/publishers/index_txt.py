"""A series' `index.txt` as a copy: the highest reserved index and a newline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import md5, sha256

from safelight.core.naming import index_text


class IndexText:
    """The bytes of one `index.txt`.

    Example:
        >>> IndexText(13).size
        3
    """

    content_type = "text/plain"

    def __init__(self, highest: int) -> None:
        self.data = index_text(highest).encode()
        self.size = len(self.data)
        self.md5 = md5(self.data, usedforsecurity=False).hexdigest()
        self.sha256 = sha256(self.data).hexdigest()

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it at once."""
        yield self.data
