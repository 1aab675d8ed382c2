"""The reference page of the Python client, from its signatures and docstrings."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from safelight import client as package
from safelight.client import (
    AsyncClient,
    Batch,
    Character,
    Client,
    Event,
    Failure,
    Image,
    Page,
    Parameters,
    Publication,
    Series,
    WrongField,
    errors,
)

_TOP: Final = """\
# Python client

<!-- This page is generated from the docstrings: `make docs`. -->

`from safelight import Client`. [How to use it](../how-to/python-client.md).

`Client` and `AsyncClient` have the same methods; those of `AsyncClient` are awaited, and `watch` \
is iterated with `async for`. Its batches and images are `AsyncBatch` and `AsyncImage`, whose \
methods are awaited as well.

"""
_RECORDS: Final = (Batch, Image, Event, Page, Series, Character, Publication, Failure, WrongField)
_INNER: Final = {"raw", "client"}


def page() -> str:
    """The whole page."""
    parts = [_TOP, *_client(), *_parameters()]
    for record in _RECORDS:
        parts += _record(record)
    return "".join([*parts, *_errors()]).rstrip() + "\n"


def _client() -> Iterator[str]:
    for client in (Client, AsyncClient):
        yield f"## {client.__name__}\n\n{_words(client)}"
    yield f"## Methods\n\n{_signature('Client', Client)}"
    for name in _own_names(AsyncClient):
        member = inspect.getattr_static(AsyncClient, name)
        code = "" if isinstance(member, property) else _signature(name, member)
        yield f"### {name}\n\n{code}{_of_both(_words(member))}"


def _parameters() -> Iterator[str]:
    yield f"## Parameters\n\n{_words(Parameters)}"
    yield _fields([(name, str(kind)) for name, kind in _declared(Parameters)], Parameters)


def _record(record: type) -> Iterator[str]:
    name = record.__name__
    yield f"## {name}\n\n{_words(record)}"
    declared = {f.name: str(f.type) for f in dataclasses.fields(record)}
    yield _fields([(n, t) for n, t in declared.items() if n not in _INNER], *record.__mro__)
    if "raw" in declared:
        yield "`raw` is the JSON as it came, with everything the server says.\n\n"
    for each in _own_names(record):
        member = inspect.getattr_static(record, each)
        if isinstance(member, property):
            yield f"### {name}.{each}\n\n{_words(member)}"
        elif inspect.isfunction(member):
            yield f"### {name}.{each}\n\n{_signature(each, member)}{_words(member)}"


def _errors() -> Iterator[str]:
    yield f"## Exceptions\n\n```text\n{_tree()}\n```\n\n"
    for name in package.__all__:
        kind = getattr(package, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            yield f"### {name}\n\n{_words(kind)}{_attributes(kind)}"


def _tree() -> str:
    return (inspect.getdoc(errors) or "").partition("\n\n")[2]


def _own_names(owner: type) -> list[str]:
    """Public names in the order in which they are written, the base's last."""
    found: dict[str, None] = {}
    for kind in owner.__mro__:
        if kind.__module__.startswith("safelight."):
            found |= {name: None for name in vars(kind) if not name.startswith("_")}
    fields = {each.name for each in dataclasses.fields(owner)} if _is_record(owner) else set()
    return [name for name in found if name not in fields and name != "of"]


def _is_record(owner: type) -> bool:
    return dataclasses.is_dataclass(owner)


def _signature(name: str, member: Any) -> str:
    """As it is typed, without `self`."""
    found = inspect.signature(member)
    parameters = [each for each in found.parameters.values() if each.name != "self"]
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(found.replace(parameters=parameters)))
    text = re.sub(r"Unpack\[(\w+)\]", r"\1", text).removesuffix(" -> None").replace("''", '""')
    return f"```python\n{_of_both(_typed(name + text))}\n```\n\n"


def _of_both(text: str) -> str:
    """What is said of the one client, for both."""
    text = re.sub(r"AsyncGenerator\[Event, None(, None)?\]", "Iterator[Event]", text)
    text = re.sub(r"\bGenerator\[Event, None, None\]", "Iterator[Event]", text)
    return re.sub(r"\bAsync(Batch|Image|Client)\b", r"\1", text)


def _words(member: Any) -> str:
    """The docstring: code as code, what is raised as a list."""
    lines = (inspect.getdoc(member) or "").splitlines()
    text = "\n".join(_as_markdown(lines))
    return f"{text.strip()}\n\n" if text.strip() else ""


def _as_markdown(lines: Sequence[str]) -> Iterator[str]:
    kind = ""
    for line in lines:
        if line in ("Example:", "Raises:"):
            kind = line
            yield "```python" if kind == "Example:" else "Raises:\n"
        elif kind == "Example:":
            yield line.removeprefix("    ")
        elif kind == "Raises:" and line.strip():
            name, _, text = line.strip().partition(": ")
            yield f"* `{name}`: {text}" if text else f"  {line.strip()}"
        else:
            yield line
    if kind == "Example:":
        yield "```"


def _declared(owner: type) -> list[tuple[str, Any]]:
    return list(inspect.get_annotations(owner).items())


def _fields(fields: Sequence[tuple[str, str]], *owners: type) -> str:
    """A table of the fields; what they mean is the comment behind them in the source."""
    comments: dict[str, str] = {}
    for owner in reversed(owners):
        if owner.__module__.startswith("safelight."):
            comments |= dict(
                re.findall(r"^    (\w+): [^#\n]*?  # (.+)$", inspect.getsource(owner), re.M)
            )
    rows = [
        f"| `{name}` | `{_plain(kind)}` | {comments.get(name, '').replace('|', 'or')} |\n"
        for name, kind in fields
    ]
    return "".join(["| field | is | |\n| --- | --- | --- |\n", *rows, "\n"])


def _attributes(kind: type[Exception]) -> str:
    """What an exception carries, where its source says what that is."""
    found = re.findall(r"^        self\.(\w+) = .*  # (.+)$", inspect.getsource(kind), re.M)
    return "".join([f"* `{name}`: {text}\n" for name, text in found]) + ("\n" if found else "")


def _plain(kind: str) -> str:
    kind = re.sub(r"ForwardRef\('([^']*)'.*\)", r"\1", kind)
    return _typed(kind).replace("Member", "Image").replace(" | ", " or ")


def _typed(text: str) -> str:
    return text.replace("Json", "dict[str, Any]")
