"""Thumbnails and contact sheets."""

from __future__ import annotations

import io

import pytest
from PIL import Image, PngImagePlugin

from safelight.pictures import BadPicture, contact_sheet, thumbnail
from tests.pictures.samples import encode, noise

# Thumbnails


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_thumbnail_is_a_small_webp_of_the_same_shape(form: str) -> None:
    small = opened(thumbnail(encode(noise(640, 960), form), 320))
    assert (small.format, small.size) == ("WEBP", (320, 480))


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((64, 64), 320, (64, 64)),
        ((100, 33), 50, (50, 16)),
        ((1000, 1), 16, (16, 1)),
        ((20, 17_000), 20, (19, 16_383)),
    ],
)
def test_a_thumbnail_is_never_enlarged_and_never_impossible(
    size: tuple[int, int], width: int, expected: tuple[int, int]
) -> None:
    assert opened(thumbnail(encode(Image.new("RGB", size, "red")), width)).size == expected


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_kind_of_picture_has_a_thumbnail(mode: str) -> None:
    image = Image.new("I;16", (64, 64), 32768) if mode == "I;16" else noise(mode="L").convert(mode)
    small = opened(thumbnail(encode(image), 32))
    assert small.size == (32, 32)
    if mode == "I;16":
        assert small.convert("L").getpixel((5, 5)) == pytest.approx(128, abs=3)


def test_transparency_is_kept_and_metadata_is_not() -> None:
    image = noise(mode="RGBA")
    text = PngImagePlugin.PngInfo()
    text.add_text("prompt", "a secret")
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    small = thumbnail(encode(image, pnginfo=text, exif=exif, icc_profile=b"a secret"), 32)
    assert opened(small).mode == "RGBA"
    assert b"secret" not in small
    assert not {"exif", "icc_profile", "xmp"} & opened(small).info.keys()


@pytest.mark.parametrize("width", [-1, 0, 15, 2049])
def test_a_thumbnails_width_has_limits(width: int) -> None:
    with pytest.raises(ValueError, match="16 to 2048"):
        thumbnail(encode(noise()), width)


# Contact sheets


def prints(count: int, width: int = 90, height: int = 120) -> list[tuple[bytes, str, str]]:
    return [
        (encode(noise(width, height, seed=n)), f"{n:05d}  name", f"seed {n}") for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "columns", "across"),
    [(1, None, 1), (4, None, 4), (7, None, 4), (64, None, 8), (5, 2, 2), (2, 9, 2)],
)
def test_a_contact_sheet_shows_every_picture_in_columns(
    count: int, columns: int | None, across: int
) -> None:
    sheet = opened(contact_sheet(prints(count), columns))
    down = -(-count // across)
    assert sheet.format == "PNG"
    assert sheet.width == 128 + across * 404 - 44
    assert sheet.height == 128 + down * (480 + 68 + 44) - 44


def test_a_contact_sheet_keeps_wide_high_and_transparent_pictures_within_their_column() -> None:
    items = [
        (encode(noise(200, 10)), "wide", "seed 1"),
        (encode(noise(4, 400)), "high", "seed 2"),
        (encode(Image.new("RGBA", (8, 8), (255, 0, 0, 0))), "clear", "seed 3"),
    ]
    sheet = opened(contact_sheet(items))
    assert sheet.height == 128 + 720 + 68
    assert sheet.getpixel((64 + 2 * 404 + 180, 64 + 720 - 180)) == (14, 12, 11)


def test_captions_of_any_length_and_script_stay_in_their_column() -> None:
    picture = encode(noise())
    for caption in ["", "x" * 5000, "two\nlines", "Ωmega 図 🙂", "W" * 200, "\0"]:
        sheet = opened(contact_sheet([(picture, caption, caption)]))
        beyond = sheet.crop((64 + 362, 64 + 372, sheet.width, sheet.height))
        assert beyond.getextrema() == ((14, 14), (12, 12), (11, 11))


def test_a_contact_sheet_needs_pictures_and_columns() -> None:
    with pytest.raises(ValueError, match="needs a picture"):
        contact_sheet([])
    with pytest.raises(ValueError, match="a column"):
        contact_sheet(prints(1), 0)
    with pytest.raises(BadPicture):
        contact_sheet([(b"", "", "")])
