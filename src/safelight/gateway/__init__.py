"""What can be asked of Safelight, whichever door it came through: the only way from `api` down.

Everything here speaks in records; JSON, statuses and headers belong to the doors.
"""

from safelight.gateway.gateway import Gateway
from safelight.gateway.views import BackendState, Kept, Live, Page, Provenance, Series, Told

__all__ = ["BackendState", "Gateway", "Kept", "Live", "Page", "Provenance", "Series", "Told"]
