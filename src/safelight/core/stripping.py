"""A PNG without what it says about itself in words: the prompt, the graph, who made it.

Chunks are copied whole or not at all, so their checksums stay right and no pixel changes. Kept is
what a decoder needs or what changes how the picture looks. The list of chunks is that of the PNG
specification, third edition, 4.7 and 11.3 (W3C, 2025).
"""

from __future__ import annotations

from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD: Final = 8  # bytes: length and type
_CRC: Final = 4  # bytes behind the data
_END: Final = b"IEND"
KEPT: Final = frozenset(
    {
        b"IHDR",
        b"PLTE",
        b"IDAT",
        _END,
        b"tRNS",
        b"cHRM",
        b"gAMA",
        b"iCCP",
        b"sBIT",
        b"sRGB",
        b"cICP",
        b"mDCV",
        b"cLLI",
        b"bKGD",
        b"pHYs",
        b"acTL",
        b"fcTL",
        b"fdAT",
    }
)


class NoPng(ValueError):
    """The bytes are not those of a whole PNG."""


class Stripper:
    """Takes a PNG in pieces of any size and gives what of it may leave; remembers at most the head
    of a chunk.

    Example:
        >>> stripper = Stripper()
        >>> _ = stripper.feed(SIGNATURE + b"\\x00\\x00\\x00\\x02tEXtab" + b"\\x00" * 4)
        >>> stripper.feed(b"\\x00\\x00\\x00\\x00IEND\\xaeB\\x60\\x82")
        b'\\x00\\x00\\x00\\x00IEND\\xaeB`\\x82'
        >>> stripper.close()
    """

    def __init__(self) -> None:
        self._waiting = b""  # the beginning of the signature, or of a chunk's head
        self._begun = False
        self._left = 0  # bytes of the current chunk, its checksum included
        self._keeping = False
        self._ended = False  # the chunk IEND has begun

    def feed(self, piece: bytes) -> bytes:
        """What may leave of the next piece. Raises `NoPng`."""
        kept: list[bytes] = []
        rest = memoryview(self._waiting + piece)
        self._waiting = b""
        while len(rest):
            if self._left:
                part, rest = rest[: self._left], rest[self._left :]
                self._left -= len(part)
                kept.append(bytes(part) if self._keeping else b"")
            elif self._ended:
                break  # what lies behind the end is no picture
            elif len(rest) < _HEAD:
                self._waiting = bytes(rest)
                break
            else:
                kept.append(self._open(bytes(rest[:_HEAD])))
                rest = rest[_HEAD:]
        return b"".join(kept)

    def close(self) -> None:
        """All pieces were fed. Raises `NoPng` unless that was all of a PNG."""
        if not self._ended or self._left:
            raise NoPng("the file ends before the picture does")

    def _open(self, head: bytes) -> bytes:
        """The head of a chunk, or the signature; what of it may leave."""
        if not self._begun:
            if head != SIGNATURE:
                raise NoPng("the file is no PNG")
            self._begun = True
            return head
        kind = head[4:]
        if not kind.isalpha():
            raise NoPng("a chunk of the file has no name")
        self._left = int.from_bytes(head[:4], "big") + _CRC
        self._keeping = kind in KEPT
        self._ended = kind == _END
        return head if self._keeping else b""
