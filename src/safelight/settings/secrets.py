"""The secrets among the settings: what must stand in no log, wherever it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from safelight.settings.fleet import Section
from safelight.settings.model import Settings

_SECRET_NAME: Final = re.compile(r"(?i)key|token|secret|pass|sig")


def secrets_of(settings: Settings) -> frozenset[str]:
    """Every password, token and key in them; of a URL only the parts that are secret."""
    return frozenset(_found(getattr(settings, name) for name in Settings.model_fields))


def _found(values: Any) -> Iterator[str]:
    for value in values:
        match value:
            case SecretStr():
                yield from _parts(value.get_secret_value())
            case str() if "://" in value:
                yield from _parts(value)
            case Section():
                yield from _found(getattr(value, key) for key in type(value).model_fields)
            case Mapping():
                yield from _found(value.values())
            case list() | tuple():
                yield from _found(value)


def _parts(secret: str) -> Iterator[str]:
    if not re.match(r"[a-z][a-z0-9+.-]*://", secret):
        # Also the bare key of what signs webhooks.
        yield from {secret, secret.removeprefix("whsec_")}
        return
    parts = urlsplit(secret)
    if parts.password:
        yield parts.password
        yield unquote(parts.password)
    for name, value in parse_qsl(parts.query):
        if _SECRET_NAME.search(name):
            yield value
