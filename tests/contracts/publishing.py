"""Every kind of publisher with its far side, alike for the contract."""

from __future__ import annotations

import asyncio
import http.client
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import obstore

from safelight.core.placing import PlaceTemplate
from safelight.publishers.base import Publisher
from safelight.publishers.bucket import Bucket
from safelight.publishers.bucket_objects import open_target
from safelight.publishers.bunny import Bunny
from safelight.publishers.cloudinary import Cloudinary
from safelight.publishers.http import Patience
from tests.standins import bunny, cloudinary, s3
from tests.standins.server import Remote

NOWHERE = "http://127.0.0.1:1"
QUICK = Patience(connect=2.0, stall=1.0, answer=1.0)
USUAL = Patience()
WRONG = "wr0ng-s3cret-000000"


class Far(Protocol):
    """A far side and how to reach it."""

    def publisher(self, patience: Patience = USUAL) -> Publisher:
        """One that is set up as it must be."""

    def stranger(self) -> Publisher:
        """One with a wrong secret."""

    def lost(self) -> Publisher:
        """One that looks where nobody is."""

    def lying(self) -> dict[str, str]:
        """What lies there: place and SHA-256."""

    @contextmanager
    def strict(self) -> Iterator[None]:
        """While secrets are checked; most far sides always do."""


class AtCloudinary:
    """The stand-in's product environment."""

    def __init__(self, standin: cloudinary.Cloudinary | Remote) -> None:
        self.standin = standin

    def publisher(self, patience: Patience = USUAL) -> Publisher:
        return self._made(self.standin.url, cloudinary.SECRET, patience)

    def stranger(self) -> Publisher:
        return self._made(self.standin.url, WRONG, USUAL)

    def lost(self) -> Publisher:
        return self._made(NOWHERE, cloudinary.SECRET, USUAL)

    def lying(self) -> dict[str, str]:
        return {asset["public_id"]: asset["sha256"] for asset in self.standin.assets()}

    @contextmanager
    def strict(self) -> Iterator[None]:
        yield

    def _made(self, url: str, secret: str, patience: Patience) -> Publisher:
        return Cloudinary(
            "cloudinary",
            cloud_name=cloudinary.CLOUD,
            api_key=cloudinary.KEY,
            api_secret=secret,
            public_id=PlaceTemplate("{user}/{character}/images/{stem}"),
            upload_prefix=url,
            patience=patience,
        )


class AtBunny:
    """The stand-in's storage zone."""

    def __init__(self, standin: bunny.Bunny | Remote) -> None:
        self.standin = standin

    def publisher(self, patience: Patience = USUAL) -> Publisher:
        return self._made(self.standin.url, bunny.KEY, patience)

    def stranger(self) -> Publisher:
        return self._made(self.standin.url, WRONG, USUAL)

    def lost(self) -> Publisher:
        return self._made(NOWHERE, bunny.KEY, USUAL)

    def lying(self) -> dict[str, str]:
        return {file["path"]: file["sha256"] for file in self.standin.assets()}

    @contextmanager
    def strict(self) -> Iterator[None]:
        yield

    def _made(self, url: str, key: str, patience: Patience) -> Publisher:
        return Bunny(
            "bunny",
            zone=bunny.ZONE,
            access_key=key,
            public_url="https://pictures.b-cdn.net",
            path=PlaceTemplate("{user}/{character}/images/{name}"),
            endpoint=url,
            patience=patience,
        )


class AtBucket:
    """A bucket of the S3 server, under a prefix of its own."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.prefix = secrets.token_hex(8)

    def publisher(self, patience: Patience = USUAL) -> Publisher:
        return bucket(self.url("right-s3cret"))

    def stranger(self) -> Publisher:
        return bucket(self.url(WRONG))

    def lost(self) -> Publisher:
        return bucket(self.url("right-s3cret", NOWHERE))

    def lying(self) -> dict[str, str]:
        return lying(self.url("right-s3cret"))

    @contextmanager
    def strict(self) -> Iterator[None]:
        self._check_keys_after(b"0")
        try:
            yield
        finally:
            self._check_keys_after(b"inf")

    def url(self, secret: str, endpoint: str = "") -> str:
        """What would stand in the settings."""
        return s3.url(endpoint or self.endpoint, self.prefix, secret)

    def _check_keys_after(self, requests: bytes) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=30)
        try:
            connection.request("POST", "/moto-api/reset-auth", requests)
            assert connection.getresponse().status == 200
        finally:
            connection.close()


class AtFolder:
    """A local folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def publisher(self, patience: Patience = USUAL) -> Publisher:
        return bucket(f"file://{self.folder}")

    def stranger(self) -> Publisher:
        raise AssertionError("a folder has no secret")

    def lost(self) -> Publisher:
        away = self.folder.parent / "away"
        publisher = bucket(f"file://{away}")
        away.rmdir()
        return publisher

    def lying(self) -> dict[str, str]:
        return lying(f"file://{self.folder}")

    @contextmanager
    def strict(self) -> Iterator[None]:
        yield


def bucket(url: str, cache_control: str = "public, max-age=31536000, immutable") -> Publisher:
    """A publisher of a bucket or folder."""
    return Bucket(
        "bucket",
        target=open_target(url),
        public_url="https://pictures.example.com",
        path=PlaceTemplate("{user}/{character}/images/{name}"),
        cache_control=cache_control,
    )


def lying(url: str) -> dict[str, str]:
    """What lies in a bucket or folder: key and SHA-256."""
    objects = open_target(url).objects
    found = {}
    for page in obstore.list(objects):
        for meta in page:
            data = bytes(obstore.get(objects, meta["path"]).bytes())
            found[meta["path"]] = sha256(data).hexdigest()
    return found


def at(kind: str, url: str) -> AtCloudinary | AtBunny:
    """The far side of a stand-in that runs somewhere else."""
    return AtCloudinary(Remote(url)) if kind == "cloudinary" else AtBunny(Remote(url))


@contextmanager
def standin_process(kind: str) -> Iterator[str]:
    """The address of a stand-in in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "tests.standins", kind]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            ready, url = process.stdout.readline().split()
            assert ready == "ready"
            yield url
        finally:
            process.terminate()


class Watched:
    """How much memory of its own this process took meanwhile, at most."""

    async def __aenter__(self) -> Watched:
        self._before = self._most = _own_memory()
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def grown(self) -> int:
        """Bytes."""
        return self._most - self._before

    async def _watch(self) -> None:
        while True:
            self._most = max(self._most, _own_memory())
            await asyncio.sleep(0.005)


def _own_memory() -> int:
    """Bytes that no file backs, so that the kernel could not take them back."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024
