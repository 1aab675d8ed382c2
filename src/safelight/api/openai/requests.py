"""What is asked for in the words of the OpenAI API, and what it means here.

Keys that are not known are passed over: their clients send new ones every month. A known key with
a wrong value is refused; `null` is as good as left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from safelight.api import bodies
from safelight.api.auth import rights_of
from safelight.core.errors import FieldError, Invalid
from safelight.core.records import Order, Parameters
from safelight.core.rights import Rights

ROUTE: Final = "POST /openai/v1/images/generations"
"""What calls and idempotency keys are for; the gateway adds whose they are."""
SOMEBODY: Final = "default"
"""The user of a request that names none."""
HOLD: Final = 540.0
"""Seconds after which an answer is no longer held back."""
MARGIN: Final = 15.0
"""Seconds before a client's own limit at which it gets an answer."""

Quality: TypeAlias = Literal["auto", "standard", "low", "medium", "high", "hd", "xhigh", "max"]
Form: TypeAlias = Literal["png", "webp", "jpeg"]

STEPS: Final[Mapping[str, float]] = {"low": 0.5, "high": 1.5, "hd": 1.5, "xhigh": 2.0, "max": 3.0}
"""How many times the character's sampling steps a quality takes; those not named take as many."""
_MOST_STEPS: Final = 10_000
_SIZE: Final = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
_TIMEOUTS: Final = ("x-stainless-read-timeout", "x-stainless-timeout")


class ImagesRequest(BaseModel):
    """Pictures of a character, in the words of the OpenAI API."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    prompt: str = Field(description="Added to the character's; may be empty.")
    model: str | None = Field(None, description="The id of a character.")
    character: str | None = Field(None, description="The same; wins over `model`.")
    n: int | None = Field(None, description="How many images; left out: 1.")
    size: str | None = Field(None, description="`WIDTHxHEIGHT` in pixels, or `auto`.")
    quality: Quality | None = Field(None, description="How many sampling steps.")
    response_format: Literal["b64_json", "url"] | None = Field(
        None, description="The pictures themselves, or links that need no key for an hour."
    )
    output_format: Form | None = Field(None, description="Left out: `png`.")
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="Quality of `webp` and `jpeg`; left out: 100."
    )
    background: Literal["auto", "opaque"] | None = Field(None, description="Changes nothing.")
    moderation: Literal["auto", "low"] | None = Field(None, description="Changes nothing.")
    stream: bool | None = Field(None, description="Each picture as soon as it is stored.")
    partial_images: Annotated[int, Field(ge=0, le=3)] | None = Field(
        None, description="With `stream`: at most so many previews of each image."
    )
    user: str | None = Field(None, description="The application's end user.")
    safety_identifier: str | None = Field(None, description="The same; wins over `user`.")
    seed: int | None = Field(None, description="Seed of the lowest index.")
    negative_prompt: str | None = Field(None, description="What must not be in the picture.")
    metadata: dict[str, Any] | None = Field(None, description="Kept with the batch.")
    cancel_on_disconnect: bool | None = Field(
        None, description="Cancel the batch when the client goes before it has its answer."
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """A request, understood."""

    order: Order
    fingerprint: str  # SHA-256 of the canonical body
    quality: str
    form: str  # png, webp or jpeg
    compression: int  # 0 to 100
    links: bool  # instead of the pictures
    stream: bool
    previews: int  # of each image
    cancel: bool  # when the client goes
    safety_identifier: str | None

    def steps(self, usual: int | None) -> int | None:
        """How many sampling steps to ask for, where the character takes so many by itself."""
        factor = STEPS.get(self.quality)
        if factor is None or usual is None:
            return None
        return min(max(1, round(usual * factor)), _MOST_STEPS)


async def read(request: Request) -> Wish:
    """What a request asks for.

    Raises:
        NotJson, TooLarge, Invalid: see `bodies.read`; also what does not go together.
    """
    body, document = await bodies.read(request, ImagesRequest)
    stream, links = bool(body.stream), body.response_format == "url"
    form = body.output_format or "png"
    _check_together(body, stream, links, form)
    return Wish(
        order=_order(body, rights_of(request)),
        fingerprint=bodies.fingerprint(document),
        quality=body.quality or "auto",
        form=form,
        compression=100 if body.output_compression is None else body.output_compression,
        links=links,
        stream=stream,
        previews=body.partial_images or 0,
        cancel=bool(body.cancel_on_disconnect),
        safety_identifier=body.safety_identifier,
    )


def hold_for(headers: Mapping[str, str]) -> float:
    """Seconds for which an answer may be held back: 15 less than the client waits, half of what a
    hasty one does, 540 at most.

    Example:
        >>> hold_for({"x-stainless-read-timeout": "100"})
        85.0
    """
    for name in _TIMEOUTS:
        waits = _seconds(headers.get(name))
        if waits is not None:
            return min(max(waits - MARGIN, waits / 2), HOLD)
    return HOLD


def sent_again(headers: Mapping[str, str]) -> bool:
    """Whether a client says that it sends this request for at least the second time."""
    count = headers.get("x-stainless-retry-count", "")
    return re.fullmatch(r"[0-9]{1,9}", count) is not None and int(count) > 0


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _order(body: ImagesRequest, rights: Rights) -> Order:
    character = body.character or body.model
    if not character:
        detail = "is required: the id of a character"
        raise _wrong("model", detail, "missing")
    width, height = _size(body.size)
    return Order(
        user=body.safety_identifier or body.user or _only(rights) or SOMEBODY,
        character=character,
        prompt=body.prompt,
        quantity=1 if body.n is None else body.n,
        seed=body.seed,
        negative_prompt=body.negative_prompt,
        parameters=Parameters(width=width, height=height),
        metadata=body.metadata,
    )


def _only(rights: Rights) -> str | None:
    """The user of a key that reaches just one."""
    return next(iter(rights.users)) if rights.users and len(rights.users) == 1 else None


def _size(text: str | None) -> tuple[int | None, int | None]:
    if not text or text == "auto":
        return None, None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise _wrong("size", "expected WIDTHxHEIGHT in pixels, or auto")
    return int(match[1]), int(match[2])


def _check_together(body: ImagesRequest, stream: bool, links: bool, form: str) -> None:
    if body.partial_images and not stream:
        raise _wrong("partial_images", "needs stream: true")
    if stream and links:
        raise _wrong("response_format", "a stream carries the pictures themselves; leave url out")
    if links and form != "png":
        raise _wrong("output_format", "a link leads to the PNG; leave it out, or ask for b64_json")
    if form == "png" and body.output_compression not in (None, 100):
        raise _wrong("output_compression", "is for webp and jpeg; a PNG loses nothing")


def _wrong(name: str, detail: str, code: str = "bad-value") -> Invalid:
    return Invalid(f"{name}: {detail}", errors=(FieldError(f"/{name}", detail, code),))
