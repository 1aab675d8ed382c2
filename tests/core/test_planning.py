"""Orders become plans, or are told everything that is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.errors import Invalid
from safelight.core.filling import fill
from safelight.core.graph import graph_hash
from safelight.core.planning import make_plan, prepare, steps_of
from safelight.core.records import (
    Catalogue,
    Character,
    Graph,
    Limits,
    Lora,
    Order,
    Parameters,
    Plan,
    Style,
    Workflow,
)
from tests.core import graphs

LIMITS = Limits()
ANIME = Style("anime", "gpu", "anime.safetensors", "masterpiece", "jpeg", workflow="sd15")
MIRA = Character(
    "mira",
    "Mira",
    style="anime",
    prompt="a pirate",
    negative_prompt="lowres",
    embedding="mira_v2",
    loras=(Lora("mira.safetensors", 0.8),),
    parameters=Parameters(width=768, steps=35, cfg=8, sampler="dpmpp_2m"),
)
CATALOGUE = Catalogue(
    characters={
        "mira": MIRA,
        "bare": Character("bare", "Bare", workflow="quick"),
        "lost": Character("lost", "Lost"),
        "odd": Character("odd", "Odd", style="gone"),
        "older": Character("older", "Older", workflow="gone"),
        "broken": Character("broken", "Broken", workflow="broken"),
    },
    styles={"anime": ANIME, "plain": Style("plain")},
    workflows={
        "sd15": Workflow("sd15", graphs.sd15()),
        "quick": Workflow("quick", graphs.quick(), exact_size=True),
        "flux": Workflow("flux", graphs.flux()),
        "broken": Workflow("broken", graphs.two_outputs()),
        "named": Workflow("named", graphs.two_outputs(), {"output": "5"}),
    },
)


def order(character: str = "mira", **more: Any) -> Order:
    usual: dict[str, Any] = {"user": "areg", "prompt": "at sea", "quantity": 4}
    return Order(character=character, **usual | more)


def plan(character: str = "mira", **more: Any) -> Plan:
    return make_plan(order(character, **more), CATALOGUE, LIMITS)[0]


def faults(character: str = "mira", **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        plan(character, **more)
    assert caught.value.code == caught.value.errors[0].code
    return [(error.pointer, error.code) for error in caught.value.errors]


def test_everything_is_resolved() -> None:
    made, graph = make_plan(order(), CATALOGUE, LIMITS)
    assert graph is CATALOGUE.workflows["sd15"].graph
    assert made == Plan(
        pool="gpu",
        workflow="sd15",
        graph=graph_hash(graph),
        slots=made.slots,
        values={
            "prompt": "masterpiece, embedding:mira_v2, a pirate, at sea",
            "negative_prompt": "jpeg, lowres",
            "width": 768,
            "steps": 35,
            "cfg": 8,
            "sampler": "dpmpp_2m",
            "checkpoint": "anime.safetensors",
        },
        loras=MIRA.loras,
        width=768,
    )
    filled, _ = fill(graph, made, 1, "20edc183-90d2-4901-af5c-eaad5b3c3f66")
    assert filled["5"]["inputs"]["width"] == 768


def test_the_request_has_the_last_word() -> None:
    asked = Parameters(width=512, height=640, cfg=0.0, scheduler="karras")
    made = plan(parameters=asked, loras=(), embedding="other")
    assert (made.width, made.height, made.loras) == (512, 640, ())
    assert made.values["cfg"] == 0.0
    assert made.values["scheduler"] == "karras"
    assert made.values["steps"] == 35
    assert "embedding:other" in made.values["prompt"]


def test_which_workflow() -> None:
    assert plan(workflow="flux").workflow == "flux"
    assert plan("bare").workflow == "quick"
    assert plan("bare", style="anime").workflow == "quick"
    assert plan("lost", style="anime").workflow == "sd15"
    assert plan(workflow="named").slots["output"] == "5"


def test_a_style_is_optional() -> None:
    made = plan("bare")
    assert made.pool == "default"
    assert made.values == {}
    assert made.exact_size
    assert plan("bare", style="plain").values == {}
    assert "checkpoint" not in plan(style="plain", workflow="sd15").values


def test_the_workflows_own_negative_text_stays_unless_somebody_speaks() -> None:
    assert "negative_prompt" not in plan("lost", workflow="sd15").values
    assert plan("lost", workflow="sd15", negative_prompt="").values["negative_prompt"] == ""
    assert plan("lost", workflow="sd15", prompt="").values["prompt"] == ""


def test_what_the_character_says_without_a_slot_is_left_out() -> None:
    made = plan(workflow="quick")
    assert made.values == {"width": 768}
    assert made.loras == ()
    assert "cfg" not in plan(workflow="flux").values


def test_the_steps_of_an_order_that_names_none() -> None:
    """Those of the character, else those in the graph, if there is a place for any."""
    assert steps_of(*make_plan(order(), CATALOGUE, LIMITS)) == 35
    made, graph = make_plan(order("lost", workflow="sd15"), CATALOGUE, LIMITS)
    assert "steps" not in made.values
    assert steps_of(made, graph) == graph[made.slots["steps"].partition(".")[0]]["inputs"]["steps"]
    assert steps_of(*make_plan(order("bare"), CATALOGUE, LIMITS)) is None


def test_what_the_request_says_without_a_slot_is_refused_except_the_prompt() -> None:
    asked = Parameters(512, 512, 20, 7.0, "euler", "normal")
    assert faults(
        "bare",
        parameters=asked,
        negative_prompt="x",
        embedding="e",
        loras=(Lora("a"),),
        seed=1,
    ) == [
        (f"/{name}", "parameter-without-slot")
        for name in (
            "steps",
            "cfg",
            "sampler",
            "scheduler",
            "negative_prompt",
            "embedding",
            "loras",
        )
    ]
    assert plan("bare", prompt="kept with the batch", loras=()).values == {}


@pytest.mark.parametrize(
    ("character", "more", "expected"),
    [
        ("mirra", {}, ("/character", "unknown-character")),
        ("Mira", {}, ("/character", "unknown-character")),
        ("../mira", {}, ("/character", "unknown-character")),
        ("mira", {"style": "animee"}, ("/style", "unknown-style")),
        ("mira", {"style": ""}, ("/style", "unknown-style")),
        ("mira", {"workflow": "x"}, ("/workflow", "unknown-workflow")),
        ("mira", {"workflow": ""}, ("/workflow", "unknown-workflow")),
        ("lost", {}, ("/workflow", "no-workflow")),
        ("odd", {}, ("/character", "unknown-style")),
        ("older", {}, ("/character", "unknown-workflow")),
        ("broken", {}, ("/character", "bad-slot")),
        ("mira", {"workflow": "broken"}, ("/workflow", "bad-slot")),
    ],
)
def test_what_does_not_exist(
    character: str, more: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert faults(character, **more) == [expected]


def test_two_things_that_do_not_exist() -> None:
    assert faults("older", style="gone") == [
        ("/style", "unknown-style"),
        ("/character", "unknown-workflow"),
    ]
    assert faults("bare", style="gone") == [("/style", "unknown-style")]


def test_the_next_step_is_named() -> None:
    with pytest.raises(Invalid, match=r"\[characters\.lost\]"):
        plan("lost")
    with pytest.raises(Invalid, match="did you mean mira"):
        plan("mirra")
    with pytest.raises(Invalid, match="several nodes save images"):
        plan("broken")


def test_near_ones_are_not_looked_for_among_many() -> None:
    many = replace(CATALOGUE, characters={f"mira-{number}": MIRA for number in range(101)})
    with pytest.raises(Invalid) as caught:
        make_plan(order(), many, LIMITS)
    assert "did you mean" not in caught.value.detail


def test_all_wrong_fields_at_once() -> None:
    wrong = faults(
        "mirra", user="", quantity=0, prompt="\x00", parameters=Parameters(1, 1), seed=-1
    )
    assert [place for place, _ in wrong] == [
        *("/character", "/user", "/quantity", "/prompt", "/width", "/height"),
    ]
    assert [place for place, _ in faults("bare", quantity=0, negative_prompt="x")] == [
        *("/quantity", "/negative_prompt"),
    ]


def test_a_workflow_is_worked_out_once_per_object() -> None:
    workflow = CATALOGUE.workflows["sd15"]
    assert prepare(workflow) is prepare(workflow)
    again = Workflow("sd15", graphs.sd15())
    assert prepare(again) == prepare(again)
    assert prepare(again) is not prepare(workflow)
    assert prepare(again).graph == prepare(workflow).graph


TEXTS = st.text(max_size=20)


@given(
    st.builds(
        Order,
        user=TEXTS,
        character=st.sampled_from([*CATALOGUE.characters, "nobody"]) | TEXTS,
        prompt=TEXTS,
        quantity=st.integers(-1, 70),
        seed=st.none() | st.integers(),
        negative_prompt=st.none() | TEXTS,
        parameters=st.builds(
            Parameters,
            width=st.none() | st.integers(),
            cfg=st.none() | st.floats(),
            sampler=st.none() | TEXTS,
        ),
        style=st.none() | st.sampled_from(["anime", "plain", "gone"]),
        embedding=st.none() | TEXTS,
        workflow=st.none() | st.sampled_from([*CATALOGUE.workflows, "gone"]),
    )
)
def test_any_order_is_a_plan_or_invalid(asked: Order) -> None:
    answer = outcome(asked)
    if isinstance(answer, Invalid):
        assert all(fault.pointer.startswith("/") and fault.detail for fault in answer.errors)
        return
    made, graph = answer
    assert made.slots.keys() >= {"seed", "output"}
    assert made.slots.keys() >= made.values.keys()
    assert made.graph == graph_hash(graph)


def outcome(asked: Order) -> tuple[Plan, Graph] | Invalid:
    try:
        return make_plan(asked, CATALOGUE, LIMITS)
    except Invalid as invalid:
        return invalid
