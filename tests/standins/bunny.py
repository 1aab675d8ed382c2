"""Bunny's storage as a stand-in: the key, the checksum, descriptions, listings."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tests.standins.server import Answer, Request, StandIn, told

ZONE = "pictures"
KEY = "0a1b2c3d-s3cret-4e5f-a6b7c8d9e0f1"


@dataclass
class File:
    """One file and its past."""

    data: bytes
    content_type: str
    guid: str
    uploads: int = 1
    overwritten: int = 0  # by other bytes


class Bunny(StandIn):
    """A storage zone called `pictures`."""

    kind = "bunny"

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.kept: dict[str, File] = {}

    def toml(self, name: str = "bunny", **more: str) -> str:
        """Its section of `safelight.toml`; `more` are further lines, values as TOML."""
        lines = [f"[publishers.{name}]", 'kind = "bunny"', f'zone = "{ZONE}"']
        lines += [f'access_key = "{KEY}"', f'endpoint = "{self.url}"']
        lines += ['public_url = "https://pictures.b-cdn.net"']
        return "\n".join([*lines, *(f"{key} = {value}" for key, value in more.items())]) + "\n"

    def listed(self) -> list[dict[str, Any]]:
        return [
            {
                "path": path,
                "bytes": len(file.data),
                "sha256": sha256(file.data).hexdigest(),
                "content_type": file.content_type,
                "uploads": file.uploads,
                "overwritten": file.overwritten,
            }
            for path, file in self.kept.items()
        ]

    def failed(self, status: int = 500) -> Answer:
        return _said(status, "Too Many Requests" if status == 429 else "Internal Server Error")

    def wrong(self) -> object:
        return {"Length": "many", "Checksum": 3, "ObjectName": None, "IsDirectory": "no"}

    def answer(self, request: Request) -> Answer:
        _, zone, path = (request.path + "/").split("/", 2)
        path = path.removesuffix("/") if not request.path.endswith("/") else path[:-1]
        if request.headers.get("accesskey") != KEY or zone != ZONE:
            return _said(401, "Unauthorized")
        with self.lock:
            return self._asked(request, path)

    def _asked(self, request: Request, path: str) -> Answer:
        if request.method == "PUT":
            return self._put(request, path)
        if request.path.endswith("/") and request.method == "GET":
            below = [name for name in self.kept if name.rpartition("/")[0] == path.rstrip("/")]
            return told([self._described(name) for name in below])
        if path not in self.kept:
            return _said(404, "Object Not Found")
        if request.method == "DESCRIBE":
            return told(self._described(path))
        if request.method == "DELETE":
            del self.kept[path]
            return _said(200, "File deleted successfuly.")
        return Answer(200, self.kept[path].data, {"Content-Type": "application/octet-stream"})

    def _put(self, request: Request, path: str) -> Answer:
        checksum = request.headers.get("checksum")
        if not path:
            return _said(400, "Invalid path")
        if checksum is not None and checksum != sha256(request.body).hexdigest().upper():
            return _said(400, "Checksum and file contents mismatched")
        data = request.body + (b"\0" if self.strikes("damaged") else b"")
        content_type = request.headers.get("override-content-type", "application/octet-stream")
        there = self.kept.get(path)
        file = File(data, content_type, str(uuid.uuid4()))
        if there is not None:
            file.uploads = there.uploads + 1
            file.overwritten = there.overwritten + (there.data != data)
        self.kept[path] = file
        if self.strikes("lost"):
            return self.failed()
        if self.strikes("lost-reset"):
            raise ConnectionResetError
        return _said(201, "File uploaded.")

    def _described(self, path: str) -> dict[str, Any]:
        file = self.kept[path]
        folder, _, name = path.rpartition("/")
        return {
            "Guid": file.guid,
            "StorageZoneName": ZONE,
            "Path": f"/{ZONE}/{folder}/",
            "ObjectName": name,
            "Length": len(file.data),
            "LastChanged": "2026-11-22T12:00:00.000",
            "ServerId": 1,
            "ArrayNumber": 1,
            "IsDirectory": False,
            "UserId": "u",
            "ContentType": file.content_type,
            "DateCreated": "2026-11-22T12:00:00.000",
            "StorageZoneId": 7,
            "Checksum": sha256(file.data).hexdigest().upper(),
            "ReplicatedZones": "UK",
        }


def _said(status: int, message: str) -> Answer:
    return told({"HttpCode": status, "Message": message}, status)
