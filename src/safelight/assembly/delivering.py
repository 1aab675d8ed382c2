"""Copies at publishers and index.txt: the loops of a worker that make them and take them away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

from safelight.assembly.publishing import Use, make_publisher, make_publishers, uses
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.pipeline.publish import Publish
from safelight.pipeline.tracing import UNTRACED, Traces
from safelight.pipeline.unpublishing import Removals
from safelight.publishers.base import Publisher
from safelight.settings import Settings
from safelight.store import Store
from safelight.worker.errands import Errands
from safelight.worker.indices import Indices


def copying(
    settings: Settings,
    database: Database,
    bell: Bell,
    store: Store,
    me: UUID,
    traces: Traces = UNTRACED,
) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """One loop a publisher, by name. Raises `SettingsError`."""
    use = uses(settings)
    make_publishers(settings)  # what is wrong with one is said at the start

    async def run(name: str) -> None:
        # Made anew with the loop: one whose connections were closed answers nothing.
        publisher = make_publisher(name, settings.publishers[name])
        copies = Errands(database, bell, _publish(publisher, use[name]), me)
        removals = Errands(database, bell, Removals(database, publisher), me)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(copies.run(), name=f"publish {name}")
                tasks.create_task(removals.run(), name=f"unpublish {name}")
        finally:
            await publisher.close()

    def _publish(publisher: Publisher, use: Use) -> Publish:
        return Publish(
            database,
            bell,
            store,
            publisher,
            me,
            room=use.concurrency,
            schedule=use.schedule,
            keep_metadata=use.keep_metadata,
            traces=traces,
        )

    return {f"publisher {name}": partial(run, name) for name in settings.publishers}


def keeping_indices(
    settings: Settings, database: Database, store: Store
) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """The loop that keeps index.txt in the store, and at the publishers that are to have it."""
    wanting = [name for name, use in uses(settings).items() if use.index_txt]

    async def run() -> None:
        publishers = {name: make_publisher(name, settings.publishers[name]) for name in wanting}
        try:
            await Indices(database, store, publishers).run()
        finally:
            for publisher in publishers.values():
                await publisher.close()

    return {"index.txt": run}
