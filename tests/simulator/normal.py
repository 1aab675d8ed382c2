"""Makes a recorded account and a replayed one comparable, and compares them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.simulator.replay import Account

FILE = re.compile(r"^(.+)_(\d{5,})_\.png$")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SID = re.compile(r"^[0-9a-f]{32}$")
BY_TYPE = ("timestamp", "traceback", "system", "devices")
AS_SETS = ("nodes", "executed", "current_outputs", "queue_pending")


class Normalizer:
    """Replaces what differs from run to run; first appearances count, so one per account."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._sids: dict[str, str] = {}
        self._numbers: dict[float, str] = {}
        self._counters: dict[str, int] = {}

    def account(self, account: Account) -> Account:
        """The whole account, HTTP first."""
        answers = {row: self.value(account.answers[row]) for row in sorted(account.answers)}
        sockets = {name: self.value(account.sockets[name]) for name in sorted(account.sockets)}
        return Account(answers, sockets)

    def value(self, value: Any, key: str = "") -> Any:
        """One value; `key` is what it stands under."""
        if key in BY_TYPE:
            return _types(value)
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, list):
            return self._list(value, key)
        if key == "number":
            return self._number(value)
        return self._text(value) if isinstance(value, str) else value

    def _dict(self, value: dict[str, Any]) -> dict[str, Any]:
        return {self._text(name): self.value(inner, name) for name, inner in value.items()}

    def _list(self, value: list[Any], key: str) -> list[Any]:
        items = [self.value(item) for item in value]
        if key in AS_SETS:
            return sorted(items, key=str)
        # [number, prompt_id, graph, extra_data, outputs], in the queue and in the history
        if len(value) == 5 and isinstance(value[1], str) and isinstance(value[2], dict):
            items[0] = self._number(value[0])
        return items

    def _number(self, number: float) -> str:
        return self._numbers.setdefault(number, f"<{type(number).__name__} {len(self._numbers)}>")

    def _text(self, text: str) -> str:
        if match := FILE.match(text):
            first = self._counters.setdefault(match[1], int(match[2]))
            return f"{match[1]}_<{int(match[2]) - first}>_.png"
        if SID.match(text):
            return self._sids.setdefault(text, f"<sid {len(self._sids)}>")
        if text.startswith("tensor("):
            return "<tensor>"
        if re.fullmatch(r"<\d+ bytes>", text):
            return "<no bytes>" if text == "<0 bytes>" else "<bytes>"
        return UUID.sub(lambda found: self._id(found[0]), text)

    def _id(self, text: str) -> str:
        return self._ids.setdefault(text, f"<id {len(self._ids)}>")


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _types(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return sorted({str(_types(item)) for item in value})
    return f"<{type(value).__name__}>"


def differences(expected: Any, actual: Any, at: str = "") -> Iterator[str]:
    """Where two normalised values differ; an int is not a float, nor a bool."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in {**expected, **actual}:
            where = f"{at}.{name}"
            if name not in expected or name not in actual:
                yield f"{where}: only in the {'recording' if name in expected else 'replay'}"
            else:
                yield from differences(expected[name], actual[name], where)
    elif isinstance(expected, list) and isinstance(actual, list):
        for place, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(one, other, f"{at}[{place}]")
        if len(expected) != len(actual):
            yield f"{at}: {len(expected)} recorded, {len(actual)} replayed"
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{at}: {expected!r:.300} recorded, {actual!r:.300} replayed"


def compared(expected: Account, actual: Account) -> list[str]:
    """Every difference between two normalised accounts."""
    return [
        *differences(expected.answers, actual.answers, "answer"),
        *differences(expected.sockets, actual.sockets, "socket"),
    ]


def without_loose_progress(frames: list[Any], loose: frozenset[str]) -> list[Any]:
    """The frames without the progress of prompts that were disturbed while they ran.

    How many steps they got to see depends on the moment of the disturbance. Steps must still
    rise, which is checked here.
    """
    kept = []
    last = 0
    stepping = ""  # a preview without metadata belongs to the prompt that stepped last
    for frame in frames:
        if not _is_step(frame):
            last = 0
            kept.append(frame)
            continue
        stepping = stepping if "preview" in frame else frame["data"]["prompt_id"]
        if stepping not in loose:
            kept.append(frame)
        elif frame.get("type") == "progress":
            assert last < frame["data"]["value"] <= frame["data"]["max"], frames
            last = frame["data"]["value"]
    return kept


def without_early_status(frames: list[Any], hurried: int) -> list[Any]:
    """The frames without the statuses that came among the first `hurried` others."""
    kept = []
    others = 0
    for frame in frames:
        if frame.get("type") != "status":
            others += 1
        elif others < hurried:
            continue
        kept.append(frame)
    return kept


def _is_step(frame: Any) -> bool:
    if frame.get("type") == "progress_state":
        last = list(frame["data"]["nodes"].values())[-1]
        return bool(last["state"] == "running" and last["value"] != 0)
    return frame.get("type") == "progress" or "preview" in frame
