"""Pictures and copies for whoever tests a publisher."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import AsyncIterator
from hashlib import md5, sha256

from PIL import Image

from safelight.publishers.base import Item


class Bytes:
    """A copy that lies in memory."""

    def __init__(self, data: bytes, piece: int = 256 * 1024) -> None:
        self.data = data
        self._piece = piece
        self.size = len(data)
        self.md5 = md5(data).hexdigest()
        self.sha256 = sha256(data).hexdigest()
        self.reads = 0  # how often it was asked for

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it, in pieces."""
        self.reads += 1
        for start in range(0, self.size, self._piece):
            yield self.data[start : start + self._piece]


class Large:
    """A PNG of many bytes, of which none is kept: one grey pixel and chunks that say nothing."""

    def __init__(self, chunks: int) -> None:
        body = bytes(1024 * 1024)
        self._chunk = _chunk(b"saFe", body)
        self._chunks = chunks
        whole = png(1)
        self._head, self._tail = whole[:33], whole[33:]  # the signature and IHDR; the rest
        hashed = (md5(), sha256())
        self.size = 0
        for piece in self._all():
            self.size += len(piece)
            for one in hashed:
                one.update(piece)
        self.md5, self.sha256 = (one.hexdigest() for one in hashed)

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it, in pieces."""
        for piece in self._all():
            yield piece

    def _all(self) -> list[bytes]:
        # The same chunk again and again, so that the whole is never in memory.
        return [self._head, *[self._chunk] * self._chunks, self._tail]


def png(seed: int, size: tuple[int, int] = (16, 12)) -> bytes:
    """A small picture; two seeds never give the same bytes."""
    file = io.BytesIO()
    picture = Image.new("RGB", size, (seed % 256, seed // 256 % 256, seed // 65_536 % 256))
    picture.save(file, "PNG")
    return file.getvalue()


def item(index: int = 13, user: str = "areg", character: str = "mira") -> Item:
    """A stored image."""
    return Item(
        image=f"00000000-0000-4000-8000-{index:012d}",
        user=user,
        character=character,
        index=index,
        seed=1000 + index,
        name=f"{user}_{character}_image_{index:05d}_.png",
        content_type="image/png",
        width=16,
        height=12,
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
