"""What stands in the headers of answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_HEADERS: Final = {
    "X-Request-Id": ("The log has everything about the request under it.", "string"),
    "Accept-Ranges": ("`bytes`: parts can be asked for.", "string"),
    "Cache-Control": ("For how long it may be kept.", "string"),
    "Content-Disposition": ("The file's name.", "string"),
    "Content-Range": ("Which bytes these are, and how many there are.", "string"),
    "ETag": ("Send it back as If-None-Match, and what has not changed is not sent.", "string"),
    "Idempotency-Replayed": ("`true`: it was ordered before, by this key.", "string"),
    "Link": ('`rel="next"`: the next page.', "string"),
    "Location": ("Where it is from now on.", "string"),
    "Preference-Applied": ("Which wish of Prefer was followed.", "string"),
    "RateLimit": ("What is left of each quota, and in how many seconds it begins anew.", "string"),
    "RateLimit-Policy": ("The quotas that this order counts in.", "string"),
    "Retry-After": ("Seconds; before that it is of no use to come back.", "integer"),
    "Retry-After-Ms": ("The same in milliseconds.", "integer"),
    "Traceresponse": ("Where this order is in its trace.", "string"),
    "Www-Authenticate": ("`Bearer`.", "string"),
    "X-Should-Retry": ("Whether its clients are to repeat the request by themselves.", "string"),
    "X-Ratelimit-Limit-Requests": ("Orders a minute.", "integer"),
    "X-Ratelimit-Remaining-Requests": ("How many of them are left.", "integer"),
    "X-Ratelimit-Reset-Requests": ("When the minute is over.", "string"),
    "X-Ratelimit-Limit-Images": ("Images a day.", "integer"),
    "X-Ratelimit-Remaining-Images": ("How many of them are left.", "integer"),
    "X-Ratelimit-Reset-Images": ("When the day is over.", "string"),
}
COMPONENTS: Final = {
    name: {"description": text, "schema": {"type": kind}} for name, (text, kind) in _HEADERS.items()
}
"""All of them."""
_BY_STATUS: Final[Mapping[str, tuple[str, ...]]] = {
    "201": ("Location",),
    "206": ("Content-Range",),
    "304": ("ETag",),
    "401": ("Www-Authenticate",),
    "416": ("Content-Range",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
_FILE: Final = ("Accept-Ranges", "Cache-Control", "Content-Disposition", "ETag")
_QUOTAS: Final = ("RateLimit", "RateLimit-Policy")
_THEIRS: Final = tuple(name for name in _HEADERS if name.startswith("X-Ratelimit"))
_BY_OPERATION: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "create_batch": {
        "200": ("Location", "Idempotency-Replayed", "Preference-Applied"),
        "201": ("Preference-Applied", "Traceresponse", *_QUOTAS),
        "429": _QUOTAS,
    },
    "get_batch": {"200": ("ETag", "Retry-After"), "304": ("Retry-After",)},
    "list_batches": {"200": ("Link",)},
    "list_deliveries": {"200": ("Link",)},
    "list_batch_deliveries": {"200": ("Link",)},
    "list_series": {"200": ("Link",)},
    "download_series": {
        "200": ("Cache-Control", "Content-Disposition"),
        "404": ("Retry-After",),
    },
    "get_image": {"200": ("ETag",)},
    "get_series_image": {"200": ("ETag",)},
    "get_character": {"200": ("ETag",)},
    "get_workflow": {"200": ("ETag",)},
    "get_image_file": {"200": _FILE, "206": _FILE, "404": ("Retry-After",)},
    "get_series_image_file": {"200": _FILE, "206": _FILE, "404": ("Retry-After",)},
    "get_image_thumbnail": {"200": ("Cache-Control", "ETag"), "404": ("Retry-After",)},
    "get_image_preview": {"200": ("Cache-Control", "ETag")},
    "openai_create_images": {
        "200": ("Idempotency-Replayed", "Traceresponse", *_THEIRS),
        "429": ("X-Should-Retry", *_THEIRS),
        "500": ("X-Should-Retry",),
        "503": ("X-Should-Retry", "Retry-After-Ms"),
    },
}


def add_headers(operation: dict[str, Any]) -> None:
    """Say of every answer of an operation what stands in its headers."""
    for status, answer in operation["responses"].items():
        names = sorted(set(_names(operation["operationId"], status)))
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _names(operation: str, status: str) -> Iterator[str]:
    yield "X-Request-Id"
    yield from _BY_STATUS.get(status, ())
    yield from _BY_OPERATION.get(operation, {}).get(status, ())
