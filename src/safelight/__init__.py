"""Safelight: ask for N images of a character, get exactly N different ones.

The client of the HTTP API can be imported from here: `from safelight import Client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safelight.client import (
        AsyncBatch,
        AsyncClient,
        AsyncImage,
        Batch,
        BatchFailed,
        Client,
        ClientError,
        Event,
        Image,
        NoServer,
        NotEnded,
        ProblemError,
    )

__version__ = "0.1.0"
__all__ = [
    "AsyncBatch",
    "AsyncClient",
    "AsyncImage",
    "Batch",
    "BatchFailed",
    "Client",
    "ClientError",
    "Event",
    "Image",
    "NoServer",
    "NotEnded",
    "ProblemError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """The client when it is asked for: whoever wants the version alone need not load it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from safelight import client

    return getattr(client, name)
