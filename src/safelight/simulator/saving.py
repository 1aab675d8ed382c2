"""Writing pictures the way SaveImage and PreviewImage do: straight under their final name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from safelight.simulator.naming import Place

PREVIEW_SIDE = 512

Listing = list[dict[str, str]]


def save_all(place: Place, pictures: Iterator[Image.Image], info: PngInfo, kind: str) -> Listing:
    """Write a batch; the list that a server reports of it."""
    listing = []
    for element, picture in enumerate(pictures):
        name = place.name(element)
        picture.save(place.folder / name, "PNG", pnginfo=info, compress_level=1)
        listing.append({"filename": name, "subfolder": place.subfolder, "type": kind})
    return listing


def png_info(graph: Any, extra_data: Any) -> PngInfo:
    """The graph and everything in `extra_pnginfo`, each as a text chunk."""
    info = PngInfo()
    info.add_text("prompt", json.dumps(graph))
    extra = extra_data.get("extra_pnginfo")
    for name in extra if extra is not None else ():
        info.add_text(name, json.dumps(extra[name]))
    return info


def halve(path: Path) -> None:
    """Leave the first half of a file, as a kill in the middle of writing does."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)


def previewer(picture: Image.Image) -> Callable[[float], bytes]:
    """What can be seen of a picture at some point between 0 and 1: first blocks, then itself."""
    whole = preview_size(picture)
    size = whole.size

    def preview(share: float) -> bytes:
        shown = whole
        if share < 1:
            blocks = (2 + int(size[0] * share**2 / 4), 2 + int(size[1] * share**2 / 4))
            shown = whole.resize(blocks).resize(size, Image.Resampling.BILINEAR)
        return jpeg(shown)

    return preview


def preview_size(picture: Image.Image) -> Image.Image:
    """Scaled down or up to 512 pixels at the longer side."""
    factor = PREVIEW_SIDE / max(picture.size)
    size = (max(1, int(picture.width * factor)), max(1, int(picture.height * factor)))
    return picture.resize(size, Image.Resampling.NEAREST if factor > 1 else None)


def jpeg(picture: Image.Image) -> bytes:
    """The picture as a JPEG."""
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
