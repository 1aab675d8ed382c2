"""Answers in pieces: a picture may have 64 MB and there are many, so no answer is ever whole."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.requests import Request

from safelight.api.links import base_of, file_url, signed_url
from safelight.api.openai.requests import STEPS, Wish
from safelight.core.errors import Gone, StoreTrouble
from safelight.core.records import Batch, Image, StoredFile
from safelight.gateway import Gateway

LINKS_LAST: Final = 3600.0
"""Seconds for which a link needs no key, at least."""
_TRIPLES: Final = 65_536 * 3  # bytes; what is encoded at once, without padding
_EARLY: Final = 60.0  # s; clocks differ
_NO_TOKENS: Final = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Pieces:
    """How the pictures of one request are written."""

    request: Request
    gateway: Gateway
    wish: Wish

    async def document(self, batch: Batch) -> AsyncGenerator[bytes, None]:
        """The JSON answer, images by index, highest first.

        Raises:
            Gone: a picture was deleted; before the first piece.
            Invalid, StoreTrouble: a picture cannot be given; behind the first piece, if it is not
                the first picture.
        """
        files = [_file(image) for image in batch.images]
        before = _open(self._common(batch, files[0])) + b',"data":['
        # A store that is away is told as an error of its own, not by an answer that breaks off.
        async for _ in self.gateway.read(files[0], 0, 1):
            pass
        for image, file in zip(batch.images, files, strict=True):
            async for piece in self._item(image, file):
                yield before + piece
                before = b""
            before = b","
        yield b"]}"

    async def _item(self, image: Image, file: StoredFile) -> AsyncIterator[bytes]:
        item = {"gateway": self._gateway(image)}
        if self.wish.links:
            yield _ENCODER.encode({"url": await self._link(image), **item})
            return
        picture = self._picture(file)
        yield b'{"b64_json":"' + await anext(picture)
        async for piece in picture:
            yield piece
        yield b'",' + _ENCODER.encode(item)[1:]

    async def completed(self, batch: Batch, image: Image) -> AsyncIterator[bytes]:
        """The event of a stored image.

        Raises:
            Gone: it was deleted; before the first piece.
            Invalid, StoreTrouble: it cannot be given; behind the first piece only where its file
                ends too early.
        """
        file = _file(image)
        told = {
            **self._event("image_generation.completed", batch, image),
            "size": f"{file.width}x{file.height}",
            "usage": _NO_TOKENS,
        }
        picture = self._picture(file)
        first = await anext(picture)  # before the event has begun
        yield b"event: image_generation.completed\ndata: " + _open(told) + b',"b64_json":"' + first
        async for piece in picture:
            yield piece
        yield b'"}\n\n'

    def partial(
        self, batch: Batch, image: Image, preview: bytes, number: int, share: float
    ) -> bytes:
        """The event of a preview (a WebP), the number-th of its image, from 0; `share`, 0 to 1, of
        its steps are made."""
        told = {
            **self._event("image_generation.partial_image", batch, image),
            "output_format": "webp",
            "size": "auto",
            "partial_image_index": number,
            "progress": round(share, 3),
            "b64_json": base64.b64encode(preview).decode(),
        }
        return b"event: image_generation.partial_image\ndata: " + _ENCODER.encode(told) + b"\n\n"

    def _common(self, batch: Batch, file: StoredFile) -> dict[str, Any]:
        told: dict[str, Any] = {
            "created": int(batch.created_at.timestamp()),
            "batch_id": batch.id,
            "output_format": self.wish.form,
            "size": f"{file.width}x{file.height}",
            "usage": _NO_TOKENS,
        }
        if self.wish.quality in STEPS:
            told["quality"] = _SPELLED.get(self.wish.quality, self.wish.quality)
        if self.wish.safety_identifier:
            told["safety_identifier"] = self.wish.safety_identifier
        return told

    def _event(self, type: str, batch: Batch, image: Image) -> dict[str, Any]:
        return {
            "type": type,
            "created_at": int(time.time()),
            "background": "auto",
            "output_format": self.wish.form,
            "quality": _SPELLED.get(self.wish.quality, self.wish.quality),
            "batch_id": batch.id,
            "image_index": batch.images.index(image),
            **self._gateway(image),
            "gateway": self._gateway(image),
        }

    def _gateway(self, image: Image) -> dict[str, Any]:
        return {
            "image_id": image.id,
            "index": image.index,
            "seed": image.seed,
            "content_url": file_url(base_of(self.request), image.id),
        }

    async def _link(self, image: Image) -> str:
        path = f"/v1/images/{image.id}/file"
        return await signed_url(self.request, path, LINKS_LAST + _EARLY)

    async def _picture(self, file: StoredFile) -> AsyncIterator[bytes]:
        """Its bytes in Base64."""
        if self.wish.form == "png":
            async for piece in in_base64(self._original(file)):
                yield piece
            return
        data = await self.gateway.picture(file, self.wish.form, self.wish.compression)
        for at in range(0, len(data), _TRIPLES):
            yield base64.b64encode(data[at : at + _TRIPLES])

    async def _original(self, file: StoredFile) -> AsyncIterator[bytes]:
        """All its bytes. There is no length in these answers that would tell if some are missing.

        Raises StoreTrouble.
        """
        left = file.bytes
        async for piece in self.gateway.read(file, 0, file.bytes):
            left -= len(piece)
            yield piece
        if left:
            raise StoreTrouble(f"{left} bytes of {file.key} are missing")


async def in_base64(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What is read in pieces of any size, in Base64, padded at its end alone."""
    rest = b""
    async for piece in pieces:
        rest += piece
        whole = len(rest) - len(rest) % 3
        yield base64.b64encode(rest[:whole])
        rest = rest[whole:]
    yield base64.b64encode(rest)


_SPELLED: Final = {"standard": "auto", "hd": "high"}  # as their newer clients know it


def _open(told: dict[str, Any]) -> bytes:
    """An object that goes on."""
    return _ENCODER.encode(told)[:-1]


def _file(image: Image) -> StoredFile:
    if image.deleted_at is not None or image.file is None:
        raise Gone(f"image {image.index} was deleted; order another")
    return image.file
