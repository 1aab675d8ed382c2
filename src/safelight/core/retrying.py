"""What to do after an attempt ended: the table of retry decisions.

An image that somebody has asked to cancel is not tried again, whatever its attempt ended with.

An outcome is what became of one attempt. How often an image may have the same misfortune again is
in `RULES`; beside that, all outcomes that count (not those that were the backend's loss) share one
budget, `max_attempts`. The seed changes only for a twin: a lost prompt must give the picture that
was asked for. When the store or the database is away no decision is made at all: nothing is
closed, pulling stops, and the attempt is looked at again when they are back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

STORED: Final = "stored"  # its picture is the image
SPARE: Final = "spare"  # another attempt's picture was taken before
CANCELED: Final = "canceled"  # somebody asked, and it is gone from the backend
LOST: Final = "lost"  # the backend no longer knows the prompt, or could not be asked
DIED: Final = "died"  # the backend died, or was restarted, while it ran there
UNSENT: Final = "unsent"  # the backend surely has not got it: nothing was lost
SHUT_OUT: Final = "shut-out"  # the backend or a proxy lets nobody in, or is no ComfyUI
INTERRUPTED: Final = "interrupted"  # a stranger interrupted it at the backend
ERROR: Final = "error"  # the graph raised
OUT_OF_MEMORY: Final = "out-of-memory"
REFUSED: Final = "refused"  # the backend will never run it
MISSING: Final = "missing"  # the backend lacks a model or a node that another may have
UNUSABLE: Final = "unusable"  # truncated, no image, wrong size, no picture at all
CACHED: Final = "cached"  # answered with an old file
LATE: Final = "late"  # its batch's deadline passed while it was at the backend
BROKEN: Final = "broken"  # a fault of ours while following it
TWIN: Final = "twin"  # the same pixels as another image of the batch
OUTCOMES: Final = (
    STORED,
    SPARE,
    CANCELED,
    LOST,
    DIED,
    UNSENT,
    SHUT_OUT,
    INTERRUPTED,
    ERROR,
    OUT_OF_MEMORY,
    REFUSED,
    MISSING,
    UNUSABLE,
    CACHED,
    LATE,
    BROKEN,
    TWIN,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of misfortune is treated."""

    again: int  # how often the image may be tried again after it
    counts: bool  # against max_attempts
    code: str  # of the image's error when that is used up
    advice: str  # what a person can do then
    new_seed: bool = False
    elsewhere: bool = False  # not on this backend, where the pool has another that is ready
    waits: bool = False  # for another one that is not, too
    only_elsewhere: bool = False  # never again on this one
    free: bool = False  # ask the backend to free its memory first


RULES: Final[Mapping[str, Rule]] = {
    LOST: Rule(10, False, "lost-too-often", "Look at the backend's log: it loses its queue."),
    DIED: Rule(
        10,
        False,
        "kills-backends",
        "Mend the workflow, or what kills the backends, resume the workflow, and retry.",
    ),
    UNSENT: Rule(1_000_000, False, "lost-too-often", "No backend can be reached."),
    SHUT_OUT: Rule(10, False, "backend-shut-out", "Check the backend's url, token and headers."),
    INTERRUPTED: Rule(10, False, "lost-too-often", "Somebody interrupts prompts at the backend."),
    ERROR: Rule(2, True, "execution-failed", "Run the workflow in ComfyUI and mend it."),
    OUT_OF_MEMORY: Rule(
        1,
        True,
        "out-of-memory",
        "Ask for a smaller picture, or use a backend with more memory.",
        elsewhere=True,
        waits=True,
        free=True,
    ),
    REFUSED: Rule(0, True, "backend-refused", "Check the workflow against this backend."),
    MISSING: Rule(
        1_000_000,
        False,
        "no-backend-can",
        "Install it on a backend of the pool, or choose another workflow; then retry.",
        elsewhere=True,
        waits=True,
        only_elsewhere=True,
    ),
    UNUSABLE: Rule(
        3,
        True,
        "unusable-picture",
        "Look at the backend's disk and the workflow.",
        elsewhere=True,
    ),
    CACHED: Rule(
        3,
        True,
        "cached-picture",
        "The backend ignores the private file prefix.",
        elsewhere=True,
    ),
    LATE: Rule(0, False, "deadline-passed", "Order it again, or look why the backend hangs."),
    BROKEN: Rule(2, True, "internal-error", "Report it with the log: it is Safelight's fault."),
    TWIN: Rule(
        3,
        False,
        "duplicate_picture",
        "The workflow ignores its seed: name the right seed slot.",
        new_seed=True,
    ),
}

# After these an image is not drawn by that backend again while another one of the pool is driven,
# or not at all; after the other outcomes with `elsewhere` another one is only better.
WAITED_FOR: Final = tuple(outcome for outcome, rule in RULES.items() if rule.waits)
FOR_GOOD: Final = tuple(outcome for outcome, rule in RULES.items() if rule.only_elsewhere)


@dataclass(frozen=True, slots=True)
class Again:
    """Queue the image again."""

    new_seed: bool
    elsewhere: bool
    free: bool


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The image fails with this code; `advice` says what a person can do."""

    code: str
    advice: str


@dataclass(frozen=True, slots=True)
class LetGo:
    """The image is canceled."""


Decision: TypeAlias = Again | GiveUp | LetGo


def decide(
    outcome: str,
    earlier: Mapping[str, int],
    *,
    unwanted: bool = False,
    late: bool = True,
    max_attempts: int = 6,
    batch_twins: int = 0,
    quantity: int = 1,
    others: bool = True,
    killer: bool = False,
) -> Decision:
    """What follows from `outcome`, given how often each outcome struck this image before.

    Args:
        outcome: one of the keys of `RULES`.
        earlier: outcome → count of this image's closed attempts since it was last asked for.
        unwanted: somebody has asked to cancel the image.
        late: the batch's deadline has passed. For `LATE` alone: a retry may have moved the
            deadline since the attempt was opened.
        max_attempts: the budget shared by all outcomes that count.
        batch_twins: twins in the whole batch before this one (a twin may be rendered again
            as often per batch as the batch has images).
        quantity: of the batch.
        killer: backends died one after the other under its graph (`core.killing`). For `DIED`.
        others: whether its pool has a backend on which it may still be drawn, beside this one.

    Example:
        >>> decide("lost", {})
        Again(new_seed=False, elsewhere=False, free=False)
    """
    if unwanted:
        return LetGo()
    rule = RULES[outcome]
    again = Again(rule.new_seed, rule.elsewhere and others, rule.free)
    spent = sum(n for name, n in earlier.items() if name in RULES and RULES[name].counts)
    if outcome == LATE and not late:
        return again
    used_up = (
        earlier.get(outcome, 0) >= rule.again
        or (rule.counts and spent + 1 >= max_attempts)
        or (outcome == TWIN and batch_twins >= quantity)
        or (rule.only_elsewhere and not others)
        or (outcome == DIED and killer)
    )
    return GiveUp(rule.code, rule.advice) if used_up else again


def recorded(outcome: str, *, unwanted: bool) -> str:
    """The outcome an attempt is closed with: who has asked for the interruption was not harmed.

    Example:
        >>> recorded("interrupted", unwanted=True)
        'canceled'
    """
    return CANCELED if unwanted and outcome == INTERRUPTED else outcome
