"""JSON shapes of what streams of events tell; see `answer_schemas.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from safelight.api.answer_schemas import AnswerBody
from safelight.core.states import EVENTS

_SHAPES: Final = "#/components/schemas/"


def _json(*shapes: str) -> Any:
    """Text that is JSON of one of these shapes."""
    content = {"anyOf": [{"$ref": _SHAPES + shape} for shape in shapes]}
    extra: Any = {"contentMediaType": "application/json", "contentSchema": content}
    return Field(description="JSON on one line.", json_schema_extra=extra)


class Told(AnswerBody):
    """What happened to a batch or to one of its images; or `reset`: look anew."""

    type: str
    batch: str | None
    """Null where all batches are to be looked at anew."""
    number: int | None
    """In its batch, from 1, without gaps."""
    image: str | None
    at: datetime
    data: dict[str, Any]


class Progress(AnswerBody):
    """How far an image is; live only, without an id."""

    batch: str
    image: str
    step: int
    steps: int
    preview: str | None
    """Where it can be seen as it is now."""


class StreamEvent(AnswerBody):
    """Each event of a stream, as server-sent events have it."""

    id: str = Field(default="", description="Send it as Last-Event-ID to go on behind it.")
    event: Annotated[
        str, Field(json_schema_extra={"enum": [*EVENTS, "progress", "reset", "problem"]})
    ]
    data: str = _json("Told", "Progress", "Problem")
    retry: int = Field(default=0, description="Milliseconds to come back after.")


class OpenAIStreamEvent(AnswerBody):
    """Each event of a stream of pictures; one that ends with `error` has not all of them."""

    event: Annotated[
        str,
        Field(
            json_schema_extra={
                "enum": ["image_generation.partial_image", "image_generation.completed", "error"]
            }
        ),
    ]
    data: str = _json("OpenAIPicture", "OpenAIError")


class OpenAIPicture(AnswerBody):
    """A picture, or how far it is, with where it belongs."""

    type: str
    b64_json: str
    created_at: int
    background: str
    output_format: str
    quality: str
    size: str
    batch_id: str
    image_index: int
    """Its place in the answer, from 0."""
    image_id: str
    index: int
    """In its series."""
    seed: int
    content_url: str
    gateway: dict[str, Any]
    partial_image_index: int = 0
    """Of a preview: the how-manieth of its image, from 0."""
    progress: float = 0.0
    """Of a preview: the share of its steps that are made."""
    usage: dict[str, Any] = Field(default_factory=dict, description="Always zero.")
