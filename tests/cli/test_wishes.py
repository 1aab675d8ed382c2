"""`batches cancel` and `batches retry`: what is done, what is shown, and the exit codes."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.terminal import Shell
from tests.processes import Processes, Simulating
from tests.story.canceling import until


@pytest.fixture
def kept(shell: Shell, database_url: str) -> Shell:
    """A database and a settings file, but no backend that answers."""
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    shell.configure("http://127.0.0.1:9")
    return shell


@pytest.fixture
def refusing(processes: Processes) -> Simulating:
    return processes.simulate("--fault", "reject:1", seconds=0)


@pytest.fixture
def failed(shell: Shell, database_url: str, refusing: Simulating) -> tuple[Shell, Any]:
    """A batch of two that its backend has refused."""
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    shell.configure(refusing.url)
    batch = shell.type("generate", "mira", "-u", "ann", "-n", "2", "--json").json()
    assert batch["status"] == "failed"
    return shell, batch


def order(shell: Shell, quantity: int) -> str:
    return shell.type("generate", "mira", "-u", "ann", "-n", str(quantity), "--no-wait").out.strip()


def test_a_batch_is_canceled_and_shown(kept: Shell) -> None:
    id = order(kept, 2)
    said = kept.type("batches", "cancel", id)
    assert said.code == 0, said
    assert re.search(r"^ +2  ann_mira_image_00002_\.png  canceled$", said.out, re.MULTILINE)
    assert f"batch {id}  canceled" in said.err
    again = kept.type("batches", "cancel", id, "--json")
    assert (again.code, again.json()["status"]) == (0, "canceled")


def test_single_images_are_canceled_by_their_index(kept: Shell) -> None:
    id = order(kept, 4)
    said = kept.type("batches", "cancel", id, "--image", "2", "--image", "4", "--json")
    assert said.code == 0, said
    states = [image["status"] for image in said.json()["images"]]
    assert states == ["canceled", "queued", "canceled", "queued"]


def test_what_is_not_there_is_bad_usage_and_nothing_happens(kept: Shell) -> None:
    id = order(kept, 2)
    line = ("batches", "cancel", id, "--image", "1", "--image", "7")
    kept.type(*line).assert_failed(2, "--image 7", "1, 2")
    kept.type("batches", "cancel", id, "--image", "one").assert_failed(2, "--image", "integer")
    kept.type("batches", "cancel", str(uuid4())).assert_failed(2, "batch")
    kept.type("batches", "retry", "../x").assert_failed(2, "nothing")
    assert kept.type("batches", "show", id, "--json").json()["status"] == "queued"


def test_what_cannot_be_done_is_exit_1_with_the_reason(kept: Shell) -> None:
    id = order(kept, 1)
    said = kept.type("batches", "retry", id)
    assert said.code == 1, said
    assert "error: only failed images can be tried again" in said.err
    said = kept.type("batches", "retry", id, "--image", "1", "--json")
    assert (said.code, said.json()["status"]) == (1, "queued")
    assert "image 1: only failed images" in said.err


def test_failed_images_are_tried_again(failed: tuple[Shell, Any], refusing: Simulating) -> None:
    shell, batch = failed
    said = shell.type("batches", "cancel", batch["id"])
    assert said.code == 1, said
    assert "has failed" in said.err
    refusing.fault("reject", 0)
    said = shell.type("batches", "retry", batch["id"], "--image", "1")
    assert said.code == 0, said
    assert f"safelight batches watch {batch['id']}" in said.err
    again = shell.type("batches", "retry", batch["id"], "--json").json()
    assert [image["status"] for image in again["images"]] == ["queued", "queued"]
    ended = shell.type("batches", "watch", batch["id"], "--json")
    assert (ended.code, ended.json()["status"]) == (0, "completed")
    assert not {i["seed"] for i in ended.json()["images"]} & {i["seed"] for i in batch["images"]}
    said = shell.type("batches", "cancel", batch["id"], "--image", "1", "--image", "2")
    assert said.code == 1, said
    assert said.err.count("it is stored") == 2


def test_what_is_at_a_backend_is_let_go(shell: Shell, processes: Processes) -> None:
    """Against a running server; the command does not wait for the backend, and says so."""
    simulating = processes.simulate(seconds=60)
    serving = processes.serve([simulating.url])
    shell.environ["SAFELIGHT_URL"] = serving.url
    id = order(shell, 1)
    until(simulating.renderings, told=serving.described(id))
    said = shell.type("batches", "cancel", id)
    assert said.code == 0, said
    ended = shell.type("batches", "watch", id, "--json")
    assert (ended.code, ended.json()["status"]) == (1, "canceled")
