"""JSON shapes of answers about who may look at what; see `answer_schemas.py`."""

from __future__ import annotations

from datetime import datetime

from safelight.api.answer_schemas import AnswerBody


class ImageLinks(AnswerBody):
    """Addresses of an image's picture and thumbnail that need no key until they expire."""

    id: str
    index: int
    name: str
    """File name, `user_character_image_00013_.png`."""
    url: str
    thumbnail_url: str
    expires_at: datetime


class BatchLinks(AnswerBody):
    """The same for every image of a batch, highest index first."""

    id: str
    images: list[ImageLinks]
    expires_at: datetime


class Session(AnswerBody):
    """Who asks, and what for they may."""

    key: str | None
    """The id of their key; null while there are no keys."""
    name: str
    """What the key is for, for people."""
    scopes: list[str]
    admin: bool
    keys: bool
    """Whether there are keys at all; while there are none nobody need sign in."""
    users: list[str] | None
    """Whose series they reach, and for whom they may order; null for everybody's."""
    characters: list[str] | None
    """Of which characters; null for all."""
