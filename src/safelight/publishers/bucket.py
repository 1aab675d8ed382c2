"""A bucket of S3, Google or Azure, or a local folder, as a publisher.

Objects are created, never overwritten (`If-None-Match: *`), with what browsers and CDNs should
know: content type and cache control. A folder keeps neither: whoever serves it says so.
"""

from __future__ import annotations

import re
from typing import Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

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
from safelight.publishers.bucket_objects import AWAY, Target, hashes, held, make_lasting
from safelight.publishers.index_txt import IndexText
from safelight.publishers.saying import PAUSE, another, told, words

DEFAULT_PATH: Final = "{user}/{character}/images/{name}"
DEFAULT_CACHE_CONTROL: Final = "public, max-age=31536000, immutable"
_MD5_KEPT: Final = "safelight-md5"  # metadata, so that an etag can be told to be one
_HASH = re.compile(r'"?([0-9a-f]{32})"?')
_SLOW = re.compile(r"status code: (429|503)|SlowDown")
# What no second try changes, if the bucket says it itself; a folder has no words of its own.
_NO = re.compile(r"status code: 40[013]|NoSuchBucket")
_MOMENTARY = re.compile(r"RequestTimeout|IncompleteBody|BadDigest")
_NO_ENTRY = re.compile(r"os error 13\)")


class Bucket:
    """One bucket or folder, with a prefix."""

    def __init__(
        self,
        name: str,
        *,
        target: Target,
        public_url: str,
        path: PlaceTemplate,
        cache_control: str = DEFAULT_CACHE_CONTROL,
    ) -> None:
        self.name = name
        self._template = path
        self._target = target
        self._objects = target.objects
        self._public_url = public_url
        self._cache_control = cache_control

    def place(self, item: Item) -> str:
        """The key, behind the prefix of the bucket's url."""
        return self._template.place(item.user, item.character, item.index, item.name)

    async def publish(self, place: str, item: Item, copy: Copy) -> Outcome:
        """Create it, or see that it lies there already; compared by size and hash either way."""
        existed = False
        try:
            self._target.check_there()
            try:
                await self._create(place, copy, item.content_type)
            except (AlreadyExistsError, FileExistsError):
                existed = True
            await make_lasting(self._target.folder, place)
            found = await self._compared(place, copy.md5)
        except (BaseError, OSError) as error:
            return self._trouble(error)
        if found == Found(copy.size, copy.md5):
            return Uploaded(f"{self._public_url}/{place}", existed)
        if existed:
            return another(found)
        return Refused(f"other bytes lie there than were put ({told(found)})")

    async def look(self, place: str) -> Look:
        """What is told of an object; it is read where its hash can be had in no other way."""
        try:
            self._target.check_there()
            return await self._described(place)
        except FileNotFoundError as error:
            return NotNow(self._said(error)) if self._gone(error) else Missing()
        except (BaseError, OSError) as error:
            trouble = self._trouble(error)
            return NotNow(trouble.reason)

    async def remove(self, place: str, md5: str) -> Removal:
        """Delete it, if it is what was published."""
        try:
            self._target.check_there()
            found = await self._compared(place, md5)
            if found.md5 != md5:
                return another(found)
            await obstore.delete_async(self._objects, place)
        except FileNotFoundError as error:
            return NotNow(self._said(error)) if self._gone(error) else Removed()
        except (BaseError, OSError) as error:
            return self._trouble(error)
        left = await self.look(place)
        return (
            Removed() if isinstance(left, Missing) else NotNow("it was deleted and is still there")
        )

    async def write_index(self, user: str, character: str, highest: int) -> Outcome:
        """Over an older one, and nobody shall keep it."""
        text, place = IndexText(highest), self._template.index_place(user, character)
        attributes = {"Content-Type": text.content_type, "Cache-Control": "no-cache"}
        try:
            self._target.check_there()
            await obstore.put_async(
                self._objects,
                place,
                text.data,
                mode="overwrite",
                use_multipart=False,
                attributes=None if self._target.folder else attributes,
            )
            await make_lasting(self._target.folder, place)
            found = await hashes(self._objects, place)
        except (BaseError, OSError) as error:
            return self._trouble(error)
        if found.md5 != text.md5:
            return NotNow("somebody else has written it at the same moment")
        return Uploaded(f"{self._public_url}/{place}")

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _create(self, place: str, copy: Copy, content_type: str) -> None:
        attributes = {
            "Content-Type": content_type,
            "Cache-Control": self._cache_control,
            _MD5_KEPT: copy.md5,
        }
        async with held(copy) as data:
            await obstore.put_async(
                self._objects,
                place,
                data,
                mode="create",
                use_multipart=False,
                attributes=None if self._target.folder else attributes,
            )

    async def _compared(self, place: str, md5: str) -> Found:
        """Size and MD5; only an etag that is this MD5 is believed, all else is read."""
        meta = await obstore.head_async(self._objects, place)
        if _md5(meta["e_tag"]) == md5:
            return Found(meta["size"], md5)
        found = await hashes(self._objects, place)
        return Found(found.size, found.md5)

    async def _described(self, place: str) -> Found:
        if self._target.folder:
            return await hashes(self._objects, place)
        asked = await obstore.get_async(self._objects, place, options={"head": True})
        size, etag = asked.meta["size"], _md5(asked.meta["e_tag"])
        # Encrypted objects have etags that look like a hash and are none, Azure's never are.
        if etag is None or etag == asked.attributes.get(_MD5_KEPT):
            return Found(size, etag)
        return await hashes(self._objects, place)

    def _trouble(self, error: BaseError | OSError) -> Refused | NotNow:
        text = str(error)
        if _SLOW.search(text):
            return NotNow(self._said(error), PAUSE)
        refused = _NO.search(text) and "<Code>" in text and not _MOMENTARY.search(text)
        if refused or _NO_ENTRY.search(text):
            return Refused(self._said(error))
        return NotNow(self._said(error))

    def _gone(self, error: FileNotFoundError) -> bool:
        """Whether it is not the object that is missing, but all there was."""
        return "NoSuchBucket" in str(error) or str(error) == AWAY

    def _said(self, error: BaseError | OSError) -> str:
        """What the far side says, without addresses: its message, else what happened."""
        text = str(error).partition("Debug source:")[0]
        code = re.search(r"<Code>([^<]{1,100})</Code>", text)
        message = re.search(r"<Message>([^<]{1,400})</Message>", text)
        if code and message:
            return words(f"{code[1]}: {message[1]}", self._target.secrets)
        plain = re.split(r"[\n<]", re.sub(r"\w+://\S*", "", text))[0]
        return words(plain, self._target.secrets)


def _md5(etag: str | None) -> str | None:
    found = _HASH.fullmatch(etag or "")
    return found[1] if found else None
