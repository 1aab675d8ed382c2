"""The synchronous client: a thin face over `AsyncClient`, whose loop runs in a thread."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import aclosing
from functools import wraps
from queue import SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar, Unpack

from safelight.client.asynchronous import AsyncClient
from safelight.client.bound import AsyncBatch, AsyncImage, Batch, Image
from safelight.client.errors import BatchFailed, NotEnded
from safelight.client.loop import Loop
from safelight.client.records import Event, Page, Parameters

P = ParamSpec("P")
T = TypeVar("T")


def _waits(
    asked: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Client, P], T]:
    """The same method for those who wait for the answer."""

    @wraps(asked)
    def waiting(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.run(asked(self._client, *args, **kwargs))

    return waiting


def _waits_for_batch(
    asked: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, AsyncBatch]],
) -> Callable[Concatenate[Client, P], Batch]:
    @wraps(asked)
    def waiting(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Batch:
        return self._batch(asked(self._client, *args, **kwargs))

    return waiting


def _waits_for_image(
    asked: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, AsyncImage]],
) -> Callable[Concatenate[Client, P], Image]:
    @wraps(asked)
    def waiting(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Image:
        return Image.of(self._loop.run(asked(self._client, *args, **kwargs)).raw, self)

    return waiting


class Client:
    """Talks to one server, from any number of threads, also where an event loop runs already.

    What it is given and what it raises is as for `AsyncClient`. `close` it, use it in `with`, or
    leave it to the end of the program.

    Example:
        client = Client()
        batch = client.generate("mira", user="ann", prompt="at the sea", quantity=4)
        batch.save("pictures")
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        patience: float = 30.0,
    ) -> None:
        self._client = AsyncClient(url, key, timeout=timeout, patience=patience)
        self._loop = Loop(self._client.close)
        # Dropped, it ends like closed; at the exit of the interpreter the loop ends by itself.
        self._end = weakref.finalize(self, self._loop.stop)
        self._end.atexit = False

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return self._client.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop what is open; nothing can be asked afterwards. Whoever waits gets a RuntimeError."""
        self._end()

    def generate(
        self,
        character: str,
        *,
        user: str,
        prompt: str = "",
        quantity: int = 1,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        **parameters: Unpack[Parameters],
    ) -> Batch:
        """See `AsyncClient.generate`."""
        wanted = self._client.generate(
            character,
            user=user,
            prompt=prompt,
            quantity=quantity,
            idempotency_key=idempotency_key,
            timeout=timeout,
            **parameters,
        )
        return self._batch(wanted)

    def order(
        self,
        character: str,
        *,
        user: str,
        prompt: str = "",
        quantity: int = 1,
        idempotency_key: str | None = None,
        **parameters: Unpack[Parameters],
    ) -> Batch:
        """See `AsyncClient.order`."""
        wanted = self._client.order(
            character,
            user=user,
            prompt=prompt,
            quantity=quantity,
            idempotency_key=idempotency_key,
            **parameters,
        )
        return self._batch(wanted)

    def watch(self, id: str, after: int = 0) -> Generator[Event, None, None]:
        """See `AsyncClient.watch`."""
        told: SimpleQueue[Event | None] = SimpleQueue()
        listening = self._loop.leave(_listen(self._client.watch(id, after), told))
        listening.add_done_callback(lambda _: told.put(None))
        try:
            while (event := told.get()) is not None:
                yield event
            self._loop.result_of(listening)
        finally:
            listening.cancel()

    def batches(
        self,
        *,
        user: str | None = None,
        character: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Batch]:
        """See `AsyncClient.batches`."""
        page = self._loop.run(
            self._client.batches(
                user=user, character=character, status=status, limit=limit, cursor=cursor
            )
        )
        data = tuple(Batch.of(each.raw, self) for each in page.data)
        return Page(data, page.next_cursor, page.has_more)

    def series_images(
        self, user: str, character: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[Image]:
        """See `AsyncClient.series_images`."""
        page = self._loop.run(
            self._client.series_images(user, character, limit=limit, cursor=cursor)
        )
        data = tuple(Image.of(each.raw, self) for each in page.data)
        return Page(data, page.next_cursor, page.has_more)

    wait = _waits_for_batch(AsyncClient.wait)
    batch = _waits_for_batch(AsyncClient.batch)
    cancel = _waits_for_batch(AsyncClient.cancel)
    retry = _waits_for_batch(AsyncClient.retry)
    retry_publications = _waits_for_batch(AsyncClient.retry_publications)
    image = _waits_for_image(AsyncClient.image)
    cancel_image = _waits_for_image(AsyncClient.cancel_image)
    retry_image = _waits_for_image(AsyncClient.retry_image)
    retry_image_publications = _waits_for_image(AsyncClient.retry_image_publications)
    delete_image = _waits_for_image(AsyncClient.delete_image)
    star = _waits_for_image(AsyncClient.star)
    unstar = _waits_for_image(AsyncClient.unstar)
    series_image = _waits_for_image(AsyncClient.series_image)
    read = _waits(AsyncClient.read)
    thumbnail = _waits(AsyncClient.thumbnail)
    download = _waits(AsyncClient.download)
    bring = _waits(AsyncClient.bring)
    save_image = _waits(AsyncClient.save_image)
    save_batch = _waits(AsyncClient.save_batch)
    series = _waits(AsyncClient.series)
    download_series = _waits(AsyncClient.download_series)
    characters = _waits(AsyncClient.characters)
    character = _waits(AsyncClient.character)
    put_character = _waits(AsyncClient.put_character)
    delete_character = _waits(AsyncClient.delete_character)
    workflows = _waits(AsyncClient.workflows)
    workflow = _waits(AsyncClient.workflow)
    put_workflow = _waits(AsyncClient.put_workflow)
    delete_workflow = _waits(AsyncClient.delete_workflow)
    resume_workflow = _waits(AsyncClient.resume_workflow)
    webhooks = _waits(AsyncClient.webhooks)
    add_webhook = _waits(AsyncClient.add_webhook)
    remove_webhook = _waits(AsyncClient.remove_webhook)
    rotate_webhook = _waits(AsyncClient.rotate_webhook)
    deliveries = _waits(AsyncClient.deliveries)
    redeliver = _waits(AsyncClient.redeliver)
    backends = _waits(AsyncClient.backends)
    drain = _waits(AsyncClient.drain)
    resume = _waits(AsyncClient.resume)
    publishers = _waits(AsyncClient.publishers)
    retry_publisher = _waits(AsyncClient.retry_publisher)
    health = _waits(AsyncClient.health)
    ready = _waits(AsyncClient.ready)

    def _batch(self, asked: Coroutine[Any, Any, AsyncBatch]) -> Batch:
        try:
            return Batch.of(self._loop.run(asked).raw, self)
        except (BatchFailed, NotEnded) as error:
            error.batch = Batch.of(error.batch.raw, self)
            raise


async def _listen(events: AsyncGenerator[Event, None], told: SimpleQueue[Event | None]) -> None:
    async with aclosing(events):
        async for event in events:
            told.put(event)
