"""The doctor: a look at everything a batch needs; nothing but the schema is changed."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from safelight.assembly.check import Check
from safelight.assembly.checking_keys import check_keys
from safelight.assembly.parts import bare_url, opened_database, opened_store, renderer_of
from safelight.assembly.publishing import make_publishers
from safelight.core.errors import SafelightError, SettingsError
from safelight.core.killing import Hold
from safelight.core.naming import is_prompt_id
from safelight.database import holds, images, keys, leases, publications
from safelight.database.connection import Database
from safelight.database.leases import BackendRow
from safelight.database.publications import Standing
from safelight.renderers.base import Silent
from safelight.settings import Backend, Pool, Rendering, Settings
from safelight.store import StoreError

_ADVICE: Final = {
    "comfyui": "Start ComfyUI there",
    "runpod": "Check the API key in its token",
}
WAITED_LONG: Final = 900.0  # s that the oldest image of a line may wait
TOKEN_WITHIN: Final = 5.0  # s after which a queued image has its token


async def doctor(settings: Settings) -> list[Check]:
    """Look at everything a batch needs, change nothing but the schema."""
    asked = [await _check_backend(backend, settings.rendering) for backend in settings.backends]
    held = [prompt for _, prompts in asked for prompt in prompts]
    checks = [*await _check_database(settings, held), await _check_store(settings)]
    checks += [*_check_output(settings), _check_catalogue(settings)]
    checks += [*_check_publishers(settings), *_check_secrets(settings)]
    return [*checks, *(check for check, _ in asked)]


async def _check_database(settings: Settings, held: Sequence[str]) -> list[Check]:
    advice = "Set database.url to a PostgreSQL 15 or newer, or leave it out for the embedded one."
    try:
        async with opened_database(settings) as database:
            row = await database.fetchrow("writable")
            waiting = await images.waiting(database, TOKEN_WITHIN)
            ghosts = await _check_ghosts(database, held)
            stopped = [_check_hold(hold) for hold in await holds.holds(database)]
            copies = [_check_copies(one) for one in await publications.standings(database)]
            shared = _check_folders(await leases.backends(database), settings.pools)
            doors = check_keys(settings.server.host, await keys.keys(database))
    except SafelightError as error:
        return [Check("database", False, error.detail, advice)]
    lines = [_check_line(line) for line in waiting]
    lines += [_check_tokens(waiting), ghosts, *shared, *stopped, *copies, *doors]
    if row is None or row["read_only"]:
        advice = "Point database.url to the primary server."
        return [Check("database", False, "read-only", advice), *lines]
    how = "embedded" if settings.database.url is None else "answers"
    return [Check("database", True, how), *lines]


def _check_line(line: images.Waiting) -> Check:
    """How long the oldest image of a pool has waited."""
    told = f"{line.images} images wait, the oldest for {line.oldest:.0f} s"
    advice = f"See whether a worker runs and a backend of the pool {line.pool} is ready."
    return Check(f"line {line.pool}", line.oldest < WAITED_LONG, told, advice)


def _check_tokens(waiting: Sequence[images.Waiting]) -> Check:
    """Whether a worker would find what waits."""
    lost = sum(line.without_token for line in waiting)
    told = f"{lost} queued images are not in the line" if lost else "all that waits is in the line"
    advice = "A worker puts them back within 10 s; see whether one runs, and what it logs."
    return Check("tokens", lost == 0, told, advice)


async def _check_ghosts(database: Database, held: Sequence[str]) -> Check:
    """Whether backends hold prompts of ours that nobody waits for any more."""
    ghosts = len(await leases.ghosts(database, [id for id in held if is_prompt_id(id)]))
    told = f"{ghosts} prompts at backends are nobody's any more" if ghosts else "none"
    advice = "The worker that drives the backend cancels them within seconds; see whether one runs."
    return Check("ghosts", ghosts == 0, told, advice)


def _check_folders(rows: Sequence[BackendRow], pools: Mapping[str, Pool]) -> Iterator[Check]:
    """Which backends write to one folder; that does no harm where files are seen at once."""
    for row in rows:
        others = [name for name in row.shares_output if name > row.name]
        if others:
            told = f"{row.name} writes to one folder with {', '.join(others)}: no harm"
            if not pools.get(row.pool, Pool()).shared_output:
                told += f"; if it is on a network, set [pools.{row.pool}] shared_output = true"
            yield Check(f"output {row.name}", True, told)


def _check_copies(standing: Standing) -> Check:
    """Whether copies at a publisher have failed."""
    told = f"{standing.uploaded} uploaded, {standing.pending} pending"
    if standing.failed:
        told = f"{standing.failed} failed; the last one: {standing.reason}"
    advice = f"Put that right, then: safelight publishers retry {standing.publisher}"
    return Check(f"copies {standing.publisher}", standing.failed == 0, told, advice)


def _check_hold(hold: Hold) -> Check:
    """What is not drawn because it kills backends."""
    return Check(f"workflow {hold.workflow}", False, f"held in {hold.pool}", hold.reason)


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


def _check_output(settings: Settings) -> list[Check]:
    """What nobody but the backends' own machines can remove."""
    if all(backend.kind != "comfyui" for backend in settings.backends):
        return []
    told = (
        "each ComfyUI keeps its pictures under output/safelight until you remove them there: "
        "see Retention in the documentation"
    )
    return [Check("output folders", True, told)]


def _check_catalogue(settings: Settings) -> Check:
    try:
        catalogue = settings.catalogue()
    except SafelightError as error:
        return Check("catalogue", False, error.detail, "Mend the file it names.")
    told = f"{len(catalogue.characters)} characters, {len(catalogue.workflows)} workflows"
    return Check("catalogue", True, f"{told} in the settings")


def _check_publishers(settings: Settings) -> Iterator[Check]:
    """Whether they can be made; nothing is asked of them, for some charge for every question."""
    try:
        names = ", ".join(make_publishers(settings))
    except SettingsError as error:
        yield Check("publishers", False, error.detail, "Mend the section it names.")
        return
    if names:
        yield Check("publishers", True, f"{names}: set up, not asked")


def _check_secrets(settings: Settings) -> Iterator[Check]:
    """Whether others on this machine can read a file that holds a secret."""
    open_to_others = [path for path in settings.secret_files if _mode(path) & 0o077]
    for path in sorted(set(open_to_others)):
        told = f"{path} can be read by others (mode {_mode(path):o})"
        yield Check(
            f"secrets {path.name}", False, told, f"Type: chmod 600 {shlex.quote(str(path))}"
        )
    if settings.secret_files and not open_to_others:
        yield Check("secrets", True, "read by nobody else")


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0  # read at the start, and gone since


async def _check_backend(backend: Backend, rendering: Rendering) -> tuple[Check, Sequence[str]]:
    """How it is, and the ids of the prompts it holds."""
    renderer = renderer_of(backend, rendering)
    try:
        vitals = await renderer.probe()
    finally:
        await renderer.close()
    name = f"backend {backend.name}"
    if isinstance(vitals, Silent):
        advice = f"{_ADVICE[backend.kind]}, or set the url of {backend.name}."
        return Check(name, False, f"{bare_url(backend.url)}: {vitals.reason}", advice), ()
    if backend.kind == "runpod":
        return Check(name, True, "the RunPod endpoint answers"), ()
    held = [*vitals.running, *vitals.waiting]
    return Check(name, True, f"ComfyUI {vitals.version or '?'}, {len(held)} prompts"), held
