"""The doctor: a look at everything a batch needs; nothing but the schema is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from safelight.assembly.parts import bare_url, opened_database, opened_store, renderer_of
from safelight.core.errors import SafelightError, SettingsError
from safelight.renderers.base import Silent
from safelight.settings import Backend, Rendering, Settings
from safelight.store import StoreError

_ADVICE: Final = {
    "comfyui": "Start ComfyUI there",
    "runpod": "Check the API key in its token",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of the doctor."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


async def doctor(settings: Settings) -> list[Check]:
    """Look at everything a batch needs, change nothing but the schema."""
    checks = [await _check_database(settings), await _check_store(settings)]
    checks.append(_check_catalogue(settings))
    checks += [await _check_backend(backend, settings.rendering) for backend in settings.backends]
    return checks


async def _check_database(settings: Settings) -> Check:
    advice = "Set database.url to a PostgreSQL 15 or newer, or leave it out for the embedded one."
    try:
        async with opened_database(settings) as database:
            row = await database.fetchrow("writable")
    except SafelightError as error:
        return Check("database", False, error.detail, advice)
    if row is None or row["read_only"]:
        return Check("database", False, "read-only", "Point database.url to the primary server.")
    return Check("database", True, "embedded" if settings.database.url is None else "answers")


async def _check_store(settings: Settings) -> Check:
    key = f"doctor/{uuid4()}"
    advice = "Check store.url, its credentials, and the free space."
    try:
        store = opened_store(settings)
        await store.put(key, b"safelight")
        whole = await store.get(key) == b"safelight"
        await store.delete(key)
    except (StoreError, SettingsError) as error:
        return Check("store", False, str(error), advice)
    return Check("store", whole, "writes, reads, deletes" if whole else "gives other bytes", advice)


def _check_catalogue(settings: Settings) -> Check:
    try:
        catalogue = settings.catalogue()
    except SafelightError as error:
        return Check("catalogue", False, error.detail, "Mend the file it names.")
    told = f"{len(catalogue.characters)} characters, {len(catalogue.workflows)} workflows"
    return Check("catalogue", True, f"{told} in the settings")


async def _check_backend(backend: Backend, rendering: Rendering) -> Check:
    renderer = renderer_of(backend, rendering)
    try:
        vitals = await renderer.probe()
    finally:
        await renderer.close()
    name = f"backend {backend.name}"
    if isinstance(vitals, Silent):
        advice = f"{_ADVICE[backend.kind]}, or set the url of {backend.name}."
        return Check(name, False, f"{bare_url(backend.url)}: {vitals.reason}", advice)
    held = len(vitals.running) + len(vitals.waiting)
    if backend.kind == "runpod":
        return Check(name, True, "the RunPod endpoint answers")
    return Check(name, True, f"ComfyUI {vitals.version or '?'}, {held} prompts")
