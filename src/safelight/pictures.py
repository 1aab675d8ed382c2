"""Pictures: are they whole, are they different, and how they are shown small.

Pure functions of bytes, to be called in threads; Pillow lets go of the interpreter's lock while
it decodes.

    picture = inspect(data)             # raises BadPicture, or the file is whole and decodes
    small = thumbnail(data, 320)        # WebP
    sheet = contact_sheet([(data, "00004  opal-fever", "seed 7")])
"""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

MAX_PIXELS = 8192 * 8192
MAX_BYTES = 64 * 1024 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_IEND = b"\0\0\0\0IEND\xaeB`\x82"
_MOST_CHUNKS = 50_000

_PRINT = 360
_GAP = 44
_EDGE = 64
_CAPTION = 68
_ROOM, _FRAME, _PAPER, _QUIET, _LAMP = "#0e0c0b", "#413833", "#ece5da", "#8d8379", "#e0694a"

_OTHER_FORMATS = (b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"\x76\x2f\x31\x01", b"qoif")
# More than 8 bits a channel: no conversion to RGB would keep what tells two pictures apart.
_DEEP_MODES = ("I", "I;16", "I;16B")
# What Pillow lets out for damaged files. Its warnings count where warnings are errors.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)


class BadPicture(Exception):
    """The bytes are no picture that can be kept.

    `reason` is one of `empty`, `too-many-bytes`, `html`, `not-a-picture`, `unsupported-format`,
    `truncated`, `too-many-pixels`, `damaged`; `detail` is a sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a whole picture."""

    width: int
    height: int
    sha256: str
    """Of the file, in hex."""
    pixels_sha256: str
    """Of the decoded pixels and their arrangement, in hex: the same for a file encoded anew."""
    content_type: str
    bytes: int
    note: str | None = None
    """The text called `safelight` in a PNG, as it stands there."""


def inspect(data: bytes, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Picture:
    """Prove that a file is whole by decoding it, once.

    Raises BadPicture. What is too large is refused by its header, before it is decoded.
    """
    with _opened(data, max_pixels, max_bytes) as image:
        note = image.info.get("safelight")
        return Picture(
            width=image.width,
            height=image.height,
            sha256=hashlib.sha256(data).hexdigest(),
            pixels_sha256=_hash_pixels(image),
            content_type=f"image/{(image.format or '').lower()}",
            bytes=len(data),
            note=note if isinstance(note, str) else None,
        )


def thumbnail(
    data: bytes, width: int, height: int = 16383, quality: int = 80, most: int = MAX_PIXELS
) -> bytes:
    """A WebP at most `width` pixels wide, 16 to 2048, without metadata; never enlarged.

    Raises ValueError for another width, BadPicture.
    """
    if not 16 <= width <= 2048:
        raise ValueError(f"A thumbnail is 16 to 2048 pixels wide, not {width}.")
    with _opened(data, most) as image:
        small = _resized(image, min(1.0, width / image.width, height / image.height))
    return _encoded(small, "WEBP", quality=quality, method=1)


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
    with _opened(data) as image:
        scale = min(_PRINT / image.width, 2 * _PRINT / image.height)
        small = _resized(image, scale)
    if small.mode == "RGB":
        return small
    paper = Image.new("RGBA", small.size, _ROOM)
    return Image.alpha_composite(paper, small).convert("RGB")


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, colour: str
) -> None:
    font = ImageFont.load_default(size)
    text = text[:100].replace("\n", " ")
    while text and pen.textlength(text, font) > _PRINT:
        text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
    pen.text(at, text, colour, font)


def _hash_pixels(image: Image.Image) -> str:
    """The hash of what is seen: a picture without transparency has the hash of its RGB twin."""
    if image.mode not in _DEEP_MODES:
        image = _colours(image)
        if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
            image = image.convert("RGB")
    digest = hashlib.sha256(f"{image.mode} {image.width} {image.height}\n".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _colours(image: Image.Image) -> Image.Image:
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _resized(image: Image.Image, scale: float) -> Image.Image:
    if image.mode in _DEEP_MODES:
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return _colours(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    # A picture made anew carries nothing over: no text, no profile, no camera data.
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    target = io.BytesIO()
    bare.save(target, form, **options)
    return target.getvalue()


@contextmanager
def _opened(
    data: bytes, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES
) -> Iterator[ImageFile]:
    """A decoded picture. Not by Image.open: its bomb warning is a matter of the whole process."""
    if len(data) > max_bytes:
        raise BadPicture("too-many-bytes", f"It has {len(data)} bytes; {max_bytes} are allowed.")
    kind, size = _header(data)
    _limit(size, max_pixels)
    try:
        with kind(io.BytesIO(data)) as image:
            _limit(image.size, max_pixels)
            image.load()
            yield image
    except _DAMAGE as error:
        raise BadPicture("damaged", f"It does not decode: {error}") from error


class _Header(NamedTuple):
    kind: type[ImageFile]
    size: tuple[int, int]
    """Width and height; 0, 0 where only the decoder knows."""


def _header(data: bytes) -> _Header:
    """Tell the format, and see that the file is all there, without decoding."""
    if not data:
        raise BadPicture("empty", "There are no bytes.")
    if data.startswith(_PNG):
        return _Header(PngImageFile, _png_size(data))
    if data.startswith(_JPEG):
        if not data.endswith(b"\xff\xd9"):
            raise BadPicture("truncated", "The JPEG has no end.")
        return _Header(JpegImageFile, (0, 0))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _Header(WebPImageFile, _webp_size(data))
    raise _stranger(data)


def _stranger(data: bytes) -> BadPicture:
    if data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"&lt;")):
        return BadPicture("html", "It is a web page or XML, not a picture.")
    if data.startswith(_OTHER_FORMATS) or data[4:8] == b"ftyp":
        return BadPicture("unsupported-format", "It is neither PNG, JPEG nor WebP.")
    return BadPicture("not-a-picture", "It does not begin as any picture does.")


def _png_size(data: bytes) -> tuple[int, int]:
    """Walk all chunks to IEND at the very end, checking each one's sum."""
    if not data.endswith(_IEND):
        raise BadPicture("truncated", "The PNG has no IEND at its end.")
    at = len(_PNG)
    for _ in range(_MOST_CHUNKS):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise BadPicture("damaged", "A chunk of the PNG is longer than the file.")
        if zlib.crc32(memoryview(data)[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise BadPicture("damaged", "A chunk of the PNG has a wrong checksum.")
        if at == len(_PNG) and (name != b"IHDR" or length != 13):
            raise BadPicture("damaged", "The PNG has no header.")
        if end == len(data):
            width, height = struct.unpack_from(">II", data, len(_PNG) + 8)
            return width, height
        if name == b"IEND" or len(data) - end < len(_IEND):
            raise BadPicture("damaged", "The PNG goes on after its end.")
        at = end
    raise BadPicture("damaged", f"The PNG has over {_MOST_CHUNKS} chunks.")


def _webp_size(data: bytes) -> tuple[int, int]:
    if len(data) < 30 or len(data) < int.from_bytes(data[4:8], "little") + 8:
        raise BadPicture("truncated", "The WebP is shorter than it says.")
    if data[12:16] == b"VP8X":
        sides = int.from_bytes(data[24:30], "little")
        return 1 + (sides & 0xFFFFFF), 1 + (sides >> 24)
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _limit(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        detail = f"It has {width} x {height} pixels; {max_pixels} in all are allowed."
        raise BadPicture("too-many-pixels", detail)
