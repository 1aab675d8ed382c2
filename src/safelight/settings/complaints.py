"""What is wrong with the settings, one line per problem: place, key, what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from safelight.core.errors import FieldError
from safelight.settings.layers import SECRETS, Layer
from safelight.settings.model import Settings

_OURS: Final = {
    "missing": "must be given",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "string_type": "expected a text",
    "tuple_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "model_attributes_type": "expected a table",
    "path_type": "expected the path of a file or folder",
    "byte_size": 'expected bytes, or a text such as "64MiB"',
    "byte_size_unit": 'expected bytes, or a text such as "64MiB"',
}


def complaints(error: ValidationError, layers: Sequence[Layer]) -> Iterator[str]:
    """Pydantic's errors in our words; no value is repeated, it may be a secret."""
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        location = [step for step in problem["loc"] if step != "[key]"]
        message = _OURS.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = unknown(str(location[-1]), known_keys(location[:-1]))
        yield _line(location, message, layers)


def fault_lines(faults: Iterable[FieldError], layers: Sequence[Layer]) -> Iterator[str]:
    """The core's faults, pointers into the settings, in the same form."""
    for fault in faults:
        section, id, *rest = fault.pointer.split("/")[1:]
        steps = [int(step) if step.isdecimal() else step for step in rest]
        yield _line([section, id, *steps], fault.detail, layers)


def _line(location: Sequence[str | int], message: str, layers: Sequence[Layer]) -> str:
    """The layer that says the key, else the one that says what it belongs to."""
    around = (location[:length] for length in range(len(location), -1, -1))
    found = (layer for place in around for layer in layers if layer.says(place))
    layer = next(found)
    return ": ".join(part for part in (layer.source, layer.spelling(location), message) if part)


def unknown(name: str, known: Sequence[str]) -> str:
    """What to say of a name nobody knows.

    Example:
        >>> unknown("prot", ["host", "port"])
        'unknown; the nearest known one is "port"'
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f'unknown; the nearest known one is "{near[0]}"'
    return f"unknown; known here: {', '.join(known)}"


def known_keys(location: Sequence[str | int]) -> list[str]:
    """What may stand at a place, `*_file` twins included."""
    model: Any = Settings
    for step in location:
        model = _below(model, step)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    keys = [key for key in model.model_fields if location or key not in Settings.OUTSIDE_THE_FILE]
    place = ".".join(map(str, location))
    twins = [f"{key}_file" for key in keys if _is_secret(f"{place}.{key}")]
    return keys + twins


def _is_secret(dotted: str) -> bool:
    return any(fnmatchcase(dotted, pattern) for pattern in SECRETS)


def _below(model: Any, step: str | int) -> Any:
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = model.model_fields.get(str(step))
        return field.annotation if field else None
    # The last argument of dict[K, V] and list[V]; tuple[V, ...] ends with an ellipsis.
    arguments = [argument for argument in get_args(model) if argument is not Ellipsis]
    return arguments[-1] if arguments else None
