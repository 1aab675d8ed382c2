"""Backends and publishers as JSON; `operation_schemas.py` describes the same."""

from __future__ import annotations

from safelight.api.answers import Json, moment
from safelight.gateway import BackendState, PublisherState


def backend_json(backend: BackendState) -> Json:
    """A backend as its row says."""
    return {
        "name": backend.name,
        "url": backend.url,
        "pool": backend.pool,
        "slots": backend.slots,
        "state": backend.state,
        "reason": backend.reason,
        "worker": backend.worker,
        "running": backend.running,
        "ghosts": backend.ghosts,
        "seen_at": moment(backend.seen_at),
        "until": moment(backend.until),
        "shares_output_with": list(backend.shares_output_with),
    }


def publisher_json(publisher: PublisherState) -> Json:
    """A publisher and how its copies are."""
    return {
        "name": publisher.name,
        "configured": publisher.configured,
        "pending": publisher.pending,
        "uploaded": publisher.uploaded,
        "failed": publisher.failed,
        "reason": publisher.reason,
        "oldest_pending_at": moment(publisher.oldest),
    }
