"""The shape of a node class, and how `/object_info` shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SEED_MAX = 0xFFFFFFFFFFFFFFFF
SIDE_MAX = 16384


@dataclass(frozen=True)
class ModelList:
    """An input that names a model file; its choices are those of a folder."""

    folder: str


@dataclass(frozen=True)
class Input:
    """One input; `kind` is a type's name, a list of choices, or the models of a folder."""

    kind: str | list[str] | ModelList
    options: Mapping[str, Any] | None = None
    any_choice: bool = False  # names outside the list are taken too

    def shown(self) -> list[Any]:
        """As `/object_info` has it."""
        return [self.kind] if self.options is None else [self.kind, self.options]

    def config(self) -> list[Any]:
        """As validation errors have it."""
        return [self.kind, self.options or {}]


@dataclass(frozen=True)
class NodeClass:
    """A node class as far as validation and `/object_info` know it."""

    name: str
    category: str
    required: Mapping[str, Input]
    returns: tuple[str, ...] = ()
    optional: Mapping[str, Input] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    return_names: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    module: str = "nodes"
    is_output: bool = False
    is_lab: bool = False

    def inputs(self) -> dict[str, Input]:
        """Required, then optional."""
        return {**self.required, **self.optional}

    def shown(self) -> dict[str, Any]:
        """The class's entry in `/object_info`."""
        groups: dict[str, dict[str, Any]] = {"required": _shown(self.required)}
        if self.optional:
            groups["optional"] = _shown(self.optional)
        if self.hidden:
            groups["hidden"] = dict(self.hidden)
        return {
            "input": groups,
            "input_order": {name: list(group) for name, group in groups.items()},
            "output": list(self.returns),
            "output_is_list": [False] * len(self.returns),
            "output_name": list(self.return_names or self.returns),
            "name": self.name,
            "display_name": self.title or self.name,
            "description": self.description,
            "python_module": self.module,
            "category": self.category,
            "output_node": self.is_output,
        }


def link(kind: str, tooltip: str = "") -> Input:
    """An input that another node's output is linked to."""
    return Input(kind, {"tooltip": tooltip} if tooltip else None)


def whole(default: int, low: int, high: int, **more: Any) -> Input:
    """An integer."""
    return Input("INT", {"default": default, "min": low, "max": high, **more})


def real(default: float, low: float, high: float, step: float, **more: Any) -> Input:
    """A number."""
    return Input("FLOAT", {"default": default, "min": low, "max": high, "step": step, **more})


def side(default: int, low: int, step: int, tooltip: str = "") -> Input:
    """A width or a height."""
    more = {"tooltip": tooltip} if tooltip else {}
    return whole(default, low, SIDE_MAX, step=step, **more)


def seed(**more: Any) -> Input:
    """A seed."""
    return whole(0, 0, SEED_MAX, control_after_generate=True, **more)


def words(**more: Any) -> Input:
    """A text of several lines."""
    return Input("STRING", {"multiline": True, "dynamicPrompts": True, **more})


def choice(choices: Sequence[str], **more: Any) -> Input:
    """One of a list."""
    return Input(list(choices), more or None)


def model(folder: str, **more: Any) -> Input:
    """A model file of a folder."""
    return Input(ModelList(folder), more or None)


def _shown(inputs: Mapping[str, Input]) -> dict[str, Any]:
    return {name: given.shown() for name, given in inputs.items()}
