"""What `serve` holds while very many pictures are copied to publishers."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from PIL import Image

from benchmarks.stage import Stage
from benchmarks.timing import spread
from benchmarks.verdict import Verdict, at_most
from benchmarks.watching import MemoryWatch, Sample
from tests.contracts.publishing import standin_process
from tests.standins.cloudinary import CLOUD, KEY, SECRET

SIDE: Final = 600  # px: noise of it has about 1 MB
TOLD_EVERY: Final = 1.0  # s
LONGEST: Final = 3600.0  # s


def publish(stage: Stage, quick: bool) -> list[Verdict]:
    """Pictures of 1 MB, adopted, are copied to Cloudinary's stand-in and to a folder."""
    images = 300 if quick else 5000
    old = stage.home / "old"
    old.mkdir()
    with ThreadPoolExecutor(4) as painters:
        list(painters.map(partial(_paint, old), range(1, images + 1)))
    with standin_process("cloudinary") as url:
        stage.configure([], _toml(url, stage.home / "cdn"))
        adopting = stage.start(
            "adopt", "--user", "ann", "--character", "mira", "--from", str(old), "--apply"
        )
        assert adopting.popen.wait(LONGEST) == 0, adopting.lines[-5:]
        serving = stage.serve([], config=_toml(url, stage.home / "cdn"))
        done = Done(serving.url)
        began = time.monotonic()
        with MemoryWatch(serving.process.popen.pid, lambda: done.copies) as watch:
            done.wait_for(2 * images)
        seconds = time.monotonic() - began
        assert _kept(url) == images
        assert sum(1 for _ in (stage.home / "cdn").rglob("*.png")) == images
    return [_peak(watch.samples, images, seconds), _growth(watch.samples, judged=not quick)]


class Done:
    """How many copies are made, asked now and then."""

    def __init__(self, url: str) -> None:
        self.copies = 0
        self._url = url

    def wait_for(self, copies: int) -> None:
        """Until there are so many; raises AssertionError when one has failed."""
        until = time.monotonic() + LONGEST
        while self.copies < copies:
            assert time.monotonic() < until, f"{self.copies} of {copies} copies"
            time.sleep(TOLD_EVERY)
            told = _told(f"{self._url}/v1/publishers")["data"]
            assert not any(one["failed"] for one in told), told
            self.copies = sum(one["uploaded"] for one in told)


def _toml(url: str, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    return (
        f'[publishers.cloudinary]\ncloud_name = "{CLOUD}"\napi_key = "{KEY}"\n'
        f'api_secret = "{SECRET}"\nupload_prefix = "{url}"\n'
        f'[publishers.folder]\nkind = "bucket"\nurl = "file://{folder}"\n'
        'public_url = "https://pictures.example.com"\n'
    )


def _paint(folder: Path, index: int) -> None:
    noise = Image.frombytes("RGB", (SIDE, SIDE), os.urandom(SIDE * SIDE * 3))
    noise.save(folder / f"ann_mira_image_{index:05d}_.png", compress_level=0)


def _told(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=120) as answer:
        return json.load(answer)


def _kept(url: str) -> int:
    return len(_told(f"{url}/standin/assets"))


def _peak(samples: list[Sample], images: int, seconds: float) -> Verdict:
    held = [sample.mb for sample in samples]
    return Verdict(
        "publish-peak",
        f"the most that serve held while {images} images of 1 MB were copied twice",
        *spread([max(held)]),
        "MB",
        f"{max(held):.0f} MB",
        f"{held[0]:.0f} MB (at the start)",
        at_most(250),
        {"images": images, "seconds": seconds, "copies_per_second": 2 * images / seconds},
    )


def _growth(samples: list[Sample], *, judged: bool) -> Verdict:
    held = [sample.mb for sample in samples]
    quarter = len(held) // 4
    second, last = median(held[quarter : 2 * quarter]), median(held[-quarter:])
    return Verdict(
        "publish-growth",
        "memory of serve while copying: median of the last quarter above that of the second",
        *spread([last - second]),
        "MB",
        f"{last:.0f} MB",
        f"{second:.0f} MB",
        at_most(10) if judged else (),
    )
