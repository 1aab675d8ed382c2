"""A backend that lacks a model or a node is told from a broken workflow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.processes import Processes, Simulating, until_ended
from tests.story.pictures import assert_exactly


def graph(checkpoint: str = "rare.safetensors", noise: str = "ImageAddNoise") -> dict[str, Any]:
    """A sampled picture, with a class of node in it that not every server may have."""

    def node(kind: str, **inputs: Any) -> dict[str, Any]:
        return {"class_type": kind, "inputs": inputs}

    return {
        "4": node("CheckpointLoaderSimple", ckpt_name=checkpoint),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": node("CLIPTextEncode", clip=["4", 1], text="a pirate"),
        "7": node("CLIPTextEncode", clip=["4", 1], text="lowres"),
        "3": node(
            "KSampler",
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
            seed=1,
            steps=4,
            cfg=7,
            sampler_name="euler",
            scheduler="normal",
            denoise=1,
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="x"),
    } | ({} if noise == "ImageAddNoise" else {"8": node(noise, samples=["3", 0], vae=["4", 2])})


def config(processes: Processes, drawn: dict[str, Any]) -> str:
    path = processes.home / "rare.json"
    path.write_text(json.dumps(drawn))
    return f'[workflows.rare]\nfile = "{path}"\n[characters.ben]\nworkflow = "rare"\n'


def both(processes: Processes) -> tuple[Simulating, Simulating]:
    """A server that has a few models, and one that has every model."""
    return processes.simulate(), processes.simulate("--models", "any")


def test_an_image_is_drawn_by_the_backend_that_has_its_model(processes: Processes) -> None:
    """With a checkpoint that only one of two servers has every image is stored, drawn there; the
    other one goes on working for those whose models it has."""
    poor, rich = both(processes)
    serving = processes.serve([poor.url, rich.url], config=config(processes, graph()))
    batch = serving.order(6, character="ben")
    assert_exactly(batch, 6)
    details = [serving.get(f"/v1/images/{image['id']}") for image in batch["images"]]
    assert {each["backend"] for each in details} == {"b2"}
    outcomes = [each["outcome"] for one in details for each in one["attempts"]]
    assert outcomes.count("missing") == sum(len(one["attempts"]) - 1 for one in details)
    assert poor.renderings() == []
    assert_exactly(serving.order(8), 8)
    states = {each["name"]: each["state"] for each in serving.get("/v1/backends")["data"]}
    assert states == {"b1": "ready", "b2": "ready"}


@pytest.mark.parametrize(
    ("drawn", "name"),
    [(graph(), "rare.safetensors"), (graph("v1-5.safetensors", "RareDecode"), "RareDecode")],
    ids=["model", "node"],
)
def test_what_no_backend_has_is_told_by_name(
    processes: Processes, drawn: dict[str, Any], name: str
) -> None:
    """A model, or a class of node, that no server of the pool has: each is asked once, nothing is
    rendered, and the image fails as `no-backend-can` with the name of what is missing."""
    servers = [processes.simulate(), processes.simulate()]
    serving = processes.serve([each.url for each in servers], config=config(processes, drawn))
    batch = serving.order(1, character="ben")
    assert batch["status"] == "failed"
    error = batch["images"][0]["error"]
    assert error["code"] == "no-backend-can"
    assert name in error["detail"]
    assert "retry" in error["detail"]
    attempts = serving.get(f"/v1/images/{batch['images'][0]['id']}")["attempts"]
    assert sorted(each["backend"] for each in attempts) == ["b1", "b2"]
    assert {each["outcome"] for each in attempts} == {"missing"}
    assert [each.renderings() for each in servers] == [[], []]


def test_the_one_that_has_it_may_be_driven_by_another_worker(processes: Processes) -> None:
    """The worker whose only server lacks the model lets the image pass to the worker of the
    other, and never sends it to its own again."""
    poor, rich = both(processes)
    text = config(processes, graph())
    serving = processes.serve([poor.url], config=text)
    other = processes.home / "other"
    other.mkdir()
    (other / "safelight.toml").write_text(
        f'[[backends]]\nname = "b2"\nurl = "{rich.url}"\n{text}', "utf-8"
    )
    processes.start("work", cwd=other).line_with("b2")
    id = serving.post(
        "/v1/batches", {"user": "ann", "character": "ben", "prompt": "", "quantity": 4}
    )["id"]
    batch = until_ended(serving, id)
    assert_exactly(batch, 4)
    for image in batch["images"]:
        attempts = serving.get(f"/v1/images/{image['id']}")["attempts"]
        assert [each["backend"] for each in attempts].count("b1") <= 1
        assert attempts[-1]["backend"] == "b2"
