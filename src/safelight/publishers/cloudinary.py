"""Cloudinary as a publisher: one signed upload per picture, which never overwrites.

A public id holds the picture's own number and `overwrite=0` is sent, so an upload may be repeated:
what lies there already is told as `existing`, with its size and etag (the MD5 of its bytes), and is
compared.
"""

from __future__ import annotations

import re
import secrets
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from safelight.core.placing import PlaceTemplate
from safelight.publishers.base import (
    Copy,
    Found,
    Item,
    Look,
    Missing,
    NotNow,
    Outcome,
    Refused,
    Removal,
    Removed,
    Uploaded,
)
from safelight.publishers.cloudinary_signing import Value, context, form, is_signed, sign
from safelight.publishers.http import Body, Http, Patience, Reply, Unanswered, is_html, plain_link
from safelight.publishers.index_txt import IndexText
from safelight.publishers.saying import PAUSE, another, pause, told, words

DEFAULT_PUBLIC_ID: Final = "{user}/{character}/images/{stem}"
DEFAULT_PREFIX: Final = "https://api.cloudinary.com"
_LONGEST_ID: Final = 255  # characters; Cloudinary takes no more


class Cloudinary:
    """One product environment."""

    def __init__(
        self,
        name: str,
        *,
        cloud_name: str,
        api_key: str,
        api_secret: str,
        public_id: PlaceTemplate,
        upload_prefix: str = DEFAULT_PREFIX,
        folder_mode: str = "fixed",
        eager: Sequence[str] = (),
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self._template = public_id
        self._api = f"{upload_prefix}/v1_1/{cloud_name}"
        self._key, self._secret = api_key, api_secret
        self._basic = b64encode(f"{api_key}:{api_secret}".encode()).decode()
        self._folders = folder_mode == "dynamic"
        self._eager = "|".join(eager)
        self._http = Http(patience or Patience())

    def place(self, item: Item) -> str:
        """The public id."""
        return self._template.place(item.user, item.character, item.index, item.name)

    async def publish(self, place: str, item: Item, copy: Copy) -> Outcome:
        """One upload; what lies there already is compared, never replaced."""
        if len(place) > _LONGEST_ID:
            return Refused(f"Cloudinary takes no public id of more than {_LONGEST_ID} characters")
        said = {"user": item.user, "character": item.character, "index": str(item.index)}
        said |= {"seed": str(item.seed), "image": item.image}
        params: dict[str, Value] = {
            "public_id": place,
            "overwrite": "0",
            "unique_filename": "0",
            "tags": [f"{key}:{value}" for key, value in said.items() if key != "image"],
            "context": context(said),
            "asset_folder": place.rpartition("/")[0] if self._folders else "",
            "eager": self._eager,
            "eager_async": "1" if self._eager else "",
        }
        return await self._upload("image", params, copy, item.name, item.content_type)

    async def look(self, place: str) -> Look:
        """What the Admin API says of a picture."""
        found = await self._described(place)
        return NotNow(found.reason) if isinstance(found, Refused) else found

    async def remove(self, place: str, md5: str) -> Removal:
        """Destroy it, if it is what was published."""
        found = await self._described(place)
        match found:
            case Missing():
                return Removed()
            case Found(md5=None):
                return NotNow("Cloudinary does not tell the hash of what lies there")
            case Found() if found.md5 != md5:
                return another(found)
            case Found():
                return await self._destroy(place)
        return found

    async def write_index(self, user: str, character: str, highest: int) -> Outcome:
        """A raw asset, overwritten, and its older copies on the CDN made invalid."""
        params = {
            "public_id": self._template.index_place(user, character),
            "overwrite": "1",
            "unique_filename": "0",
            "invalidate": "1",
        }
        text = IndexText(highest)
        return await self._upload("raw", params, text, "index.txt", text.content_type)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _upload(
        self, kind: str, params: Mapping[str, Value], copy: Copy, name: str, content_type: str
    ) -> Outcome:
        boundary = secrets.token_hex(16)
        before, after = form(self._signed(params), name, content_type, boundary)
        body = Body(copy, f"multipart/form-data; boundary={boundary}", before, after)
        try:
            reply = await self._http.ask("POST", f"{self._api}/{kind}/upload", body=body)
        except Unanswered as trouble:
            return NotNow(trouble.reason)
        if reply.status != 200:
            return self._unwilling(reply)
        return await self._judged(reply, str(params["public_id"]), kind, copy)

    async def _judged(self, reply: Reply, place: str, kind: str, copy: Copy) -> Outcome:
        """What an answer of 200 proves."""
        asset = _asset(reply.json())
        if asset is None:
            return NotNow(f"{'HTML' if is_html(reply) else 'something else'} instead of an asset")
        if asset.signature and not is_signed(
            asset.public_id, asset.version, asset.signature, self._secret
        ):
            return NotNow("the answer is not signed with our secret")
        if asset.public_id != place:
            other = words(asset.public_id, self._secrets())
            return Refused(f"Cloudinary calls it {other!r} instead of {place!r}: see its settings")
        found: Look | Refused = asset.found
        if not asset.signature or asset.found.md5 is None or asset.found.size is None:
            found = await self._described(place, kind)  # proved by the connection instead
        match found:
            case Missing():
                return NotNow("the answer tells of an asset that is not there")
            case Found(size=copy.size, md5=copy.md5):
                return Uploaded(asset.url, existed=asset.existing)
            case Found():
                return _another(found, asset.existing)
        return found

    async def _described(self, place: str, kind: str = "image") -> Look | Refused:
        url = f"{self._api}/resources/{kind}/upload/{place}"
        try:
            reply = await self._http.ask("GET", url, {"Authorization": f"Basic {self._basic}"})
        except Unanswered as trouble:
            return NotNow(trouble.reason)
        if reply.status == 404 and self._words(reply):
            return Missing()
        if reply.status != 200:
            return self._unwilling(reply)
        asset = _asset(reply.json())
        if asset is None or asset.public_id != place:
            return NotNow(f"{'HTML' if is_html(reply) else 'something else'} instead of an asset")
        return asset.found

    async def _destroy(self, place: str) -> Removal:
        params = self._signed({"public_id": place, "type": "upload", "invalidate": "1"})
        body = "&".join(f"{key}={_escaped(str(value))}" for key, value in params.items()).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            reply = await self._http.ask("POST", f"{self._api}/image/destroy", headers, body)
        except Unanswered as trouble:
            return NotNow(trouble.reason)
        if reply.status != 200:
            return self._unwilling(reply)
        result = (reply.json() or {}).get("result")
        return Removed() if result in ("ok", "not found") else NotNow("no word of what was removed")

    def _signed(self, params: Mapping[str, Value]) -> dict[str, Value]:
        stamped = {**params, "timestamp": str(int(time.time()))}
        return {**stamped, "signature": sign(stamped, self._secret), "api_key": self._key}

    def _unwilling(self, reply: Reply) -> Refused | NotNow:
        """What an answer other than 200 means."""
        said = self._words(reply)
        if reply.status in (420, 429):
            wanted = pause(reply.headers, time.time()) or PAUSE
            return NotNow(said or "Cloudinary asks for a pause", wanted)
        if 400 <= reply.status < 500 and reply.status not in (408, 425) and said:
            if "stale request" in said.lower():
                said += ". Set the clock of this machine: it is more than an hour off"
            return Refused(said)
        what = "HTML" if is_html(reply) else said or "no word"
        return NotNow(f"HTTP {reply.status}: {what}", pause(reply.headers, time.time()))

    def _words(self, reply: Reply) -> str:
        """Cloudinary's own, empty where somebody else has answered."""
        error = (reply.json() or {}).get("error")
        message = error.get("message") if isinstance(error, dict) else None
        said = message if isinstance(message, str) else reply.headers.get("X-Cld-Error", "")
        return words(said, self._secrets())

    def _secrets(self) -> tuple[str, ...]:
        return (self._secret, self._basic)


@dataclass(frozen=True, slots=True)
class _Asset:
    """What an answer says of an asset."""

    public_id: str
    version: int
    signature: str
    url: str
    existing: bool
    found: Found


def _asset(told: Mapping[str, Any] | None) -> _Asset | None:
    """None where a field is missing or of another type: nothing of it is believed then."""
    told = told or {}
    public_id, version, url = told.get("public_id"), told.get("version"), told.get("secure_url")
    size, etag, signature = told.get("bytes"), told.get("etag"), told.get("signature", "")
    link = plain_link(url)
    if not isinstance(public_id, str) or type(version) is not int or link is None:
        return None
    if not (size is None or type(size) is int) or not isinstance(signature, str):
        return None
    if not (etag is None or (isinstance(etag, str) and re.fullmatch("[0-9a-f]{32}", etag))):
        return None
    existing = told.get("existing") is True
    return _Asset(public_id, version, signature, link, existing, Found(size, etag))


def _another(found: Found, existing: bool) -> Refused:
    if existing:
        return another(found)
    return Refused(f"Cloudinary keeps other bytes than were sent ({told(found)}): see its presets")


def _escaped(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9._~-]", lambda sign: f"%{ord(sign[0]):02X}", value)
