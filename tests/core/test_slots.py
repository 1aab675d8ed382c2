"""Slots that somebody named, the output node, and the report."""

from __future__ import annotations

import pytest

from safelight.core.errors import Invalid
from safelight.core.slots import SLOT_NAMES, describe, find_slots
from tests.core import graphs
from tests.core.graphs import node


def test_named_slots_win() -> None:
    slots = find_slots(graphs.sd15(), {"prompt": "7.text", "seed": "3.seed"})
    assert slots["prompt"] == "7.text"
    assert "negative_prompt" not in slots
    named = {"prompt": "6.text,7.text"}
    assert find_slots(graphs.sd15(), named)["prompt"] == "6.text,7.text"
    assert find_slots(graphs.primitives(), {"prompt": "6.text"})["prompt"] == "31.value"


@pytest.mark.parametrize(
    ("named", "pointer", "words"),
    [
        ({"negativ_prompt": "7.text"}, "/slots/negativ_prompt", "did you mean negative_prompt?"),
        ({"zzz": "7.text"}, "/slots/zzz", "known slots: seed, prompt"),
        ({"seed": "3"}, "/slots/seed", 'write "NODE.INPUT"'),
        ({"seed": ""}, "/slots/seed", 'write "NODE.INPUT"'),
        ({"seed": "77.seed"}, "/slots/seed", "no node 77"),
        ({"seed": "3.sead"}, "/slots/seed", "its inputs: seed, steps"),
        ({"seed": "3.model"}, "/slots/seed", "no input that holds a number"),
        ({"seed": "3.scheduler"}, "/slots/seed", "no input that holds a number"),
        ({"prompt": "3.seed"}, "/slots/prompt", "no input that holds a text"),
        ({"width": "5.width", "height": "5.width"}, "/slots/height", "same input, 5.width"),
        ({"output": "77"}, "/slots/output", "no node 77"),
        ({"output": "20"}, "/slots/output", "temporary"),
        ({"output": "21"}, "/slots/output", "leaves no file"),
        ({"seed": "22.seed"}, "/slots/seed", "does not feed output node 9"),
        ({"seed": "23.seed"}, "/slots/seed", "its inputs: none"),
    ],
)
def test_named_slots_are_checked(named: dict[str, str], pointer: str, words: str) -> None:
    graph = graphs.sd15()
    graph["20"] = node("PreviewImage", images=["8", 0])
    graph["21"] = node("SaveImageWebsocket", images=["8", 0])
    graph["22"] = node("Loose", seed=1)
    graph["23"] = node("Empty")
    with pytest.raises(Invalid) as caught:
        find_slots(graph, named)
    assert caught.value.code == "bad-slot"
    assert caught.value.errors[0].pointer == pointer
    assert words in caught.value.detail


def test_the_output_node() -> None:
    graph = graphs.two_outputs()
    with pytest.raises(Invalid, match=r"3 \(SaveImage\), 5 \(SaveImage\)") as caught:
        find_slots(graph, {})
    assert caught.value.errors[0].pointer == "/slots/output"
    assert find_slots(graph, {"output": "5"})["output"] == "5"
    del graph["5"]
    assert find_slots(graph, {})["output"] == "3"
    del graph["3"]
    with pytest.raises(Invalid, match="known to save"):
        find_slots(graph, {})


def test_the_report() -> None:
    report = describe(graphs.quick(4), {})
    assert report.output == "3"
    assert report.slots == find_slots(graphs.quick(4), {})
    assert report.classes == ("EmptyImage", "ImageAddNoise", "SaveImage")
    assert report.notes == ("batch_size 4 of node 1 is sent as 1: one prompt makes one image",)
    assert set(report.missing) | set(report.slots) == set(SLOT_NAMES)


def test_shared_inputs_are_told() -> None:
    assert describe(graphs.flux_one_text(), {}).notes == (
        "negative_prompt is no slot: it is the same input as prompt",
    )
