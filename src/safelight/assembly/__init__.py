"""The one place that knows everything: it puts the concrete parts together and takes them apart."""

from safelight.assembly.doctor import Check, doctor
from safelight.assembly.serving import Running, migrate, running, serve, work

__all__ = ["Check", "Running", "doctor", "migrate", "running", "serve", "work"]
