"""What stands in paths, queries and headers of requests: what it is, and an example of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from safelight.api.openapi.examples import BATCH, DELIVERY, IMAGE, KEY_ID, SHA256, WEBHOOK

SIGNED: Final = ("exp", "kid", "sig")
"""What the query of a signed link holds."""
_TAG: Final = f'"sha256-{SHA256}"'
_HEADERS: Final = {
    "traceparent": (
        "W3C Trace Context: where the caller is in a trace; spans go on there.",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    "Idempotency-Key": (
        "1 to 255 printable ASCII characters; the same key gives the same batch.",
        "order-4711",
    ),
    "Prefer": (
        "`wait=n`: answer when the batch has ended, after n seconds (at most 600) anyhow.",
        "wait=60",
    ),
    "Last-Event-ID": ("Go on after this event.", "1"),
    "Range": ("One range of bytes.", "bytes=0-65535"),
    "If-Range": ("An entity tag; the range counts only if it still fits.", _TAG),
    "If-None-Match": ("Entity tags the client has.", _TAG),
}
_QUERY: Final = {
    "last_event_id": ("The same as Last-Event-ID, for clients that cannot set headers.", "1"),
    "exp": ("Of a signed link: until when it is good, in Unix seconds.", "1893456000"),
    "kid": ("Of a signed link: which key has signed it.", KEY_ID),
    "sig": ("Of a signed link: the signature; with it no key is needed.", "A" * 43),
    "user": ("Only of this user.", "ann"),
    "character": ("Only of this character.", "mira"),
    "status": ("Only those that are so.", None),
    "limit": ("How many at most.", 50),
    "cursor": ("Where the page before ended: its `next_cursor`.", None),
    "before": ("Only indices below this one.", 14),
    "starred": ("Only with a star, or only without.", "true"),
    "deleted": ("Only deleted ones, or only others.", "false"),
    "created_before": ("Only those ordered before this moment.", "2026-01-02T03:04:05Z"),
    "indices": ("Exactly these images; left out: all that are there.", "13,12,10-4"),
    "width": ("Pixels.", 320),
    "n": ("Any number: the latest is answered. Another one makes a browser fetch it anew.", 1),
    "quiet": ("204 instead of 404 `no-preview` where there is none.", "true"),
    "pool": ("Only in this pool.", "default"),
    "publications": ("Also the copies at publishers.", "true"),
}
# By what stands before it in the path.
_IDS: Final = {
    "batches": ("Of the batch.", BATCH),
    "images": ("Of the image.", IMAGE),
    "characters": ("Of the character.", "mira"),
    "models": ("Of the character.", "mira"),
    "workflows": ("Of the workflow.", "quick"),
    "webhooks": ("Of the webhook.", WEBHOOK),
}
_PATH: Final = {
    "user": ("The application's end user.", "ann"),
    "character": ("The id of a character.", "mira"),
    "index": ("The image's number in its series, from 1.", "13"),
    "delivery": ("Of the delivery.", DELIVERY),
}
_NAMES: Final = {
    "backends": ("As the settings call it.", "pod-1"),
    "publishers": ("As the settings call it.", "cloudinary"),
}
_Told = tuple[str, Any]
_PLACES: Final[Mapping[str, Mapping[str, _Told]]] = {"header": _HEADERS, "query": _QUERY}


def parameter(name: str, place: str) -> dict[str, Any]:
    """A parameter that a route reads by itself, in a `header` or the `query`."""
    found = {"name": name, "in": place, "required": False, "schema": {"type": "string"}}
    return tell(found, "")


def tell(parameter: dict[str, Any], path: str) -> dict[str, Any]:
    """The same with what it is and an example; `path` is where its route is."""
    name, place = parameter["name"], parameter["in"]
    known = _in_path(name, path) if place == "path" else _PLACES[place][name]
    parameter["description"], example = known
    if example is not None:
        parameter["example"] = example
    return parameter


def _in_path(name: str, path: str) -> _Told:
    before = path.partition(f"/{{{name}}}")[0].rpartition("/")[2]
    tables = {"id": _IDS, "name": _NAMES}
    return tables[name][before] if name in tables else _PATH[name]
