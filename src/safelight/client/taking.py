"""What is taken along as it is: pictures, small copies, and pictures of a series in one file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import IO

from safelight.client.connection import Connection
from safelight.client.operating import path_of
from safelight.client.records import Series, series_from
from safelight.client.saving import save, target_of, whole


class Taking:
    """The part of `AsyncClient` that brings bytes."""

    _connection: Connection

    async def read(self, id: str) -> bytes:
        """A picture as PNG. Raises `NotFound` while it is not stored, and when it is deleted."""
        file = io.BytesIO()
        await self.bring(id, file)
        return file.getvalue()

    async def download(self, id: str, path: str | PathLike[str]) -> None:
        """Write a picture to a file, whole or not at all, in place of what was there."""
        with whole(Path(path)) as file:
            await self.bring(id, file)

    async def bring(self, id: str, file: IO[bytes]) -> None:
        """Write a picture into an open file, from its beginning."""
        await self._connection.bring(f"/v1/images/{path_of(id)}/file", file)

    async def thumbnail(self, id: str, width: int = 320) -> bytes:
        """A small copy of a picture as WebP, at most so many pixels wide."""
        file = io.BytesIO()
        path = f"/v1/images/{path_of(id)}/thumbnail?width={width:d}"
        await self._connection.bring(path, file)
        return file.getvalue()

    async def series(self, user: str, character: str) -> Series:
        """The highest index of a series, and how many of its images are how."""
        return series_from(await self._connection.ask("GET", series_path(user, character)))

    async def download_series(
        self,
        user: str,
        character: str,
        path: str | PathLike[str],
        indices: Iterable[int] | None = None,
    ) -> Path:
        """Pictures of a series as a ZIP: in a folder that is there, as `user-character.zip`, or at
        this path.

        Those with these indices (at most 10,000), or all that are stored and not deleted. Whole or
        not at all.

        Raises:
            NotFound: one of the indices has no picture, or nothing of the series has.
            FileExistsError: another file is there; the same ZIP is fine.
        """
        asked = "" if indices is None else f"?indices={as_ranges(indices)}"
        address = f"{series_path(user, character)}/download.zip{asked}"
        folder, name = target_of(Path(path), f"{user}-{character}.zip")
        [saved] = await save(folder, {name: address}, self._connection.bring)
        return saved


def series_path(user: str, character: str) -> str:
    """Where a series is."""
    return f"/v1/series/{path_of(user)}/{path_of(character)}"


def as_ranges(indices: Iterable[int]) -> str:
    """Indices as a server reads them, neighbours put together, highest first.

    Example:
        >>> as_ranges([10, 13, 9, 8])
        '13,10-8'
    """
    ranges: list[list[int]] = []
    for index in sorted(set(indices), reverse=True):
        if ranges and ranges[-1][-1] == index + 1:
            ranges[-1][1:] = [index]
        else:
            ranges.append([index])
    return ",".join("-".join(f"{end:d}" for end in ends) for ends in ranges)
