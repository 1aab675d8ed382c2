"""Whoever listens to all events sees every picture come that they may see, and no other."""

from __future__ import annotations

import json
import threading
import urllib.request
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from tests.api.asking import Server
from tests.processes import Processes
from tests.story.test_keys import made
from tests.story.test_previews import SAMPLED
from tests.waiting import until


@dataclass
class Ear:
    """One who listens to all events, in a thread, until it has heard that a batch is over."""

    server: Server
    key: str
    last: str  # the batch
    listens: threading.Event = field(default_factory=threading.Event)
    progress: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)  # preview → its status

    def listen(self) -> None:
        told = self.server.stream("/v1/events", authorization=f"Bearer {self.key}")
        with closing(told):
            for fields in told:
                self.listens.set()
                if "data" not in fields:
                    continue
                body = json.loads(fields["data"])
                if fields["event"] != "progress":
                    self.events.append(body)
                    if body["type"] == "batch.completed" and body["batch"] == self.last:
                        return
                    continue
                assert "id" not in fields
                self.progress.append(body)
                if body["preview"] and body["preview"] not in self.seen:
                    headers = {"authorization": f"Bearer {self.key}"}
                    path = body["preview"].removeprefix(self.server.url) + "&quiet=true"
                    self.seen[body["preview"]] = self.server.get(path, **headers).status

    def batches(self) -> set[str]:
        return {one["batch"] for one in self.progress + self.events}


def ordered(server: Server, key: str, **fields: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = {"user": "ann", "character": "ben", "prompt": "", "quantity": 1, **fields}
    request = urllib.request.Request(f"{server.url}/v1/batches", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_who_listens_to_all_events_sees_what_they_may(processes: Processes) -> None:
    """API and worker are two processes; nobody listens to a batch. An administrator hears progress
    of ann's and of zoe's images, with addresses of previews that can be seen; ann's key hears of
    ann's alone, and zoe's address answers her that there is no such image."""
    simulated = processes.simulate(seconds=4)
    serving = processes.serve([simulated.url], "--no-worker", config=SAMPLED)
    keys = {name: made(processes, scope) for name, scope in (("all", "admin"), ("ann", "user:ann"))}
    server = Server(serving.url)
    first = ordered(server, keys["all"], user="zoe", width=512, height=512)
    last = ordered(server, keys["all"], quantity=2, width=512, height=512)
    ears = {name: Ear(server, key, last["id"]) for name, key in keys.items()}
    threads = [threading.Thread(target=ear.listen) for ear in ears.values()]
    for thread in threads:
        thread.start()
    assert all(ear.listens.wait(30) for ear in ears.values())
    processes.start("work")
    for thread in threads:
        thread.join(120)
    until(lambda: not any(thread.is_alive() for thread in threads), 1)
    assert ears["all"].batches() == {first["id"], last["id"]}
    assert ears["ann"].batches() == {last["id"]}
    for ear, mine in ((ears["all"], [first, last]), (ears["ann"], [last])):
        ids = {image["id"] for batch in mine for image in batch["images"]}
        assert {one["image"] for one in ear.progress} <= ids
        assert 200 in ear.seen.values()
        assert set(ear.seen.values()) <= {200, 204}  # it may have ended between the two
    zoes = first["images"][0]["id"]
    headers = {"authorization": f"Bearer {keys['ann']}"}
    server.get(f"/v1/images/{zoes}/preview?quiet=true", **headers).problem(404, "not-found")
