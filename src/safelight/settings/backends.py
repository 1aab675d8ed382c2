"""What backends must be beyond their single values. Each raises ValueError with what to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationInfo

from safelight.settings.checks import address, is_loopback

if TYPE_CHECKING:
    from safelight.settings.fleet import Backend, Pool

# Behind an endpoint's url; who has copied one of these did not copy the endpoint.
_ROUTES = {"run", "runsync", "status", "cancel", "health", "stream", "retry", "v2"}


def no_twins(backends: tuple[Backend, ...]) -> tuple[Backend, ...]:
    """Two entries for one server would fill its queue twice."""
    names: set[str] = set()
    addresses: dict[str, str] = {}
    for backend in backends:
        if backend.name in names:
            raise ValueError(f'two are named "{backend.name}"; give each its own name')
        names.add(backend.name)
        other = addresses.setdefault(address(backend.url), backend.name)
        if other != backend.name:
            raise ValueError(f'"{other}" and "{backend.name}" have the same url; keep one')
    return backends


def some_backend_in_each(pools: Mapping[str, Pool], known: ValidationInfo) -> Mapping[str, Pool]:
    """What is said of a pool that does not exist is a slip of the pen."""
    there = sorted({backend.pool for backend in known.data.get("backends", ())})
    for name in pools:
        if there and name not in there:
            raise ValueError(f'no backend is in the pool "{name}"; there is {", ".join(there)}')
    return pools


def fitting(backend: Backend) -> None:
    """The keys of one kind of backend, and those it cannot do without."""
    if backend.kind == "runpod":
        _fit_runpod(backend)
    elif backend.ttl is not None or backend.execution_timeout is not None:
        raise ValueError('ttl and execution_timeout are for kind = "runpod" only')


def _fit_runpod(backend: Backend) -> None:
    parts = urlsplit(backend.url)
    if parts.path.rpartition("/")[2] in _ROUTES | {""}:
        raise ValueError(
            'kind = "runpod" needs the url of an endpoint, "https://api.runpod.ai/v2/ENDPOINT"'
        )
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError('kind = "runpod" needs an https:// url: the API key must not go in clear')
    if backend.token is None and "authorization" not in map(str.lower, backend.headers):
        raise ValueError('kind = "runpod" needs the API key as token or token_file')
