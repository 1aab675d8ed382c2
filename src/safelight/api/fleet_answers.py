"""Backends and publishers as JSON; `operation_schemas.py` describes the same."""

from __future__ import annotations

from safelight.api.answers import Json, moment
from safelight.core.records import Drawing
from safelight.gateway import BackendState, PublisherState


def backend_json(backend: BackendState) -> Json:
    """A backend as its row says, and what it has."""
    seconds = backend.seconds_per_image
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
        "drawing": [_drawing_json(one) for one in backend.drawing],
        "seconds_per_image": None if seconds is None else round(seconds, 3),
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


def _drawing_json(drawing: Drawing) -> Json:
    return {
        "image": drawing.image,
        "batch": drawing.batch,
        "user": drawing.user,
        "character": drawing.character,
        "index": drawing.index,
        "since": moment(drawing.since),
    }
