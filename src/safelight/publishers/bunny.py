"""Bunny's storage as a publisher.

It knows no "create only if absent": what lies at a place is looked at first (`DESCRIBE`, as its own
clients ask) and compared by its SHA-256. Two who write one place at the same moment write the same
picture, because no two pictures share one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
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
from safelight.publishers.http import Body, Http, Patience, Reply, Unanswered, is_html
from safelight.publishers.index_txt import IndexText
from safelight.publishers.saying import PAUSE, another, pause, told, words

DEFAULT_ENDPOINT: Final = "https://storage.bunnycdn.com"
DEFAULT_PATH: Final = "{user}/{character}/images/{name}"


class Bunny:
    """One storage zone."""

    def __init__(
        self,
        name: str,
        *,
        zone: str,
        access_key: str,
        public_url: str,
        path: PlaceTemplate,
        endpoint: str = DEFAULT_ENDPOINT,
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self._template = path
        self._zone = f"{endpoint}/{zone}"
        self._public_url = public_url
        self._key = access_key
        self._http = Http(patience or Patience())

    def place(self, item: Item) -> str:
        """The path in the zone."""
        return self._template.place(item.user, item.character, item.index, item.name)

    async def publish(self, place: str, item: Item, copy: Copy) -> Outcome:
        """Look, put, and look again."""
        there = await self._described(place)
        if isinstance(there, Missing):
            return await self._put(place, copy, item.content_type)
        return self._compared(there, place, copy, existed=True)

    async def look(self, place: str) -> Look:
        """What the storage says of a file."""
        found = await self._described(place)
        return NotNow(found.reason) if isinstance(found, Refused) else found

    async def remove(self, place: str, md5: str) -> Removal:
        """Delete it, if it is what was published; it is read once, for its MD5 is not told."""
        there = await self._described(place)
        if not isinstance(there, Found):
            return Removed() if isinstance(there, Missing) else there
        try:
            found = await self._http.hashes(f"{self._zone}/{place}", self._headers())
            if isinstance(found, Reply):
                return Removed() if _is_missing(found) else self._unwilling(found)
            if (found.size, found.sha256) != (there.size, there.sha256):
                return NotNow("what was read is not what lies there")
            if found.md5 != md5:
                return another(found)
            reply = await self._http.ask("DELETE", f"{self._zone}/{place}", self._headers())
        except Unanswered as trouble:
            return NotNow(trouble.reason)
        if (reply.status == 200 and not is_html(reply)) or _is_missing(reply):
            return Removed()
        return self._unwilling(reply)

    async def write_index(self, user: str, character: str, highest: int) -> Outcome:
        """Over an older one."""
        text = IndexText(highest)
        place = self._template.index_place(user, character)
        return await self._put(place, text, text.content_type)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _put(self, place: str, copy: Copy, content_type: str) -> Outcome:
        headers = self._headers() | {
            "Checksum": copy.sha256.upper(),
            "Override-Content-Type": content_type,
        }
        body = Body(copy, "application/octet-stream")
        try:
            reply = await self._http.ask("PUT", f"{self._zone}/{place}", headers, body)
        except Unanswered as trouble:
            return NotNow(trouble.reason)
        if reply.status not in (200, 201) or is_html(reply):
            return self._unwilling(reply)
        return self._compared(await self._described(place), place, copy, existed=False)

    def _compared(self, there: Look | Refused, place: str, copy: Copy, *, existed: bool) -> Outcome:
        match there:
            case Missing():
                return NotNow("what was put is not there yet")
            case Found(sha256=None):
                return NotNow("Bunny does not tell the checksum of what lies there yet")
            case Found(size=copy.size, sha256=copy.sha256):
                return Uploaded(f"{self._public_url}/{place}", existed)
            case Found() if existed:
                return another(there)
            case Found():
                return Refused(f"other bytes lie there than were put ({told(there)})")
        return there

    async def _described(self, place: str) -> Look | Refused:
        headers = self._headers() | {"Accept": "application/json"}
        try:
            reply = await self._http.ask("DESCRIBE", f"{self._zone}/{place}", headers)
        except Unanswered as trouble:
            return NotNow(trouble.reason)
        if _is_missing(reply):
            return Missing()
        if reply.status != 200:
            return self._unwilling(reply)
        found = _found(reply.json() or {}, place)
        what = "HTML" if is_html(reply) else "something else"
        return found or NotNow(f"{what} instead of a description")

    def _headers(self) -> dict[str, str]:
        return {"AccessKey": self._key}

    def _unwilling(self, reply: Reply) -> Refused | NotNow:
        """What an answer other than a good one means."""
        message = (reply.json() or {}).get("Message")
        said = words(message, (self._key,)) if isinstance(message, str) else ""
        wanted = pause(reply.headers, time.time())
        if reply.status == 429:
            return NotNow(said or "Bunny asks for a pause", wanted or PAUSE)
        # 400 is a checksum that does not fit: damage on the way, which another try may escape.
        if 400 < reply.status < 500 and reply.status not in (408, 425) and said:
            return Refused(f"Bunny says: {said} (HTTP {reply.status})")
        return NotNow(
            f"HTTP {reply.status}: {'HTML' if is_html(reply) else said or 'no word'}", wanted
        )


def _is_missing(reply: Reply) -> bool:
    told = reply.json() or {}
    return reply.status == 404 and "Message" in told


def _found(told: Mapping[str, Any], place: str) -> Found | None:
    """None where it is no description of this file: nothing of it is believed then."""
    size, checksum = told.get("Length"), told.get("Checksum")
    if told.get("ObjectName") != place.rpartition("/")[2] or told.get("IsDirectory") is not False:
        return None
    if type(size) is not int or not (checksum is None or isinstance(checksum, str)):
        return None
    if checksum and not re.fullmatch(r"[0-9A-Fa-f]{64}", checksum):
        return None
    return Found(size, sha256=checksum.lower() if checksum else None)
