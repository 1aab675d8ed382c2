"""What the HTTP interface and the command line say of themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import typer

from safelight.api.app import create_app
from safelight.cli.app import app
from safelight.cli.reference import page
from safelight.gateway import Gateway, Keyring


def document() -> dict[str, Any]:
    """The OpenAPI document; no route is asked, so there need be no gateway."""
    return create_app(cast("Gateway", None), cast("Keyring", None)).openapi()


def routes() -> list[tuple[str, ...]]:
    """Verb, path and summary of every route."""
    return [
        (verb.upper(), f"`{path}`", operation["summary"])
        for path, verbs in document()["paths"].items()
        for verb, operation in verbs.items()
    ]


def commands() -> list[str]:
    """Every command that can be typed, `batches ls`."""
    return list(_commands(typer.main.get_command(app), ()))


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(path)
        return
    for name, one in inner.items():
        yield from _commands(one, (*path, name))


# Pages that are generated from the first to the last line.
WHOLE: Final[dict[str, Callable[[], str]]] = {
    "docs/reference/cli.md": page,
    "docs/reference/openapi.json": lambda: (
        json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    ),
}
