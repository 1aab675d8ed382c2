"""What an answer of a backend proves: whose picture it is, and what a refusal means."""

from __future__ import annotations

from safelight.core.correlation import attempt_named
from safelight.core.records import StoredFile
from safelight.core.retrying import MISSING, REFUSED, SHUT_OUT
from safelight.database.images import Work
from safelight.pictures import Picture
from safelight.pipeline.endings import Taken
from safelight.renderers.base import Refused


def kind_of(refused: Refused) -> str:
    """The outcome of an attempt that the backend refused."""
    if refused.shut_out:
        return SHUT_OUT
    return MISSING if refused.missing else REFUSED


def complaint(work: Work, picture: Picture) -> str | None:
    """Why this picture cannot be that attempt's; None if it can."""
    return _wrong_owner(work, picture) or _wrong_size(work, picture)


def taken(key: str, picture: Picture) -> Taken:
    """A picture that lies under this key, as the image's row will tell it."""
    return Taken(
        StoredFile(
            key=key,
            bytes=picture.bytes,
            content_type=picture.content_type,
            width=picture.width,
            height=picture.height,
            sha256=picture.sha256,
            pixels_sha256=picture.pixels_sha256,
        )
    )


def _wrong_owner(work: Work, picture: Picture) -> str | None:
    owner = attempt_named(picture.note)
    if owner in (None, work.prompt_id):
        return None
    return "the file holds another prompt's picture: somebody put it there"


def _wrong_size(work: Work, picture: Picture) -> str | None:
    asked = (work.plan.width, work.plan.height)
    got = (picture.width, picture.height)
    if not work.plan.exact_size or None in asked or asked == got:
        return None
    return f"the picture is {got[0]} x {got[1]}, asked for were {asked[0]} x {asked[1]} pixels"
