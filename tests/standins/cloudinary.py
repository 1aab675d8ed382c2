"""Cloudinary as a stand-in: signatures, ages, existing and overwritten assets, as documented.

Nothing here is shared with the code it tests: signatures are checked by rules written anew.
"""

from __future__ import annotations

import base64
import io
import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from hashlib import md5, sha1, sha256
from typing import Any
from urllib.parse import parse_qsl

from PIL import Image

from tests.standins.server import Answer, Request, StandIn, told

CLOUD = "demo"
KEY = "123456789012345"
SECRET = "s3cret-Of.Cloudinary_27"
_HOUR = 3600.0  # s
_UNSIGNED = {"file", "cloud_name", "resource_type", "api_key", "signature"}
_UPLOAD = re.compile(r"/v1_1/([^/]+)/(image|raw|video|auto)/(upload|destroy)")
_RESOURCE = re.compile(r"/v1_1/([^/]+)/resources/(image|raw)/upload/(.+)")
_DELIVERY = re.compile(r"/([^/]+)/(image|raw)/upload/(?:v\d+/)?(.+)")


@dataclass
class Asset:
    """One asset and its past."""

    public_id: str
    kind: str
    data: bytes
    told: dict[str, Any]
    uploads: int = 1  # accepted requests, those answered `existing` too
    overwritten: int = 0
    at: float = field(default_factory=time.time)


class Refusal(Exception):
    """An error in Cloudinary's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = _error(status, message)


def _error(status: int, message: str) -> Answer:
    return told(
        {"error": {"message": message}},
        status,
        X_Cld_Error=re.sub(r"[^\x20-\x7e]", "?", message),
        X_Request_Id=secrets.token_hex(8),
    )


class Cloudinary(StandIn):
    """A product environment called `demo`."""

    kind = "cloudinary"
    limited_status = 420

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.kept: dict[tuple[str, str], Asset] = {}

    def toml(self, name: str = "cloudinary", **more: str) -> str:
        """Its section of `safelight.toml`; `more` are further lines, values as TOML."""
        lines = [f"[publishers.{name}]", 'kind = "cloudinary"', f'cloud_name = "{CLOUD}"']
        lines += [f'api_key = "{KEY}"', f'api_secret = "{SECRET}"', f'upload_prefix = "{self.url}"']
        return "\n".join([*lines, *(f"{key} = {value}" for key, value in more.items())]) + "\n"

    def listed(self) -> list[dict[str, Any]]:
        return [
            {
                "public_id": asset.public_id,
                "resource_type": asset.kind,
                "bytes": len(asset.data),
                "etag": md5(asset.data).hexdigest(),
                "sha256": sha256(asset.data).hexdigest(),
                "uploads": asset.uploads,
                "overwritten": asset.overwritten,
                "tags": asset.told["tags"],
                "context": asset.told.get("context", {}),
                "asset_folder": asset.told.get("asset_folder"),
                "eager": asset.told.get("eager", []),
            }
            for asset in self.kept.values()
        ]

    def failed(self, status: int = 500) -> Answer:
        if status in (420, 429):
            answer = _error(status, "Rate Limit Exceeded. Try again later")
            if "retry_after" not in self.orders and self.orders.get("limited", 0) >= 60:
                answer.headers["X-FeatureRateLimit-Reset"] = formatdate(
                    time.time() + 60, usegmt=True
                )
            return answer
        return _error(status, "General Error")

    def wrong(self) -> object:
        return {"public_id": ["x"], "version": "1", "bytes": "many", "etag": 3, "secure_url": {}}

    def answer(self, request: Request) -> Answer:
        try:
            if (found := _UPLOAD.fullmatch(request.path)) and request.method == "POST":
                return self._signed(request, *found.groups())
            if found := _RESOURCE.fullmatch(request.path):
                return self._resource(request, *found.groups())
            if found := _DELIVERY.fullmatch(request.path):
                return self._delivered(found[2], found[3])
            raise Refusal(404, f"Route not found {request.path}")
        except Refusal as refusal:
            return refusal.answer

    def _signed(self, request: Request, cloud: str, kind: str, action: str) -> Answer:
        params, file = parsed(request)
        if cloud != CLOUD:
            raise Refusal(401, f"Invalid cloud_name {cloud}")
        self._check_signature(params)
        if action == "destroy":
            return self._destroy(kind, params)
        if file is None:
            raise Refusal(400, "Missing required parameter - file")
        answer = self._upload(kind, params, file)
        if self.strikes("lost"):
            return self.failed()
        if self.strikes("lost-reset"):
            raise ConnectionResetError
        return answer

    def _check_signature(self, params: dict[str, str | list[str]]) -> None:
        if not params.get("api_key") or not params.get("signature"):
            raise Refusal(401, "Missing required parameter - api_key or signature")
        if params["api_key"] != KEY:
            raise Refusal(401, f"Unknown API key {params['api_key']}")
        text = to_sign(params, 2)
        given = str(params["signature"])
        good = {signed(to_sign(params, version), len(given)) for version in (1, 2)}
        if given not in good:
            raise Refusal(401, f"Invalid Signature {given}. String to sign - '{text}'.")
        stamp = params.get("timestamp")
        if not isinstance(stamp, str) or not stamp.isdecimal():
            raise Refusal(400, "Missing required parameter - timestamp")
        now = time.time() + self.orders.get("skew", 0.0)
        if abs(now - int(stamp)) > _HOUR:
            reported = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d %H:%M:%S +0000")
            raise Refusal(
                400, f"Stale request - reported time is {reported} which is more than 1 hour ago"
            )

    def _upload(self, kind: str, params: dict[str, str | list[str]], file: bytes) -> Answer:
        kind = "image" if kind == "auto" else kind
        public_id = str(params.get("public_id") or secrets.token_hex(10))
        if folder := params.get("folder"):
            public_id = f"{folder}/{public_id}"
        if len(public_id) > 255 or re.search(r"[?&#\\%<>+]|^/|/$|^\s|\s$", public_id):
            raise Refusal(400, f"public_id ({public_id}) is invalid")
        with self.lock:
            there = self.kept.get((kind, public_id))
            if there is not None:
                there.uploads += 1
                if params.get("overwrite") in ("0", "false"):
                    return self._about(there, existing=True)
            if self.strikes("damaged"):
                file += b"\0"
            told_of = self._told(kind, public_id, params, file)
            asset = Asset(public_id, kind, file, told_of)
            if there is not None:
                asset.uploads, asset.overwritten = there.uploads, there.overwritten + 1
            self.kept[kind, public_id] = asset
            return self._about(asset)

    def _told(
        self, kind: str, public_id: str, params: dict[str, str | list[str]], file: bytes
    ) -> dict[str, Any]:
        version = int(time.time())
        shape, ending = _shape(kind, file), ""
        if kind == "image":
            ending = f".{shape['format']}"
        where = f"{CLOUD}/{kind}/upload/v{version}/{public_id}{ending}"
        answer: dict[str, Any] = {
            "asset_id": secrets.token_hex(16),
            "public_id": public_id,
            "version": version,
            "version_id": secrets.token_hex(16),
            "signature": signed(f"public_id={public_id}&version={version}", 40),
            **shape,
            "resource_type": kind,
            "type": "upload",
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tags": [tag for tag in str(params.get("tags", "")).split(",") if tag],
            "bytes": len(file),
            "etag": md5(file).hexdigest(),
            "placeholder": False,
            "url": f"{self.url}/{where}",
            "secure_url": f"{self.url}/{where}",
            "api_key": KEY,
        }
        if params.get("context"):
            answer["context"] = {"custom": unescaped(str(params["context"]))}
        if params.get("asset_folder"):
            answer["asset_folder"] = params["asset_folder"]
        if params.get("eager"):
            answer["eager"] = [
                {"transformation": one, "status": "processing"}
                for one in str(params["eager"]).split("|")
            ]
        return answer

    def _about(self, asset: Asset, *, existing: bool = False) -> Answer:
        answer = dict(asset.told)
        if existing:
            answer["existing"] = True
        if self.strikes("forged"):
            answer["signature"] = "0" * 40
        if self.strikes("unsigned"):
            del answer["signature"]
        return told(answer)

    def _destroy(self, kind: str, params: dict[str, str | list[str]]) -> Answer:
        with self.lock:
            gone = self.kept.pop((kind, str(params.get("public_id"))), None)
        return told({"result": "ok" if gone else "not found"})

    def _resource(self, request: Request, cloud: str, kind: str, public_id: str) -> Answer:
        basic = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if cloud != CLOUD or request.headers.get("authorization") != f"Basic {basic}":
            raise Refusal(401, "Invalid credentials")
        with self.lock:
            asset = self.kept.get((kind, public_id))
        if asset is None:
            raise Refusal(404, f"Resource not found - {public_id}")
        answer = dict(asset.told)
        del answer["signature"]
        return told(answer)

    def _delivered(self, kind: str, rest: str) -> Answer:
        with self.lock:
            for (there, public_id), asset in self.kept.items():
                whole = public_id if kind == "raw" else f"{public_id}.{asset.told['format']}"
                if there == kind and rest == whole:
                    return Answer(200, asset.data, {"ETag": f'"{md5(asset.data).hexdigest()}"'})
        return Answer(404, b"", {"X-Cld-Error": f"Resource not found - {rest}"})


def parsed(request: Request) -> tuple[dict[str, str | list[str]], bytes | None]:
    """The parameters of a form, `key[]` as lists, and its file, wherever it stands in it."""
    kind = request.headers.get("content-type", "")
    if "multipart/form-data" not in kind:
        said: dict[str, str | list[str]] = dict(parse_qsl(request.body.decode()))
        uri = said.pop("file", None)
        return said, None if uri is None else _from_uri(str(uri))
    boundary = kind.partition("boundary=")[2].strip('"').encode()
    params: dict[str, str | list[str]] = {}
    file: bytes | None = None
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        named = re.search(rb'name="([^"]*)"(; filename=)?', head)
        assert named, head
        name = named[1].decode()
        if name == "file":
            file = content if named[2] else _from_uri(content.decode())
        elif name.endswith("[]"):
            values = params.setdefault(name[:-2], [])
            assert isinstance(values, list)
            values.append(content.decode())
        else:
            params[name] = content.decode()
    return params, file


def _from_uri(text: str) -> bytes:
    found = re.fullmatch(r"data:[a-z/+.-]*;base64,([A-Za-z0-9+/=\s]*)", text)
    if not found:
        raise Refusal(400, f"Unsupported source URL: {text[:60]}")
    return base64.b64decode(found[1])


def to_sign(params: dict[str, str | list[str]], version: int) -> str:
    """The documented string: sorted `k=v`, lists joined, in version 2 without a bare `&`."""
    pairs = []
    for key, value in params.items():
        if value and key not in _UNSIGNED:
            pair = f"{key}={value if isinstance(value, str) else ','.join(value)}"
            pairs.append(pair.replace("&", "%26") if version == 2 else pair)
    return "&".join(sorted(pairs))


def signed(text: str, length: int) -> str:
    """SHA-1, or SHA-256 where the given signature has its length."""
    return (sha256 if length == 64 else sha1)((text + SECRET).encode()).hexdigest()


def unescaped(text: str) -> dict[str, str]:
    r"""`a=1|b=x\|y` as a mapping."""
    pairs = re.findall(r"((?:\\.|[^\\=|])*)=((?:\\.|[^\\|])*)(?:\||$)", text)
    return {key: re.sub(r"\\(.)", r"\1", value) for key, value in pairs}


def _shape(kind: str, file: bytes) -> dict[str, Any]:
    if kind == "raw":
        return {}
    try:
        with Image.open(io.BytesIO(file)) as picture:
            width, height = picture.size
            return {"width": width, "height": height, "format": str(picture.format).lower()}
    except OSError:
        raise Refusal(400, "Invalid image file") from None
