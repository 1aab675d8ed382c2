"""Every limit of an order and of a character, from both sides."""

from __future__ import annotations

import math
from typing import Any

import pytest

from safelight.core.checking import character_faults, lora_faults, order_faults
from safelight.core.records import Character, Limits, Lora, Order, Parameters

LIMITS = Limits()


def pointers(**more: Any) -> list[str]:
    usual: dict[str, Any] = {"user": "areg", "character": "mira", "prompt": "", "quantity": 4}
    return [fault.pointer for fault in order_faults(Order(**usual | more), LIMITS)]


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"user": "../x"}, "/user"),
        ({"quantity": 0}, "/quantity"),
        ({"quantity": 65}, "/quantity"),
        ({"deadline": 0}, "/deadline"),
        ({"deadline": 86_401}, "/deadline"),
        ({"seed": -1}, "/seed"),
        ({"seed": 2**53 - 3}, "/seed"),
        ({"prompt": "x" * 20_001}, "/prompt"),
        ({"prompt": "a\x00"}, "/prompt"),
        ({"prompt": "\ud800"}, "/prompt"),
        ({"negative_prompt": "x" * 20_001}, "/negative_prompt"),
        ({"parameters": Parameters(width=15)}, "/width"),
        ({"parameters": Parameters(height=4097)}, "/height"),
        ({"parameters": Parameters(steps=0)}, "/steps"),
        ({"parameters": Parameters(steps=10_001)}, "/steps"),
        ({"parameters": Parameters(cfg=-0.1)}, "/cfg"),
        ({"parameters": Parameters(cfg=math.nan)}, "/cfg"),
        ({"parameters": Parameters(cfg=math.inf)}, "/cfg"),
        ({"parameters": Parameters(sampler="")}, "/sampler"),
        ({"parameters": Parameters(sampler="a\n")}, "/sampler"),
        ({"parameters": Parameters(scheduler="x" * 65)}, "/scheduler"),
        ({"embedding": "../x"}, "/embedding"),
        ({"loras": (Lora("a"), Lora("../x"))}, "/loras/1/name"),
        ({"loras": (Lora("a", math.nan),)}, "/loras/0/strength"),
        ({"loras": (Lora("a"),) * 33}, "/loras"),
    ],
)
def test_one_wrong_field(more: dict[str, Any], pointer: str) -> None:
    assert pointers(**more) == [pointer]


@pytest.mark.parametrize(
    "more",
    [
        {"quantity": 64},
        {"seed": 2**53 - 4},
        {"deadline": 86_400},
        {"deadline": 1},
        {"prompt": "é😀" * 10_000},
        {"parameters": Parameters(16, 4096, 10_000, 100.0, "DPM++ 2M", "sgm_uniform")},
        {"loras": (Lora("sub\\a.safetensors", -100.0), Lora("b/c.pt", 100.0))},
    ],
)
def test_the_largest_that_is_right(more: dict[str, Any]) -> None:
    assert pointers(**more) == []


@pytest.mark.parametrize(
    "name",
    [
        *("", "/a", "\\a", "a//b", "..", "a/../b", "a\\..\\b", "./a", "C:a", "a\x00", "a\n"),
        *("\udc00", "x" * 256),
    ],
)
def test_loras_stay_in_their_folder(name: str) -> None:
    assert [fault.pointer for fault in lora_faults((Lora(name),))] == ["/loras/0/name"]


def test_characters_are_looked_at_in_the_same_way() -> None:
    assert character_faults(Character("mira", "Mira", embedding="mira_v2"), LIMITS) == []
    assert character_faults(Character("bare", "Bare"), LIMITS) == []
    wrong = Character(
        "Mira",
        "Mira",
        prompt="\x00",
        negative_prompt="x" * 20_001,
        embedding="a b",
        loras=(Lora(""),),
        parameters=Parameters(width=1),
    )
    told = [fault.pointer for fault in character_faults(wrong, LIMITS, "/characters/m")]
    assert told == [
        f"/characters/m/{place}"
        for place in ("id", "prompt", "negative_prompt", "width", "loras/0/name", "embedding")
    ]
