"""The effective settings as TOML, secrets redacted: what `config show` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from safelight.settings.fleet import Section
from safelight.settings.model import Settings

REDACTED: Final = "***"
_USER_INFO: Final = re.compile(r"://[^/@\s]*@")
_SECRET_QUERY: Final = re.compile(r"(?i)([?&][^=&]*(?:key|token|secret|pass|sig)[^=&]*=)[^&]*")


def show(settings: Settings) -> str:
    """What is in force, as a `safelight.toml` that would say the same but for its secrets.

    Example:
        >>> "port = 8080" in show(Settings())
        True
    """
    lines = [f"# data folder: {settings.home}"]
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name not in Settings.OUTSIDE_THE_FILE:
            lines += _tables(name, value)
    return "\n".join(lines) + "\n"


def _tables(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Section):
        yield from ("", f"[{name}]", *_keys(value))
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _tables(f"{name}.{_key(key)}", entry)
    else:
        for entry in value:
            yield from ("", f"[[{name}]]", *_keys(entry))


def _keys(section: Section) -> Iterator[str]:
    for key in type(section).model_fields:
        value = getattr(section, key)
        if value is not None:
            yield f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    match value:
        case bool() | int() | float():
            return json.dumps(value)
        case SecretStr():
            return _text(_redacted(value.get_secret_value()))
        case str() | Path():
            return _text(str(value))
        case Section():
            return _inline({key: getattr(value, key) for key in type(value).model_fields})
        case Mapping():
            return _inline(value)
        case _:
            return "[" + ", ".join(_value(entry) for entry in value) + "]"


def _inline(table: Mapping[str, Any]) -> str:
    pairs = [f"{_key(key)} = {_value(value)}" for key, value in table.items()]
    return "{ " + ", ".join(pairs) + " }" if pairs else "{}"


def _redacted(secret: str) -> str:
    """A URL keeps what helps to find a mistake; anything else is hidden whole."""
    if not re.match(r"[a-z][a-z0-9+.-]*://", secret):
        return REDACTED
    without_user = _USER_INFO.sub(f"://{REDACTED}@", secret)
    return _SECRET_QUERY.sub(rf"\g<1>{REDACTED}", without_user)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
