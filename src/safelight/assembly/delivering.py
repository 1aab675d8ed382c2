"""What workers do beside rendering, made from the settings: copies to publishers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safelight.assembly.publishing import make_publishers, uses
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.pipeline.publish import Publish
from safelight.pipeline.unpublishing import Removals
from safelight.settings import Settings
from safelight.store import Store
from safelight.worker.errands import CLAIM, Errands


def make_errands(
    settings: Settings, database: Database, bell: Bell, store: Store, me: UUID
) -> list[Errands[Any]]:
    """For each publisher: copying to it, and taking copies away. Raises `SettingsError`."""
    use = uses(settings)
    errands: list[Errands[Any]] = []
    for name, publisher in make_publishers(settings).items():
        runner = Publish(
            database,
            bell,
            store,
            publisher,
            me,
            CLAIM,
            room=use[name].concurrency,
            schedule=use[name].schedule,
            keep_metadata=use[name].keep_metadata,
        )
        errands.append(Errands(database, bell, runner, me))
        errands.append(Errands(database, bell, Removals(database, publisher), me))
    return errands
