"""What processes on one database must agree on: where the pictures lie, whose loopback is whose.

A worker writes what an API on another machine reads, so all need the same store. A folder is known
by a token that lies in it, a bucket by its name; the database says which store it is, and whoever
has another one is refused. A store is moved by stopping everything, copying it, and starting again:
a store that has the newest pictures is the one.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

import structlog

from safelight.assembly.parts import opened_store
from safelight.core.errors import SettingsError
from safelight.database import originals
from safelight.database.connection import Database
from safelight.database.originals import Elsewhere
from safelight.settings import Settings
from safelight.store import Store
from safelight.store.folder import FolderStore

log = structlog.get_logger()

_ADVICE: Final = (
    "All processes on one database need one store. On several machines set [store] url to a "
    "bucket (s3://…) or to one shared folder (file:///…), on one machine give all the same data "
    "folder"
)
_COPY: Final = "If the pictures were moved, copy all of them here first"


async def shared_store(settings: Settings, database: Database) -> Store:
    """The store of the settings, once it is certain that everybody uses the same.

    Raises:
        SettingsError: another store keeps this database's pictures.
        StoreError, DatabaseAway: no answer.
    """
    store = opened_store(settings)
    identity = await store.identity()
    place = f"{store.name} on {platform.node()}" if isinstance(store, FolderStore) else store.name
    elsewhere = await originals.claim(database, identity, place)
    if elsewhere is None:
        return store
    refused = f"store: this database's pictures lie in {elsewhere.place}, not in {place}."
    if elsewhere.in_use:
        raise SettingsError(f"{refused} {_ADVICE}.")
    if not await _has_all(store, elsewhere):
        raise SettingsError(f"{refused} {_COPY}. {_ADVICE}.")
    if not await originals.move(database, elsewhere.identity, identity, place):
        raise SettingsError(f"{refused} {_ADVICE}.")
    log.info("the store has moved", was=elsewhere.place, now=place)
    return store


async def _has_all(store: Store, elsewhere: Elsewhere) -> bool:
    for key, size in elsewhere.pictures.items():
        if await store.size(key) != size:
            return False
    return True


def machine(settings: Settings) -> str:
    """What tells this loopback from any other: the running kernel and its network namespace.

    Two containers of one machine have two loopbacks, two processes beside each other have one. A
    restart gives another answer; nothing rests on it longer than a lease.
    """
    if settings.machine:
        return settings.machine
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        network = Path("/proc/self/ns/net").stat()
    except OSError:  # not Linux: one loopback on each machine
        return platform.node()
    return f"{boot}/{network.st_dev}:{network.st_ino}"
