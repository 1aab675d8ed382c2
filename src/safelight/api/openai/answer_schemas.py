"""JSON shapes of this face's answers; see `safelight.api.answer_schemas`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from safelight.api.answer_schemas import AnswerBody


class OpenAIImageOrigin(AnswerBody):
    """What this server knows of a picture."""

    image_id: str
    index: int
    seed: int
    content_url: str
    """The original, for ever the same; needs the key."""


class OpenAIImage(AnswerBody):
    """A picture: either itself or a link."""

    b64_json: str = Field(default="", description="The picture in Base64.")
    url: str = Field(default="", description="The PNG; needs no key for an hour.")
    gateway: OpenAIImageOrigin


class OpenAITokenDetails(AnswerBody):
    """Always zero."""

    image_tokens: int
    text_tokens: int


class OpenAIUsage(AnswerBody):
    """Always zero: nothing is counted in tokens here."""

    input_tokens: int
    input_tokens_details: OpenAITokenDetails
    output_tokens: int
    total_tokens: int


class OpenAIImages(AnswerBody):
    """Exactly `n` pictures, highest index first."""

    created: int
    """Unix seconds."""
    batch_id: str
    output_format: Literal["png", "webp", "jpeg"]
    size: str
    """Of the first."""
    quality: str = Field(default="", description="Where it was asked for.")
    safety_identifier: str = Field(default="", description="Where it was given.")
    usage: OpenAIUsage
    data: list[OpenAIImage]


class OpenAIModel(AnswerBody):
    """A character."""

    id: str
    object: Literal["model"]
    created: int
    """Always 0."""
    owned_by: str


class OpenAIModels(AnswerBody):
    """The characters that a key reaches."""

    object: Literal["list"]
    data: list[OpenAIModel]


class OpenAIErrorBody(AnswerBody):
    """What is wrong."""

    message: str
    type: str
    """`invalid_request_error`, `rate_limit_error` or `server_error`."""
    param: str | None
    """The field."""
    code: str | None


class OpenAIError(AnswerBody):
    """Something that was not done as asked."""

    error: OpenAIErrorBody
