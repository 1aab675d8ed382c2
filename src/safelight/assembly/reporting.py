"""What tells applications of what happens: the loops of a worker that make and send messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from safelight import __version__
from safelight.api.answers import batch_json, image_json
from safelight.core.naming import DEFAULT_TEMPLATE
from safelight.database import batches
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.gateway.provenance import provenance
from safelight.pipeline.report import Reporter, Rules, Shown
from safelight.pipeline.tracing import UNTRACED, Traces
from safelight.pipeline.waiting import outlook
from safelight.settings import Settings
from safelight.webhooks.sending import Messenger
from safelight.worker.errands import Errands
from safelight.worker.telling import Teller


def reporting(
    settings: Settings, database: Database, bell: Bell, me: UUID, traces: Traces = UNTRACED
) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """The loops, by name."""
    webhooks = settings.webhooks
    rules = Rules(webhooks.secrets(), webhooks.retry_schedule, f"safelight/{__version__}")
    shown = _showing(database, settings.server.public_url)

    async def report() -> None:
        messenger = Messenger(allow_private=webhooks.allow_private)
        try:
            reporter = Reporter(database, messenger, shown, rules, me, traces)
            await Errands(database, bell, reporter, me).run()
        finally:
            await messenger.close()

    return {"tell": Teller(database, bell).run, "report": report}


def _showing(database: Database, public_url: str | None) -> Shown:
    """The batch as `GET /v1/batches/{id}` shows it, or the image as `GET /v1/images/{id}` does."""
    name = DEFAULT_TEMPLATE.name

    async def shown(batch: str, image: str | None, base: str) -> Any:
        if image is not None:
            known = await provenance(database, image)
            return known and image_json(known, public_url or base, name)
        found = await batches.batch(database, batch)
        if found is None:
            return None
        return batch_json(found, public_url or base, name, await outlook(database, found))

    return shown
