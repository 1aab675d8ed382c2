"""What an operator may say, from `safelight.toml`, the environment and flags.

    model.py      the sections, their defaults and bounds
    fleet.py      those about render servers
    publishers.py those about publishers
    webhooks.py   the one about webhooks
    telemetry.py  those about the log and about traces
    loading.py    the layers, which of them wins, and what is wrong with them
    showing.py    the effective settings as text, secrets redacted
    secrets.py    the secrets among them, so that no log shows them
    catalogue.py  workflow files, characters and styles as records

Nothing outside this package reads the environment, and it does so once, in `load`.
"""

from safelight.settings.checks import address, duration, is_loopback, on_loopback
from safelight.settings.fleet import Backend, Pool
from safelight.settings.loading import home, load
from safelight.settings.model import (
    CharacterEntry,
    Database,
    Limits,
    Rendering,
    Retention,
    Server,
    Settings,
    Store,
    StyleEntry,
    WorkflowEntry,
)
from safelight.settings.publishers import PublisherEntry
from safelight.settings.secrets import secrets_of
from safelight.settings.showing import show
from safelight.settings.telemetry import Logs, Tracing
from safelight.settings.webhooks import Webhooks

__all__ = [
    "Backend",
    "CharacterEntry",
    "Database",
    "Limits",
    "Logs",
    "Pool",
    "PublisherEntry",
    "Rendering",
    "Retention",
    "Server",
    "Settings",
    "Store",
    "StyleEntry",
    "Tracing",
    "Webhooks",
    "WorkflowEntry",
    "address",
    "duration",
    "home",
    "is_loopback",
    "load",
    "on_loopback",
    "secrets_of",
    "show",
]
