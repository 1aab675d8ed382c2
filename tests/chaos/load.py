"""Customers who do not give up: they order under one key until it is accepted, and listen on."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.processes import Serving, until_ended

EACH = 4  # images of a batch
_BROKEN = (urllib.error.URLError, ConnectionError, TimeoutError, OSError, ValueError)


@dataclass
class Customer:
    """Orders batch after batch and listens to each with Last-Event-ID."""

    serving: Serving
    name: str
    accepted: list[str] = field(default_factory=list)
    refusals: list[urllib.error.HTTPError] = field(default_factory=list)
    heard: dict[str, list[int]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        """From now on it orders."""
        self._thread(self._order_for_ever)

    def leave(self) -> None:
        """Order no more; what it has begun to order is brought to its end."""
        self._stop.set()
        self._threads[0].join(60)
        assert not self._threads[0].is_alive(), "an order was never answered"

    def until_told(self) -> None:
        """Until every stream has ended by itself."""
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), (self.name, self.heard)

    def _order_for_ever(self) -> None:
        number = 0
        while not self._stop.wait(0.2):
            number += 1
            id = self._order(f"{self.name}-{number}")
            self.accepted.append(id)
            self._thread(lambda id=id: self._listen(id))

    def _order(self, key: str) -> str:
        body = {"user": self.name, "character": "mira", "prompt": key, "quantity": EACH}
        while True:
            try:
                return str(self.serving.post("/v1/batches", body, {"Idempotency-Key": key})["id"])
            except urllib.error.HTTPError as refusal:
                if refusal.code != 503:
                    raise
                self.refusals.append(refusal)
                time.sleep(0.3)

    def _listen(self, id: str) -> None:
        heard = self.heard.setdefault(id, [])
        until = time.monotonic() + 120
        while time.monotonic() < until:
            headers = {"Last-Event-ID": str(heard[-1] if heard else 0)}
            request = urllib.request.Request(f"{self.serving.url}/v1/batches/{id}/events")
            request.headers.update(headers)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    if answer.status == 204:
                        return
                    heard += (int(line[4:]) for line in answer if line.startswith(b"id: "))
            except _BROKEN as broken:
                if isinstance(broken, urllib.error.HTTPError):
                    broken.close()
                time.sleep(0.2)

    def _thread(self, target: Any) -> None:
        self._threads.append(threading.Thread(target=target, daemon=True))
        self._threads[-1].start()


@contextmanager
def customers(serving: Serving, count: int = 2) -> Iterator[list[Customer]]:
    """So many of them order from now on, and leave at the end."""
    crowd = [Customer(serving, f"user{number}") for number in range(count)]
    for customer in crowd:
        customer.begin()
    try:
        yield crowd
    finally:
        for customer in crowd:
            customer.leave()


def assert_all_served(serving: Serving, crowd: list[Customer]) -> int:
    """Every batch is completed, every event was heard once and in order; how many images."""
    images = 0
    for customer in crowd:
        for id in customer.accepted:
            batch = until_ended(serving, id)
            assert batch["status"] == "completed", serving.described(batch)
            images += len(batch["images"])
    for customer in crowd:
        customer.until_told()
        for id in customer.accepted:
            numbers = customer.heard[id]
            assert numbers == list(range(1, len(numbers) + 1)), numbers
        for refusal in customer.refusals:
            assert int(refusal.headers["Retry-After"]) >= 1
            with refusal:
                problem = json.load(refusal)
            assert problem["code"] == "database-away", problem
    _assert_contiguous(serving, crowd)
    return images


def _assert_contiguous(serving: Serving, crowd: list[Customer]) -> None:
    for customer in crowd:
        batches = [serving.get(f"/v1/batches/{id}") for id in customer.accepted]
        taken = sorted(index for batch in batches for index in batch["indices"])
        assert taken == list(range(1, len(taken) + 1)), taken
