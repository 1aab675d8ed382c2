"""Batches and images: records that can ask for more of themselves, and wait or do not wait."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from safelight.client.records import (
    BatchRecord,
    Event,
    ImageRecord,
    Json,
    batch_fields,
    image_fields,
)

if TYPE_CHECKING:
    from safelight.client.asynchronous import AsyncClient
    from safelight.client.synchronous import Client


@dataclass(frozen=True, slots=True)
class AsyncImage(ImageRecord):
    """One numbered member of a batch, and its picture once it is `ready`."""

    client: AsyncClient = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json, client: AsyncClient) -> AsyncImage:
        """An image as the API sends it."""
        return cls(**image_fields(raw), client=client)

    async def read(self) -> bytes:
        """The picture as PNG. Raises `NotFound` while it is not stored, and when it is deleted."""
        return await self.client.read(self.id)

    async def thumbnail(self, width: int = 320) -> bytes:
        """A small copy as WebP, at most so many pixels wide."""
        return await self.client.thumbnail(self.id, width)

    async def save(self, path: str | PathLike[str]) -> Path:
        """The picture as a file: in a folder that is there, under its own name, or at this path.

        Whole or not at all. Raises FileExistsError where another file is; the same picture is fine.
        """
        return await self.client.save_image(self, Path(path))


@dataclass(frozen=True, slots=True)
class AsyncBatch(BatchRecord[AsyncImage]):
    """One request for `quantity` images, as it was when it was asked for: see `refresh`."""

    client: AsyncClient = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json, client: AsyncClient) -> AsyncBatch:
        """A batch as the API sends it."""
        return cls(**batch_fields(raw, lambda each: AsyncImage.of(each, client)), client=client)

    async def refresh(self) -> AsyncBatch:
        """The batch as it is now."""
        return await self.client.batch(self.id)

    async def wait(self, *, timeout: float | None = None) -> AsyncBatch:
        """The batch when all its images are ready: see `AsyncClient.wait`."""
        return await self.client.wait(self.id, timeout=timeout)

    def watch(self, after: int | None = None) -> AsyncGenerator[Event, None]:
        """What happens to it from here on: see `AsyncClient.watch`."""
        return self.client.watch(self.id, self.last_event if after is None else after)

    async def cancel(self) -> AsyncBatch:
        """Cancel what is unfinished; images at a backend may take a moment."""
        return await self.client.cancel(self.id)

    async def retry(self) -> AsyncBatch:
        """Try the failed images again, with new seeds."""
        return await self.client.retry(self.id)

    async def save(self, folder: str | PathLike[str]) -> list[Path]:
        """Every picture that is ready, as a file of that folder: all of them or none.

        The folder is made if need be. Raises FileExistsError where another file has one of the
        names; pictures that are there already are fine.
        """
        return await self.client.save_batch(self, Path(folder))


@dataclass(frozen=True, slots=True)
class Image(ImageRecord):
    """One numbered member of a batch, and its picture once it is `ready`."""

    client: Client = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json, client: Client) -> Image:
        """An image as the API sends it."""
        return cls(**image_fields(raw), client=client)

    def read(self) -> bytes:
        """The picture as PNG. Raises `NotFound` while it is not stored, and when it is deleted."""
        return self.client.read(self.id)

    def thumbnail(self, width: int = 320) -> bytes:
        """A small copy as WebP, at most so many pixels wide."""
        return self.client.thumbnail(self.id, width)

    def save(self, path: str | PathLike[str]) -> Path:
        """The picture as a file: in a folder that is there, under its own name, or at this path.

        Whole or not at all. Raises FileExistsError where another file is; the same picture is fine.
        """
        return self.client.save_image(self, Path(path))


@dataclass(frozen=True, slots=True)
class Batch(BatchRecord[Image]):
    """One request for `quantity` images, as it was when it was asked for: see `refresh`."""

    client: Client = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json, client: Client) -> Batch:
        """A batch as the API sends it."""
        return cls(**batch_fields(raw, lambda each: Image.of(each, client)), client=client)

    def refresh(self) -> Batch:
        """The batch as it is now."""
        return self.client.batch(self.id)

    def wait(self, *, timeout: float | None = None) -> Batch:
        """The batch when all its images are ready: see `Client.wait`."""
        return self.client.wait(self.id, timeout=timeout)

    def watch(self, after: int | None = None) -> Generator[Event, None, None]:
        """What happens to it from here on: see `Client.watch`."""
        return self.client.watch(self.id, self.last_event if after is None else after)

    def cancel(self) -> Batch:
        """Cancel what is unfinished; images at a backend may take a moment."""
        return self.client.cancel(self.id)

    def retry(self) -> Batch:
        """Try the failed images again, with new seeds."""
        return self.client.retry(self.id)

    def save(self, folder: str | PathLike[str]) -> list[Path]:
        """Every picture that is ready, as a file of that folder: all of them or none.

        The folder is made if need be. Raises FileExistsError where another file has one of the
        names; pictures that are there already are fine.
        """
        return self.client.save_batch(self, Path(folder))
