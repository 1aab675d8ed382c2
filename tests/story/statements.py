"""A PostgreSQL of its own that writes down every statement: what was asked can be counted."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from safelight.database import embedded

# Who said it stands before every line: leases and the bell have sessions with other names.
LOGGED = {"log_statement": "all", "log_line_prefix": "#%a#"}
STATEMENT = re.compile(rb"^#safelight [0-9a-f]{8}#LOG:  (?:statement|execute [^:]+):", re.MULTILINE)


@contextmanager
def logging_server() -> Iterator[embedded.Server]:
    """A running server."""
    folder = Path(tempfile.mkdtemp(prefix="sl-"))
    server = asyncio.run(embedded.attach(folder / "pg", settings=LOGGED))
    try:
        yield server
    finally:
        asyncio.run(embedded.release(server))
        shutil.rmtree(folder, ignore_errors=True)


def url_of(server: embedded.Server) -> str:
    """Where processes find its database."""
    socket = quote(str(server.data / "cluster"), safe="")
    return f"postgresql://{server.user}@/{server.database}?host={socket}"


def said_since(server: embedded.Server, written: int) -> bytes:
    """What was written down behind so many bytes."""
    with server.log.open("rb") as log:
        log.seek(written)
        return log.read()
