"""What is wrong with an order, a character or their parts, looked at by themselves.

Nothing here raises: every fault is a `FieldError` in a list, so that all of them are told at once.
Types have been checked at the door.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from safelight.core.errors import FieldError, Invalid
from safelight.core.naming import check_id, check_user
from safelight.core.numbering import explicit_seeds
from safelight.core.prompting import check_embedding
from safelight.core.records import Character, Limits, Lora, Order, Parameters

STEPS_MAX: Final = 10_000  # KSampler's own limit
CFG_MAX: Final = 100.0  # likewise
LORAS_MAX: Final = 32
LORA_STRENGTH_MAX: Final = 100.0  # LoraLoader's own limit, both ways
PARAMETERS: Final = tuple(field.name for field in fields(Parameters))

_CHOICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+. -]{0,63}")  # samplers and schedulers
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def order_faults(order: Order, limits: Limits) -> list[FieldError]:
    """What is wrong with an order by itself, whatever it refers to."""
    faults: list[FieldError] = []
    _collect(faults, lambda: check_user(order.user))
    seed, embedding = order.seed, order.embedding
    if not 1 <= order.quantity <= limits.quantity:
        detail = f"quantity lies between 1 and {limits.quantity}"
        faults.append(FieldError("/quantity", detail, Invalid.code))
    elif seed is not None:
        _collect(faults, lambda: explicit_seeds(seed, order.quantity))
    if order.deadline is not None and not 1 <= order.deadline <= limits.deadline:
        detail = f"deadline lies between 1 and {int(limits.deadline)} seconds"
        faults.append(FieldError("/deadline", detail, Invalid.code))
    faults += _text_faults("prompt", order.prompt, limits)
    faults += _text_faults("negative_prompt", order.negative_prompt or "", limits)
    faults += parameter_faults(order.parameters, limits)
    faults += lora_faults(order.loras or ())
    if embedding is not None:
        _collect(faults, lambda: check_embedding(embedding, "/embedding"))
    return faults


def character_faults(character: Character, limits: Limits, at: str = "") -> list[FieldError]:
    """What is wrong with a character by itself; pointers are `{at}/prompt` …"""
    faults: list[FieldError] = []
    _collect(faults, lambda: check_id(character.id, f"{at}/id"))
    faults += _text_faults("prompt", character.prompt, limits, at)
    faults += _text_faults("negative_prompt", character.negative_prompt, limits, at)
    faults += parameter_faults(character.parameters, limits, at)
    faults += lora_faults(character.loras, at)
    embedding = character.embedding
    if embedding is not None:
        _collect(faults, lambda: check_embedding(embedding, f"{at}/embedding"))
    return faults


def parameter_faults(parameters: Parameters, limits: Limits, at: str = "") -> list[FieldError]:
    """What is wrong with sizes, steps, cfg, sampler and scheduler; pointers are `{at}/width` …"""
    faults = []
    for name in PARAMETERS:
        value = getattr(parameters, name)
        if value is not None and (detail := _parameter_fault(name, value, limits)):
            faults.append(FieldError(f"{at}/{name}", detail, Invalid.code))
    return faults


def lora_faults(loras: tuple[Lora, ...], at: str = "") -> list[FieldError]:
    """What is wrong with LoRAs: their number, names that leave the folder, strengths."""
    if len(loras) > LORAS_MAX:
        detail = f"at most {LORAS_MAX} LoRAs are allowed"
        return [FieldError(f"{at}/loras", detail, Invalid.code)]
    faults = []
    for place, lora in enumerate(loras):
        if not _is_model_name(lora.name):
            detail = "a LoRA's name is a file below its folder, like gothic.safetensors"
            faults.append(FieldError(f"{at}/loras/{place}/name", detail, Invalid.code))
        if not abs(lora.strength) <= LORA_STRENGTH_MAX:  # not a number compares false
            detail = f"a LoRA's strength lies between -{LORA_STRENGTH_MAX} and {LORA_STRENGTH_MAX}"
            faults.append(FieldError(f"{at}/loras/{place}/strength", detail, Invalid.code))
    return faults


def _parameter_fault(name: str, value: Any, limits: Limits) -> str | None:
    match name:
        case "width" | "height":
            low, high = limits.size_min, limits.size_max
            return None if low <= value <= high else f"{name} lies between {low} and {high}"
        case "steps":
            return None if 1 <= value <= STEPS_MAX else f"steps lies between 1 and {STEPS_MAX}"
        case "cfg":
            return None if 0 <= value <= CFG_MAX else f"cfg lies between 0 and {CFG_MAX}"
    return None if _CHOICE.fullmatch(value) else f"this is no name of a {name}"


def _text_faults(name: str, text: str, limits: Limits, at: str = "") -> list[FieldError]:
    if len(text) > limits.prompt:
        detail = f"{name} has {len(text)} characters, at most {limits.prompt} are allowed"
    elif _UNSTORABLE.search(text):
        detail = f"{name} contains NUL or half a surrogate pair"
    else:
        return []
    return [FieldError(f"{at}/{name}", detail, Invalid.code)]


def _is_model_name(name: str) -> bool:
    """A relative path that stays below its folder; servers on Windows write it with backslashes."""
    segments = re.split(r"[/\\]", name)
    return (
        0 < len(name) <= 255
        and not _CONTROL.search(name)
        and ":" not in name
        and all(segment not in ("", ".", "..") for segment in segments)
    )


def _collect(faults: list[FieldError], check: Callable[[], object]) -> None:
    try:
        check()
    except Invalid as invalid:
        faults += invalid.errors
