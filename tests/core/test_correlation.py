"""Whose picture is it? Recorded entries of a real server, and everything they might be instead."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.correlation import (
    Errored,
    Interrupted,
    OutputFile,
    Rendered,
    attempt_named,
    is_out_of_memory,
    read_history,
)

TRANSCRIPTS = Path(__file__).parents[1] / "simulator" / "transcripts"
ID = "20edc183-90d2-4901-af5c-eaad5b3c3f66"


def entry(**changes: Any) -> dict[str, Any]:
    picture = {"filename": "image_00001_.png", "subfolder": f"safelight/{ID}", "type": "output"}
    whole = {
        "prompt": [1, ID, {}, {}, ["3"]],
        "outputs": {"3": {"images": [picture]}},
        "status": {
            "status_str": "success",
            "completed": True,
            "messages": [
                ["execution_start", {"prompt_id": ID, "timestamp": 1}],
                ["execution_cached", {"nodes": ["1"], "prompt_id": ID, "timestamp": 2}],
                ["execution_success", {"prompt_id": ID, "timestamp": 3}],
            ],
        },
        "meta": {},
    }
    return whole | changes


def failed(kind: str, **data: Any) -> dict[str, Any]:
    messages = [["execution_start", {"prompt_id": ID}], [kind, {"prompt_id": ID, **data}]]
    return entry(status={"status_str": "error", "completed": False, "messages": messages})


def with_picture(**changes: Any) -> dict[str, Any]:
    changed = entry()
    changed["outputs"]["3"]["images"][0].update(changes)
    return changed


def recorded_entries() -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for path in sorted(TRANSCRIPTS.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            frame = json.loads(line)
            body = frame.get("body")
            is_answer = frame["dir"] == "in" and "/history" in frame.get("path", "")
            if is_answer and isinstance(body, dict):
                found += [(path.stem, key, value) for key, value in body.items()]
    return found


def test_entry_read() -> None:
    file = OutputFile("image_00001_.png", f"safelight/{ID}", "output")
    assert read_history(entry(), ID, "3") == Rendered((file,), cached=False)


def test_every_recorded_entry_is_understood() -> None:
    entries = recorded_entries()
    assert len(entries) >= 20
    kinds = set()
    for name, prompt_id, value in entries:
        outcome = read_history(value, prompt_id, value["prompt"][4][0])
        kinds.add(type(outcome))
        is_success = value["status"]["status_str"] == "success"
        assert isinstance(outcome, Rendered) == is_success, name
    assert kinds == {Rendered, Errored, Interrupted}


def test_recorded_duplicates_are_seen_as_cached() -> None:
    outcomes = [
        read_history(value, prompt_id, "3")
        for name, prompt_id, value in recorded_entries()
        if name == "cached_duplicate"
    ]
    assert {outcome.cached for outcome in outcomes if isinstance(outcome, Rendered)} == {
        True,
        False,
    }


def test_files_of_other_nodes_and_temporary_ones_never_count() -> None:
    other = {"filename": "x.png", "subfolder": "", "type": "output"}
    temp = {"filename": "../x.png", "subfolder": 5, "type": "temp"}
    value = entry(outputs={"4": {"images": [other]}, "3": {"images": [temp, other]}})
    outcome = read_history(value, ID, "3")
    assert outcome == Rendered((OutputFile("x.png", "", "output"),), cached=False)
    assert read_history(entry(outputs={"4": {"images": [other]}}), ID, "3") == Rendered((), False)
    assert read_history(entry(outputs={"3": {"text": ["x"]}}), ID, "3") == Rendered((), False)


def test_cached_only_when_the_output_node_is_named() -> None:
    value = entry()
    value["status"]["messages"][1][1]["nodes"] = ["1", "3"]
    assert read_history(value, ID, "3") == Rendered(read_history(entry(), ID, "3").files, True)  # type: ignore[union-attr]


def test_error_with_its_node() -> None:
    value = failed(
        "execution_error",
        node_id="5",
        node_type="LabRaise",
        exception_type="ValueError",
        exception_message="boom\x00\ud800\n" + "x" * 5000,
    )
    outcome = read_history(value, ID, "3")
    assert isinstance(outcome, Errored)
    assert (outcome.node, outcome.node_type, outcome.exception_type) == (
        "5",
        "LabRaise",
        "ValueError",
    )
    assert outcome.message.startswith("boom?\nxxx")
    assert len(outcome.message) == 2000
    assert not outcome.out_of_memory


def test_error_without_a_node_and_error_without_a_reason() -> None:
    value = failed("execution_error", exception_type="KeyError", exception_message="'x'")
    assert read_history(value, ID, "3") == Errored(None, None, "KeyError", "'x'", False)
    outcome = read_history(failed("execution_start"), ID, "3")
    assert outcome == Errored(None, None, "", "the backend gave no reason", False)


def test_interrupted() -> None:
    value = failed("execution_interrupted", node_id="1", node_type="KSampler", executed=[])
    assert read_history(value, ID, "3") == Interrupted()


@pytest.mark.parametrize(
    ("exception_type", "message", "expected"),
    [
        ("torch.OutOfMemoryError", "Allocation on device", True),
        ("torch.cuda.OutOfMemoryError", "", True),
        ("MemoryError", "", True),
        ("RuntimeError", "CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("RuntimeError", "HIP out of memory", True),
        ("RuntimeError", "DefaultCPUAllocator: not enough memory: you tried to", True),
        ("RuntimeError", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        ("ValueError", "boom", False),
        ("NotAMemoryError2", "boom", False),
    ],
)
def test_out_of_memory(exception_type: str, message: str, expected: bool) -> None:
    assert is_out_of_memory(exception_type, message) is expected


STATUS = entry()["status"]
HOSTILE: list[Any] = [
    None,
    [],
    {},
    "x",
    entry(prompt=None),
    entry(prompt=[1]),
    entry(prompt=[1, "another"]),
    entry(prompt=[1, [ID]]),
    entry(status=None),
    entry(status=STATUS | {"status_str": "running"}),
    entry(status=STATUS | {"completed": 1}),
    entry(status=STATUS | {"completed": False}),
    entry(status=STATUS | {"messages": None}),
    entry(status=STATUS | {"messages": ["execution_start"]}),
    entry(status=STATUS | {"messages": [["execution_start"]]}),
    entry(status=STATUS | {"messages": [["execution_start", None]]}),
    entry(status=STATUS | {"messages": [[None, {}]]}),
    entry(status=STATUS | {"messages": [["execution_start", {"prompt_id": "another"}]]}),
    entry(status=STATUS | {"messages": [["execution_cached", {"nodes": "3"}]]}),
    entry(status=STATUS | {"messages": [["execution_interrupted", {}]]}),
    entry(outputs=None),
    entry(outputs={"3": None}),
    entry(outputs={"3": {"images": {}}}),
    entry(outputs={"3": {"images": ["x.png"]}}),
    failed("execution_error"),
    failed("execution_error", exception_type="X", exception_message=None),
    failed("execution_error", exception_type="X", exception_message="", node_id=5),
    *(
        with_picture(filename=name)
        for name in (None, 5, "", ".", "..", "a/b.png", "a\\b.png", "C:x.png", "a..png", "a\n.png")
    ),
    with_picture(filename="x" * 256),
    with_picture(filename="\ud800.png"),
    *(
        with_picture(subfolder=folder)
        for folder in (None, "/etc", "..", "a/../b", "a//b", "a/", "C:\\x", "\\\\host\\x", "a\x00b")
    ),
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^.{5,60}$"):
        read_history(value, ID, "3")


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (json.dumps({"user": "ann", "attempt": ID}), ID),
        (json.dumps({"user": "ann"}), None),
        (json.dumps({"attempt": 7}), None),
        (json.dumps([ID]), None),
        (None, None),
        ("", None),
        ("{", None),
        ("[" * 100_000, None),
    ],
)
def test_whose_picture_a_file_says_it_is(note: str | None, expected: str | None) -> None:
    assert attempt_named(note) == expected


def test_a_server_on_windows() -> None:
    outcome = read_history(with_picture(subfolder=f"safelight\\{ID}"), ID, "3")
    assert isinstance(outcome, Rendered)
    assert outcome.files[0].subfolder == f"safelight\\{ID}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from(
    [
        ("prompt",),
        ("prompt", 1),
        ("outputs",),
        ("outputs", "3"),
        ("outputs", "3", "images"),
        ("outputs", "3", "images", 0),
        ("outputs", "3", "images", 0, "filename"),
        ("outputs", "3", "images", 0, "subfolder"),
        ("outputs", "3", "images", 0, "type"),
        ("status",),
        ("status", "status_str"),
        ("status", "messages"),
        ("status", "messages", 1),
        ("status", "messages", 1, 1),
        ("status", "messages", 1, 1, "nodes"),
    ]
)


@given(place=PLACES, value=JSON)
def test_one_wrong_place_is_refused_or_harmless(place: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(entry())
    holder: Any = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    try:
        outcome = read_history(changed, ID, "3")
    except ValueError:
        return
    assert isinstance(outcome, Rendered)
    for file in outcome.files:
        assert file.type == "output"
        assert "/" not in file.filename
        assert ".." not in file.filename + file.subfolder
        assert not file.subfolder.startswith("/")


@given(value=JSON)
def test_nothing_but_value_errors(value: Any) -> None:
    with pytest.raises(ValueError):
        read_history(value, ID, "3")
