"""The audit, put together: the database, the store, the publishers, and who may bring back what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from safelight.assembly.parts import opened_database, renderer_of
from safelight.assembly.publishing import make_publishers
from safelight.assembly.sharing import shared_store
from safelight.core.errors import SettingsError
from safelight.core.naming import check_user
from safelight.database.connection import Database
from safelight.pipeline.auditing import Auditor, Progress
from safelight.pipeline.mending import Mender, Source
from safelight.publishers.base import Publisher
from safelight.renderers.comfyui_http import Patience
from safelight.renderers.runpod_links import Links
from safelight.settings import Settings
from safelight.store import Store


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be audited."""

    repair: bool = False
    deep: bool = False
    user: str | None = None  # None: everybody's
    publishers: tuple[str, ...] | None = None  # None: all; empty: none


@asynccontextmanager
async def auditing(
    settings: Settings, wanted: Wanted, progress: Progress
) -> AsyncIterator[Auditor]:
    """An audit that is ready to run.

    Raises:
        Invalid: the user is no user id.
        SettingsError: a publisher is not in the settings, or the store is another one.
        DatabaseAway, StoreError: no answer.
    """
    if wanted.user is not None:
        check_user(wanted.user)
    async with AsyncExitStack() as stack:
        publishers = make_publishers(settings)
        for publisher in publishers.values():
            stack.push_async_callback(publisher.close)
        chosen = _chosen(publishers, wanted.publishers)
        database = await stack.enter_async_context(opened_database(settings))
        store = await shared_store(settings, database)
        mender = await _mender(settings, database, store, stack) if wanted.repair else None
        yield Auditor(
            database,
            store,
            chosen,
            mender,
            wanted.user,
            wanted.deep,
            wanted.publishers is None,
            progress,
        )


def _chosen(
    publishers: Mapping[str, Publisher], names: tuple[str, ...] | None
) -> dict[str, Publisher]:
    if names is None:
        return dict(publishers)
    for name in names:
        if name not in publishers:
            there = ", ".join(publishers) or "none"
            raise SettingsError(f"there is no publisher {name[:64]!r}; there is: {there}")
    return {name: publishers[name] for name in names}


async def _mender(
    settings: Settings, database: Database, store: Store, stack: AsyncExitStack
) -> Mender:
    links = Links(private=False, patience=Patience())
    stack.push_async_callback(links.close)
    backends = {}
    for backend in settings.backends:
        # A RunPod job's files have no names that we know.
        if backend.kind == "comfyui":
            renderer = renderer_of(backend, settings.rendering)
            stack.push_async_callback(renderer.close)
            backends[backend.name] = Source(renderer, backend.pool)
    return Mender(database, store, backends, links.fetch)
