"""What can be asked of Safelight, whichever door it came through: the only way from `api` down.

Everything here speaks in records; JSON, statuses and headers belong to the doors.
"""

from safelight.gateway.calls import Held
from safelight.gateway.gateway import Gateway
from safelight.gateway.keyring import SESSION_FOR, Asker, Keyring
from safelight.gateway.listening import Listening
from safelight.gateway.views import (
    BackendState,
    Kept,
    Live,
    Ordered,
    Page,
    Provenance,
    PublisherState,
    Series,
    Told,
)
from safelight.gateway.webhooks import Allowed
from safelight.pipeline.stream import Reset
from safelight.pipeline.waiting import Estimate, Outlook

__all__ = [
    "SESSION_FOR",
    "Allowed",
    "Asker",
    "BackendState",
    "Estimate",
    "Gateway",
    "Held",
    "Kept",
    "Keyring",
    "Listening",
    "Live",
    "Ordered",
    "Outlook",
    "Page",
    "Provenance",
    "PublisherState",
    "Reset",
    "Series",
    "Told",
]
