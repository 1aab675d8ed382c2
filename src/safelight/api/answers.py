"""Records as JSON: plain dictionaries, encoded once. `answer_schemas.py` describes the same."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from safelight.api.headers import names_tag
from safelight.api.links import Base, file_url, thumbnail_url
from safelight.core.killing import Hold
from safelight.core.records import Attempt, Batch, Character, Image, Publication, Workflow
from safelight.core.slots import WorkflowReport
from safelight.core.states import QUEUED
from safelight.gateway import Estimate, Kept, Outlook, Provenance

Json: TypeAlias = dict[str, Any]
Namer: TypeAlias = Callable[[str, str, int], str]  # user, character, index -> file name
_ENCODER: Final = msgspec.json.Encoder()
_NOTHING: Final = Outlook()


def respond(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer nobody may cache."""
    all_headers = {"cache-control": "no-store", **(headers or {})}
    return Response(_ENCODER.encode(body), status, all_headers, "application/json")


def respond_tagged(request: Request, body: Any) -> Response:
    """A JSON answer with an entity tag; 304 without a body to who has it already."""
    content = _ENCODER.encode(body)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if names_tag(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, "application/json")


def tag_for_a_while(body: Any) -> str:
    """A weak entity tag for a body that will be sent with more, which may be ten seconds old."""
    written = _ENCODER.encode([body, int(time.time() / 10)])
    return f'W/"{hashlib.sha256(written).hexdigest()[:32]}"'


def one_line(body: Any) -> str:
    """JSON on one line, for event streams."""
    return _ENCODER.encode(body).decode()


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with Z.

    Example:
        >>> moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        '2026-01-02T03:04:05.000000Z'
    """
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def batch_json(batch: Batch, base: Base, name: Namer, expected: Outlook = _NOTHING) -> Json:
    """A batch, images by index, highest first, with what is to be expected of it."""
    images = [member_json(image, base, name, expected) for image in batch.images]
    urls = [image["url"] for image in images]
    counters = batch.counters
    return {
        "id": batch.id,
        "user": batch.user,
        "character": batch.character,
        "quantity": counters.quantity,
        "status": batch.status,
        "indices": [image.index for image in batch.images],
        "images": images,
        "urls": urls,
        "url": urls[0],
        "counts": {
            "stored": counters.stored,
            "failed": counters.failed,
            "canceled": counters.canceled,
        },
        "prompt": batch.prompt,
        "parameters": batch.parameters,
        "pool": batch.pool,
        "workflow": batch.workflow,
        "metadata": batch.metadata,
        "last_event": batch.last_event,
        "created_at": moment(batch.created_at),
        "ended_at": moment(batch.ended_at),
        "deadline": moment(batch.deadline),
        "eta": moment(expected.eta),
        "held": expected.held,
    }


def estimate_json(estimate: Estimate) -> Json:
    """What is to be expected of an order that is not given yet."""
    seconds = estimate.seconds
    return {
        "seconds": None if seconds is None else round(seconds, 1),
        "eta": moment(estimate.eta),
        "ahead": estimate.ahead,
        "quantity": estimate.quantity,
        "held": estimate.held,
    }


def image_json(provenance: Provenance, base: Base, name: Namer) -> Json:
    """An image with everything that is known of how it came to be, flat."""
    image = provenance.image
    file = image.file
    return {
        **member_json(image, base, name, Outlook(held=provenance.held)),
        "batch": image.batch,
        "user": image.user,
        "character": image.character,
        "backend": image.backend,
        "prompt_id": image.prompt_id,
        "attempts": [_attempt_json(attempt) for attempt in provenance.attempts],
        "sha256": file.sha256 if file else None,
        "pixels_sha256": file.pixels_sha256 if file else None,
        "bytes": file.bytes if file else None,
        "width": file.width if file else None,
        "height": file.height if file else None,
        "timings": _timings_json(image),
    }


def member_json(image: Image, base: Base, name: Namer, expected: Outlook = _NOTHING) -> Json:
    """An image among others, with what is to be expected of it."""
    member: Json = {
        "id": image.id,
        "index": image.index,
        "name": name(image.user, image.character, image.index),
        "status": image.status,
        "seed": image.seed,
        "seed_replaced": image.seed_replaced,
        "dispatched_at": moment(image.dispatched_at),
        "url": file_url(base, image.id),
        "thumbnail_url": thumbnail_url(base, image.id),
        "publications": [_publication_json(one) for one in image.publications],
        "eta": moment(expected.etas.get(image.id)),
        "place": expected.places.get(image.id),
        "held": expected.held if image.status == QUEUED else None,
        "deleted_at": moment(image.deleted_at),
        "starred_at": moment(image.starred_at),
    }
    if image.error is not None:
        member["error"] = {"code": image.error.code, "detail": image.error.detail}
    return member


def character_json(kept: Kept) -> Json:
    """A character; what it leaves open is null."""
    character = kept.item
    assert isinstance(character, Character)
    parameters = character.parameters
    return {
        "id": character.id,
        "name": character.name,
        "style": character.style,
        "workflow": character.workflow,
        "prompt": character.prompt,
        "negative_prompt": character.negative_prompt,
        "embedding": character.embedding,
        "loras": [{"name": lora.name, "strength": lora.strength} for lora in character.loras],
        "width": parameters.width,
        "height": parameters.height,
        "steps": parameters.steps,
        "cfg": parameters.cfg,
        "sampler": parameters.sampler,
        "scheduler": parameters.scheduler,
        "read_only": kept.read_only,
    }


def workflow_summary_json(kept: Kept) -> Json:
    """A workflow as the list shows it."""
    workflow = kept.item
    assert isinstance(workflow, Workflow)
    return {
        "id": workflow.id,
        "exact_size": workflow.exact_size,
        "read_only": kept.read_only,
        "held": [_hold_json(hold) for hold in kept.holds],
    }


def workflow_json(kept: Kept, report: WorkflowReport) -> Json:
    """A workflow with its graph and what its check found."""
    workflow = kept.item
    assert isinstance(workflow, Workflow)
    return {
        **workflow_summary_json(kept),
        "graph": workflow.graph,
        "slots": dict(workflow.slots),
        "report": report_json(report),
    }


def report_json(report: WorkflowReport) -> Json:
    """What the check of a workflow found."""
    return {
        "slots": dict(report.slots),
        "missing": list(report.missing),
        "notes": list(report.notes),
        "classes": list(report.classes),
        "output": report.output,
    }


def _publication_json(publication: Publication) -> Json:
    told: Json = {
        "publisher": publication.publisher,
        "status": publication.status,
        "url": None if publication.removed else publication.url,
    }
    if publication.reason is not None:
        told["reason"] = publication.reason
    if publication.removed:
        told["removed"] = True
    return told


def _hold_json(hold: Hold) -> Json:
    return {
        "pool": hold.pool,
        "reason": hold.reason,
        "backends": list(dict.fromkeys(hold.backends)),
        "since": moment(hold.since),
    }


def _attempt_json(attempt: Attempt) -> Json:
    return {
        "prompt_id": attempt.prompt_id,
        "backend": attempt.backend,
        "started_at": moment(attempt.opened_at),
        "finished_at": moment(attempt.closed_at),
        "outcome": attempt.outcome,
    }


def _timings_json(image: Image) -> Json:
    return {
        "created_at": moment(image.created_at),
        "dispatched_at": moment(image.dispatched_at),
        "finished_at": moment(image.finished_at),
        "queued_seconds": _seconds(image.created_at, image.dispatched_at),
        "working_seconds": _seconds(image.dispatched_at, image.finished_at),
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 6) if start and end else None
