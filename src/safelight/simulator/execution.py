"""One prompt's way through the worker: which nodes run, what is told, how it ends."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from safelight.simulator.caching import Made, NodeCache
from safelight.simulator.graphs import Agenda
from safelight.simulator.meaning import inputs_of, meant, sketched
from safelight.simulator.naming import OutsideOutputError
from safelight.simulator.queueing import Item
from safelight.simulator.reporting import Report
from safelight.simulator.scene import Scene, digest_of
from safelight.simulator.studio import (
    InterruptedRenderingError,
    OutOfMemoryError,
    Session,
    Studio,
    WorkerDiedError,
)

NODE_FAILURES = (
    OutsideOutputError,
    OutOfMemoryError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ValueError,
    OSError,
    MemoryError,
    SyntaxError,  # Pillow, of a broken PNG
    Image.DecompressionBombError,
)
OUT_OF_MEMORY = (
    "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before "
    "you might have accidentally set the batch_size to a large number."
)


@dataclass
class Execution:
    """Runs one prompt from start to end, in the worker's thread."""

    studio: Studio
    cache: NodeCache
    item: Item
    report: Report
    session: Session
    done: list[str] = field(default_factory=list)  # nodes that ran, cached ones not among them
    told: dict[str, Made] = field(default_factory=dict)  # what output nodes had to show
    outcome: str = "success"

    def run(self) -> None:
        """Every node of the prompt, until one fails."""
        graph, outputs = self.item[2], self.item[4]
        self.report.message("execution_start")
        if self.session.borrows():
            self._borrow(outputs)
            return
        self._turn_cache()
        cached = [node for node in graph if self.cache.get(node) is not None]
        self.report.message("execution_cached", nodes=cached)
        agenda = Agenda(graph, outputs, self._is_output, lambda node: node in cached)
        if all(node in cached for node in agenda.left()):
            self.outcome = "cached"
        self.session.plan([node for node in agenda.left() if node not in cached])
        while agenda:
            node = agenda.next()
            if not self._runs(node):
                return
            agenda.done(node)
        self.report.message("execution_success")

    def entry(self) -> dict[str, Any]:
        """What the history keeps of it."""
        completed = self.outcome in ("success", "cached")
        return {
            "outputs": {node: made.told for node, made in self.told.items()},
            "status": {
                "status_str": "success" if completed else "error",
                "completed": completed,
                "messages": self.report.messages,
            },
            "meta": {node: made.meta for node, made in self.told.items()},
        }

    def file(self) -> str | None:
        """The first picture that was saved, as a path below the output folder."""
        for made in self.told.values():
            for image in (made.told or {}).get("images", ()):
                if image["type"] == "output":
                    path = self.studio.folders.output / image["subfolder"] / image["filename"]
                    return str(path.relative_to(self.studio.folders.output))
        return None

    def _turn_cache(self) -> None:
        try:
            self.cache.turn_to(self.item[2], self._changed)
        except (KeyError, AttributeError, TypeError) as poison:
            raise WorkerDiedError from poison

    def _changed(self, node: str) -> str:
        """What a node depends on beside its inputs: LoadImage on the bytes of its file."""
        given = self.item[2][node]
        if given["class_type"] != "LoadImage":
            return ""
        path = self.studio.folders.input / str(given["inputs"].get("image"))
        return digest_of(path) if path.is_file() else ""

    def _is_output(self, node: str) -> bool:
        return self.studio.catalog[self.item[2][node]["class_type"]].is_output

    def _borrow(self, outputs: list[str]) -> None:
        """Answer with the pictures of the prompt before, as a server with a wider cache does."""
        self.report.message("execution_cached", nodes=list(self.item[2]))
        before = self.studio.last_shown
        for node in outputs:
            made = Made((), before, _meta(node))
            self.told[node] = made
            self.report.executed(node, made.told)
            self.report.finish(node)
        self.outcome = "cached"
        self.report.message("execution_success")

    def _runs(self, node: str) -> bool:
        known = self.cache.get(node)
        if known is not None:
            self._repeat(node, known)
            return True
        self.report.start(node)
        try:
            made = self._make(node)
        except InterruptedRenderingError:
            self.outcome = "interrupted"
            about = self._about(node)
            self.report.message("execution_interrupted", to_all=True, **about)
            return False
        except NODE_FAILURES as failure:
            self.outcome = "error"
            self.report.message(
                "execution_error", **self._about(node), **self._failed(node, failure)
            )
            return False
        self.cache.keep(node, made)
        if made.told is not None:
            self.told[node] = made
            self.report.executed(node, made.told)
        self.report.finish(node)
        self.done.append(node)
        return True

    def _repeat(self, node: str, known: Made) -> None:
        if known.told is not None:
            self.told[node] = known
        self.report.executed(node, known.told)
        self.report.finish(node)

    def _make(self, node: str) -> Made:
        self.session.check_interrupt()
        graph = self.item[2]
        values = {name: made.values for name in graph if (made := self.cache.get(name))}
        given = inputs_of(graph, node, values)
        kind = graph[node]["class_type"]
        outputs = meant(graph, node, values, self.studio.folders)
        shown = self.session.act(self.report, node, kind, given, outputs)
        return Made(outputs, shown, None if shown is None else _meta(node))

    def _about(self, node: str) -> dict[str, Any]:
        kind = self.item[2][node]["class_type"]
        return {"node_id": node, "node_type": kind, "executed": list(self.done)}

    def _failed(self, node: str, failure: Exception) -> dict[str, Any]:
        tip = OUT_OF_MEMORY if isinstance(failure, OutOfMemoryError) else ""
        graph = self.item[2]
        values = {name: made.values for name in graph if (made := self.cache.get(name))}
        given = inputs_of(graph, node, values)
        return {
            "exception_message": f"{failure}\n{tip}",
            "exception_type": _type_name(failure),
            "traceback": traceback.format_tb(failure.__traceback__),
            "current_inputs": {name: [_printed(value)] for name, value in given.items()},
            "current_outputs": list(graph),
        }


def rendering_of(item: Item, studio: Studio) -> Scene | None:
    """What the prompt will show, for the oracle; None where that cannot be told."""
    scenes = (sketched(item[2], output, studio.folders) for output in item[4])
    return next((scene for scene in scenes if scene is not None), None)


def _meta(node: str) -> dict[str, Any]:
    return {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node}


def _type_name(failure: Exception) -> str:
    if isinstance(failure, OutOfMemoryError):
        return "torch.OutOfMemoryError"
    if isinstance(failure, OutsideOutputError):
        return "Exception"
    return type(failure).__name__


def _printed(value: Any) -> Any:
    if isinstance(value, Scene):
        width, height = value.size
        return f"tensor(shape=[{value.batch}, {height}, {width}, 3], seed={value.seed})"
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
