"""JSON shapes of answers about characters and workflows; see `answer_schemas.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from safelight.api.answer_schemas import AnswerBody, Lora


class Character(AnswerBody):
    """A named subject; what it does not say is null."""

    id: str
    name: str
    style: str | None
    workflow: str | None
    prompt: str
    negative_prompt: str
    embedding: str | None
    loras: list[Lora]
    width: int | None
    height: int | None
    steps: int | None
    cfg: float | None
    sampler: str | None
    scheduler: str | None
    read_only: bool
    """It stands in the settings file."""


class Characters(AnswerBody):
    """All characters, by id."""

    data: list[Character]


class WorkflowHold(AnswerBody):
    """Where a workflow is not drawn until somebody resumes it."""

    pool: str
    reason: str
    backends: list[str]
    """Those that died while they drew it."""
    since: datetime


class WorkflowSummary(AnswerBody):
    """A workflow in the list."""

    id: str
    exact_size: bool
    read_only: bool
    held: list[WorkflowHold]
    """Empty unless it kills backends."""


class ResumedWorkflow(AnswerBody):
    """A workflow that is drawn again."""

    id: str
    pools: list[str]
    """Where it was held."""


class Report(AnswerBody):
    """What the check of a workflow found."""

    slots: dict[str, str]
    missing: list[str]
    """Slots it does without."""
    notes: list[str]
    classes: list[str]
    """Node classes a backend must have."""
    output: str
    """The node whose first picture counts."""


class WorkflowCheck(AnswerBody):
    """What a check of a graph found that nobody keeps."""

    report: Report


class Workflow(WorkflowSummary):
    """A workflow with its graph."""

    graph: dict[str, Any]
    slots: dict[str, str]
    """As somebody named them."""
    report: Report


class Workflows(AnswerBody):
    """All workflows, by id."""

    data: list[WorkflowSummary]
