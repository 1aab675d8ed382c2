"""Showing pictures: small, in other formats, many on one sheet."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from safelight.pictures.reading import DEEP_MODES, MAX_PIXELS, colours, opened

SIDES = {"webp": 16_383, "jpeg": 65_500}
"""The longest side in pixels that a format can hold."""

_PRINT = 360
_GAP = 44
_EDGE = 64
_CAPTION = 68
_ROOM, _FRAME, _PAPER, _QUIET, _LAMP = "#0e0c0b", "#413833", "#ece5da", "#8d8379", "#e0694a"


def thumbnail(
    data: bytes, width: int, height: int = 16_383, quality: int = 80, most: int = MAX_PIXELS
) -> bytes:
    """A WebP at most `width` pixels wide, 16 to 2048, without metadata; never enlarged.

    Raises ValueError for another width, BadPicture.
    """
    if not 16 <= width <= 2048:
        raise ValueError(f"A thumbnail is 16 to 2048 pixels wide, not {width}.")
    with opened(data, most) as image:
        small = _resized(image, min(1.0, width / image.width, height / image.height))
    return _encoded(small, "WEBP", quality=quality, method=1)


def converted(data: bytes, form: str, quality: int) -> bytes:
    """The same picture as `webp` or `jpeg`, without metadata, `quality` 0 to 100.

    What can be seen through is laid on white in a JPEG. Raises BadPicture; it must not be longer
    than `SIDES` on any side.
    """
    with opened(data) as image:
        whole = colours(_eight_bits(image))
        if form == "jpeg" and whole.mode == "RGBA":
            whole = _laid_on(whole, "#ffffff")
        return _encoded(whole, form, quality=quality)


def contact_sheet(items: Sequence[tuple[bytes, str, str]], columns: int | None = None) -> bytes:
    """A PNG of many pictures, each with two lines below it: (file, name, remark).

    `columns` is chosen where it is left out. Raises ValueError without items, BadPicture.
    """
    if not items or (columns is not None and columns < 1):
        raise ValueError("A contact sheet needs a picture and a column.")
    columns = columns or _columns(len(items))
    prints = [_print(data) for data, _, _ in items]
    rows = [prints[at : at + columns] for at in range(0, len(prints), columns)]
    heights = [max(one.height for one in row) for row in rows]
    width = 2 * _EDGE + len(rows[0]) * (_PRINT + _GAP) - _GAP
    height = 2 * _EDGE + sum(heights) + len(rows) * (_CAPTION + _GAP) - _GAP
    sheet = Image.new("RGB", (width, height), _ROOM)
    pen = ImageDraw.Draw(sheet)
    for number, (one, (_, name, remark)) in enumerate(zip(prints, items, strict=True)):
        row, column = divmod(number, columns)
        left = _EDGE + column * (_PRINT + _GAP)
        top = _EDGE + sum(heights[:row]) + row * (_CAPTION + _GAP)
        indent = (_PRINT - one.width) // 2
        at = left + indent, top + heights[row] - one.height
        sheet.paste(one, at)
        frame = (at[0] - 8, at[1] - 8, at[0] + one.width + 7, at[1] + one.height + 7)
        pen.rectangle(frame, outline=_FRAME)
        below = top + heights[row] + 20
        _write(pen, (left, below), name, 19, _PAPER)
        _write(pen, (left, below), name.partition(" ")[0], 19, _LAMP)
        _write(pen, (left, below + 27), remark, 15, _QUIET)
    return _encoded(sheet, "PNG")


def _columns(count: int) -> int:
    return count if count <= 4 else min(8, max(4, math.ceil(math.sqrt(count))))


def _print(data: bytes) -> Image.Image:
    """A picture as wide as a column, unless that makes it higher than two."""
    with opened(data) as image:
        scale = min(_PRINT / image.width, 2 * _PRINT / image.height)
        small = _resized(image, scale)
    return small if small.mode == "RGB" else _laid_on(small, _ROOM)


def _laid_on(image: Image.Image, colour: str) -> Image.Image:
    paper = Image.new("RGBA", image.size, colour)
    return Image.alpha_composite(paper, image).convert("RGB")


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, colour: str
) -> None:
    font = ImageFont.load_default(size)
    text = text[:100].replace("\n", " ")
    while text and pen.textlength(text, font) > _PRINT:
        text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
    pen.text(at, text, colour, font)


def _resized(image: Image.Image, scale: float) -> Image.Image:
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    whole = colours(_eight_bits(image))
    return whole.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode not in DEEP_MODES:
        return image
    return image.convert("I").point(lambda value: value / 256).convert("L")


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    # A picture made anew carries nothing over: no text, no profile, no camera data.
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    target = io.BytesIO()
    bare.save(target, form, **options)
    return target.getvalue()
