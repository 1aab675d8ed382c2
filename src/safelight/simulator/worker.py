"""The one thread that runs one prompt at a time."""

from __future__ import annotations

import sys
import traceback
from threading import Thread

from safelight.simulator.caching import NodeCache
from safelight.simulator.clock import AbandonedError
from safelight.simulator.execution import Execution, rendering_of
from safelight.simulator.queueing import Item, PromptQueue
from safelight.simulator.renderings import Renderings
from safelight.simulator.reporting import Report
from safelight.simulator.sockets import Sockets
from safelight.simulator.studio import Session, Studio, WorkerDiedError


class Worker:
    """Takes prompts from the queue until the server goes away, or until a prompt kills it."""

    def __init__(
        self, studio: Studio, queue: PromptQueue, sockets: Sockets, renderings: Renderings
    ) -> None:
        self.report: Report | None = None  # of the running prompt
        self._studio = studio
        self._queue = queue
        self._sockets = sockets
        self._renderings = renderings
        self._cache = NodeCache()
        self._thread = Thread(target=self._work, name="simulator-worker", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait for the thread to see that the server is gone."""
        self._thread.join(timeout)

    def _work(self) -> None:
        try:
            while not self._studio.gone.is_set():
                item = self._queue.take()
                if item is not None:
                    self._run(item)
                if self._queue.take_flags().get("free_memory"):
                    self._cache.clear()
        except AbandonedError:
            return
        except (WorkerDiedError, TypeError, RecursionError):
            # as there: the thread is gone, HTTP answers on, `queue_running` shows the prompt
            traceback.print_exc(file=sys.stderr)

    def _run(self, item: Item) -> None:
        scene = rendering_of(item, self._studio)
        seed = 0 if scene is None or scene.seed is None else scene.seed
        rendering = self._renderings.begin(item[1], seed, "" if scene is None else scene.text)
        session = Session(self._studio, item, scene)
        self._studio.interrupt.clear()
        report = self.report = Report(self._sockets, item[1], _asked_by(item[3]))
        execution = Execution(self._studio, self._cache, item, report, session)
        execution.run()
        entry = None if session.forgets() else execution.entry()
        self._renderings.end(rendering, execution.outcome, execution.file())
        report.executing = None
        self._queue.finish(item, entry)
        report.end()
        self.report = None


def _asked_by(extra_data: object) -> object:
    if "client_id" in extra_data:  # type: ignore[operator]
        return extra_data["client_id"]  # type: ignore[index]
    return None
