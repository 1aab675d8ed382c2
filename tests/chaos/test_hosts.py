"""Several machines: database and bucket, API, two workers, a GPU apart; and cables that are cut."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from safelight.database import binaries
from tests.chaos.machines import Machine, Network
from tests.processes import QUICK
from tests.standins.s3 import MOTO
from tests.waiting import until

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: sudo make test"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="no ip: sudo make tools"),
]
API = "http://127.0.0.1:8080"
MAKE_BUCKET = "import urllib.request as u; u.urlopen(u.Request({!r}, method='PUT'), timeout=30)"


@dataclass
class Site:
    """Everything that runs, on its machines."""

    machines: Mapping[str, Machine]
    home: Path
    environ: dict[str, str]

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    def safelight(self, machine: str, *words: str, gpus: Mapping[str, str]) -> None:
        """Run `safelight WORDS` on a machine that knows these backends."""
        config = self.home / f"{machine}.toml"
        text = "".join(f'[[backends]]\nname = "{n}"\nurl = "{u}"\n' for n, u in gpus.items())
        text += f'[workflows.quick]\nfile = "{QUICK}"\n[characters.mira]\nworkflow = "quick"\n'
        config.write_text(text)
        command = [sys.executable, "-m", "safelight", *words, "--config", str(config)]
        own = {"SAFELIGHT_HOME": str(self.home / machine), **self.environ}
        log = self.home / f"{machine}.log"
        self[machine].start(*command, log=log, env={**os.environ, **own}, cwd=self.home)

    def order(self, quantity: int) -> str:
        body = {"user": "ann", "character": "mira", "prompt": "", "quantity": quantity}
        return str(self["api"].ask(f"{API}/v1/batches", body)["id"])

    def batch(self, id: str) -> Any:
        return self["api"].ask(f"{API}/v1/batches/{id}")

    def stored(self, id: str) -> int:
        return int(self.batch(id)["counts"]["stored"])

    def backend(self, name: str) -> Any:
        listed = self["api"].ask(f"{API}/v1/backends")["data"]
        return next((each for each in listed if each["name"] == name), {})

    def ended(self, id: str) -> list[Any]:
        """Its images with their attempts, when all are stored."""
        try:
            until(lambda: self.batch(id)["status"] not in ("queued", "running"), 150)
        except AssertionError:
            print(self.batch(id), self["api"].ask(f"{API}/v1/backends"), sep="\n")
            self.print_logs()
            raise
        batch = self.batch(id)
        assert batch["status"] == "completed", batch
        ids = [image["id"] for image in batch["images"]]
        return [self["api"].ask(f"{API}/v1/images/{id}") for id in ids]

    def print_logs(self) -> None:
        """The end of each."""
        for log in sorted(self.home.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}")

    def renderings(self, machine: str, url: str) -> list[Any]:
        found: list[Any] = self[machine].ask(f"{url}/simulator/renderings")
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Database and bucket on one machine, API, two workers with two GPUs each, and a GPU."""
    home = Path(tempfile.mkdtemp(prefix="sl-hosts-"))
    site = Site({}, home, {})
    try:
        with Network(["data", "api", "one", "two", "gpu"]) as site.machines:
            machines = site.machines
            site.environ = {
                **database_in(machines["data"], home),
                **bucket_in(machines["data"], home),
                "SAFELIGHT_STORE__URL": "s3://bucket/originals",
            }
            start_everything(site)
            yield site
    except BaseException:
        site.print_logs()
        raise
    finally:
        shutil.rmtree(home, ignore_errors=True)


def database_in(machine: Machine, home: Path) -> dict[str, str]:
    """A PostgreSQL that asks for a password, at the machine's address."""
    folder = home / "postgres"
    folder.mkdir()
    account = binaries.account_for(folder / "cluster")
    programs = binaries.locate(None, account)
    assert account is not None
    home.chmod(0o711)
    os.chown(folder, account.uid, account.gid)
    drop = {"user": account.uid, "group": account.gid, "extra_groups": []}
    password = secrets.token_hex(8)
    (folder / "password").write_text(password)
    cluster = str(folder / "cluster")
    ready = [programs.program("initdb"), "-D", cluster, "-U", "safelight", "--no-sync"]
    ready += ["--auth=scram-sha-256", f"--pwfile={folder}/password"]
    done = subprocess.run(ready, capture_output=True, cwd=folder, **drop)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    with (folder / "cluster" / "pg_hba.conf").open("a") as access:
        access.write("host all all 10.77.0.0/24 scram-sha-256\n")
    listening = ["-c", f"listen_addresses={machine.address}", "-c", "unix_socket_directories="]
    ids = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    server = [programs.program("postgres"), "-D", cluster, *listening]
    machine.start("setpriv", *ids, *server, log=home / "postgres.log", cwd=folder)
    return {
        "SAFELIGHT_DATABASE_URL": f"postgresql://safelight:{password}@{machine.address}/postgres"
    }


def bucket_in(machine: Machine, home: Path) -> dict[str, str]:
    """An S3 server with a bucket."""
    url = f"http://{machine.address}:5000"
    machine.start(str(MOTO), "-H", machine.address, "-p", "5000", log=home / "moto.log")
    machine.until_it_answers(url)
    machine.start(sys.executable, "-c", MAKE_BUCKET.format(f"{url}/bucket"), log=home / "moto.log")
    machine.until_it_answers(f"{url}/bucket")
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "public-part",
        "AWS_SECRET_ACCESS_KEY": "secret-part",
        "AWS_REGION": "eu-central-1",
    }


def start_everything(site: Site) -> None:
    """Both workers know the GPUs that have an address; each has one more on its own loopback, at
    the same url. The first drives all it may before the second comes."""
    for machine in ("one", "two", "gpu"):
        simulate(site, machine, site[machine].address)
    for machine in ("one", "two"):
        simulate(site, machine, "127.0.0.1")
    shared = {f"gpu-{name}": gpu_of(site, name) for name in ("one", "two", "gpu")}
    site.safelight("api", "serve", "--no-worker", "--port", "8080", gpus=shared)
    site["api"].until_it_answers(f"{API}/readyz")
    for machine in ("one", "two"):
        own = {f"pod-{machine}": "http://127.0.0.1:8188"}
        site.safelight(machine, "work", gpus={**shared, **own})
        until_ready(site, f"pod-{machine}")
    until_ready(site, *shared)


def until_ready(site: Site, *names: str, seconds: float = 60) -> None:
    until(lambda: all(site.backend(name).get("state") == "ready" for name in names), seconds)


def gpu_of(site: Site, machine: str) -> str:
    return f"http://{site[machine].address}:8188"


def simulate(site: Site, machine: str, address: str) -> None:
    home = site.home / f"simulator-{machine}-{address}"
    home.mkdir()
    command = [sys.executable, "-m", "safelight.simulator", "--home", str(home)]
    command += ["--host", address, "--port", "8188", "--seconds", "0.8"]
    site[machine].start(*command, log=site.home / f"simulator-{machine}.log")
    site[machine].until_it_answers(f"http://{address}:8188/queue")


def assert_stored_once(images: list[Any], quantity: int) -> None:
    """Each of them by one attempt, no picture twice."""
    assert len(images) == quantity
    for image in images:
        outcomes = Counter(attempt["outcome"] for attempt in image["attempts"])
        assert outcomes["stored"] == 1, image
    assert len({image["pixels_sha256"] for image in images}) == quantity


def test_a_batch_survives_a_cut_worker_and_a_cut_gpu(site: Site) -> None:
    """The worker that drives most GPUs loses its cable in the middle of a batch of 40, and with it
    two of five GPUs go: the other worker takes over and draws elsewhere what was there, and all 40
    are stored, none twice. With the cable mended, another batch loses one GPU's cable for a while:
    the GPU keeps its prompts, and every picture is painted once and stored."""
    assert site.backend("pod-one")["worker"] == site.backend("gpu-gpu")["worker"]
    assert site.backend("pod-two")["worker"] != site.backend("gpu-gpu")["worker"]
    first = site.order(40)
    until(lambda: site.stored(first) >= 6)
    site["one"].cut()
    images = site.ended(first)
    assert_stored_once(images, 40)
    drawn = Counter(image["backend"] for image in images)
    assert {"gpu-two", "gpu-gpu", "pod-two"} <= drawn.keys()
    assert len({site["api"].read(image["url"]) for image in images}) == 40

    site["one"].mend()
    until_ready(site, "pod-one", "gpu-one", seconds=90)
    before = len(site.renderings("gpu", gpu_of(site, "gpu")))
    second = site.order(40)
    until(lambda: site.stored(second) >= 4)
    site["gpu"].cut()
    time.sleep(5)  # how long the cable is out; nothing to wait for
    site["gpu"].mend()
    again = site.ended(second)
    assert_stored_once(again, 40)
    mine = [image for image in again if image["backend"] == "gpu-gpu"]
    assert len(site.renderings("gpu", gpu_of(site, "gpu"))) - before == len(mine)
