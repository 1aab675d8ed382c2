"""Pydantic's errors as ours: a pointer, a sentence that says what would be right, a slug."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from safelight.core.errors import FieldError

MOST_ERRORS: Final = 50
"""Wrong fields that one answer tells of: a request can have a hundred thousand."""
_SAYINGS: Final = {
    "missing": ("is required", "missing"),
    "extra_forbidden": ("is not known here", "unknown-field"),
    "int_type": ("expected a whole number", "wrong-type"),
    "int_parsing": ("expected a whole number", "wrong-type"),
    "int_from_float": ("expected a whole number", "wrong-type"),
    "int_parsing_size": ("is too large", "out-of-range"),
    "float_type": ("expected a number", "wrong-type"),
    "finite_number": ("expected a finite number", "out-of-range"),
    "string_type": ("expected a string", "wrong-type"),
    "bool_type": ("expected true or false", "wrong-type"),
    "list_type": ("expected a list", "wrong-type"),
    "dict_type": ("expected an object", "wrong-type"),
    "model_type": ("expected an object", "wrong-type"),
    "model_attributes_type": ("expected an object", "wrong-type"),
}
_BOUNDS: Final = {
    "greater_than_equal": ("expected at least {ge}", "out-of-range"),
    "less_than_equal": ("expected at most {le}", "out-of-range"),
    "string_too_short": ("expected at least {min_length} characters", "too-short"),
    "string_too_long": ("expected at most {max_length} characters", "too-long"),
    "too_long": ("expected at most {max_length} entries", "too-long"),
    "string_pattern_mismatch": ("expected the pattern {pattern}", "bad-format"),
    "literal_error": ("expected {expected}", "bad-value"),
}


def field_errors(errors: Iterable[Any]) -> tuple[FieldError, ...]:
    """Every wrong field, of very many the first; no value is repeated.

    Example:
        >>> field_errors([{"loc": ("quantity",), "type": "int_type", "msg": ""}])[0].detail
        'expected a whole number'
    """
    return tuple(_field_error(error) for error in islice(errors, MOST_ERRORS))


def pointer_to(location: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901), or `?name` for a query parameter.

    Example:
        >>> pointer_to(["metadata", "a/b", 0])
        '/metadata/a~1b/0'
    """
    if location and location[0] == "query":
        return "?" + ".".join(str(step) for step in location[1:])
    return "".join("/" + str(s).replace("~", "~0").replace("/", "~1") for s in location)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    kind = error["type"]
    location = [step for step in error["loc"] if step != "[key]"]
    if kind in _BOUNDS:
        saying, code = _BOUNDS[kind]
        return FieldError(pointer_to(location), saying.format(**error.get("ctx", {})), code)
    saying, code = _SAYINGS.get(kind, (error["msg"], "bad-value"))
    return FieldError(pointer_to(location), saying, code)
