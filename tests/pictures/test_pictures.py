"""Whole or refused, same or different."""

from __future__ import annotations

import hashlib
import random
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from safelight.pictures import BadPicture, inspect, thumbnail
from tests.pictures.samples import chunk, encode, noise, png

FORMATS = ["PNG", "JPEG", "WEBP"]


def refusal(data: bytes, **limits: int) -> BadPicture:
    with pytest.raises(BadPicture) as refused:
        inspect(data, **limits)
    return refused.value


# What is told of a whole picture


@pytest.mark.parametrize("form", FORMATS)
def test_a_whole_picture_is_described(form: str) -> None:
    data = encode(noise(80, 60), form)
    picture = inspect(data)
    assert (picture.width, picture.height, picture.bytes) == (80, 60, len(data))
    assert picture.content_type == f"image/{form.lower()}"
    assert picture.sha256 == hashlib.sha256(data).hexdigest()


def test_the_same_pixels_have_one_hash_however_they_are_encoded() -> None:
    image = noise()
    expected = inspect(encode(image)).pixels_sha256
    opaque = image.copy()
    opaque.putalpha(255)
    text = PngImagePlugin.PngInfo()
    text.add_text("prompt", "a pirate")
    same = [
        encode(image, compress_level=0),
        encode(opaque),
        encode(image, pnginfo=text),
        encode(image, "WEBP", lossless=True),
    ]
    assert {inspect(data).pixels_sha256 for data in same} == {expected}


def test_what_a_png_says_of_itself_is_read_and_nothing_else() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("prompt", "a pirate")
    assert inspect(encode(noise(), pnginfo=text)).note is None
    text.add_text("safelight", "mine", zip=True)
    assert inspect(encode(noise(), pnginfo=text)).note == "mine"
    assert inspect(encode(noise(), "JPEG")).note is None


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA"])
def test_a_picture_in_fewer_colours_has_the_hash_of_its_rgb_twin(mode: str) -> None:
    image = noise(mode="L").convert(mode)
    expected = inspect(encode(image.convert("RGB"))).pixels_sha256
    assert inspect(encode(image)).pixels_sha256 == expected


def test_pictures_that_differ_have_different_hashes() -> None:
    one = noise()
    other = one.copy()
    other.putpixel((63, 63), (1, 2, 3))
    clear = one.copy()
    clear.putalpha(254)
    turned = Image.frombytes("RGB", (32, 128), one.tobytes())
    deep = Image.frombytes("I;16", (64, 64), random.Random(1).randbytes(64 * 64 * 2))
    deeper = Image.frombytes("I;16", (64, 64), b"\1" + deep.tobytes()[1:])
    pictures = [one, other, clear, turned, deep, deeper, noise(seed=2)]
    assert len({inspect(encode(picture)).pixels_sha256 for picture in pictures}) == len(pictures)


def test_many_threads_may_inspect_at_once() -> None:
    files = [encode(noise(seed=seed)) for seed in range(16)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(inspect, files * 4))
    assert found == [inspect(file) for file in files] * 4


def test_a_small_picture_takes_half_a_millisecond() -> None:
    data = encode(noise())
    best = min(_seconds_of_ten(data) for _ in range(20)) / 10
    assert best < 0.0005


def _seconds_of_ten(data: bytes) -> float:
    began = time.perf_counter()
    for _ in range(10):
        inspect(data)
    return time.perf_counter() - began


# What is refused


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>502 Bad Gateway</html>", "html"),
        (b"\xef\xbb\xbf \n<?xml version='1.0'?><svg/>", "html"),
        (b"not an image", "not-a-picture"),
        (b"\0" * 1000, "not-a-picture"),
        (b"\x89PNG", "not-a-picture"),
        (encode(noise(), "GIF"), "unsupported-format"),
        (encode(noise(), "BMP"), "unsupported-format"),
        (encode(noise(), "TIFF"), "unsupported-format"),
        (b"\0\0\0\x1cftypavif" + b"\0" * 100, "unsupported-format"),
        (encode(noise())[:-12], "truncated"),
        (encode(noise()) + b"\0", "truncated"),
        (encode(noise()) + b"\0" * 8 + b"\0\0\0\0IEND\xaeB`\x82", "damaged"),
        (encode(noise()) + b"\0\0\0\0IEND\xaeB`\x82", "damaged"),
        (encode(noise(), "JPEG")[:-2], "truncated"),
        (encode(noise(), "JPEG")[:300] + b"\xff\xd9", "damaged"),
        (encode(noise(), "WEBP")[:-2], "truncated"),
        (encode(noise(), "WEBP")[:20], "truncated"),
        (png(8, 8), "damaged"),
        (png(8, 8, chunk(b"IDAT", b"nonsense")), "damaged"),
        (png(8, 8, chunk(b"IDAT", zlib.compress(b"\0" * 40))), "damaged"),
        (png(0, 8, chunk(b"IDAT", zlib.compress(b""))), "damaged"),
        (png(8, 8, header_length=12), "damaged"),
        (png(8, 8, struct.pack(">I4s", 2**31, b"IDAT")), "damaged"),
        (png(8, 8, *[chunk(b"teXt", b"")] * 50_001), "damaged"),
    ],
)
def test_what_is_no_whole_picture_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    refused = refusal(data)
    assert refused.reason == reason
    assert refused.detail.endswith(".") or reason == "damaged"
    assert str(refused) == refused.detail


def test_too_many_bytes_are_refused() -> None:
    data = encode(noise())
    assert refusal(data, max_bytes=len(data) - 1).reason == "too-many-bytes"
    assert inspect(data, max_bytes=len(data)).bytes == len(data)


def bomb_webp(kind: bytes, body: bytes) -> bytes:
    payload = b"WEBP" + kind + struct.pack("<I", len(body)) + body + b"\0" * 100
    return b"RIFF" + struct.pack("<I", len(payload)) + payload


BOMBS = {
    "png": png(50_000, 50_000, chunk(b"IDAT", zlib.compress(b"\0" * 1000))),
    "jpeg": encode(noise(), "JPEG").replace(
        b"\xff\xc0\0\x11\x08\0\x40\0\x40", b"\xff\xc0\0\x11\x08\xc3\x50\xc3\x50"
    ),
    "webp extended": bomb_webp(b"VP8X", b"\0\0\0\0" + (49_999).to_bytes(3, "little") * 2),
    "webp lossless": bomb_webp(b"VP8L", b"\x2f" + (16382 | 16382 << 14).to_bytes(4, "little")),
    "webp": bomb_webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 16383, 16383)),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_by_its_header(kind: str) -> None:
    began = time.perf_counter()
    assert refusal(BOMBS[kind]).reason == "too-many-pixels"
    assert time.perf_counter() - began < 0.1
    with pytest.raises(BadPicture):
        thumbnail(BOMBS[kind], 320)


def test_the_limit_on_pixels_is_exact() -> None:
    for form in FORMATS:
        data = encode(noise(100, 50), form)
        assert inspect(data, max_pixels=5000).width == 100
        assert refusal(data, max_pixels=4999).reason == "too-many-pixels"


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt"])
def test_a_bomb_of_text_is_refused(name: bytes) -> None:
    text = zlib.compress(b"\0" * 30_000_000)
    head = b"k\0\0" if name == b"zTXt" else b"k\0\1\0\0\0"
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 72))
    assert inspect(png(8, 8, pixels)).width == 8
    assert refusal(png(8, 8, chunk(name, head + text), pixels)).reason == "damaged"


# Properties

WHOLE = {form: encode(noise(24, 24), form) for form in FORMATS}


@given(st.integers(0, len(WHOLE["PNG"]) - 1))
def test_a_png_cut_at_any_byte_is_refused(length: int) -> None:
    refusal(WHOLE["PNG"][:length])


@given(st.integers(0, len(WHOLE["PNG"]) - 1), st.integers(1, 255))
def test_a_png_with_any_byte_changed_is_refused(at: int, change: int) -> None:
    data = bytearray(WHOLE["PNG"])
    data[at] ^= change
    refusal(bytes(data))


@given(st.sampled_from(FORMATS), st.data())
def test_damage_is_refused_or_harmless_but_never_another_error(
    form: str, data: st.DataObject
) -> None:
    damaged = bytearray(WHOLE[form])
    places = st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255))
    for at, byte in data.draw(st.lists(places, max_size=8)):
        damaged[at] = byte
    with suppress(BadPicture):
        inspect(bytes(damaged))
        thumbnail(bytes(damaged), 16)


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF"])
)
def test_arbitrary_bytes_are_refused(rest: bytes, start: bytes) -> None:
    refusal(start + rest)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"acTL", b"pHYs"]),
            st.binary(max_size=40),
        ),
        max_size=4,
    )
)
def test_odd_but_consistent_chunks_never_raise_another_error(
    odd: list[tuple[bytes, bytes]],
) -> None:
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 72))
    data = png(8, 8, *[chunk(name, body) for name, body in odd], pixels)
    with suppress(BadPicture):
        inspect(data)
        thumbnail(data, 16)
