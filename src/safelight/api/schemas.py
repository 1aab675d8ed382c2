"""JSON shapes of requests.

A request model is what a body is checked with: unknown fields, types, null. What an order means
(known characters, sizes, seeds) is the core's to decide, so bounds stand here for readers only.
Answers are built in `answers.py` without pydantic, for speed; a test compares both.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from safelight.core.naming import ID_PATTERN, USER_PATTERN
from safelight.core.records import Character, Limits, Lora, Order, Parameters, Webhook
from safelight.core.reporting import check_events
from safelight.core.states import EVENTS

_USER = f"^{USER_PATTERN}$"
_ID = f"^{ID_PATTERN}$"


def _absent() -> Any:
    """A field that may be left out is not one that may be null."""
    return None


def _told(**keywords: Any) -> dict[str, Any]:
    return {"json_schema_extra": keywords}


def _optional(description: str, **keywords: Any) -> Any:
    return Field(default_factory=_absent, description=description, json_schema_extra=keywords)


class RequestBody(BaseModel):
    """Nothing unknown, nothing converted."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class LoraBody(RequestBody):
    """A LoRA file and its strength."""

    name: str = Field(description="As the backend lists it.", **_told(minLength=1, maxLength=255))
    strength: float = Field(
        1.0, description="For model and text encoder alike.", **_told(minimum=-100, maximum=100)
    )

    def record(self) -> Lora:
        """The same as the core knows it."""
        return Lora(self.name, self.strength)


class ParameterFields(RequestBody):
    """What an order and a character may both say about the drawing."""

    width: int = _optional("Pixels.", minimum=16, maximum=4096)
    height: int = _optional("Pixels.", minimum=16, maximum=4096)
    steps: int = _optional("Sampling steps.", minimum=1, maximum=10_000)
    cfg: float = _optional("Guidance.", minimum=0, maximum=100)
    sampler: str = _optional("Sampler name.", minLength=1, maxLength=64)
    scheduler: str = _optional("Scheduler name.", minLength=1, maxLength=64)

    def parameters(self) -> Parameters:
        """The parameters that were sent."""
        given = self.given()
        return Parameters(**{n: given[n] for n in ParameterFields.model_fields if n in given})


class WebhookBody(RequestBody):
    """Who is told of what happens."""

    url: str = Field(description="`https://…`, at most 2,000 characters.", **_told(maxLength=2000))
    events: list[str] = _optional(
        "Of what; left out: every end of a batch.", items={"enum": list(EVENTS)}, minItems=1
    )

    def webhook(self, base: str, pointer: str = "") -> Webhook:
        """The same as the core knows it; its links will begin with `base`. Raises `Invalid`."""
        events = check_events(self.given().get("events"), f"{pointer}/events")
        return Webhook(self.url, events, base)


class WebhookRequest(WebhookBody):
    """Who is told of all batches from now on."""

    secret: str = _optional("Signs what is told, `whsec_…`; left out: one is made.", maxLength=100)


class BatchRequest(ParameterFields):
    """An order: N images of a character for a user."""

    user: str = Field(description="The application's end user.", **_told(pattern=_USER))
    character: str = Field(description="The id of a character.", **_told(pattern=_ID))
    prompt: str = Field(description="Added to the character's; may be empty.")
    quantity: int = Field(description="How many images.", **_told(minimum=1, maximum=64))
    seed: int = _optional(
        "Seed of the lowest index, the next index gets the next seed; left out: drawn, never twice "
        "in a series.",
        minimum=0,
        maximum=2**53 - 1,
    )
    negative_prompt: str = _optional("What must not be in the picture.")
    style: str = _optional("A style instead of the character's.", pattern=_ID)
    loras: list[LoraBody] = _optional("Instead of the character's.", maxItems=32)
    embedding: str = _optional("Instead of the character's.", minLength=1)
    workflow: str = _optional("A workflow instead of the character's.", pattern=_ID)
    metadata: dict[str, Any] = _optional("Kept with the batch and given back.")
    deadline: int = _optional(
        "Whole seconds from now in which the batch must end; what is not stored by then fails.",
        minimum=1,
        maximum=86_400,
    )

    webhook: WebhookBody = _optional("Who is told of this batch; signed with `webhooks.secret`.")

    def order(self, base: str) -> Order:
        """The same as the core knows it; what was not sent is None. Messages of its webhook will
        have links that begin with `base`. Raises `Invalid`."""
        given = self.given()
        plain = {n: value for n, value in given.items() if n not in ParameterFields.model_fields}
        if "loras" in plain:
            plain["loras"] = tuple(lora.record() for lora in self.loras)
        if "webhook" in plain:
            plain["webhook"] = self.webhook.webhook(base, "/webhook")
        return Order(**plain, parameters=self.parameters())


class CharacterRequest(ParameterFields):
    """A named subject."""

    name: Annotated[str, Field(min_length=1, max_length=500)] = _optional("Left out: the id.")
    style: str = _optional("One of the styles in the settings.", pattern=_ID)
    workflow: str = _optional("Which graph draws it; left out: the style's.", pattern=_ID)
    prompt: str = _optional("Put before a request's prompt.", maxLength=20_000)
    negative_prompt: str = _optional("What must not be in the picture.", maxLength=20_000)
    embedding: str = _optional("A textual inversion.", minLength=1)
    loras: list[LoraBody] = _optional("Chained behind the checkpoint, in order.", maxItems=32)

    def character(self, id: str) -> Character:
        """The same as the core knows it."""
        given = self.given()
        plain = {n: value for n, value in given.items() if n not in ParameterFields.model_fields}
        plain["name"] = plain.get("name", id)
        plain["loras"] = tuple(lora.record() for lora in plain.get("loras", ()))
        return Character(id=id, **plain, parameters=self.parameters())


class WorkflowRequest(RequestBody):
    """A ComfyUI graph in API format."""

    graph: dict[str, Any] = Field(description="The graph, exported in API format.")
    slots: dict[str, str] = _optional('Where values go, `{"seed": "2.seed"}`; else found.')
    exact_size: bool = _optional("A picture of another size than requested is not accepted.")


class LinksRequest(RequestBody):
    """For how long links shall be good."""

    expires_in: Annotated[int, Field(ge=1, le=604_800)] = _optional(
        "Seconds, at least; a twelfth more at most. Left out: an hour.", default=3600
    )


class SessionRequest(RequestBody):
    """Whoever shows a key once need not show it again for a while."""

    key: str = Field(description="An API key.", max_length=200)


def bounds(limits: Limits) -> dict[str, dict[str, dict[str, int]]]:
    """Schema keywords that follow from the settings: model -> field -> keywords."""
    size = {"minimum": limits.size_min, "maximum": limits.size_max}
    sizes = {"width": size, "height": size}
    order = {
        "quantity": {"maximum": limits.quantity},
        "prompt": {"maxLength": limits.prompt},
        "deadline": {"maximum": int(limits.deadline)},
    }
    pictures = {"n": {"maximum": limits.quantity}, "prompt": {"maxLength": limits.prompt}}
    return {
        "BatchRequest": sizes | order,
        "CharacterRequest": sizes,
        "ImagesRequest": pictures,
    }


ImageStatus = Literal["queued", "dispatched", "stored", "failed", "canceled"]
BatchStatus = Literal["queued", "running", "completed", "partial", "canceled", "failed"]
PublicationStatus = Literal["pending", "uploaded", "failed"]
DeliveryStatus = Literal["pending", "delivered", "dead"]
WebhookStatus = Literal["active", "disabled"]
EventName = Annotated[str, Field(json_schema_extra={"enum": list(EVENTS)})]
