"""The one place that knows everything: it puts the concrete parts together and takes them apart."""

from safelight.assembly.adopting import Adoption, adopt
from safelight.assembly.archive import BadBackup, Unwritten
from safelight.assembly.audit import Wanted, auditing
from safelight.assembly.backup import Outcome, Summary, backup, restore
from safelight.assembly.check import Check
from safelight.assembly.doctor import doctor
from safelight.assembly.erase import erasing, known_of
from safelight.assembly.keys import making_keys
from safelight.assembly.serving import Running, migrate, running, serve, work
from safelight.database.erasing import Known
from safelight.database.keys import Allowance, ApiKey
from safelight.database.restoring import NotEmpty
from safelight.gateway.keymaking import KeyMaker
from safelight.pipeline.auditing import Auditor, Finding
from safelight.pipeline.erasing import Erased, Eraser
from safelight.renderers.outputs import OutputAway

__all__ = [
    "Adoption",
    "Allowance",
    "ApiKey",
    "Auditor",
    "BadBackup",
    "Check",
    "Erased",
    "Eraser",
    "Finding",
    "KeyMaker",
    "Known",
    "NotEmpty",
    "Outcome",
    "OutputAway",
    "Running",
    "Summary",
    "Unwritten",
    "Wanted",
    "adopt",
    "auditing",
    "backup",
    "doctor",
    "erasing",
    "known_of",
    "making_keys",
    "migrate",
    "restore",
    "running",
    "serve",
    "work",
]
