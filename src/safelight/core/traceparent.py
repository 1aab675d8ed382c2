"""Traces across processes, as W3C Trace Context spells them: who called whom, in one line of text.

Where a span belongs is worked out, not remembered: an attempt's span has the attempt's own number,
so whoever goes on with it, in another process or an hour later, knows which span that is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(
    r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,400})?", re.ASCII
)
_SAMPLED: Final = 1
_SPAN: Final = 16  # hex digits


@dataclass(frozen=True, slots=True)
class Place:
    """A span in a trace, both as hex."""

    trace: str
    span: str
    sampled: bool = True  # somebody keeps it

    @property
    def text(self) -> str:
        """As `traceparent` says it."""
        return f"00-{self.trace}-{self.span}-{int(self.sampled):02x}"


def read_traceparent(text: str | None) -> Place | None:
    """The place that a caller names; None for none, and for what is no `traceparent`.

    Example:
        >>> read_traceparent("00-" + "a" * 32 + "-" + "b" * 16 + "-01").span
        'bbbbbbbbbbbbbbbb'
    """
    match = _FORM.fullmatch(text.strip(" \t")) if text else None
    if match is None:
        return None
    version, trace, span, flags, more = match.groups()
    # Later versions may say more; version 0 does not, and 255 is none.
    if version == "ff" or (version == "00" and more) or not trace.strip("0") or not span.strip("0"):
        return None
    return Place(trace, span, bool(int(flags, 16) & _SAMPLED))


def place_of_batch(batch: str, traceparent: str | None) -> Place:
    """Where a batch was accepted; of one that nobody traced, a place made of its id (a UUID)."""
    digits = batch.replace("-", "")
    return read_traceparent(traceparent) or Place(digits, digits[:_SPAN])


def place_of_attempt(batch: str, traceparent: str | None, prompt_id: str) -> Place:
    """Where an attempt of an image of a batch is rendered."""
    around = place_of_batch(batch, traceparent)
    return Place(around.trace, prompt_id.replace("-", "")[:_SPAN], around.sampled)
