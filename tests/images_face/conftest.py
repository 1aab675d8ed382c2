"""A real `serve` with two simulated ComfyUIs behind it, once for all tests of a worker."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from openai import OpenAI

from safelight.database import embedded
from tests.conftest import TEMPLATE, _admin
from tests.images_face.sdk import client_of
from tests.processes import Processes, Serving

_users = itertools.count(1)


@contextmanager
def _serving(postgres: embedded.Server, home: Path, seconds: float) -> Iterator[Serving]:
    database = f"images_{home.name}"
    asyncio.run(_admin(postgres, f"create database {database} template {TEMPLATE}"))
    folder = quote(str(postgres.data / "cluster"), safe="")
    started = Processes(home, f"postgresql://{postgres.user}@/{database}?host={folder}")
    try:
        yield started.serve([started.simulate(seconds=seconds).url for _ in range(2)])
    finally:
        started.stop_all()


@pytest.fixture(scope="session")
def face(postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Its characters are mira and opal-fever; there are no keys."""
    with _serving(postgres, tmp_path_factory.mktemp("face"), 0.02) as serving:
        yield serving


@pytest.fixture(scope="session")
def slow_face(
    postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """The same, where a picture takes its time."""
    with _serving(postgres, tmp_path_factory.mktemp("slow_face"), 0.7) as serving:
        yield serving


@pytest.fixture
def client(face: Serving) -> Iterator[OpenAI]:
    """The SDK on it."""
    with client_of(face.url) as opened:
        yield opened


@pytest.fixture
def user() -> str:
    """Somebody nobody ordered for yet."""
    return f"person{next(_users)}"
