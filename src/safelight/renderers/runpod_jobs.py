"""What this process knows of the jobs it has sent: RunPod names them, and tells the name once.

It is memory, no row: after a restart a job cannot be looked for, and its attempt is in doubt until
the job can no longer exist.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TypeAlias

from safelight.renderers.base import (
    FIRST_FILE,
    Answer,
    Fetched,
    OutputFile,
    Running,
    Sighting,
    Unfetched,
    Waiting,
)

_KEPT = 1_800.0  # s RunPod keeps what a job has put out


@dataclass(frozen=True, slots=True)
class Inline:
    """A picture in base64, not yet decoded."""

    data: str

    def unpacked(self, limit: int) -> Answer:
        """Its bytes, at most `limit` of them; a data URI will do too."""
        data = self.data
        if data.startswith("data:"):
            data = data.partition(",")[2]
        if len(data) // 4 * 3 - 2 > limit:
            return Unfetched(f"more than {limit} bytes", too_large=True)
        try:
            return Fetched(base64.b64decode(data, validate=True))
        except ValueError:
            return Unfetched("the picture is not base64", gone=True)


@dataclass(frozen=True, slots=True)
class Link:
    """Where a picture lies; the address is as good as a key to it."""

    url: str


@dataclass(frozen=True, slots=True)
class TooMuch:
    """An answer that was larger than any picture may be, and was not read."""


Picture: TypeAlias = Inline | Link | TooMuch


@dataclass(slots=True)
class Job:
    """One job, by the id RunPod gave it."""

    id: str
    prompt_id: str
    posted: float  # before its POST, on the loop's clock
    seen: Sighting = field(default_factory=lambda: Waiting(None))  # what was last heard of it
    over: bool = False
    picture: Picture | None = None  # from a look until it is fetched

    @property
    def file(self) -> OutputFile:
        """What its picture is called between us and the pipeline."""
        return OutputFile(FIRST_FILE, f"safelight/{self.prompt_id}", "output")


class Jobs:
    """Prompt id → job, for as long as RunPod can know it."""

    def __init__(self, limit: float) -> None:
        self._room = limit + _KEPT
        self._known: dict[str, Job] = {}

    def remember(self, job: Job) -> None:
        """A job was accepted. Those that RunPod has forgotten by now are forgotten too."""
        self._known[job.prompt_id] = job
        while self._known:
            oldest = next(iter(self._known.values()))
            if job.posted - oldest.posted <= self._room:
                break
            del self._known[oldest.prompt_id]

    def find(self, prompt_id: str) -> Job | None:
        """The job of a prompt, if this process has sent it."""
        return self._known.get(prompt_id)

    def of(self, file: OutputFile) -> Job | None:
        """The job whose picture is called so."""
        job = self._known.get(file.subfolder.rpartition("/")[2])
        return job if job and job.file == file else None

    def held(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The prompts that run and those that wait, as far as was heard."""
        open = [job for job in self._known.values() if not job.over]
        return (
            tuple(job.prompt_id for job in open if job.seen == Running()),
            tuple(job.prompt_id for job in open if job.seen != Running()),
        )
