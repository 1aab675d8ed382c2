"""What can be asked of images that are ordered: that they be canceled, deleted, or tried again.

A request is about one image or about all of a batch; it is refused only when nothing of it can be
done. `stored` stays stored, and what is canceled already is as it should be.
"""

from __future__ import annotations

from collections.abc import Collection

from safelight.core.errors import Conflict
from safelight.core.states import CANCELED, DISPATCHED, FAILED, QUEUED


def check_cancel(statuses: Collection[str]) -> None:
    """Whether something of these images can be canceled, or is already.

    Queued ones are withdrawn at once, for dispatched ones the wish is written down.

    Raises:
        Conflict: all of them are stored (`already-stored`), or stored or failed
            (`already-failed`).

    Example:
        >>> check_cancel(["stored", "queued"])
    """
    if not {QUEUED, DISPATCHED, CANCELED}.isdisjoint(statuses):
        return
    if FAILED in statuses:
        detail = "nothing is left to cancel: what is not stored has failed"
        raise Conflict(detail, code="already-failed")
    raise Conflict("nothing is left to cancel: it is stored", code="already-stored")


def check_delete(status: str) -> None:
    """Whether an image has ended: what is unfinished is canceled first.

    Raises:
        Conflict: it has not (`not-finished`).

    Example:
        >>> check_delete("stored")
    """
    if status in (QUEUED, DISPATCHED):
        detail = f"this image is {status}: cancel it first, then there is nothing to delete"
        raise Conflict(detail, code="not-finished")


def check_retry(statuses: Collection[str], *, erased: bool = False) -> None:
    """Whether one of these images has failed, and what was ordered is still known.

    Raises:
        Conflict: none has (`nothing-to-retry`), or their user was `erased`.

    Example:
        >>> check_retry(["stored", "failed"])
    """
    if erased:
        raise Conflict("this user was erased: nothing says what to draw", code="erased")
    if FAILED not in statuses:
        told = ", ".join(sorted(set(statuses)))
        detail = f"only failed images can be tried again, and none has failed: {told}"
        raise Conflict(detail, code="nothing-to-retry")
