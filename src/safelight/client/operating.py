"""What is kept and what runs: characters, workflows, webhooks, render servers, publishers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from safelight.client.connection import Connection, asked_once
from safelight.client.errors import NotFound
from safelight.client.records import Character, Json, character_from


class Operating:
    """The part of `AsyncClient` that is mostly for those who run a server. All but characters comes
    as JSON."""

    _connection: Connection

    async def characters(self) -> list[Character]:
        """All characters that can be ordered."""
        return [character_from(raw) for raw in await self._connection.ask_all("/v1/characters")]

    async def character(self, id: str) -> Character:
        """One character."""
        return character_from(await self._connection.ask("GET", f"/v1/characters/{path_of(id)}"))

    async def put_character(self, /, id: str, **fields: Any) -> Character:
        """Keep a character under an id, in place of what was there."""
        path = f"/v1/characters/{path_of(id)}"
        return character_from(await self._connection.ask("PUT", path, json=fields))

    async def delete_character(self, id: str) -> None:
        """Forget a character; its images stay."""
        await self._forget(f"/v1/characters/{path_of(id)}")

    async def workflows(self) -> list[Json]:
        """All workflows."""
        return await self._connection.ask_all("/v1/workflows")

    async def workflow(self, id: str) -> Json:
        """One workflow with its graph and what was found in it."""
        return await self._connection.ask("GET", f"/v1/workflows/{path_of(id)}")

    async def put_workflow(self, /, id: str, graph: Json, **fields: Any) -> Json:
        """Keep a graph in API format under an id; fields are `slots` and `exact_size`."""
        body = {"graph": graph} | fields
        return await self._connection.ask("PUT", f"/v1/workflows/{path_of(id)}", json=body)

    async def delete_workflow(self, id: str) -> None:
        """Forget a workflow; what was ordered is drawn all the same."""
        await self._forget(f"/v1/workflows/{path_of(id)}")

    async def resume_workflow(self, id: str, *, pool: str | None = None) -> Json:
        """Let a workflow be drawn again where it is held, `{id, pools}`; in one pool or in all."""
        query = f"?{urlencode({'pool': pool})}" if pool else ""
        path = f"/v1/workflows/{path_of(id)}/resume{query}"
        return await self._connection.ask("POST", path)

    async def webhooks(self) -> list[Json]:
        """Who is told of all batches."""
        return await self._connection.ask_all("/v1/webhooks")

    async def add_webhook(self, /, url: str, **fields: Any) -> Json:
        """Have somebody told of all batches; fields are `events` and `secret`. The answer has the
        secret; it is asked for once, so a lost answer is no second webhook."""
        body = {"url": url} | fields
        return await self._connection.ask("POST", "/v1/webhooks", json=body, patience=0.0)

    async def remove_webhook(self, id: str) -> None:
        """Have somebody told no more."""
        await self._forget(f"/v1/webhooks/{path_of(id)}")

    async def rotate_webhook(self, id: str) -> Json:
        """Give a webhook a new secret, which the answer has; the one before signs too for a day."""
        path = f"/v1/webhooks/{path_of(id)}/rotate"
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
        path = f"{_told(id, of_batch)}/deliveries/{path_of(delivery)}/redeliver"
        return await self._connection.ask("POST", path)

    async def backends(self) -> list[Json]:
        """The render servers and how they are."""
        return await self._connection.ask_all("/v1/backends")

    async def drain(self, backend: str) -> Json:
        """Let a backend end what it has and take nothing more."""
        return await self._connection.ask("POST", f"/v1/backends/{path_of(backend)}/drain")

    async def resume(self, backend: str) -> Json:
        """Let a backend take images again."""
        return await self._connection.ask("POST", f"/v1/backends/{path_of(backend)}/resume")

    async def publishers(self) -> list[Json]:
        """Where copies go, and how they are."""
        return await self._connection.ask_all("/v1/publishers")

    async def retry_publisher(self, name: str) -> Json:
        """Try all failed copies of a publisher again; `asked` says how many."""
        return await self._connection.ask("POST", f"/v1/publishers/{path_of(name)}/retry")

    async def health(self) -> Json:
        """Whether a server is there at all; asked once."""
        return await self._connection.ask("GET", "/healthz", patience=0.0)

    async def ready(self) -> Json:
        """What readiness rests on, `{status, checks}`, ready or not; asked once."""
        return await self._connection.ask("GET", "/readyz", patience=0.0, welcome=503)

    async def _forget(self, path: str) -> None:
        try:
            await self._connection.ask("DELETE", path, middlewares=(asked_once,))
        except NotFound as gone:
            if not gone.repeated:  # else it is gone, because it was done
                raise


def path_of(id: str) -> str:
    """An id as one step of a path."""
    return quote(id, safe="")


def _told(id: str, of_batch: bool) -> str:
    return f"/v1/{'batches' if of_batch else 'webhooks'}/{path_of(id)}"
