"""Pictures made for tests, whole and by hand."""

from __future__ import annotations

import io
import random
import struct
import zlib
from functools import cache

from PIL import Image


@cache
def noise(width: int = 64, height: int = 64, mode: str = "RGB", seed: int = 0) -> Image.Image:
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = random.Random(seed).randbytes(width * height * bands)
    return Image.frombytes(mode, (width, height), pixels)


def encode(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def png(width: int, height: int, *chunks: bytes, header_length: int = 13) -> bytes:
    """A PNG by hand, of 8-bit grey."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)[:header_length]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")
