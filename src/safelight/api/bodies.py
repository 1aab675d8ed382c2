"""Request bodies: strict JSON, every wrong field named by its pointer.

Python's decoder accepts more than we keep: doubled keys, NaN, numbers beyond any float, halves of
surrogate pairs, NUL. PostgreSQL, browsers or the next reader would stumble over each of them later,
so they are refused here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from safelight.api.problems import NotJson, summary
from safelight.api.schemas import RequestBody
from safelight.api.wrong_fields import MOST_ERRORS, field_errors, pointer_to
from safelight.core.errors import FieldError, Invalid

MAX_DEPTH: Final = 32
Body = TypeVar("Body", bound=BaseModel)


async def read(request: Request, model: type[Body]) -> tuple[Body, Any]:
    """The body as the model, and as plain JSON.

    Raises:
        NotJson: it is no JSON.
        TooLarge: it is longer than `max_body`.
        Invalid: a field is wrong; all of them are listed.
    """
    document = parse(await request.body())
    return validated(model, document), document


async def perhaps(request: Request, model: type[Body]) -> Body:
    """The body as the model; no body is an empty object. Raises: like `read`."""
    return validated(model, parse(await request.body() or b"{}"))


async def none(request: Request) -> None:
    """A request whose address says everything: no body, or an empty object.

    Raises: like `read`; a field would be a wish that is not fulfilled.
    """
    if await request.body():
        await read(request, RequestBody)


def parse(raw: bytes) -> Any:
    """A JSON value that can be kept.

    Raises:
        NotJson: with line and column of what is not JSON.
        Invalid: a NUL, half a surrogate pair, a number beyond range, a key given twice, or nested
            deeper than 32.

    Example:
        >>> parse(b'{"quantity": 4}')
        {'quantity': 4}
    """
    try:
        document = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant
        )
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        raise NotJson(f"{error.msg} at {at}" if raw.strip() else "the body is empty") from None
    except RecursionError:
        raise _refusal((FieldError("", f"nested deeper than {MAX_DEPTH}", "too-deep"),)) from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    errors = tuple(
        error for error, _ in zip(_faults(document, ()), range(MOST_ERRORS), strict=False)
    )
    if errors:
        raise _refusal(errors)
    return document


def validated(model: type[Body], document: Any) -> Body:
    """The document as the model. Raises Invalid with every wrong field."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _refusal(field_errors(error.errors(include_url=False, include_input=False))) from None


def fingerprint(document: Any) -> str:
    """SHA-256 of the canonical form: two spellings of one request are the same request.

    Example:
        >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
        True
    """
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class _Doubled(dict[str, Any]):
    """An object in which a key came twice; found again by the walk, which knows the pointer."""

    key = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    times = Counter(key for key, _ in pairs)
    doubled = _Doubled(found)
    doubled.key = next(key for key in times if times[key] > 1)
    return doubled


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _faults(value: Any, path: tuple[str | int, ...]) -> Iterator[FieldError]:
    if isinstance(value, str):
        yield from _text_faults(value, path)
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield FieldError(pointer_to(path), "is beyond the range of numbers", "out-of-range")
    elif isinstance(value, dict | list):
        if len(path) >= MAX_DEPTH:
            yield FieldError(pointer_to(path), f"nested deeper than {MAX_DEPTH}", "too-deep")
            return
        if isinstance(value, _Doubled):
            yield FieldError(pointer_to((*path, value.key)), "is given twice", "given-twice")
        yield from _inner_faults(value, path)


def _inner_faults(
    value: dict[str, Any] | list[Any], path: tuple[str | int, ...]
) -> Iterator[FieldError]:
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _faults(entry, (*path, index))
        return
    for key, entry in value.items():
        yield from _text_faults(key, (*path, key))
        yield from _faults(entry, (*path, key))


def _text_faults(text: str, path: tuple[str | int, ...]) -> Iterator[FieldError]:
    if "\0" in text:
        yield FieldError(pointer_to(path), "a NUL cannot be kept", "bad-text")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        yield FieldError(pointer_to(path), "half of a surrogate pair is no text", "bad-text")


def _refusal(errors: tuple[FieldError, ...]) -> Invalid:
    return Invalid(summary(errors), errors=errors)
