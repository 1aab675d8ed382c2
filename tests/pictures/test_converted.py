"""Pictures in another format: the same to look at, and nothing beside that."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageStat

from safelight.pictures import BadPicture, converted


def png(mode: str, colour: object, size: tuple[int, int] = (40, 30)) -> bytes:
    """A PNG of one colour, with a text in it."""
    target = io.BytesIO()
    image = Image.new(mode, size, colour)  # type: ignore[arg-type]
    image.info["comment"] = "secret"
    image.save(target, "PNG")
    return target.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("form", ["webp", "jpeg"])
@pytest.mark.parametrize(("mode", "colour"), [("RGB", (200, 40, 90)), ("L", 77), ("I;16", 40_000)])
def test_it_looks_the_same(form: str, mode: str, colour: object) -> None:
    """Whatever the original's colours are; deep ones are shown in eight bits."""
    found = opened(converted(png(mode, colour), form, 95))
    assert (found.format, found.size, found.mode) == (form.upper(), (40, 30), "RGB")
    wanted = {"RGB": [200, 40, 90], "L": [77] * 3, "I;16": [156] * 3}[mode]
    for mean, value in zip(ImageStat.Stat(found).mean, wanted, strict=True):
        assert abs(mean - value) < 4


def test_what_can_be_seen_through_stays_so_or_lies_on_white() -> None:
    clear = png("RGBA", (0, 0, 0, 0))
    assert opened(converted(clear, "webp", 80)).mode == "RGBA"
    laid = opened(converted(clear, "jpeg", 95)).convert("RGB")
    assert laid.getpixel((5, 5)) == (255, 255, 255)


def test_quality_costs_bytes() -> None:
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    target = io.BytesIO()
    noise.save(target, "PNG")
    for form in ("webp", "jpeg"):
        few, many = (len(converted(target.getvalue(), form, quality)) for quality in (5, 95))
        assert few < many


def test_what_is_no_picture_is_refused() -> None:
    whole = png("RGB", (1, 2, 3))
    for broken in (b"", b"<html>", whole[:-20]):
        with pytest.raises(BadPicture):
            converted(broken, "webp", 80)
