"""Which models a graph loads."""

from __future__ import annotations

from safelight.core.filling import fill
from safelight.core.graph import graph_hash
from safelight.core.models import models_of
from safelight.core.records import Lora, Plan
from safelight.core.slots import find_slots
from tests.core import graphs
from tests.core.graphs import node


def test_checkpoint_and_loras_of_a_filled_graph() -> None:
    """What the plan writes counts, not what stood in the workflow."""
    graph = graphs.sd15()
    slots = find_slots(graph, {})
    values = {"prompt": "a file called x.safetensors, torn", "checkpoint": "other.ckpt"}
    plan = Plan("default", "w", graph_hash(graph), slots, values, (Lora("opal.safetensors"),))
    filled, _ = fill(graph, plan, 1, "20edc183-90d2-4901-af5c-eaad5b3c3f66")
    assert models_of(filled, slots["output"]) == {"other.ckpt", "opal.safetensors"}


def test_a_graph_without_models_loads_none() -> None:
    assert models_of(graphs.quick(), "3") == frozenset()


def test_only_what_the_output_needs_is_loaded() -> None:
    """Two loaders of one file are one model; a node that nobody takes anything from does not
    run; a name may stand in a node of its own."""
    graph = graphs.sd15()
    graph["4"]["inputs"]["ckpt_name"] = ["20", 0]
    graph["20"] = node("PrimitiveString", value="Shared.SAFETENSORS")
    graph["21"] = node("VAELoader", vae_name="unused.pt")
    assert models_of(graph, "9") == {"Shared.SAFETENSORS"}
