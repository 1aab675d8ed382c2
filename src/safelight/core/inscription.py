"""What ComfyUI writes into its pictures: the graph, and in it the seed they were drawn with."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Final

from safelight.core.errors import Invalid
from safelight.core.graph import MAX_BYTES, check_graph, targets
from safelight.core.slots import find_slots

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_KEYWORD: Final = b"prompt\0"


def seed_of(data: bytes) -> int | None:
    """The seed in the graph of a whole PNG; None: there is no graph, or none that says it."""
    try:
        graph = check_graph(json.loads(_graph_text(data)))
        node_id, entry = targets(find_slots(graph, {})["seed"])[0]
    except (Invalid, ValueError, RecursionError):
        return None
    seed = graph[node_id]["inputs"][entry]
    return seed if type(seed) is int and seed >= 0 else None


def _graph_text(data: bytes) -> str:
    for name, body in _chunks(data):
        if name == b"tEXt" and body.startswith(_KEYWORD):
            return body[len(_KEYWORD) :].decode("latin-1")
        # Two zeros: not compressed. Then language and translated keyword, each to its zero.
        if name == b"iTXt" and body.startswith(_KEYWORD + b"\0\0"):
            return body.split(b"\0", 5)[-1].decode("utf-8", errors="replace")
    return ""


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Chunks before the first pixels, where ComfyUI writes; larger ones are no graph."""
    at = len(_PNG)
    while data.startswith(_PNG) and at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            return
        if length <= MAX_BYTES:
            yield name, data[at + 8 : at + 8 + length]
        at += 12 + length
