"""Stored pictures in another format, made when somebody asks."""

from __future__ import annotations

from functools import partial

from safelight.core.errors import Invalid, StoreTrouble
from safelight.core.records import StoredFile
from safelight.gateway.making import Making
from safelight.pictures import SIDES, BadPicture, converted
from safelight.store import Store


class Formats:
    """Nothing is kept: originals are, and a picture in another format is asked for once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._making = Making()

    async def of(self, file: StoredFile, form: str, quality: int) -> bytes:
        """The picture as `webp` or `jpeg`, `quality` 0 to 100.

        Raises:
            Invalid: it is too large for the format (`/output_format`).
            StoreTrouble: it cannot be read.
        """
        longest = SIDES[form]
        if max(file.width, file.height) > longest:
            detail = f"{form} holds at most {longest} pixels a side; ask for png"
            raise Invalid(detail, pointer="/output_format")
        read = partial(self._store.get, file.key)
        try:
            return await self._making.of(read, partial(converted, form=form, quality=quality))
        except BadPicture as bad:
            raise StoreTrouble(f"{file.key} cannot be turned into {form}: {bad}") from None
