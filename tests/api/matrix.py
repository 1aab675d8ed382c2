"""Every route, and what it answers to whoever reaches what it is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.processes import QUICK

# `owned`: of a batch, an image or a series; whoever does not reach it finds nothing. `admins`: an
# administrator's. `character`: for who reaches the character. `all`: for who has a key; lists hold
# what they reach. `open`: for everybody. `order`: whoever does not reach the user is refused, and a
# character out of reach is none.
Kind = Literal["owned", "admins", "character", "all", "open", "order"]


@dataclass(frozen=True)
class Route:
    """One of them; `ok` is the status for who may."""

    method: str
    path: str
    kind: Kind
    ok: int = 200
    body: Any = None
    unknown: int = 422  # what an order for a character out of reach is answered
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the OpenAPI document has it."""
        return f"{self.method} {self.path}"

    @property
    def what(self) -> str:
        """What its ids are of: `batches`, `images`, …"""
        return self.path.partition("/v1/")[2].split("/")[0]


_BATCH: Final = "/v1/batches/{id}"
_IMAGE: Final = "/v1/images/{id}"
_SERIES: Final = "/v1/series/{user}/{character}"
_HOOK: Final = "/v1/webhooks/{id}"
_GRAPH: Final = {"graph": json.loads(QUICK.read_text("utf-8"))}
_HOOK_BODY: Final = {"url": "http://127.0.0.1:9/all", "events": ["batch.created"]}

# What takes something away stands at the end.
TABLE: Final = (
    Route("GET", "/healthz", "open"),
    Route("GET", "/readyz", "open"),
    Route("GET", "/metrics", "admins"),
    Route("GET", "/v1/session", "all"),
    Route("POST", "/v1/session", "open", 401, {"key": ""}),
    Route("DELETE", "/v1/session", "open", 204),
    Route("GET", "/v1/batches", "all"),
    Route("GET", _BATCH, "owned"),
    Route("GET", _BATCH + "/events", "owned", headers={"Last-Event-ID": "1"}),
    Route("GET", _BATCH + "/deliveries", "owned"),
    Route("POST", _BATCH + "/deliveries/{delivery}/redeliver", "owned"),
    Route("POST", _BATCH + "/links", "owned"),
    Route("POST", _BATCH + "/cancel", "owned", 409),
    Route("POST", _BATCH + "/retry", "owned", 409),
    Route("POST", _BATCH + "/publications/retry", "owned", 409),
    Route("GET", _IMAGE, "owned"),
    Route("GET", _IMAGE + "/file", "owned"),
    Route("GET", _IMAGE + "/thumbnail", "owned"),
    Route("GET", _IMAGE + "/preview", "owned", 404),  # it is drawn already
    Route("POST", _IMAGE + "/links", "owned"),
    Route("POST", _IMAGE + "/cancel", "owned", 409),
    Route("POST", _IMAGE + "/retry", "owned", 409),
    Route("POST", _IMAGE + "/publications/retry", "owned", 409),
    Route("PUT", _IMAGE + "/star", "owned"),
    Route("DELETE", _IMAGE + "/star", "owned"),
    Route("GET", "/v1/series", "all"),
    Route("GET", _SERIES, "owned"),
    Route("GET", _SERIES + "/indices", "owned"),
    Route("GET", _SERIES + "/download.zip", "owned"),
    Route("GET", _SERIES + "/index.txt", "owned"),
    Route("GET", _SERIES + "/images", "owned"),
    Route("GET", _SERIES + "/images/{index}", "owned"),
    Route("GET", _SERIES + "/images/{index}/file", "owned"),
    Route("GET", "/v1/characters", "all"),
    Route("GET", "/v1/characters/{id}", "character"),
    Route("PUT", "/v1/characters/{id}", "admins", 409, {"workflow": "quick"}),
    Route("DELETE", "/v1/characters/{id}", "admins", 409),
    Route("POST", "/v1/workflow-checks", "admins", body=_GRAPH),
    Route("GET", "/v1/workflows", "admins"),
    Route("GET", "/v1/workflows/{id}", "admins"),
    Route("PUT", "/v1/workflows/{id}", "admins", 409, _GRAPH),
    Route("DELETE", "/v1/workflows/{id}", "admins", 409),
    Route("POST", "/v1/workflows/{id}/resume", "admins"),
    Route("GET", "/v1/publishers", "admins"),
    Route("POST", "/v1/publishers/{name}/retry", "admins", 404),
    Route("GET", "/v1/backends", "admins"),
    Route("POST", "/v1/backends/{name}/drain", "admins"),
    Route("POST", "/v1/backends/{name}/resume", "admins"),
    Route("POST", "/v1/webhooks", "admins", 201, _HOOK_BODY),
    Route("GET", "/v1/webhooks", "admins"),
    Route("GET", _HOOK, "admins"),
    Route("POST", _HOOK + "/rotate", "admins"),
    Route("GET", _HOOK + "/deliveries", "admins"),
    Route("POST", _HOOK + "/deliveries/{delivery}/redeliver", "admins", 404),
    Route("DELETE", _HOOK, "admins", 204),
    Route("GET", "/openai/v1/models", "all"),
    Route("GET", "/openai/v1/models/{id}", "character"),
    Route("POST", "/openai/v1/images/edits", "all", 400),
    Route("DELETE", _IMAGE, "owned"),
    Route("POST", "/v1/estimates", "order"),
    Route("POST", "/v1/batches", "order", 201),
    Route("POST", "/openai/v1/images/generations", "order", unknown=404),
)
# It never ends: who hears what on it is told by a test of its own.
STREAM: Final = "GET /v1/events"
