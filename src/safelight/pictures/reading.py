"""Reading pictures: proven to be whole by decoding them, once."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image
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

_OTHER_FORMATS = (b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"\x76\x2f\x31\x01", b"qoif")
# More than 8 bits a channel: no conversion to RGB would keep what tells two pictures apart.
DEEP_MODES = ("I", "I;16", "I;16B")
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
    with opened(data, max_pixels, max_bytes) as image:
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


def _hash_pixels(image: Image.Image) -> str:
    """The hash of what is seen: a picture without transparency has the hash of its RGB twin."""
    if image.mode not in DEEP_MODES:
        image = colours(image)
        if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
            image = image.convert("RGB")
    digest = hashlib.sha256(f"{image.mode} {image.width} {image.height}\n".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def colours(image: Image.Image) -> Image.Image:
    """The same in RGB, or in RGBA where something can be seen through."""
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


@contextmanager
def opened(
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
