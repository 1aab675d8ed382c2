"""/upload/image and /upload/mask."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from safelight.simulator.folders import Folders, reaches_out
from safelight.simulator.keys import server_of
from safelight.simulator.routes import answer

Form = Any  # aiohttp's multi-dict of strings and files
Write = Callable[[bytes, Path], None]


async def upload_image(request: web.Request) -> web.Response:
    """POST /upload/image: keep a file in one of the folders."""
    form = await request.post()
    return _kept(server_of(request).folders, form, _write)


async def upload_mask(request: web.Request) -> web.Response:
    """POST /upload/mask: keep an earlier picture with another one's alpha."""
    form = await request.post()
    folders = server_of(request).folders
    original = _original(folders, json.loads(str(form["original_ref"])))
    if isinstance(original, int):
        return web.Response(status=original)
    return _kept(folders, form, lambda content, path: _masked(original, content, path))


def _kept(folders: Folders, form: Form, write: Write) -> web.Response:
    image = form.get("image")
    kind = form.get("type") or "input"
    folder = folders.of_type(kind)
    if folder is None:
        raise ValueError(f"there is no folder {kind}")  # the 500 of the real server
    if not isinstance(image, web.FileField) or not image.filename:
        return web.Response(status=400)
    subfolder = form.get("subfolder", "")
    path = folder / os.path.normpath(subfolder) / image.filename
    if reaches_out(folder, path):
        return web.Response(status=400)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = image.file.read()
    if form.get("overwrite") not in ("true", "1"):
        path = _free_name(path, content)
    if not _holds(path, content):
        write(content, path)
    return answer({"name": path.name, "subfolder": subfolder, "type": kind})


def _free_name(path: Path, content: bytes) -> Path:
    """The name itself, or the first numbered one that is free or holds the same bytes."""
    free, number = path, 1
    while free.exists() and not _holds(free, content):
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1
    return free


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _original(folders: Folders, asked: dict[str, str]) -> Path | int:
    name, folder = folders.annotated(asked["filename"])
    if not name or name[0] == "/" or ".." in name:
        return 400
    folder = folder or folders.of_type(asked.get("type", "output"))
    if folder is None:
        return 400
    below = folder / asked.get("subfolder", "")
    if reaches_out(folder, below):
        return 403
    path = below / os.path.basename(name)
    return path if path.is_file() else 400


def _masked(original: Path, mask: bytes, path: Path) -> None:
    with Image.open(original) as opened, Image.open(BytesIO(mask)) as cut:
        info = PngInfo()
        for name, value in getattr(opened, "text", {}).items():
            info.add_text(name, value)
        picture = opened.convert("RGBA")
        picture.putalpha(cut.convert("RGBA").getchannel("A"))
    picture.save(path, "PNG", compress_level=4, pnginfo=info)
