"""What backends send as previews: made small, or dropped."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib

import pytest
from PIL import Image

from safelight.database.previews import MOST_BYTES
from safelight.pictures import BadPicture
from safelight.worker.previews import small


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), os.urandom(width * height * 3))


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is as large as that, and is whole as far as can be seen."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


@pytest.mark.parametrize("size", [(512, 512), (512, 128), (100, 512), (64, 64), (1, 512)])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_preview_is_small_whatever_it_shows(size: tuple[int, int], form: str) -> None:
    """Noise is what compresses worst, and what the first steps of a rendering look like."""
    made = small(encoded(noise(*size), form))
    assert len(made) <= MOST_BYTES
    with Image.open(io.BytesIO(made)) as image:
        assert image.format == "WEBP"
        assert max(image.size) <= 320
        assert image.width <= size[0]
        assert image.height <= size[1]


BAD = {
    "nothing": b"",
    "a page": b"<!doctype html><p>not now",
    "half of it": encoded(noise(64, 64))[:-200],
    "a start": b"\xff\xd8\xff",
    "noise": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "a gif": encoded(Image.new("RGB", (8, 8)), "GIF"),
    "a bomb": png_of_size(50_000, 50_000),
    "too large": png_of_size(3_000, 3_000),
    "a thousand scans": encoded(noise(64, 64))[:-2] + b"\xff\xda" * 1_000 + b"\xff\xd9",
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_small_whole_picture_is_dropped(what: str) -> None:
    """Before it is decoded, where its size alone would hurt."""
    began = time.process_time()
    with pytest.raises(BadPicture):
        small(BAD[what])
    assert time.process_time() - began < 2
