"""One life of a server: everything a restart loses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from safelight.simulator.queueing import PromptQueue
from safelight.simulator.renderings import Renderings
from safelight.simulator.sockets import Sockets, json_text
from safelight.simulator.studio import Studio
from safelight.simulator.worker import Worker


class Life:
    """Queue, history, sockets, worker and counter."""

    def __init__(self, studio: Studio, renderings: Renderings, ended: Callable[[], None]) -> None:
        self.number = 0
        self.studio = studio
        self.sockets = Sockets(asyncio.get_running_loop())
        self.queue = PromptQueue(self._queue_changed)
        self._worker = Worker(studio, self.queue, self.sockets, renderings)
        self._worker.start()
        self._publishing = asyncio.create_task(self._publish(ended))

    def hello(self, sid: str) -> list[str]:
        """What a new socket hears first; one that comes back hears which node is running."""
        status = {"status": self._status(), "sid": sid}
        texts = [json_text({"type": "status", "data": status})]
        report = self._worker.report
        if report is not None and report.sid == sid and report.executing is not None:
            texts.append(json_text({"type": "executing", "data": {"node": report.executing}}))
        return texts

    def die(self) -> None:
        """Everything stops where it is."""
        self.studio.gone.set()
        self.queue.close()
        self._publishing.cancel()

    async def gone(self) -> None:
        """After `die`: until nothing of it runs any more."""
        await asyncio.gather(self._publishing, return_exceptions=True)
        await asyncio.to_thread(self._worker.join, 5.0)

    async def _publish(self, ended: Callable[[], None]) -> None:
        try:
            await self.sockets.publish()
        except TypeError:
            # as there: a client_id that is a list or a dict ends the whole process
            ended()

    def _queue_changed(self) -> None:
        self.sockets.tell("status", {"status": self._status()}, None)

    def _status(self) -> dict[str, Any]:
        return {"exec_info": {"queue_remaining": self.queue.remaining()}}
