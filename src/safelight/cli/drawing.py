"""The options that say how to draw, the same for an order and for a character."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

import typer

from safelight.cli.session import Failure

PANEL: Final = "How it is drawn"


def drawing(name: str, help: str, **more: Any) -> Any:
    """An option of that panel."""
    return typer.Option(name, help=help, rich_help_panel=PANEL, show_default=False, **more)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What was said about it; None is left to the character, the style or the graph."""

    style: Annotated[str | None, drawing("--style", "An art style of the settings.")] = None
    negative_prompt: Annotated[
        str | None, drawing("--negative-prompt", "What must not appear.")
    ] = None
    width: Annotated[int | None, drawing("--width", "Pixels.")] = None
    height: Annotated[int | None, drawing("--height", "Pixels.")] = None
    steps: Annotated[int | None, drawing("--steps", "Sampling steps.")] = None
    cfg: Annotated[float | None, drawing("--cfg", "Guidance.")] = None
    sampler: Annotated[str | None, drawing("--sampler", "Sampler name.")] = None
    scheduler: Annotated[str | None, drawing("--scheduler", "Scheduler name.")] = None
    loras: Annotated[
        list[str] | None,
        drawing("--lora", "A LoRA file; repeatable, in order.", metavar="NAME[:STRENGTH]"),
    ] = None
    embedding: Annotated[
        str | None, drawing("--embedding", "Textual inversion, put in front of the prompt.")
    ] = None

    def said(self) -> dict[str, Any]:
        """The fields that were named, as the API takes them."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        named["loras"] = [parse_lora(text) for text in self.loras] if self.loras else None
        return {name: value for name, value in named.items() if value is not None}


UNSAID: Final = Drawing()


def parse_lora(text: str) -> dict[str, Any]:
    """`NAME` or `NAME:STRENGTH`.

    Example:
        >>> parse_lora("gothic.safetensors:0.8")
        {'name': 'gothic.safetensors', 'strength': 0.8}
    """
    name, colon, strength = text.rpartition(":")
    if not colon:
        return {"name": text}
    try:
        return {"name": name, "strength": float(strength)}
    except ValueError:
        raise Failure(f'--lora {text}: "{strength}" is no number') from None
