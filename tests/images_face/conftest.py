"""A real `serve` with two simulated ComfyUIs behind it, once for all tests of a worker."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from openai import OpenAI

from safelight.database import embedded
from tests.conftest import TEMPLATE, _admin
from tests.images_face.sdk import client_of
from tests.processes import Processes, Serving

_DATABASE = "images_face"
_users = itertools.count(1)


@pytest.fixture(scope="session")
def face(postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Its characters are mira and opal-fever; there are no keys."""
    asyncio.run(_admin(postgres, f"create database {_DATABASE} template {TEMPLATE}"))
    folder = quote(str(postgres.data / "cluster"), safe="")
    url = f"postgresql://{postgres.user}@/{_DATABASE}?host={folder}"
    started = Processes(tmp_path_factory.mktemp("face"), url)
    try:
        urls = [started.simulate(seconds=0.02).url for _ in range(2)]
        yield started.serve(urls)
    finally:
        started.stop_all()


@pytest.fixture
def client(face: Serving) -> Iterator[OpenAI]:
    """The SDK on it."""
    with client_of(face.url) as opened:
        yield opened


@pytest.fixture
def user() -> str:
    """Somebody nobody ordered for yet."""
    return f"person{next(_users)}"
