"""Event streams as a plain reader sees them."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.processes import Serving


def told(
    serving: Serving, path: str, last_seen: str | None = None, most: int = 10_000
) -> list[tuple[str, Any]]:
    """What a stream tells until it ends, or so many events of it: their ids and data."""
    headers = {} if last_seen is None else {"Last-Event-ID": last_seen}
    request = urllib.request.Request(serving.url + path, headers=headers)
    found: list[tuple[str, Any]] = []
    id = ""
    with urllib.request.urlopen(request, timeout=30) as answer:
        for line in answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                id = value
            if name == "data" and id:
                found.append((id, json.loads(value)))
                id = ""
            if len(found) >= most:
                break
    return found


def types(events: list[tuple[str, Any]]) -> list[str]:
    """The names of events."""
    return [data["type"] for _, data in events]
