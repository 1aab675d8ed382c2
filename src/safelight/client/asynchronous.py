"""The asynchronous client: one method per thing one can ask."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Unpack

from safelight.client.bound import AsyncBatch, AsyncImage
from safelight.client.connection import Connection
from safelight.client.errors import BatchFailed, Conflict, NotEnded
from safelight.client.operating import Operating, path_of
from safelight.client.records import (
    BatchRecord,
    Event,
    ImageRecord,
    Page,
    Parameters,
    page_from,
)
from safelight.client.saving import made, own_name, save, target_of
from safelight.client.taking import Taking, series_path


class AsyncClient(Taking, Operating):
    """Talks to one server, in one event loop; close it, or use it in `async with`.

    `url` and `key` (an API key) are taken from SAFELIGHT_URL and SAFELIGHT_KEY where they are not
    given; without either the server is `http://127.0.0.1:8080`. `timeout` is for how many seconds
    a server may be silent, `patience` for how many one that is away, or says "come back", is asked
    again. Every method raises `ProblemError` for a no and `NoServer` for nothing.

    Example:
        async with AsyncClient() as client:
            batch = await client.generate("mira", user="ann", prompt="at the sea", quantity=4)
            await batch.save("pictures")
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        patience: float = 30.0,
    ) -> None:
        self._connection = Connection(url, key, timeout, patience)

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return self._connection.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Drop what is open; nothing can be asked afterwards."""
        await self._connection.close()

    async def generate(
        self,
        character: str,
        *,
        user: str,
        prompt: str = "",
        quantity: int = 1,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        **parameters: Unpack[Parameters],
    ) -> AsyncBatch:
        """Order a batch and come back when all its images are ready: `order`, then `wait`.

        Raises:
            BatchFailed: it has ended otherwise than completed. The batch is in the exception.
            NotEnded: not within `timeout` seconds; it goes on.
        """
        batch = await self.order(
            character,
            user=user,
            prompt=prompt,
            quantity=quantity,
            idempotency_key=idempotency_key,
            **parameters,
        )
        return await self._wait(batch, timeout)

    async def order(
        self,
        character: str,
        *,
        user: str,
        prompt: str = "",
        quantity: int = 1,
        idempotency_key: str | None = None,
        **parameters: Unpack[Parameters],
    ) -> AsyncBatch:
        """Order a batch and come back as soon as the server has it.

        However often this has to be sent, it is one batch: one idempotency key is kept over all
        repetitions. Give one of your own (an order number) where your program may be killed and
        ask again; it holds for 24 hours.

        Raises:
            InvalidRequest: a field is wrong; `errors` names each.
            TooManyRequests: the user has too much unfinished, or the key has asked too often.
        """
        wanted = {"user": user, "character": character, "prompt": prompt, "quantity": quantity}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = await self._connection.ask(
            "POST", "/v1/batches", json={**wanted, **parameters}, headers=headers
        )
        return AsyncBatch.of(answer, self)

    async def wait(self, id: str, *, timeout: float | None = None) -> AsyncBatch:
        """The batch when all its images are ready.

        Raises:
            BatchFailed: it has ended otherwise than completed. The batch is in the exception.
            NotEnded: not within `timeout` seconds; it goes on.
        """
        return await self._wait(await self.batch(id), timeout)

    async def watch(self, id: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """Every event of a batch after that number, each once, until its last.

        A lost connection is made again and goes on where it broke, without gaps and repeats.
        """
        path = f"/v1/batches/{path_of(id)}"
        async with aclosing(self._connection.follow(path, after)) as events:
            async for event in events:
                yield event

    async def batch(self, id: str) -> AsyncBatch:
        """The batch as it is now."""
        return await self._batch("GET", id)

    async def batches(
        self,
        *,
        user: str | None = None,
        character: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[AsyncBatch]:
        """A page of batches, newest first; its `next_cursor` is the `cursor` of the next one."""
        filters = {"user": user, "character": character, "status": status, "cursor": cursor}
        page = await self._connection.ask("GET", "/v1/batches", params=_given(limit, filters))
        found: Page[AsyncBatch] = page_from(page, lambda raw: AsyncBatch.of(raw, self), "cursor")
        return found

    async def cancel(self, id: str) -> AsyncBatch:
        """Cancel what is unfinished of a batch; images at a backend may take a moment.

        Raises `Conflict` where nothing is left to cancel.
        """
        return await self._batch("POST", id, "/cancel")

    async def retry(self, id: str) -> AsyncBatch:
        """Try the failed images of a batch again, with new seeds.

        Raises `Conflict` where nothing has failed.
        """
        try:
            return await self._batch("POST", id, "/retry")
        except Conflict as conflict:
            if conflict.repeated:  # nothing has failed any more, because it was done
                return await self.batch(id)
            raise

    async def retry_publications(self, id: str) -> AsyncBatch:
        """Try the failed copies of a batch's images again."""
        return await self._batch("POST", id, "/publications/retry")

    async def image(self, id: str) -> AsyncImage:
        """An image; its `raw` has everything that is known of how it came to be."""
        return await self._image("GET", id)

    async def cancel_image(self, id: str) -> AsyncImage:
        """Cancel one image; at a backend it may take a moment."""
        return await self._image("POST", id, "/cancel")

    async def retry_image(self, id: str) -> AsyncImage:
        """Try one failed image again, with a new seed."""
        try:
            return await self._image("POST", id, "/retry")
        except Conflict as conflict:
            if conflict.repeated:
                return await self.image(id)
            raise

    async def retry_image_publications(self, id: str) -> AsyncImage:
        """Try the failed copies of an image again."""
        return await self._image("POST", id, "/publications/retry")

    async def delete_image(self, id: str, *, publications: bool = False) -> AsyncImage:
        """Delete a stored picture, also its copies at publishers if asked; its index stays taken.

        Raises `Conflict` while it is not finished.
        """
        return await self._image("DELETE", id, "?publications=true" if publications else "")

    async def star(self, image: ImageRecord | str) -> AsyncImage:
        """Give an image, or the one with this id, a star: see `starred_at`.

        Raises `NotFound` where it was deleted.
        """
        return await self._image("PUT", _id_of(image), "/star")

    async def unstar(self, image: ImageRecord | str) -> AsyncImage:
        """Take its star away."""
        return await self._image("DELETE", _id_of(image), "/star")

    async def save_image(self, image: ImageRecord, path: Path) -> Path:
        """See `AsyncImage.save`."""
        folder, name = target_of(path, image.name)
        [saved] = await save(folder, {name: image.id}, self.bring)
        return saved

    async def save_batch(self, batch: BatchRecord[ImageRecord], folder: Path) -> list[Path]:
        """See `AsyncBatch.save`."""
        wanted = {own_name(image.name): image.id for image in batch.images if image.ready}
        return await save(made(folder), wanted, self.bring)

    async def series_images(
        self, user: str, character: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[AsyncImage]:
        """A page of a series' images, highest index first."""
        path = f"{series_path(user, character)}/images"
        page = await self._connection.ask("GET", path, params=_given(limit, {"before": cursor}))
        found: Page[AsyncImage] = page_from(page, lambda raw: AsyncImage.of(raw, self), "before")
        return found

    async def series_image(self, user: str, character: str, index: int) -> AsyncImage:
        """An image by its index."""
        path = f"{series_path(user, character)}/images/{index:d}"
        return AsyncImage.of(await self._connection.ask("GET", path), self)

    async def _wait(self, batch: AsyncBatch, timeout: float | None) -> AsyncBatch:
        try:
            async with asyncio.timeout(timeout):
                while not batch.ended:  # somebody may retry it just when it has ended
                    async with aclosing(batch.watch()) as events:
                        async for _ in events:
                            pass
                    batch = await batch.refresh()
        except TimeoutError:
            raise NotEnded(batch, timeout) from None
        if batch.status != "completed":
            raise BatchFailed(batch)
        return batch

    async def _batch(self, method: str, id: str, what: str = "") -> AsyncBatch:
        path = f"/v1/batches/{path_of(id)}{what}"
        return AsyncBatch.of(await self._connection.ask(method, path), self)

    async def _image(self, method: str, id: str, what: str = "") -> AsyncImage:
        path = f"/v1/images/{path_of(id)}{what}"
        return AsyncImage.of(await self._connection.ask(method, path), self)


def _id_of(image: ImageRecord | str) -> str:
    return image if isinstance(image, str) else image.id


def _given(limit: int | None, filters: dict[str, str | None]) -> dict[str, Any]:
    given = {name: value for name, value in filters.items() if value is not None}
    return given if limit is None else given | {"limit": str(limit)}
