"""The one place that knows everything: it puts the concrete parts together and takes them apart."""

from safelight.assembly.archive import BadBackup, Unwritten
from safelight.assembly.backup import Outcome, Summary, backup, restore
from safelight.assembly.doctor import Check, doctor
from safelight.assembly.serving import Running, migrate, running, serve, work
from safelight.database.restoring import NotEmpty

__all__ = [
    "BadBackup",
    "Check",
    "NotEmpty",
    "Outcome",
    "Running",
    "Summary",
    "Unwritten",
    "backup",
    "doctor",
    "migrate",
    "restore",
    "running",
    "serve",
    "work",
]
