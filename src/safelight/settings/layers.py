"""One layer of settings: what somebody said in one place, and how layers are laid over another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from safelight.core.errors import SettingsError

# Which keys hold paths, and which have a twin `…_file` that holds the value; `*` is any name.
PATHS: Final = ("home", "database.binaries", "workflows.*.file")
SECRETS: Final = (
    *("key", "database.url", "store.url", "backends.*.token"),
    *("publishers.*.api_secret", "publishers.*.access_key", "publishers.*.url"),
    *("webhooks.secret", "webhooks.old_secret"),
)
MAX_SECRET: Final = 65_536  # bytes
# What makes a URL secret: a password, or a parameter that is one.
_IN_URL: Final = re.compile(
    r"(?i)://[^/@\s]*:[^/@\s]*@|[?&][^=&]*(?:key|token|secret|pass|sig)[^=&]*="
)


@dataclass(frozen=True, slots=True)
class Layer:
    """What was said in one place."""

    source: str  # for people: a file, "environment", "command line"
    said: Mapping[str, Any]
    folder: Path  # relative paths begin here
    names: Mapping[str, str]  # dotted key -> how it is spelled there, if otherwise
    file: Path | None = None  # it was read from
    secret_files: tuple[Path, ...] = ()  # those that a secret of it was read from

    def spelling(self, location: Sequence[str | int]) -> str:
        """How a key is called in this place."""
        dotted = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in location)[1:]
        for key, name in self.names.items():
            if dotted == key or dotted.startswith((f"{key}.", f"{key}[")):
                return name + dotted[len(key) :]
        return dotted

    def says(self, location: Sequence[str | int]) -> bool:
        """Whether this layer holds the key."""
        node: Any = self.said
        for step in location:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return False
        return True


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as nested mappings.

    Example:
        >>> nested({"server.port": 1})
        {'server': {'port': 1}}
    """
    result: dict[str, Any] = {}
    for dotted, value in flat.items():
        *path, last = dotted.split(".")
        node = result
        for step in path:
            node = node.setdefault(step, {})
        node[last] = value
    return result


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """The layers over another, the first one wins; lists are replaced, not joined."""
    result: dict[str, Any] = {}
    for layer in reversed(layers):
        result = _over(result, layer.said)
    return result


def anchored(layer: Layer) -> Layer:
    """The layer with absolute paths, and secrets read from their files.

    Raises:
        SettingsError: a secret's file cannot be read, or the secret is given twice.
    """
    said = _copy(layer.said)
    for pattern in PATHS:
        for holder, key, _ in _places(said, pattern):
            if isinstance(holder.get(key), str | Path):
                holder[key] = layer.folder / Path(holder[key]).expanduser()
    files = [layer.file] if layer.file and any(_secrets(said)) else []
    for pattern in SECRETS:
        for holder, key, location in _places(said, pattern):
            if f"{key}_file" in holder:
                where = f"{layer.source}: {layer.spelling([*location, f'{key}_file'])}"
                files.append(_take_secret(holder, key, where, layer.folder))
    return replace(layer, said=said, secret_files=tuple(files))


def _secrets(said: Mapping[str, Any]) -> Iterator[bool]:
    """Whether what stands here, key by key, must not be read by others."""
    for pattern in (*SECRETS, "backends.*.headers"):
        for holder, key, _ in _places(said, pattern):
            value = holder.get(key)
            url = isinstance(value, str) and "://" in value
            yield bool(_IN_URL.search(str(value)) if url else value)


def _take_secret(holder: dict[str, Any], key: str, where: str, folder: Path) -> Path:
    """Put a secret's value in the place of its file; returns the file."""
    named = holder.pop(f"{key}_file")
    if key in holder:
        raise SettingsError(f"{where}: {key} is given too; keep one of them")
    if not isinstance(named, str | Path):
        raise SettingsError(f"{where}: expected the path of a file")
    path = folder / Path(named).expanduser()
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_SECRET + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where}: cannot be read: {error}") from None
    if not text or len(text) > MAX_SECRET:
        raise SettingsError(f"{where}: expected a file of 1 to {MAX_SECRET} bytes")
    holder[key] = text
    return path


def _places(said: Any, pattern: str) -> Iterator[tuple[dict[str, Any], str, list[str | int]]]:
    """Every holder that may have the pattern's last key, with the way to it."""
    *path, key = pattern.split(".")
    found: list[tuple[Any, list[str | int]]] = [(said, [])]
    for step in path:
        found = [(n, [*way, k]) for node, way in found for k, n in _children(node, step)]
    for holder, way in found:
        if isinstance(holder, dict):
            yield holder, key, way


def _children(node: Any, step: str) -> list[tuple[str | int, Any]]:
    if isinstance(node, list):
        return list(enumerate(node)) if step == "*" else []
    if not isinstance(node, dict):
        return []
    return [(key, child) for key, child in node.items() if step in ("*", key)]


def _over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = _over(below, value) if both else value  # type: ignore[arg-type]
    return result


def _copy(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _copy(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_copy(value) for value in node]
    return node
