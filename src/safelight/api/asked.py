"""What becomes known of a request on its way in, for whoever tells of it afterwards.

Wrappers hand copies of the scope on; this one object goes with all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Scope

from safelight.core.rights import Rights

IN_SCOPE: Final = "safelight.asked"
NO_ROUTE: Final = "none"


@dataclass(slots=True)
class Asked:
    """What becomes known of a request on its way in."""

    key: str | None = None  # the id of whoever asks
    route: str = NO_ROUTE


def note_asker(scope: Scope, rights: Rights) -> None:
    """Remember whose request it is."""
    if IN_SCOPE in scope:
        scope[IN_SCOPE].key = rights.key


def note_route(scope: Scope) -> None:
    """Remember which route answered, by its template."""
    route: Any = scope.get("route")
    if route is not None and IN_SCOPE in scope:
        scope[IN_SCOPE].route = getattr(route, "path", NO_ROUTE)
