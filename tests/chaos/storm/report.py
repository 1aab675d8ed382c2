"""The figures of a storm, as text and JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos.storm.clients import Clients
from tests.chaos.storm.evidence import Found, whole
from tests.chaos.storm.nature import Nature
from tests.chaos.storm.plan import FAULTS, LEFT_OUT, Plan


@dataclass
class Report:
    """What a storm did, and what came of it."""

    seed: int
    storm_seconds: float
    seconds: float  # until the last image had ended
    batches: int
    images: int
    stored: int
    failed: dict[str, int]  # by code
    renderings: int
    renderings_per_stored_image: float
    in_vain: int  # whole pictures that no image shows, because they were out of reach
    attempts_per_image: dict[str, int]  # attempts → images
    outcomes: dict[str, int]  # of attempts
    strikes: dict[str, int]
    faults: dict[str, int]
    left_out: dict[str, str]
    events: int
    answers: dict[str, int]
    problems: dict[str, int]
    crashes: list[str]
    left_running: list[str]
    violations: list[str] = field(default_factory=list)

    @property
    def calm(self) -> list[str]:
        """What should have struck and never did."""
        return [name for name, times in {**self.strikes, **self.faults}.items() if not times]

    def text(self) -> str:
        """For people."""
        rows = [
            f"storm {self.seed}: {self.storm_seconds:g} s, all images had ended after "
            f"{self.seconds:.0f} s",
            f"images      {self.images} in {self.batches} batches, {self.stored} stored, "
            f"{self.images - self.stored} failed {_told(self.failed)}",
            f"renderings  {self.renderings}, {self.renderings_per_stored_image:.2f} for each "
            f"stored image; {self.in_vain} whole pictures were out of reach for too long",
            f"attempts    {_told(self.attempts_per_image)} (attempts: images)",
            f"outcomes    {_told(self.outcomes)}",
            f"strikes     {sum(self.strikes.values())}: {_told(self.strikes)}",
            f"faults      {sum(self.faults.values())}: {_told(self.faults)}",
            *(f"left out    {name}: {reason}" for name, reason in self.left_out.items()),
            f"events      {self.events}, each once for its listener",
            f"answers     {_told(self.answers)} {_told(self.problems)}",
            *(f"crash       {crash}" for crash in self.crashes),
            *(f"left over   {name}" for name in self.left_running),
            *(f"WRONG       {wrong}" for wrong in self.violations),
            f"{len(self.violations)} violations",
        ]
        return "\n".join(rows)

    def write(self, folder: Path) -> Path:
        """Keep it as text and JSON; the path of the text."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"storm-{self.seed}.txt"
        path.write_text(self.text() + "\n")
        document = json.dumps(asdict(self), indent=1)
        path.with_suffix(".json").write_text(document + "\n")
        return path


def make_report(
    plan: Plan,
    seconds: float,
    found: Found,
    clients: Clients,
    nature: Nature,
    violations: list[str],
) -> Report:
    """Count everything."""
    shots = list(found.shots.values())
    stored = sum(shot.status == "stored" for shot in shots)
    renderings = sum(map(len, found.renderings.values()))
    faults: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
    for watch in nature.watches:
        faults.update({name: times for name, times in watch.struck.items() if name in FAULTS})
    crashes = [crash for child in nature.stage.children for crash in child.crashes]
    return Report(
        seed=plan.seed,
        storm_seconds=plan.seconds,
        seconds=round(seconds, 1),
        batches=len(found.batches),
        images=len(shots),
        stored=stored,
        failed=dict(Counter(shot.error or "?" for shot in shots if shot.status == "failed")),
        renderings=renderings,
        renderings_per_stored_image=round(renderings / max(1, stored), 3),
        in_vain=_in_vain(found),
        attempts_per_image=_sorted(Counter(str(len(shot.attempts)) for shot in shots)),
        outcomes=_sorted(
            Counter(str(attempt.outcome) for shot in shots for attempt in shot.attempts)
        ),
        strikes=dict(nature.struck),
        faults=dict(faults),
        left_out=dict(LEFT_OUT),
        events=sum(len(told.events) for told in clients.ordered),
        answers=_sorted(clients.answers),
        problems=_sorted(clients.problems),
        crashes=crashes,
        left_running=[],
        violations=violations,
    )


def _in_vain(found: Found) -> int:
    shown = {shot.prompt for shot in found.shots.values() if shot.status == "stored"}
    made = [one for prompt in found.renderings.keys() - shown for one in found.renderings[prompt]]
    return sum(one.outcome == "success" and whole(one.file) is not None for one in made)


def _sorted(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items()))


def _told(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {times}" for name, times in counted.items())
