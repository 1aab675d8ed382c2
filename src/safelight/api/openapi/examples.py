"""A request or an answer of every shape, as they go together: four pictures of Mira for ann."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from safelight.api.openapi.catalogue_examples import CATALOGUE
from safelight.core.keys import key_text

BATCH: Final = "6f0c2a4e-2f43-4b61-9b0e-0d2c5a1f7e10"
IMAGE: Final = "a3d1f6b2-70c5-4f0e-8d4c-5b1e9c2f7a13"
PROMPT: Final = "0b9e4c1d-5a7f-4e38-9c26-7d1f3b8a6e02"
WEBHOOK: Final = "c1b7e0d4-9a52-4c3f-8e61-2f7d5a9b0c34"
DELIVERY: Final = "d84f2b6a-1c39-4d75-b0e8-6a3c9f1e5d27"
KEY_ID: Final = "4kQ9vTz2"
SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_PIXELS: Final = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
_HERE: Final = "http://127.0.0.1:8080"
_HOOK: Final = "https://shop.example/hooks/safelight"
_ORDERED: Final = "2026-01-02T03:04:05.000000Z"
_SENT: Final = "2026-01-02T03:04:05.210000Z"
_STORED: Final = "2026-01-02T03:04:09.480000Z"
_LATER: Final = "2026-01-03T03:04:05.000000Z"
_INDICES: Final = (13, 12, 11, 10)
_QUERY: Final = f"exp=1893456000&kid={KEY_ID}&sig={'A' * 43}"


def _id(index: int) -> str:
    """Of an image; the ids of a batch look like one another for people."""
    return f"{IMAGE[:-2]}{index}"


def _file(index: int) -> str:
    return f"{_HERE}/v1/images/{_id(index)}/file"


def _member(index: int) -> dict[str, Any]:
    return {
        "id": _id(index),
        "index": index,
        "name": f"ann_mira_image_{index:05d}_.png",
        "status": "stored",
        "seed": 100 + index,
        "seed_replaced": False,
        "dispatched_at": _SENT,
        "url": _file(index),
        "thumbnail_url": f"{_HERE}/v1/images/{_id(index)}/thumbnail",
        "publications": [{"publisher": "cloudinary", "status": "pending", "url": None}],
        "eta": None,
        "place": None,
        "held": None,
        "deleted_at": None,
        "starred_at": None,
    }


_BATCH: Final = {
    "id": BATCH,
    "user": "ann",
    "character": "mira",
    "quantity": 4,
    "status": "completed",
    "indices": list(_INDICES),
    "images": [_member(index) for index in _INDICES],
    "urls": [_file(index) for index in _INDICES],
    "url": _file(13),
    "counts": {"stored": 4, "failed": 0, "canceled": 0},
    "prompt": "at the sea",
    "parameters": {"seed": 110, "width": 512, "height": 512},
    "pool": "default",
    "workflow": "quick",
    "metadata": {"order": 4711},
    "last_event": 10,
    "created_at": _ORDERED,
    "ended_at": _STORED,
    "deadline": _LATER,
    "eta": None,
    "held": None,
}
_IMAGE: Final = {
    **_member(13),
    "batch": BATCH,
    "user": "ann",
    "character": "mira",
    "backend": "pod-1",
    "prompt_id": PROMPT,
    "attempts": [
        {
            "prompt_id": PROMPT,
            "backend": "pod-1",
            "started_at": _SENT,
            "finished_at": _STORED,
            "outcome": "stored",
        }
    ],
    "sha256": SHA256,
    "pixels_sha256": _PIXELS,
    "bytes": 182_044,
    "width": 512,
    "height": 512,
    "timings": {
        "created_at": _ORDERED,
        "dispatched_at": _SENT,
        "finished_at": _STORED,
        "queued_seconds": 0.21,
        "working_seconds": 4.27,
    },
}
_SERIES: Final = {
    "user": "ann",
    "character": "mira",
    "highest": 13,
    "counts": {"queued": 0, "dispatched": 0, "stored": 12, "failed": 1, "canceled": 0},
}
_WEBHOOK: Final = {
    "id": WEBHOOK,
    "url": _HOOK,
    "events": ["batch.completed", "image.failed"],
    "status": "active",
    "reason": None,
    "old_secret_until": None,
    "created_at": _ORDERED,
}
_SECRET: Final = "whsec_" + "c2FmZWxpZ2h0" * 3
_DELIVERY: Final = {
    "id": DELIVERY,
    "message_id": f"{BATCH}:10",
    "batch": BATCH,
    "number": 10,
    "image": None,
    "type": "batch.completed",
    "at": _STORED,
    "status": "delivered",
    "tries": 1,
    "http_status": 204,
    "reason": None,
    "next_try_at": None,
    "tried_at": _STORED,
    "finished_at": _STORED,
    "created_at": _STORED,
}
_BACKEND: Final = {
    "name": "pod-1",
    "url": "http://127.0.0.1:8188",
    "pool": "default",
    "slots": 2,
    "state": "ready",
    "reason": None,
    "worker": "gpu-host:4242",
    "running": 1,
    "ghosts": 0,
    "seen_at": _STORED,
    "until": None,
    "shares_output_with": [],
    "drawing": [
        {
            "image": _id(13),
            "batch": BATCH,
            "user": "ann",
            "character": "mira",
            "index": 13,
            "since": _SENT,
        }
    ],
    "seconds_per_image": 4.27,
}
_PUBLISHER: Final = {
    "name": "cloudinary",
    "configured": True,
    "pending": 4,
    "uploaded": 9,
    "failed": 0,
    "reason": None,
    "oldest_pending_at": _STORED,
}


def _links(index: int) -> dict[str, Any]:
    return {
        "id": _id(index),
        "index": index,
        "name": f"ann_mira_image_{index:05d}_.png",
        "url": f"{_file(index)}?{_QUERY}",
        "thumbnail_url": f"{_HERE}/v1/images/{_id(index)}/thumbnail?{_QUERY}",
        "expires_at": "2030-01-01T00:00:00.000000Z",
    }


_PICTURES: Final = {
    "created": 1_767_323_045,
    "batch_id": BATCH,
    "output_format": "png",
    "size": "512x512",
    "usage": {
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": 0,
        "total_tokens": 0,
    },
    "data": [
        {
            "url": f"{_file(13)}?{_QUERY}",
            "gateway": {"image_id": _id(13), "index": 13, "seed": 113, "content_url": _file(13)},
        }
    ],
}
_MODEL: Final = {"id": "mira", "object": "model", "created": 0, "owned_by": "safelight"}


def _page(**item: Any) -> dict[str, Any]:
    return {"data": [item], "next_cursor": None, "has_more": False}


EXAMPLES: Final[Mapping[str, Any]] = {
    **CATALOGUE,
    "Backend": _BACKEND,
    "Backends": {"data": [_BACKEND]},
    "Batch": _BATCH,
    "BatchLinks": {
        "id": BATCH,
        "images": [_links(index) for index in _INDICES],
        "expires_at": "2030-01-01T00:00:00.000000Z",
    },
    "BatchRequest": {
        "user": "ann",
        "character": "mira",
        "prompt": "at the sea",
        "quantity": 4,
        "seed": 110,
        "width": 512,
        "height": 512,
        "metadata": {"order": 4711},
    },
    "Batches": _page(**_BATCH),
    "Deliveries": _page(**_DELIVERY),
    "Delivery": _DELIVERY,
    "Estimate": {
        "seconds": 12.8,
        "eta": "2026-01-02T03:04:17.800000Z",
        "ahead": 2,
        "quantity": 4,
        "held": None,
    },
    "Health": {"status": "ok"},
    "Image": _IMAGE,
    "ImageLinks": _links(13),
    "Images": {"data": [{**_member(13), "batch": BATCH}], "next_before": None, "has_more": False},
    "Indices": {"highest": 13, "count": 12, "ranges": [[13, 10], [8, 1]]},
    "ImagesRequest": {"model": "mira", "prompt": "at the sea", "n": 1, "response_format": "url"},
    "LinksRequest": {"expires_in": 3600},
    "OpenAIImages": _PICTURES,
    "OpenAIModel": _MODEL,
    "OpenAIModels": {"object": "list", "data": [_MODEL]},
    "Publishers": {"data": [_PUBLISHER]},
    "Readiness": {"status": "ready", "checks": {"database": "ok", "schema": "ok", "worker": "ok"}},
    "RetriedPublisher": {**_PUBLISHER, "asked": 3},
    "SecretWebhook": {**_WEBHOOK, "secret": _SECRET},
    "Series": _SERIES,
    "SeriesList": _page(**_SERIES, latest={"id": _id(13), "index": 13}, updated_at=_ORDERED),
    "Session": {
        "key": KEY_ID,
        "name": "the shop",
        "scopes": ["user:ann"],
        "admin": False,
        "keys": True,
        "users": ["ann"],
        "characters": None,
    },
    "SessionRequest": {"key": key_text(KEY_ID, "0" * 32)},
    "Webhook": _WEBHOOK,
    "WebhookRequest": {"url": _HOOK, "events": ["batch.completed", "image.failed"]},
    "Webhooks": {"data": [_WEBHOOK]},
}
"""By the name of the shape."""
_TEXT: Final = {"type": "string"}
TEXTS: Final[Mapping[str, tuple[str, Any, str]]] = {
    "index": ("text/plain", _TEXT, "13\n"),
    "metrics": ("text/plain", _TEXT, 'safelight_queue_depth{pool="default"} 3.0\n'),
    "events": (
        "text/event-stream",
        {"$ref": "#/components/schemas/StreamEvent"},
        f'id: 1\nevent: batch.created\ndata: {{"type":"batch.created","batch":"{BATCH}",'
        f'"number":1,"image":null,"at":"{_ORDERED}","data":{{"indices":[13,12,11,10]}}}}\n\n',
    ),
}
"""What is no JSON: its media type, its schema (of a stream that of each event), an example."""
