"""The file's characters, styles and workflows as records, graphs read and checked."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from safelight.core.checking import character_faults
from safelight.core.errors import FieldError, Refusal, SettingsError
from safelight.core.graph import check_graph
from safelight.core.records import Catalogue, Character, Lora, Parameters, Style, Workflow
from safelight.core.slots import find_slots

if TYPE_CHECKING:
    from safelight.settings.model import CharacterEntry, Settings, StyleEntry, WorkflowEntry

MAX_GRAPH: Final = 4 * 1_048_576  # bytes


def build(settings: Settings) -> Catalogue:
    """See `Settings.catalogue`."""
    return Catalogue(
        characters={id: _character(id, entry) for id, entry in settings.characters.items()},
        styles={id: _style(id, entry) for id, entry in settings.styles.items()},
        workflows={id: _workflow(id, entry) for id, entry in settings.workflows.items()},
    )


def faults(settings: Settings) -> Iterator[FieldError]:
    """What is wrong with characters beyond their types; workflows may also come by the API."""
    limits = settings.order_limits()
    for id, entry in settings.characters.items():
        yield from character_faults(_character(id, entry), limits, f"/characters/{id}")
        if entry.style is not None and entry.style not in settings.styles:
            yield _no_style(f"/characters/{id}/style", entry.style, settings)


def _no_style(pointer: str, style: str, settings: Settings) -> FieldError:
    near = difflib.get_close_matches(style, settings.styles, n=1)
    hint = f'the nearest one is "{near[0]}"' if near else f"add a section [styles.{style}]"
    return FieldError(pointer, f'there is no style "{style}"; {hint}', "unknown-style")


def _workflow(id: str, entry: WorkflowEntry) -> Workflow:
    where = f"workflows.{id}: {entry.file}"
    document = _json(entry.file, where)
    try:
        graph = check_graph(document, output=entry.slots.get("output"))
        find_slots(graph, entry.slots)
    except Refusal as error:
        lines = [f"{where}: {': '.join(filter(None, (e.pointer, e.detail)))}" for e in error.errors]
        raise SettingsError("\n".join(lines)) from None
    return Workflow(id=id, graph=graph, slots=dict(entry.slots), exact_size=entry.exact_size)


def _json(path: Path, where: str) -> object:
    try:
        if path.stat().st_size > MAX_GRAPH:
            raise SettingsError(f"{where}: larger than {MAX_GRAPH} bytes")
        return json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise SettingsError(f"{where}: cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise SettingsError(f"{where}: line {error.lineno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{where}: not JSON: {error}") from None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON value")


def _style(id: str, entry: StyleEntry) -> Style:
    return Style(
        id=id,
        pool=entry.pool,
        checkpoint=entry.checkpoint,
        prompt=entry.prompt,
        negative_prompt=entry.negative_prompt,
        workflow=entry.workflow,
    )


def _character(id: str, entry: CharacterEntry) -> Character:
    return Character(
        id=id,
        name=entry.name or id,
        style=entry.style,
        workflow=entry.workflow,
        prompt=entry.prompt,
        negative_prompt=entry.negative_prompt,
        embedding=entry.embedding,
        loras=tuple(Lora(lora.name, lora.strength) for lora in entry.loras),
        parameters=Parameters(
            width=entry.width,
            height=entry.height,
            steps=entry.steps,
            cfg=entry.cfg,
            sampler=entry.sampler,
            scheduler=entry.scheduler,
        ),
    )
