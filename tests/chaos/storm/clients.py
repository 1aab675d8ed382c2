"""Clients in the storm: they order like an SDK, listen until the end, and fetch every picture."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from tests.chaos.storm.plan import Order
from tests.story.pictures import pixels

_AGAIN = (408, 409, 429, 500, 502, 503, 504)  # what SDKs try again
_SILENCE = 20.0  # s; the server pings every 15 s
_ENDINGS = ("batch.completed", "batch.partial", "batch.failed", "batch.canceled")

Event = dict[str, Any]


@dataclass
class Ordered:
    """What a client was told about its order."""

    order: Order
    batches: list[str] = field(default_factory=list)  # the id in each answer
    numbers: list[int] = field(default_factory=list)  # ids of its events, as they came
    events: list[Event] = field(default_factory=list)
    pixels: dict[str, str] = field(default_factory=dict)  # image → seen when it was told stored
    ended: bool = False


@dataclass
class Clients:
    """All clients of one API."""

    url: str
    session: aiohttp.ClientSession
    dice: Random
    answers: Counter[str] = field(default_factory=Counter)  # how requests were answered
    problems: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)  # answers that no client should get
    ordered: list[Ordered] = field(default_factory=list)
    everything: list[tuple[str, Event]] = field(default_factory=list)  # of all batches

    async def order(self, order: Order) -> None:
        """Order it, listen to it, fetch its pictures; order it again with the same key."""
        await asyncio.sleep(order.at)
        told = Ordered(order)
        self.ordered.append(told)
        await self._post(told)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(told))
            for _ in range(order.replays):
                tasks.create_task(self._replay(told))

    async def listen_to_all(self) -> None:
        """Every event of every batch, for ever."""
        last = "0-0"
        while True:
            async for id, event in self._events("/v1/events", last):
                self.everything.append((id, event))
                last = id
            await self._pause(0)

    async def get(self, path: str, tries: int = 100) -> Any:
        """The JSON at a path, asked for until it is answered."""
        return json.loads(await self.read(self.url + path, tries))

    async def read(self, url: str, tries: int = 100) -> bytes:
        """The bytes at an address, asked for until they are answered."""
        for attempt in range(tries):
            answered = await self._ask("GET", url)
            if answered and answered[0] == 200:
                return answered[1]
            if answered and answered[0] not in _AGAIN:
                raise AssertionError(f"{answered[0]} at {url}: {answered[1][:300]!r}")
            await self._pause(attempt)
        raise AssertionError(f"no answer at {url}")

    async def _replay(self, told: Ordered) -> None:
        await asyncio.sleep(self.dice.uniform(0, 10))
        await self._post(told)

    async def _post(self, told: Ordered) -> None:
        headers = {"Idempotency-Key": told.order.key}
        if told.order.waits:
            headers["Prefer"] = f"wait={told.order.waits}"
        attempt = 0
        while True:
            url = f"{self.url}/v1/batches"
            answered = await self._ask("POST", url, headers, told.order.body)
            if answered and answered[0] in (200, 201):
                told.batches.append(json.loads(answered[1])["id"])
                return
            if answered and answered[0] not in _AGAIN:
                self.wrong.append(f"order {told.order.key}: {answered[0]} {answered[1][:300]!r}")
                return
            await self._pause(attempt)
            attempt += 1

    async def _listen(self, told: Ordered) -> None:
        if not told.batches:
            return
        path = f"/v1/batches/{told.batches[0]}/events"
        while not told.ended:
            last = str(told.numbers[-1]) if told.numbers else ""
            async for id, event in self._events(path, last):
                told.numbers.append(int(id))
                told.events.append(event)
                told.ended = event["type"] in _ENDINGS
                if event["type"] == "image.stored":
                    await self._fetch(told, event["image"])
            await self._pause(0)

    async def _fetch(self, told: Ordered, image: str) -> None:
        """What was told stored is there at once."""
        try:
            told.pixels[image] = pixels(await self.read(f"{self.url}/v1/images/{image}/file"))
        except AssertionError as error:
            self.wrong.append(f"told stored, not served: {error}")

    async def _events(self, path: str, last: str) -> AsyncIterator[tuple[str, Event]]:
        """Whole events, until the connection ends."""
        headers = {"Last-Event-ID": last} if last else {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=_SILENCE)
        try:
            async with self.session.get(
                self.url + path, headers=headers, timeout=timeout
            ) as answer:
                self.answers[f"events {answer.status}"] += 1
                if answer.status != 200:
                    return
                async for name, id, data in _frames(answer.content):
                    if name == "problem":
                        self.problems[json.loads(data)["code"]] += 1
                        return
                    if id and data:  # without data it is no event
                        yield id, json.loads(data)
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.answers["events cut"] += 1

    async def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        body: object = None,
    ) -> tuple[int, bytes] | None:
        timeout = aiohttp.ClientTimeout(total=30, sock_connect=5)
        try:
            async with self.session.request(
                method, url, headers=headers, json=body, timeout=timeout
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.answers["none"] += 1
            return None
        self.answers[str(answer.status)] += 1
        if answer.status == 500:
            self.wrong.append(f"500 at {url}: {content[:300]!r}")
        return answer.status, content

    async def _pause(self, attempt: int) -> None:
        await asyncio.sleep(min(2.0, 0.1 * 2 ** min(attempt, 6)) * self.dice.uniform(0.5, 1))


async def _frames(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str, str, str]]:
    """Name, id and data of each event that came whole."""
    fields: dict[str, str] = {}
    async for line in content:
        if not line.endswith(b"\n"):
            return  # cut in the middle
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            yield fields.get("event", ""), fields.get("id", ""), fields["data"]
        fields = {}
