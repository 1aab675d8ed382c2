"""The client: one method per thing one can ask."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from safelight.client.connection import Connection
from safelight.client.records import Batch, Event, Json, Page, batch_from


class AsyncClient:
    """Talks to one server; use it as an asynchronous context manager.

    `timeout` is how long a server may be silent, `patience` how long one that is away, or says
    "come back", is asked again. Every method raises `ProblemError` for a no and `NoServer` for
    nothing.

    Example:
        async with AsyncClient("http://127.0.0.1:8080") as client:
            batch = await client.generate("mira", user="u7", prompt="at the sea", quantity=4)
    """

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 30.0, patience: float = 30.0
    ) -> None:
        self._connection = Connection(url, key, timeout, patience)

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return self._connection.url

    async def __aenter__(self) -> AsyncClient:
        await self._connection.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def generate(
        self,
        character: str,
        *,
        user: str,
        prompt: str,
        quantity: int = 1,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Batch:
        """Order a batch like `create` and come back when it has ended, well or not."""
        batch = await self.create(
            character,
            user=user,
            prompt=prompt,
            quantity=quantity,
            idempotency_key=idempotency_key,
            **fields,
        )
        return await self.wait(batch.id)

    async def create(
        self,
        character: str,
        *,
        user: str,
        prompt: str,
        quantity: int = 1,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Batch:
        """Order a batch; further fields (`seed`, `width`, `workflow`, ...) are sent as they are.

        Without an idempotency key one is made, which covers the repetitions of this call only.
        """
        order = {"user": user, "character": character, "prompt": prompt, "quantity": quantity}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = await self._connection.ask(
            "POST", "/v1/batches", json=order | fields, headers=headers
        )
        return batch_from(answer)

    async def wait(self, id: str) -> Batch:
        """The batch when it has ended."""
        async with aclosing(self.watch(id)) as events:
            async for _ in events:
                pass
        return await self.batch(id)

    async def batch(self, id: str) -> Batch:
        """The batch as it is now."""
        return batch_from(await self._connection.ask("GET", f"/v1/batches/{_path(id)}"))

    async def cancel(self, id: str) -> Batch:
        """Cancel what is unfinished of a batch; images at a backend may take a moment."""
        return batch_from(await self._connection.ask("POST", f"/v1/batches/{_path(id)}/cancel"))

    async def retry(self, id: str) -> Batch:
        """Try the failed images of a batch again, with new seeds."""
        return batch_from(await self._connection.ask("POST", f"/v1/batches/{_path(id)}/retry"))

    async def cancel_image(self, id: str) -> Json:
        """Cancel one image; at a backend it may take a moment."""
        return await self._connection.ask("POST", f"/v1/images/{_path(id)}/cancel")

    async def retry_image(self, id: str) -> Json:
        """Try one failed image again, with a new seed."""
        return await self._connection.ask("POST", f"/v1/images/{_path(id)}/retry")

    async def batches(
        self,
        *,
        user: str | None = None,
        character: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page:
        """Batches, newest first."""
        filters = {"user": user, "character": character, "status": status, "cursor": cursor}
        given = {name: value for name, value in filters.items() if value is not None}
        if limit is not None:
            given["limit"] = str(limit)
        page = await self._connection.ask("GET", "/v1/batches", params=given)
        batches = tuple(batch_from(item) for item in page["data"])
        return Page(batches, page["next_cursor"], page["has_more"])

    async def watch(self, id: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """Every event of a batch after that number, each once, until its last.

        A lost connection is made again and goes on where it broke.
        """
        path = f"/v1/batches/{_path(id)}"
        async with aclosing(self._connection.follow(path, after)) as events:
            async for event in events:
                yield event

    async def image(self, id: str) -> Json:
        """An image with everything that is known of how it came to be."""
        return await self._connection.ask("GET", f"/v1/images/{_path(id)}")

    async def delete_image(self, id: str, *, publications: bool = False) -> Json:
        """Delete a stored picture, also its copies at publishers if asked; its index stays taken.

        Raises ProblemError: 409 `not-finished`, 404.
        """
        query = "?publications=true" if publications else ""
        return await self._connection.ask("DELETE", f"/v1/images/{_path(id)}{query}")

    async def download(self, id: str, path: Path) -> None:
        """Write a stored image to a file: whole or not at all."""
        await self._connection.download(f"/v1/images/{_path(id)}/file", path)

    async def characters(self) -> list[Json]:
        """All characters."""
        return await self._connection.ask_all("/v1/characters")

    async def character(self, id: str) -> Json:
        """One character."""
        return await self._connection.ask("GET", f"/v1/characters/{_path(id)}")

    async def put_character(self, id: str, **fields: Any) -> Json:
        """Keep a character under an id, in place of what was there."""
        return await self._connection.ask("PUT", f"/v1/characters/{_path(id)}", json=fields)

    async def delete_character(self, id: str) -> None:
        """Forget a character; its images stay."""
        await self._connection.ask("DELETE", f"/v1/characters/{_path(id)}")

    async def workflows(self) -> list[Json]:
        """All workflows."""
        return await self._connection.ask_all("/v1/workflows")

    async def workflow(self, id: str) -> Json:
        """One workflow with its graph and what was found in it."""
        return await self._connection.ask("GET", f"/v1/workflows/{_path(id)}")

    async def put_workflow(self, id: str, graph: Json, **fields: Any) -> Json:
        """Keep a graph in API format under an id; fields are `slots` and `exact_size`."""
        body = {"graph": graph} | fields
        return await self._connection.ask("PUT", f"/v1/workflows/{_path(id)}", json=body)

    async def delete_workflow(self, id: str) -> None:
        """Forget a workflow; what was ordered is drawn all the same."""
        await self._connection.ask("DELETE", f"/v1/workflows/{_path(id)}")

    async def resume_workflow(self, id: str, *, pool: str | None = None) -> Json:
        """Let a workflow be drawn again where it is held, `{id, pools}`; in one pool or in all."""
        query = f"?{urlencode({'pool': pool})}" if pool else ""
        path = f"/v1/workflows/{_path(id)}/resume{query}"
        return await self._connection.ask("POST", path)

    async def webhooks(self) -> list[Json]:
        """Who is told of all batches."""
        return await self._connection.ask_all("/v1/webhooks")

    async def add_webhook(self, url: str, **fields: Any) -> Json:
        """Have somebody told of all batches; fields are `events` and `secret`. The answer has the
        secret; it is asked for once, so a lost answer is no second webhook."""
        body = {"url": url} | fields
        return await self._connection.ask("POST", "/v1/webhooks", json=body, patience=0.0)

    async def remove_webhook(self, id: str) -> None:
        """Have somebody told no more."""
        await self._connection.ask("DELETE", f"/v1/webhooks/{_path(id)}")

    async def rotate_webhook(self, id: str) -> Json:
        """Give a webhook a new secret, which the answer has; the one before signs too for a day."""
        path = f"/v1/webhooks/{_path(id)}/rotate"
        return await self._connection.ask("POST", path, patience=0.0)

    async def deliveries(
        self, id: str, *, of_batch: bool = False, status: str | None = None, limit: int = 50
    ) -> list[Json]:
        """The newest things a webhook was told, or (`of_batch`) the own one of this batch."""
        given = {"limit": str(limit), **({"status": status} if status else {})}
        path = f"{_told(id, of_batch)}/deliveries"
        page = await self._connection.ask("GET", path, params=given)
        found: list[Json] = page["data"]
        return found

    async def redeliver(self, id: str, delivery: str, *, of_batch: bool = False) -> Json:
        """Have it told again, under the same id of the message."""
        path = f"{_told(id, of_batch)}/deliveries/{_path(delivery)}/redeliver"
        return await self._connection.ask("POST", path)

    async def backends(self) -> list[Json]:
        """The render servers and how they are."""
        return await self._connection.ask_all("/v1/backends")

    async def drain(self, backend: str) -> Json:
        """Let a backend end what it has and take nothing more."""
        return await self._connection.ask("POST", f"/v1/backends/{_path(backend)}/drain")

    async def resume(self, backend: str) -> Json:
        """Let a backend take images again."""
        return await self._connection.ask("POST", f"/v1/backends/{_path(backend)}/resume")

    async def publishers(self) -> list[Json]:
        """Where copies go, and how they are."""
        return await self._connection.ask_all("/v1/publishers")

    async def retry_publisher(self, name: str) -> Json:
        """Try all failed copies of a publisher again; `asked` says how many."""
        return await self._connection.ask("POST", f"/v1/publishers/{_path(name)}/retry")

    async def retry_publications(self, batch: str) -> Batch:
        """Try the failed copies of a batch's images again."""
        path = f"/v1/batches/{_path(batch)}/publications/retry"
        return batch_from(await self._connection.ask("POST", path))

    async def retry_image_publications(self, id: str) -> Json:
        """Try the failed copies of an image again."""
        return await self._connection.ask("POST", f"/v1/images/{_path(id)}/publications/retry")

    async def health(self) -> Json:
        """Whether a server is there at all; asked once."""
        return await self._connection.ask("GET", "/healthz", patience=0.0)

    async def ready(self) -> Json:
        """What readiness rests on, `{status, checks}`, ready or not; asked once."""
        return await self._connection.ask("GET", "/readyz", patience=0.0, welcome=503)


def _told(id: str, of_batch: bool) -> str:
    return f"/v1/{'batches' if of_batch else 'webhooks'}/{_path(id)}"


def _path(id: str) -> str:
    return quote(id, safe="")
