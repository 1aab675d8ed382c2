"""An order becomes a plan: everything that a worker needs to draw, resolved and frozen.

Every wrong field of an order is told at once. What a character or style says and the workflow has
no slot for is left out; what the request itself says is refused then, except its prompt, which is
kept with the batch and drawn where there is a place for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

from safelight.core.checking import PARAMETERS, order_faults
from safelight.core.errors import FieldError, Invalid
from safelight.core.filling import can_take_loras
from safelight.core.graph import graph_hash, targets
from safelight.core.prompting import texts
from safelight.core.records import (
    Catalogue,
    Character,
    Graph,
    Limits,
    Order,
    Plan,
    Style,
    Workflow,
)
from safelight.core.slots import find_slots

DEFAULT_POOL: Final = "default"

_FEW: Final = 100  # ids among which a near one is looked for


@dataclass(frozen=True, slots=True)
class PreparedWorkflow:
    """What is worked out once per workflow and used for every order."""

    workflow: Workflow
    graph: str  # content hash
    slots: Mapping[str, str]
    loras: bool  # there is a place to insert them


@dataclass(frozen=True, slots=True)
class _Subject:
    """The records that an order refers to."""

    character: Character
    style: Style | None
    prepared: PreparedWorkflow


def make_plan(order: Order, catalogue: Catalogue, limits: Limits) -> tuple[Plan, Graph]:
    """The plan of an order, and the unfilled graph that `plan.graph` is the hash of.

    Raises `Invalid` with one `FieldError` per wrong field; the codes are `unknown-character`,
    `unknown-style`, `unknown-workflow`, `no-workflow`, `parameter-without-slot`, those of the
    checks of names and seeds, and `invalid-request`.
    """
    faults = order_faults(order, limits)
    subject, unknown = _subject(order, catalogue)
    faults = unknown + faults
    if subject is not None:
        faults += _slot_faults(order, subject.prepared)
    if faults or subject is None:
        raise Invalid(faults[0].detail, code=faults[0].code, errors=tuple(faults))
    return _plan(order, subject), subject.prepared.workflow.graph


def named_by(order: Order) -> dict[str, Any]:
    """What an order says of the drawing beside its prompt, as JSON; what it leaves open is not
    there.

    Example:
        >>> named_by(Order("ann", "mira", "a prompt", 4, seed=7, style="anime"))
        {'seed': 7, 'style': 'anime'}
    """
    said = {
        "seed": order.seed,
        "negative_prompt": order.negative_prompt,
        **{name: getattr(order.parameters, name) for name in PARAMETERS},
        "style": order.style,
        "loras": None if order.loras is None else [asdict(lora) for lora in order.loras],
        "embedding": order.embedding,
    }
    return {name: value for name, value in said.items() if value is not None}


def steps_of(plan: Plan, graph: Graph) -> int | None:
    """The sampling steps of a plan, or those of its graph; None where neither has any."""
    steps = plan.values.get("steps")
    if steps is None and "steps" in plan.slots:
        node, name = targets(plan.slots["steps"])[0]
        steps = graph[node]["inputs"][name]
    return steps if isinstance(steps, int) else None


def prepare(workflow: Workflow) -> PreparedWorkflow:
    """Hash and slots of a checked workflow, remembered as long as the same object is used.

    Raises `Invalid` when its slots cannot be found (`core.slots`).
    """
    return _prepared(_Same(workflow))


def _subject(order: Order, catalogue: Catalogue) -> tuple[_Subject | None, list[FieldError]]:
    character = catalogue.characters.get(order.character)
    if character is None:
        return None, [_unknown("character", order.character, catalogue.characters)]
    faults: list[FieldError] = []
    style_id = order.style if order.style is not None else character.style
    style = None if style_id is None else catalogue.styles.get(style_id)
    if style_id is not None and style is None:
        faults.append(_unknown("style", style_id, catalogue.styles, order.style is not None))
    workflow_id = _workflow_id(order, character, style)
    workflow = None if workflow_id is None else catalogue.workflows.get(workflow_id)
    if workflow is None:
        # A style that does not exist might have named the workflow.
        if workflow_id is not None or not faults:
            faults.append(_no_workflow(order, workflow_id, catalogue))
        return None, faults
    prepared = _prepared_for(order, workflow, faults)
    if faults or prepared is None:
        return None, faults
    return _Subject(character, style, prepared), []


def _workflow_id(order: Order, character: Character, style: Style | None) -> str | None:
    named = (order.workflow, character.workflow, style.workflow if style else None)
    return next((workflow_id for workflow_id in named if workflow_id is not None), None)


def _prepared_for(
    order: Order, workflow: Workflow, faults: list[FieldError]
) -> PreparedWorkflow | None:
    try:
        return prepare(workflow)
    except Invalid as invalid:
        pointer = "/character" if order.workflow is None else "/workflow"
        detail = f"workflow {workflow.id} cannot be used: {invalid.detail}"
        faults.append(FieldError(pointer, detail, invalid.code))
        return None


def _slot_faults(order: Order, prepared: PreparedWorkflow) -> list[FieldError]:
    asked = [name for name in PARAMETERS if getattr(order.parameters, name) is not None]
    if order.negative_prompt is not None:
        asked.append("negative_prompt")
    missing = [name for name in asked if name not in prepared.slots]
    if order.embedding is not None and "prompt" not in prepared.slots:
        missing.append("embedding")
    if order.loras and not prepared.loras:
        missing.append("loras")
    where = f"workflow {prepared.workflow.id} has no place for"
    return [
        FieldError(
            f"/{name}",
            f"{where} {name}: leave it out, or name its slot in the workflow",
            "parameter-without-slot",
        )
        for name in missing
    ]


def _plan(order: Order, subject: _Subject) -> Plan:
    character, style, prepared = subject.character, subject.style, subject.prepared
    loras = order.loras if order.loras is not None else character.loras
    values = _values(order, subject)
    return Plan(
        pool=style.pool if style else DEFAULT_POOL,
        workflow=prepared.workflow.id,
        graph=prepared.graph,
        slots=prepared.slots,
        values=values,
        loras=loras if prepared.loras else (),
        width=values.get("width"),
        height=values.get("height"),
        exact_size=prepared.workflow.exact_size,
    )


def _values(order: Order, subject: _Subject) -> dict[str, Any]:
    character, style = subject.character, subject.style
    positive, negative = texts(character, style, order)
    wanted: dict[str, Any] = {"prompt": positive}
    # Nobody said what to avoid: then the workflow's own words stay.
    if negative or order.negative_prompt is not None:
        wanted["negative_prompt"] = negative
    for name in PARAMETERS:
        asked = getattr(order.parameters, name)
        wanted[name] = getattr(character.parameters, name) if asked is None else asked
    wanted["checkpoint"] = style.checkpoint if style else None
    slots = subject.prepared.slots
    return {name: value for name, value in wanted.items() if name in slots and value is not None}


def _unknown(kind: str, name: str, known: Mapping[str, object], asked: bool = True) -> FieldError:
    near = get_close_matches(name[:64], known, n=1) if len(known) <= _FEW else []
    hint = f"; did you mean {near[0]}?" if near else ""
    code = f"unknown-{kind}"
    if asked:
        return FieldError(f"/{kind}", f"there is no {kind} {name[:64]!r}{hint}", code)
    detail = f"the character or its style names the {kind} {name!r}, which does not exist{hint}"
    return FieldError("/character", detail, code)


def _no_workflow(order: Order, workflow_id: str | None, catalogue: Catalogue) -> FieldError:
    if workflow_id is not None:
        asked = order.workflow is not None
        return _unknown("workflow", workflow_id, catalogue.workflows, asked)
    detail = (
        f"nothing says which workflow draws {order.character}: set workflow in "
        f"[characters.{order.character}] or in its style, or name one in the request"
    )
    return FieldError("/workflow", detail, "no-workflow")


class _Same:
    """A workflow as a key that compares by identity: hashing a graph per order is too slow."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    def __hash__(self) -> int:
        return id(self.workflow)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.workflow is other.workflow


@lru_cache(maxsize=256)
def _prepared(same: _Same) -> PreparedWorkflow:
    workflow = same.workflow
    slots = find_slots(workflow.graph, workflow.slots)
    loras = can_take_loras(workflow.graph, slots)
    return PreparedWorkflow(workflow, graph_hash(workflow.graph), slots, loras)
