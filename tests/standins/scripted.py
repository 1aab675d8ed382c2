"""A far side that says whatever a test wants, for answers no good server gives."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from hashlib import md5, sha256
from typing import Any

from tests.standins.server import Answer, Request, StandIn, told


class Scripted(StandIn):
    """Answers every request with what `says` makes of it, and remembers what was asked."""

    kind = "scripted"

    def __init__(self, says: Callable[[Request], Answer]) -> None:
        super().__init__()
        self.says = says
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Answer:
        with self.lock:
            self.asked.append(request)
        return self.says(request)

    def listed(self) -> list[dict[str, Any]]:
        return []

    def wrong(self) -> object:
        return None

    def failed(self, status: int = 500) -> Answer:
        return told(None, status)


class EncryptedBucket(Scripted):
    """S3 with keys of its own: an etag looks like an MD5 and is none."""

    def __init__(self) -> None:
        super().__init__(self._say)
        self.kept: dict[str, tuple[bytes, dict[str, str]]] = {}

    def listed(self) -> list[dict[str, Any]]:
        return [
            {"path": path, "sha256": sha256(data).hexdigest()}
            for path, (data, _) in self.kept.items()
        ]

    def _say(self, request: Request) -> Answer:
        if request.method == "PUT":
            if "if-none-match" in request.headers and request.path in self.kept:
                return s3_error(412, "PreconditionFailed")
            meta = {k: v for k, v in request.headers.items() if k.startswith("x-amz-meta")}
            etag = f'"{md5(request.body + secrets.token_bytes(4)).hexdigest()}"'
            self.kept[request.path] = (request.body, {"ETag": etag, **meta})
            return Answer(200, b"", {"ETag": etag})
        if request.method == "POST":  # many are deleted in one request
            keys = re.findall(r"<Key>([^<]*)</Key>", request.body.decode())
            for key in keys:
                self.kept.pop(f"/bucket/{key}", None)
            gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            return Answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())
        if request.path not in self.kept:
            return s3_error(404, "NoSuchKey")
        data, headers = self.kept[request.path]
        dated = {"Last-Modified": "Sun, 22 Nov 2026 12:00:00 GMT"}
        return Answer(200, data, headers | dated)


def s3_error(status: int, code: str, message: str = "No.") -> Answer:
    """As S3 refuses."""
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, text.encode(), {"Content-Type": "application/xml"})
