"""`characters`, `workflows`, `batches ls`, `backends ls`: what is kept, and how it is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.terminal import Shell

WORKFLOWS = Path(__file__).parent.parent / "workflows"
SLOW = str(WORKFLOWS / "slow.json")


@pytest.fixture
def kept(shell: Shell, database_url: str) -> Shell:
    """A database and a settings file, but no backend that answers."""
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    shell.configure("http://127.0.0.1:9")
    return shell


def test_a_character_is_added_under_the_slug_of_its_name(kept: Shell) -> None:
    said = kept.type("characters", "add", "Opal Fever", "-p", "a pirate", "--workflow", "quick")
    assert (said.code, said.out) == (0, ""), said
    assert "safelight generate opal-fever --user" in said.err
    character = kept.type("characters", "show", "opal-fever", "--json").json()
    assert (character["id"], character["name"]) == ("opal-fever", "Opal Fever")
    assert (character["prompt"], character["read_only"]) == ("a pirate", False)
    shown = kept.type("characters", "show", "opal-fever").out
    assert re.search(r"^name +Opal Fever$", shown, re.MULTILINE)
    assert re.search(r"^kept in +database$", shown, re.MULTILINE)


def test_all_that_can_be_said_of_a_character_is_sent(kept: Shell) -> None:
    options = "--width 512 --height 640 --steps 9 --cfg 5.5 --sampler euler --scheduler karras"
    loras = ["--lora", "a.safetensors:0.5", "--lora", "b.safetensors"]
    texts = ["--negative-prompt", "lowres", "--embedding", "opal_v2"]
    line = ["characters", "add", "Opal", "--workflow", "quick", *options.split(), *loras, *texts]
    character = kept.type(*line, "--json").json()
    assert character["loras"] == [
        {"name": "a.safetensors", "strength": 0.5},
        {"name": "b.safetensors", "strength": 1.0},
    ]
    told = {name: character[name] for name in ("width", "height", "steps", "cfg", "sampler")}
    assert told == {"width": 512, "height": 640, "steps": 9, "cfg": 5.5, "sampler": "euler"}
    shown = kept.type("characters", "show", "opal").out
    assert "a.safetensors:0.5, b.safetensors:1.0" in shown


def test_an_existing_character_is_replaced_only_when_asked(kept: Shell) -> None:
    add = ("characters", "add", "Opal", "--workflow", "quick")
    assert kept.type(*add, "-p", "first").code == 0
    kept.type(*add, "-p", "second").assert_failed(2, "opal already", "--replace")
    assert kept.type("characters", "show", "opal", "--json").json()["prompt"] == "first"
    assert kept.type(*add, "-p", "second", "--replace").code == 0
    assert kept.type("characters", "show", "opal", "--json").json()["prompt"] == "second"


def test_what_stands_in_the_settings_is_shown_and_not_changed(kept: Shell) -> None:
    kept.type("characters", "add", "Mira").assert_failed(2, "safelight.toml")
    kept.type("characters", "add", "Mira", "--replace").assert_failed(2, "mira")
    listed = kept.type("characters", "ls").out.splitlines()
    assert listed[0].split("  ")[0] == "CHARACTER"
    assert re.fullmatch(r"mira +Mira +quick +safelight\.toml", listed[1])
    [character] = kept.type("characters", "ls", "--json").json()
    assert character["read_only"] is True


def test_bad_characters_are_refused_with_the_field(kept: Shell) -> None:
    add = ("characters", "add", "Opal")
    kept.type(*add, "--workflow", "none").assert_failed(2, "none")
    kept.type(*add, "--workflow", "quick", "--width", "9").assert_failed(2, "width")
    kept.type("characters", "add", "…").assert_failed(2, "no letter")
    kept.type("characters", "show", "opal").assert_failed(2, "character")


def test_a_workflow_is_kept_listed_and_shown(kept: Shell) -> None:
    assert kept.type("workflows", "add", SLOW, "--slot", "seed=2.seed", "--exact-size").code == 0
    listed = kept.type("workflows", "ls").out
    assert re.search(r"^quick +any +safelight\.toml$", listed, re.MULTILINE)
    assert re.search(r"^slow +exact +database$", listed, re.MULTILINE)
    workflow = kept.type("workflows", "show", "slow", "--json").json()
    assert workflow["graph"] == json.loads(Path(SLOW).read_text())
    assert workflow["slots"] == {"seed": "2.seed"}
    assert re.search(r"^seed +2\.seed$", kept.type("workflows", "show", "slow").out, re.MULTILINE)


def test_check_needs_no_server_and_says_where_things_are(shell: Shell) -> None:
    said = shell.type("workflows", "check", str(WORKFLOWS / "batch4.json"))
    assert said.code == 0, said
    assert re.search(r"^seed +2\.seed$", said.out, re.MULTILINE)
    assert "batch_size 4 of node 1 is sent as 1" in said.err
    assert "EmptyImage, ImageAddNoise, SaveImage" in said.err
    report = shell.type("workflows", "check", SLOW, "--slot", "seed=2.seed", "--json").json()
    assert report["usable"] is True
    assert report["slots"]["seed"] == "2.seed"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"nodes": [], "links": []}, "Export (API)"),
        ({"1": {"class_type": "SaveImage"}}, "inputs"),
        ({"1": {"class_type": "KSampler", "inputs": {}}}, "saves"),
    ],
)
def test_a_graph_that_cannot_be_used_is_exit_1(shell: Shell, document: object, words: str) -> None:
    (shell.folder / "bad.json").write_text(json.dumps(document))
    shell.type("workflows", "check", "bad.json").assert_failed(1, "bad.json", words)
    said = shell.type("workflows", "check", "bad.json", "--json")
    assert (said.code, said.json()["usable"]) == (1, False)
    assert said.json()["errors"][0]["detail"]
    shell.type("generate", "mira", "-u", "ann", "--workflow", "bad.json").assert_failed(2, words)
    shell.type("workflows", "add", "bad.json").assert_failed(2, words)


def test_files_that_are_no_workflow_are_bad_usage(shell: Shell) -> None:
    for name, content, words in (
        ("text.json", b"hello", "not JSON"),
        ("list.json", b"[]", "not a JSON object"),
        ("deep.json", b"[" * 200_000, "not JSON"),
        ("large.json", b" " * 1_048_577, "larger than"),
        ("latin.json", b'{"\xe9": 1}', "not JSON"),
    ):
        (shell.folder / name).write_bytes(content)
        shell.type("workflows", "check", name).assert_failed(2, name, words)
    shell.type("workflows", "check", SLOW, "--slot", "seed").assert_failed(2, "expected NAME=")
    twice = ("--slot", "seed=2.seed", "--slot", "seed=3.seed")
    shell.type("workflows", "check", SLOW, *twice).assert_failed(2, "given twice")
    (shell.folder / "My Graph.json").write_bytes(Path(SLOW).read_bytes())
    shell.type("workflows", "add", "My Graph.json").assert_failed(2, "my-graph.json")


def test_batches_are_listed_newest_first_and_page_by_page(kept: Shell) -> None:
    for user in ("ann", "ann", "ben"):
        assert kept.type("generate", "mira", "-u", user, "-n", "2", "--no-wait").code == 0
    listed = kept.type("batches", "ls").out.splitlines()
    assert [re.split(r"\s{2,}", line)[1] for line in listed[1:]] == [
        "ben/mira",
        "ann/mira",
        "ann/mira",
    ]
    assert [re.split(r"\s{2,}", line)[2:4] for line in listed[1:]] == [
        ["1–2", "queued 0/2"],
        ["3–4", "queued 0/2"],
        ["1–2", "queued 0/2"],
    ]
    first = kept.type("batches", "ls", "--user", "ann", "--limit", "1")
    assert "There are more:" in first.err
    cursor = first.err.split()[-1]
    second = kept.type("batches", "ls", "--user", "ann", "--cursor", cursor, "--json").json()
    assert [batch["indices"] for batch in second["data"]] == [[2, 1]]
    assert second["has_more"] is False
    kept.type("batches", "ls", "--limit", "0").assert_failed(2, "limit")
    kept.type("batches", "show", "none").assert_failed(2, "no batch")


def test_backends_are_listed_as_they_were_last_known(kept: Shell) -> None:
    said = kept.type("backends", "ls")
    assert said.code == 0
    assert re.search(r"^pod-1 .* unknown +0 of 2", said.out, re.MULTILINE)
    assert "safelight doctor" in said.err
    assert kept.type("backends", "ls", "--json").json()[0]["url"] == "http://127.0.0.1:9"
