"""A real `serve` with a simulated ComfyUI behind it, once for all HTTP tests of a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from safelight.database import embedded
from tests.api.asking import Server
from tests.conftest import TEMPLATE, _admin
from tests.processes import Processes

_DATABASE = "api_stories"


@pytest.fixture(scope="session")
def server(postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its characters are mira and opal-fever; what a test changes stays for the next one."""
    asyncio.run(_admin(postgres, f"create database {_DATABASE} template {TEMPLATE}"))
    folder = quote(str(postgres.data / "cluster"), safe="")
    url = f"postgresql://{postgres.user}@/{_DATABASE}?host={folder}"
    started = Processes(tmp_path_factory.mktemp("api"), url)
    try:
        simulator = started.simulate(seconds=0.02)
        yield Server(started.serve([simulator.url]).url)
    finally:
        started.stop_all()
