"""What nodes do beside computing: they take time, show previews, save, and fail."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from PIL import Image

from safelight.simulator.catalog import Catalog
from safelight.simulator.clock import PATIENCE, Clock, Effort
from safelight.simulator.faults import Faults
from safelight.simulator.folders import Folders
from safelight.simulator.naming import place_for
from safelight.simulator.painting import paint
from safelight.simulator.queueing import Item
from safelight.simulator.reporting import Report
from safelight.simulator.saving import halve, jpeg, png_info, preview_size, previewer, save_all
from safelight.simulator.scene import Scene

SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustomAdvanced")
PREVIEW_EVERY = 0.1  # seconds; a real GPU's steps are rarely faster
SLOWER = 5


class InterruptedRenderingError(Exception):
    """Somebody asked for the running prompt to stop."""


class OutOfMemoryError(Exception):
    """The GPU we do not have is full."""


class WorkerDiedError(Exception):
    """What no prompt may do and some do: end the only worker."""


@dataclass
class Studio:
    """What all prompts of one life of a server share."""

    catalog: Catalog
    folders: Folders
    faults: Faults
    seconds: float
    steps: int
    lab: bool
    lab_scale: float
    gone: Event
    strike: Callable[[str], None]  # carries out a fault that concerns the whole server
    interrupt: Event = field(default_factory=Event)
    effort: Effort = field(default_factory=Effort)
    last_shown: dict[str, Any] | None = None
    temp_prefix: str = field(default_factory=lambda: f"ComfyUI_temp_{_letters(5)}")


class Session:
    """One prompt's use of the studio."""

    def __init__(self, studio: Studio, item: Item, scene: Scene | None) -> None:
        self._studio = studio
        self._item = item
        self._faults = studio.faults.draw()
        self.clock = Clock(studio.seconds, studio.gone)
        self._pixels = 0 if scene is None else scene.size[0] * scene.size[1] * scene.batch
        self._samplers_left = 0
        self._outputs_left = 0
        self._first: tuple[Scene, Image.Image] | None = None  # previews and saving share it
        self._past_middle = False

    def plan(self, nodes: list[str]) -> None:
        """Which nodes are going to run."""
        kinds = [self._item[2][node]["class_type"] for node in nodes]
        self._samplers_left = sum(kind in SAMPLERS for kind in kinds)
        self._outputs_left = sum(self._studio.catalog[kind].is_output for kind in kinds)
        if not nodes:
            self._faults &= {"lose-history"}  # what is cached has no middle to be struck in
        elif self._takes("slow"):
            self.clock.stretch(SLOWER)

    def borrows(self) -> bool:
        """Whether a fault answers with the prompt before."""
        return self._studio.last_shown is not None and self._takes("cached-duplicate")

    def forgets(self) -> bool:
        """Whether a fault loses the history entry."""
        return self._takes("lose-history")

    def check_interrupt(self) -> None:
        """Stop here if somebody asked for it."""
        if self._studio.interrupt.is_set():
            self._studio.interrupt.clear()
            raise InterruptedRenderingError

    def act(
        self, report: Report, node: str, kind: str, given: dict[str, Any], made: tuple[Any, ...]
    ) -> dict[str, Any] | None:
        """Do what this class of node does; what there is to show of it."""
        if kind in SAMPLERS:
            self._sample(report, node, kind, given, made[0])
        elif kind == "LabSleepSampler":
            steps, seconds = given["steps"], given["seconds"] * self._studio.lab_scale
            self._steps(report, node, made[0], steps, seconds, given["preview"])
        elif kind == "LabSleepBlind":
            self.clock.wait(given["seconds"] * self._studio.lab_scale)
        elif kind == "LabRaise":
            _raise(given["kind"], given["message"])
        elif kind == "SaveImage":
            return self._save(given["images"], given["filename_prefix"], "output")
        elif kind == "PreviewImage":
            return self._save(given["images"], self._studio.temp_prefix, "temp")
        return None

    def _sample(
        self, report: Report, node: str, kind: str, given: dict[str, Any], scene: Scene
    ) -> None:
        steps = self._studio.steps
        if self._studio.lab:
            steps = given["sigmas"] if kind == "SamplerCustomAdvanced" else given["steps"]
        self._picture(scene, 0)
        seconds = self._until_saving() / self._samplers_left
        self._samplers_left -= 1
        self._steps(report, node, scene, steps, seconds, previews=True)

    def _steps(
        self, report: Report, node: str, scene: Scene, steps: int, seconds: float, previews: bool
    ) -> None:
        preview = self._previews(scene, seconds / steps) if previews else None
        start = time.monotonic()
        for step in range(1, steps + 1):
            self.clock.wait(start + seconds * step / steps - time.monotonic())
            if 2 * step >= steps:
                self._middle()
            self.check_interrupt()
            seen = preview(step / steps) if preview is not None and report.is_heard() else None
            report.step(node, step, steps, seen)

    def _previews(self, scene: Scene, pace: float) -> Callable[[float], bytes | None]:
        """A preview each step in the lab, else as often as eyes can follow."""
        if self._studio.lab:
            return self._lab_previews(scene)
        last = time.monotonic() if pace < PREVIEW_EVERY else 0.0
        show: Callable[[float], bytes] | None = None

        def preview(share: float) -> bytes | None:
            nonlocal last, show
            if time.monotonic() - last < PREVIEW_EVERY:
                return None
            last = time.monotonic()
            show = show or previewer(self._picture(scene, 0))
            return show(share)

        return preview

    def _lab_previews(self, scene: Scene) -> Callable[[float], bytes]:
        frame = b""

        def preview(_: float) -> bytes:
            nonlocal frame
            frame = frame or jpeg(preview_size(self._picture(scene, 0)))
            return frame

        return preview

    def _save(self, scene: Scene, prefix: str, kind: str) -> dict[str, Any]:
        self._wait_before_saving(scene)
        began = time.monotonic()
        folders = self._studio.folders
        folder = folders.output if kind == "output" else folders.temp
        place = place_for(prefix, folder, *scene.size)
        info = png_info(self._item[2], self._item[3])
        listing = save_all(place, self._pictures(scene), info, kind)
        if self._takes("truncate"):
            halve(place.folder / listing[0]["filename"])
        self._studio.effort.learn(self._pixels, time.monotonic() - began)
        self._outputs_left -= 1
        if not self._outputs_left:
            self.clock.wait(self.clock.left())
        shown = {"images": listing}
        self._studio.last_shown = shown
        return shown

    def _wait_before_saving(self, scene: Scene) -> None:
        """Where nothing sampled, the time passes here; an interrupt then counts as in between."""
        self._picture(scene, 0)
        half = self._until_saving() / 2
        while True:
            left = self._until_saving()
            if left <= half:
                self._middle()
            self.check_interrupt()
            if left <= 0:
                return
            self.clock.wait(min(PATIENCE, left if self._past_middle else left - half))

    def _until_saving(self) -> float:
        return self.clock.before(self._studio.effort.expected(self._pixels))

    def _middle(self) -> None:
        """Where most faults strike."""
        if self._past_middle:
            return
        self._past_middle = True
        for name in ("drop-websocket", "deaf-websocket", "refuse"):
            if self._takes(name):
                self._studio.strike(name)
        if self._takes("restart"):
            self._studio.strike("restart")
            self.clock.wait_for_ever()
        if self._takes("zombie"):
            self.clock.wait_for_ever()
        if self._takes("oom"):
            raise OutOfMemoryError("Allocation on device ")

    def _pictures(self, scene: Scene) -> Iterator[Image.Image]:
        for element in range(scene.batch):
            self.clock.wait(0)
            yield self._picture(scene, element)

    def _picture(self, scene: Scene, element: int) -> Image.Image:
        if element:
            return paint(scene, element)
        if self._first is None or self._first[0] != scene:
            self._first = scene, paint(scene)
        return self._first[1]

    def _takes(self, name: str) -> bool:
        """Whether a fault strikes now; it does so once."""
        if name not in self._faults:
            return False
        self._faults.discard(name)
        return self._studio.faults.count(name)


def _letters(count: int) -> str:
    return "".join(random.choices(string.ascii_lowercase, k=count))


def _raise(kind: str, message: str) -> None:
    if kind == "ValueError":
        raise ValueError(message)
    if kind == "OOM":
        raise OutOfMemoryError(message)
    if kind != "none":
        raise WorkerDiedError(kind)
