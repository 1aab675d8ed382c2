"""A PNG leaves without its words, and without anything that is no picture."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from safelight.core.stripping import KEPT, SIGNATURE, NoPng, Stripper


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def picture(**texts: str) -> bytes:
    """A small one that says these things about itself."""
    said = PngInfo()
    for name, text in texts.items():
        said.add_text(name, text, zip=len(text) > 50)
    to = BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((40, 30)).save(to, "PNG", pnginfo=said)
    return to.getvalue()


def stripped(data: bytes, *, pieces: int = 1 << 20) -> bytes:
    stripper = Stripper()
    kept = [stripper.feed(data[at : at + pieces]) for at in range(0, len(data), pieces)]
    stripper.close()
    return b"".join(kept)


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 8, 9, 64, 1 << 20])
def test_the_prompt_stays_at_home_and_the_picture_is_the_same(pieces: int) -> None:
    secret = "a very private prompt " * 10
    data = picture(prompt=secret, workflow="{}", Author="ann")
    left = stripped(data, pieces=pieces)
    assert left == stripped(picture())
    for word in (b"tEXt", b"zTXt", b"iTXt", b"ann", b"private"):
        assert word not in left
    before, after = Image.open(BytesIO(data)), Image.open(BytesIO(left))
    assert before.tobytes() == after.tobytes()
    assert "prompt" not in after.info


def test_what_decoders_need_is_kept_and_everything_else_is_not() -> None:
    kinds = [*sorted(KEPT - {b"IEND"}), b"tEXt", b"eXIf", b"tIME", b"caBX", b"prVt", b"IEND"]
    data = SIGNATURE + b"".join(chunk(kind, kind * 3) for kind in kinds)
    wanted = [kind for kind in kinds if kind in KEPT]
    assert stripped(data) == SIGNATURE + b"".join(chunk(kind, kind * 3) for kind in wanted)


def test_what_hides_behind_the_end_stays_at_home() -> None:
    assert stripped(picture() + b"PK\x03\x04 something else", pieces=5) == picture()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "ends before"),
        (SIGNATURE[:5], "ends before"),
        (SIGNATURE, "ends before"),
        (b"<!doctype html><p>hello</p>", "no PNG"),
        (b"\xff\xd8\xff\xe0 a JPEG", "no PNG"),
        (picture()[:-1], "ends before"),
        (picture()[:-12], "ends before"),
        (SIGNATURE + b"\0\0\0\1\0\0\0\0 no name", "no name"),
        (SIGNATURE + b"\xff\xff\xff\xffIDAT" + b"x" * 100, "ends before"),
    ],
)
def test_what_is_no_whole_png_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(NoPng, match=said):
        stripped(data)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_break_it_and_pieces_make_no_difference(data: bytes, pieces: int) -> None:
    for whole in (data, SIGNATURE + data, picture()[:60] + data):
        results = []
        for size in (pieces, 1 << 20):
            try:
                results.append(stripped(whole, pieces=size))
            except NoPng as error:
                results.append(str(error).encode())
        assert results[0] == results[1]
