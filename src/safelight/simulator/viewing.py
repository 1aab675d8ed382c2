"""/view: files of the three folders, as they are or re-encoded."""

from __future__ import annotations

import mimetypes
import os
from io import BytesIO
from pathlib import Path

from aiohttp import web
from multidict import MultiMapping
from PIL import Image

from safelight.simulator.folders import Folders, reaches_out
from safelight.simulator.keys import server_of

# a browser would run these
DOWNLOADED = ("text/html", "application/xhtml+xml", "text/javascript", "text/css")


async def view(request: web.Request) -> web.StreamResponse:
    """GET and HEAD /view."""
    query = request.query
    if "filename" not in query:
        return web.Response(status=404)
    found = _find(server_of(request).folders, query)
    if isinstance(found, int):
        return web.Response(status=found)
    shown = f'filename="{found.name}"'
    if "preview" in query:
        return _preview(found, query, shown)
    if query.get("channel") in ("rgb", "a"):
        return _channel(found, query["channel"], shown)
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    if kind in DOWNLOADED:
        kind = "application/octet-stream"
    return web.FileResponse(found, headers={"Content-Disposition": shown, "Content-Type": kind})


def _find(folders: Folders, query: MultiMapping[str]) -> Path | int:
    """The file, or the status that says why not."""
    name, folder = folders.annotated(query["filename"])
    if not name or name[0] == "/" or ".." in name:
        return 400
    folder = folder or folders.of_type(query.get("type", "output"))
    if folder is None:
        return 400
    below = folder / query.get("subfolder", "")
    if reaches_out(folder, below):
        return 403
    path = below / os.path.basename(name)
    # Not Path.is_file: a name that is too long for a file is just not there.
    return path if os.path.isfile(path) else 404


def _preview(path: Path, query: MultiMapping[str], shown: str) -> web.Response:
    asked = query["preview"].split(";")
    channel = query.get("channel", "")
    kind = asked[0] if asked[0] in ("webp", "jpeg") and "a" not in channel else "webp"
    quality = int(asked[-1]) if asked[-1].isdigit() else 90
    with Image.open(path) as opened:
        picture = opened.convert("RGB") if kind == "jpeg" or channel == "rgb" else opened
        return _encoded(picture, kind, shown, quality)


def _channel(path: Path, channel: str, shown: str) -> web.Response:
    with Image.open(path) as opened:
        if channel == "rgb":
            return _encoded(opened.convert("RGB"), "png", shown)
        alpha = Image.new("RGBA", opened.size)
        alpha.putalpha(opened.convert("RGBA").getchannel("A"))
        return _encoded(alpha, "png", shown)


def _encoded(picture: Image.Image, kind: str, shown: str, quality: int = 90) -> web.Response:
    buffer = BytesIO()
    picture.save(buffer, kind, quality=quality)
    headers = {"Content-Disposition": shown}
    return web.Response(body=buffer.getvalue(), content_type=f"image/{kind}", headers=headers)
