"""The bell: who waits for something is woken, in this process and in others.

Nothing is told by the bell but "look": rows are the truth and everybody polls once a second
anyway. NOTIFY inside a transaction would serialise every commit of the database, so the process
rings after its commit, at most fifty times a second, and only while somebody else listens.
Progress of renderings travels the same way, at most twice a second: it is never a row.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec

from safelight.core.errors import DatabaseAway
from safelight.database.connection import Connection, Database, translating
from safelight.database.pace import Pace
from safelight.database.progress import Progress, Ring, rings
from safelight.database.stopping import stop

CHANNEL = "safelight"
_PAUSE = 0.02  # s between two rings to other processes
_LIVE_PAUSE = 0.5  # s between two messages of progress
_LOOK_ROUND = 3.0  # s between two looks whether anybody else listens
_ROOM = 7_000  # bytes; PostgreSQL refuses payloads of 8,000
_REMEMBERED = 5_000  # images whose progress is kept for those who come late
_END = "/end"  # behind a batch id: who waits for nothing but its end
EVERY = "*"  # any batch: more were rung for than a payload has room for; progress of all
_OTHERS = """
select count(*) from pg_stat_activity
where application_name = 'safelight-bell' and datname = current_database()
  and pid <> pg_backend_pid()
"""


class Line:
    """What the pull waits for: somebody may have lined up, or a slot is free again."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.rings = 0  # what was empty may not be when this has grown

    def ring(self) -> None:
        """Somebody may have lined up."""
        self.rings += 1
        self.wake.set()

    def stir(self) -> None:
        """A slot is free; who is in line has not changed."""
        self.wake.set()


class Bell:
    """One per process. `line` is rung when there may be something to pull, `wishes` is set when
    somebody has asked to cancel what is at a backend. `errands` are woken when there may be one."""

    def __init__(self, database: Database, me: str) -> None:
        self.line = Line()
        self.wishes = asyncio.Event()
        self.errands: set[asyncio.Event] = set()
        self.rung = self.sent = self.heard = 0  # rings here, messages to others, messages from them
        self._database = database
        self._me = me
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._hearing: dict[str, set[Callable[[Progress], None]]] = defaultdict(set)
        self._latest: dict[str, Progress] = {}
        self._pace = Pace(self._pass_on)
        self._rung: set[str] = set()
        self._rung_line = self._rung_wish = self._rung_errand = False
        self._moved: dict[str, Progress] = {}
        self._others = False
        self._pending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen; from now on others are heard and told."""
        self._task = asyncio.create_task(self._run(), name="bell")

    async def stop(self) -> None:
        """Let go; what was not told is found by the others' polls."""
        await stop(self._task)

    def ring(
        self,
        batch: str | None = None,
        *,
        line: bool = False,
        ended: bool = True,
        wish: bool = False,
        errand: bool = False,
    ) -> None:
        """Wake whoever watches this batch and, with `line`, whoever pulls: after the commit.

        With `ended=False` those who only wait for the batch's end sleep on. With `wish` whoever
        drives its attempts looks what is to be canceled, with `errand` whoever runs errands looks.
        """
        self.rung += 1
        if line:
            self.line.ring()
        if wish:
            self.wishes.set()
        if errand:
            self._wake_errands()
        if batch:
            self._wake(batch, ended=ended)
        if self._others:
            self._rung_line |= line
            self._rung_wish |= wish
            self._rung_errand |= errand
            self._rung.update([batch] if batch else [])
            self._pending.set()

    def tell(self, progress: Progress) -> None:
        """Pass on how far an image is; of what comes sooner than half a second, the last."""
        self._pace.tell(progress)

    def _pass_on(self, progress: Progress) -> None:
        self._heard(progress)
        if self._others:
            self._moved[progress.image] = progress
            self._pending.set()

    def forget(self, image: str) -> None:
        """The image ended: who comes late need not hear of its progress."""
        self._pace.forget(image)
        self._moved.pop(image, None)
        self._latest.pop(image, None)

    def latest(self, image: str) -> Progress | None:
        """The latest of one image that is being rendered."""
        return self._pace.held_back(image) or self._latest.get(image)

    def progress_of(self, batch: str) -> list[Progress]:
        """The latest of each image of a batch ("*": of any) that is being rendered."""
        return [one for one in self._latest.values() if batch in (one.batch, EVERY)]

    def waiting_for_end(
        self, batch: str, event: asyncio.Event
    ) -> AbstractContextManager[asyncio.Event]:
        """This event is set when this batch may have ended."""
        return self.waiting(batch + _END, event)

    @contextmanager
    def waiting(self, batch: str, event: asyncio.Event | None = None) -> Iterator[asyncio.Event]:
        """An event that is set whenever there may be news of this batch ("*": of any)."""
        event = event or asyncio.Event()
        self._waiting[batch].add(event)
        try:
            yield event
        finally:
            self._waiting[batch].discard(event)
            if not self._waiting[batch]:
                del self._waiting[batch]

    @contextmanager
    def hearing(self, batch: str, heard: Callable[[Progress], None]) -> Iterator[None]:
        """Calls back with all progress of this batch ("*": of any); wakes nobody who waits."""
        self._hearing[batch].add(heard)
        try:
            yield
        finally:
            self._hearing[batch].discard(heard)
            if not self._hearing[batch]:
                del self._hearing[batch]

    def _wake(self, batch: str, *, ended: bool = True) -> None:
        for name in (batch, EVERY, batch + _END) if ended else (batch, EVERY):
            for event in self._waiting.get(name, ()):
                event.set()

    def _wake_errands(self) -> None:
        for event in self.errands:
            event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()

    def _heard(self, progress: Progress) -> None:
        self._latest.pop(progress.image, None)
        self._latest[progress.image] = progress
        if len(self._latest) > _REMEMBERED:
            del self._latest[next(iter(self._latest))]
        for name in (progress.batch, EVERY):
            for heard in tuple(self._hearing.get(name, ())):
                heard(progress)

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except DatabaseAway:
                await asyncio.sleep(1)

    async def _listen(self) -> None:
        connection = await self._database.connect("safelight-bell")
        try:
            with translating():
                await connection.add_listener(CHANNEL, self._on_notify)
                # What was rung while nobody listened is unknown: everybody looks once.
                self.line.ring()
                self._wake_all()
                await self._tell_others(connection)
        finally:
            connection.terminate()

    async def _tell_others(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        looked = told_live = 0.0
        while True:
            if loop.time() - looked >= _LOOK_ROUND:
                self._others = bool(await connection.fetchval(_OTHERS))
                looked = loop.time()
            if not await set_within(self._pending, _LOOK_ROUND):
                continue
            self._pending.clear()
            live_is_due = loop.time() - told_live >= _LIVE_PAUSE
            if self._moved and live_is_due:
                told_live = loop.time()
            await self._send(connection, live=live_is_due)
            await asyncio.sleep(_PAUSE)
            if self._moved:
                loop.call_later(_LIVE_PAUSE, self._pending.set)

    async def _send(self, connection: Connection, *, live: bool) -> None:
        batches, self._rung = sorted(self._rung), set()
        line, wish, errand = self._rung_line, self._rung_wish, self._rung_errand
        self._rung_line = self._rung_wish = self._rung_errand = False
        moved = list(self._moved.values()) if live else []
        if live:
            self._moved = {}
        if len(batches) * 40 > _ROOM:
            batches = [EVERY]
        for ring in rings(self._me, line, batches, moved, wish, errand):
            await connection.execute("select pg_notify($1, $2)", CHANNEL, ring)
            self.sent += 1

    def _on_notify(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            ring = msgspec.json.decode(str(payload), type=Ring)
        except msgspec.DecodeError:
            return  # not from us; the poll finds what there is
        if ring.sender == self._me:
            return
        self.heard += 1
        if ring.line:
            self.line.ring()
        if ring.wish:
            self.wishes.set()
        if ring.errand:
            self._wake_errands()
        if EVERY in ring.batches:
            self._wake_all()
        for batch in ring.batches:
            self._wake(batch)
        for progress in ring.live:
            self._heard(progress)


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but not longer; whether it was set."""
    # Not wait_for: before Python 3.12 it forgets a cancellation that comes with the event.
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
