"""A render server keeps a model in memory: who wants it is sent there."""

from __future__ import annotations

import json

from tests.processes import Processes, Serving, Simulating
from tests.story.pictures import assert_exactly
from tests.story.test_missing import graph
from tests.waiting import until

CHECKPOINTS = {
    "photo": "juggernautXL.safetensors",
    "drawing": "v1-5-pruned-emaonly.safetensors",
}


def two_styles(processes: Processes) -> str:
    """One workflow, two styles, each with its own checkpoint and its name in the prompt."""
    path = processes.home / "sampled.json"
    path.write_text(json.dumps(graph("sd_xl_base_1.0.safetensors")))
    lines = ["[workflows.sampled]", f'file = "{path}"']
    for style, checkpoint in CHECKPOINTS.items():
        lines += [f"[styles.{style}]", f'checkpoint = "{checkpoint}"', f'prompt = "{style}"']
        lines += [f"[characters.{style}]", 'workflow = "sampled"', f'style = "{style}"']
    return "\n".join(lines) + "\n"


def drawn(simulated: Simulating) -> list[str]:
    """The style of each rendering, oldest first."""
    return [rendering["text"].partition(",")[0] for rendering in simulated.renderings()]


def no_slot_is_taken(serving: Serving) -> bool:
    return all(not each["running"] for each in serving.get("/v1/backends")["data"])


def states(serving: Serving) -> dict[str, str]:
    return {each["name"]: each["state"] for each in serving.get("/v1/backends")["data"]}


def all_are_ready(serving: Serving) -> bool:
    found = states(serving).values()
    return len(found) == 2 and set(found) == {"ready"}


def test_images_go_where_their_model_is_loaded(processes: Processes) -> None:
    """Two styles take turns on two servers that are both empty each time. The first image of each
    goes to a server of its own, and from then on each finds its checkpoint loaded."""
    servers = [processes.simulate(), processes.simulate()]
    serving = processes.serve([each.url for each in servers], config=two_styles(processes))
    until(lambda: all_are_ready(serving))
    for _ in range(5):
        for style in CHECKPOINTS:
            assert_exactly(serving.order(1, character=style), 1)
            until(lambda: no_slot_is_taken(serving))
    assert [drawn(each) for each in servers] == [["photo"] * 5, ["drawing"] * 5]


def test_no_image_waits_for_the_server_that_has_its_model(processes: Processes) -> None:
    """Four images of one style while only one server has its checkpoint: both draw."""
    servers = [processes.simulate(seconds=0.3), processes.simulate(seconds=0.3)]
    serving = processes.serve([each.url for each in servers], config=two_styles(processes))
    until(lambda: all_are_ready(serving))
    assert_exactly(serving.order(1, character="photo"), 1)
    until(lambda: no_slot_is_taken(serving))
    assert_exactly(serving.order(4, character="photo"), 4)
    first, second = map(drawn, servers)
    assert len(first) + len(second) == 5
    assert 1 <= len(second) <= 3


def test_a_restarted_server_is_believed_to_have_nothing_loaded(processes: Processes) -> None:
    """The one that had the checkpoint is restarted. The next image of the other style need not
    make way for it: by its name the restarted one comes first."""
    first, second = processes.simulate(), processes.simulate()
    serving = processes.serve([first.url, second.url], config=two_styles(processes))
    until(lambda: all_are_ready(serving))
    assert_exactly(serving.order(1, character="photo"), 1)
    until(lambda: no_slot_is_taken(serving))
    port = int(first.url.rpartition(":")[2])
    first.process.kill()
    until(lambda: states(serving)["b1"] == "unreachable")
    again = processes.simulate(port=port)
    until(lambda: states(serving)["b1"] == "ready")
    assert_exactly(serving.order(1, character="drawing"), 1)
    assert (drawn(again), drawn(second)) == (["drawing"], [])
