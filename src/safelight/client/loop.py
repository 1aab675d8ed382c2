"""An event loop in a thread of its own, for those who have none or whose own one is busy.

The thread is begun by the first question and ends with `stop`, at the latest when the interpreter
exits. It is a daemon: an interpreter waits for other threads before it says that it will exit.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
FAREWELL: Final = 5.0  # seconds for connections to be closed


class Loop:
    """Runs coroutines for any number of threads; `at_end` is awaited last, in the loop."""

    def __init__(self, at_end: Callable[[], Awaitable[None]]) -> None:
        self._at_end = at_end
        self._lock = threading.Lock()
        self._process: int | None = None  # in which the thread is
        self._thread: threading.Thread | None = None
        self._begun: concurrent.futures.Future[asyncio.AbstractEventLoop] = (
            concurrent.futures.Future()
        )
        self._ending = asyncio.Event()
        self._stopped = False
        self._exiting = False

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns. Interrupted while it waits, it is canceled.

        Raises:
            RuntimeError: the loop has been stopped, also while this waited; this is another process
                than the one it was begun in.
        """
        return self.result_of(self.leave(coroutine))

    def result_of(self, waiting: concurrent.futures.Future[T]) -> T:
        """What something that was left comes to. Raises as `run` does."""
        try:
            return waiting.result()
        except concurrent.futures.CancelledError:
            if self._exiting:
                threading.Event().wait()  # only a daemon's thread waits now, and it ends as it is
            raise RuntimeError("this client was closed meanwhile") from None
        finally:
            waiting.cancel()

    def leave(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Have it run and do not wait. Raises RuntimeError."""
        try:
            if self._elsewhere():
                raise RuntimeError("this client was used before a fork; make one in each process")
            if threading.current_thread() is self._thread:
                raise RuntimeError("the thread of this client cannot wait for itself")
            with self._lock:  # so that nothing is begun behind the end
                return asyncio.run_coroutine_threadsafe(coroutine, self._running())
        except RuntimeError:
            coroutine.close()
            raise

    def stop(self) -> None:
        """Cancel what runs, close what is open, end the thread. Twice is as good as once."""
        if self._elsewhere():
            return
        with self._lock:
            first, self._stopped = not self._stopped, True
        if self._thread is None:
            return
        if first:
            self._begun.result().call_soon_threadsafe(self._ending.set)
        if self._thread is not threading.current_thread():
            self._thread.join(FAREWELL)
        atexit.unregister(self._exit)

    def _exit(self) -> None:
        self._exiting = True
        self.stop()

    def _elsewhere(self) -> bool:
        """Whether the thread stayed behind in the process that this one was forked from."""
        return self._process not in (None, os.getpid())

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._stopped:
            raise RuntimeError("this client is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._turn, name="safelight-client", daemon=True)
            self._process = os.getpid()
            atexit.register(self._exit)
            self._thread.start()
        return self._begun.result()

    def _turn(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        self._begun.set_result(asyncio.get_running_loop())
        await self._ending.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._at_end()
