"""How many files and connections this process may have open."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger()
_BESIDE = 300  # what is open beside the connections of listeners: database, backends, files


def many_files(listeners: int) -> None:
    """Raise the limit as far as this process may, and say so where that is not enough.

    Systems give a process 1,024 by default and let it have far more if it asks. Without a free one
    no connection is accepted.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = listeners + _BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning(
            "fewer open files are allowed than there may be listeners",
            allowed=most,
            listeners=listeners,
            advice="raise the limit of open files (ulimit -Hn), or lower server.max_listeners",
        )
