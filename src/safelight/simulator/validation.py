"""What POST /prompt refuses, in the words of the real server."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from safelight.simulator.catalog import Catalog
from safelight.simulator.classes import Input, NodeClass

Problem = dict[str, Any]
FAULTS = (KeyError, IndexError, TypeError, AttributeError, ValueError)
CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "INT": int,
    "FLOAT": float,
    "STRING": str,
    "BOOLEAN": bool,
}


@dataclass(frozen=True)
class Verdict:
    """Whether a graph may run, and which of its outputs."""

    error: Problem | None
    outputs: list[str] = field(default_factory=list)
    node_errors: dict[str, Problem] = field(default_factory=dict)


def validate(
    catalog: Catalog, graph: Any, targets: Collection[str] | None, input_files: Collection[str]
) -> Verdict:
    """Judge a graph, converting its literals in place as the real server does."""
    wanted = []
    for node in graph:
        if "class_type" not in graph[node]:
            return _invalid(
                "Cannot execute because a node is missing the class_type property.", node
            )
        name = graph[node]["class_type"]
        if name not in catalog:
            return _invalid(f"Cannot execute because node {name} does not exist.", node)
        if catalog[name].is_output and (targets is None or node in targets):
            wanted.append(node)
    if not wanted:
        return Verdict(problem("prompt_no_outputs", "Prompt has no outputs"))
    return _Judge(catalog, graph, input_files).judge(wanted)


def problem(kind: str, message: str, details: str = "", **extra: Any) -> Problem:
    """An error object as the real server shapes it."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def _invalid(message: str, node: str) -> Verdict:
    return Verdict(problem("invalid_prompt", message, f"Node ID '#{node}'"))


class _Judge:
    def __init__(self, catalog: Catalog, graph: Any, input_files: Collection[str]) -> None:
        self._catalog = catalog
        self._graph = graph
        self._input_files = input_files
        self._found: dict[str, list[Problem] | None] = {}  # None: sound

    def judge(self, wanted: list[str]) -> Verdict:
        good: list[str] = []
        lines: list[str] = []
        node_errors: dict[str, Problem] = {}
        for output in wanted:
            if self._judge_output(output):
                good.append(output)
                continue
            lines += [
                f"{found['message']}: {found['details']}" for found in self._found[output] or ()
            ]
            self._collect(output, node_errors)
        if good:
            return Verdict(None, good, node_errors)
        failed = "Prompt outputs failed validation"
        error = problem("prompt_outputs_failed_validation", failed, "\n".join(lines))
        return Verdict(error, [], node_errors)

    def _judge_output(self, output: str) -> bool:
        try:
            return self._sound(output)
        except FAULTS as fault:
            self._found[output] = [
                problem(
                    "exception_during_validation",
                    "Exception when validating node",
                    str(fault),
                    exception_type=type(fault).__name__,
                    traceback=traceback.format_tb(fault.__traceback__),
                )
            ]
            return False

    def _collect(self, output: str, node_errors: dict[str, Problem]) -> None:
        for node, problems in self._found.items():
            if not problems:
                continue
            kind = self._graph[node]["class_type"]
            entry = {"errors": problems, "dependent_outputs": [], "class_type": kind}
            node_errors.setdefault(node, entry)["dependent_outputs"].append(output)

    def _sound(self, node: str) -> bool:
        if node in self._found:
            return self._found[node] is None
        self._found[node] = []  # a cycle comes back here, and fails without a word
        inputs = self._graph[node]["inputs"]
        node_class = self._catalog[self._graph[node]["class_type"]]
        problems: list[Problem] = []
        sound = True
        for name, given in node_class.inputs().items():
            if name not in inputs:
                problems += _missing(node_class, name)
            elif isinstance(inputs[name], list):
                sound &= self._judge_link(name, given, inputs[name], problems)
            else:
                problems += self._judge_literal(name, given, inputs)
        self._found[node] = None if sound and not problems else problems
        return self._found[node] is None

    def _judge_link(
        self, name: str, given: Input, value: list[Any], problems: list[Problem]
    ) -> bool:
        """Whether the linked node is sound; what is wrong with the link itself is a problem."""
        if len(value) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            told = _told(name, given, received_value=value)
            problems.append(problem("bad_linked_input", message, name, **told))
            return True
        source, slot = value
        received = self._catalog[self._graph[source]["class_type"]].returns[slot]
        if received != given.kind:
            message = "Return type mismatch between linked nodes"
            details = f"{name}, received_type({received}) mismatch input_type({given.kind})"
            told = _told(name, given, received_type=received, linked_node=value)
            problems.append(problem("return_type_mismatch", message, details, **told))
            return True
        try:
            return self._sound(source)
        except FAULTS as fault:
            self._found[source] = [_inner(name, given, value, fault)]
            return False

    def _judge_literal(self, name: str, given: Input, inputs: dict[str, Any]) -> list[Problem]:
        value = inputs[name]
        if isinstance(given.kind, str) and given.kind in CONVERSIONS:
            try:
                value = inputs[name] = CONVERSIONS[given.kind](value)
            except (TypeError, ValueError, OverflowError) as fault:
                message = f"Failed to convert an input value to a {given.kind} value"
                told = _told(name, given, received_value=value, exception_message=str(fault))
                details = f"{name}, {value}, {fault}"
                return [problem("invalid_input_type", message, details, **told)]
        if given.options and "image_upload" in given.options:
            return self._judge_file(name, value)
        return _out_of_range(name, given, value) or _not_in_list(name, given, value)

    def _judge_file(self, name: str, value: Any) -> list[Problem]:
        if value in self._input_files:
            return []
        message = "Custom validation failed for node"
        details = f"{name} - Invalid image file: {value}"
        told = {"input_name": name, "input_config": [[], {}], "received_value": value}
        return [problem("custom_validation_failed", message, details, **told)]


def _inner(name: str, given: Input, value: list[Any], fault: Exception) -> Problem:
    told = _told(
        name,
        given,
        exception_message=str(fault),
        exception_type=type(fault).__name__,
        traceback=traceback.format_tb(fault.__traceback__),
        linked_node=value,
    )
    message = "Exception when validating inner node"
    return problem("exception_during_inner_validation", message, str(fault), **told)


def _missing(node_class: NodeClass, name: str) -> list[Problem]:
    if name not in node_class.required:
        return []
    return [problem("required_input_missing", "Required input is missing", name, input_name=name)]


def _out_of_range(name: str, given: Input, value: Any) -> list[Problem]:
    options = given.options or {}
    told = _told(name, given, received_value=value)
    if "min" in options and value < options["min"]:
        message = f"Value {value} smaller than min of {options['min']}"
        return [problem("value_smaller_than_min", message, name, **told)]
    if "max" in options and value > options["max"]:
        message = f"Value {value} bigger than max of {options['max']}"
        return [problem("value_bigger_than_max", message, name, **told)]
    return []


def _not_in_list(name: str, given: Input, value: Any) -> list[Problem]:
    if not isinstance(given.kind, list) or value in given.kind or given.any_choice:
        return []
    told = _told(name, given, received_value=value)
    choices = str(given.kind)
    if len(given.kind) > 20:
        choices = f"(list of length {len(given.kind)})"
        told["input_config"] = None
    details = f"{name}: '{value}' not in {choices}"
    return [problem("value_not_in_list", "Value not in list", details, **told)]


def _told(name: str, given: Input, **more: Any) -> dict[str, Any]:
    return {"input_name": name, "input_config": given.config(), **more}
