"""The official SDK for Node in two versions, and what Vercel's AI SDK makes of us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT
from tests.images_face.sdk import PREFIX, batches, format_of
from tests.images_face.wire import Line
from tests.processes import Processes, Serving
from tests.story.test_keys import made
from tests.waiting import until

FOLDER = Path(__file__).parent / "node"
VERSIONS = ("openai", "openai6")  # names in package.json: 7 and 6
SECONDS = 120


@pytest.fixture(autouse=True)
def node() -> None:
    """Node and the packages of the lock file."""
    if shutil.which("node") is None:
        pytest.skip("needs Node: install nodejs 20 or newer")
    if not (FOLDER / "node_modules" / "openai").exists():
        pytest.skip("needs Node: its packages are not here; make node")


def begun(story: str, package: str, url: str, user: str) -> subprocess.Popen[str]:
    """A story on its way."""
    return subprocess.Popen(
        ["node", "stories.mjs", story, package, url + PREFIX, user],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(running: subprocess.Popen[str]) -> Any:
    """What it found."""
    out, err = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("package", VERSIONS)
def test_what_is_asked_for_is_what_comes(face: Serving, user: str, package: str) -> None:
    """Four pictures, links, WebP, a stream, and eight side by side, all different."""
    found = told(begun("generate", package, face.url, user))
    assert len(set(found["four"])) == 4
    assert found["indices"] == [4, 3, 2, 1]
    assert len(set(found["links"])) == 2
    assert found["webp"] == "WEBP"
    assert [type for type, _, _ in found["events"]] == ["image_generation.completed"] * 2
    assert sorted(place for _, place, _ in found["events"]) == [0, 1]
    assert len({hash for _, _, hash in found["events"]}) == 2
    assert len(set(found["eight"])) == 8
    assert (found["models"], found["model"]) == (["mira", "opal-fever"], "mira")


@pytest.mark.parametrize("package", VERSIONS)
def test_what_is_refused_is_an_exception_of_the_sdk(face: Serving, user: str, package: str) -> None:
    found = told(begun("refused", package, face.url, user))
    wrong = ["BadRequestError", 400]
    assert found == {
        "none": [*wrong, "invalid_value", "n"],
        "many": [*wrong, "invalid_value", "n"],
        "long": [*wrong, "invalid_value", "prompt"],
        "model": ["NotFoundError", 404, "model_not_found", "model"],
        "edit": [*wrong, "not_offered", None],
    }


def test_an_error_in_the_middle_of_a_stream_and_a_wrong_key(processes: Processes) -> None:
    """The backend refuses what was ordered. From the first key on a wrong one is refused, too."""
    serving = processes.serve([processes.simulate("--fault", "reject:1").url])
    runs = [begun("broken", package, serving.url, package) for package in VERSIONS]
    for kind, _, code, _ in map(told, runs):
        assert (kind, code) == ("APIError", "batch_failed")
    made(processes, "admin")
    runs = [begun("key", package, serving.url, package) for package in VERSIONS]
    for refusal in map(told, runs):
        assert refusal == ["AuthenticationError", 401, "invalid_api_key", None]


def test_what_node_sends_again_gets_the_same_batch(slow_face: Serving) -> None:
    """Both versions are cut while theirs is drawn."""
    with Line(slow_face.url) as line:
        runs = [begun("again", package, line.url, package) for package in VERSIONS]
        until(lambda: all(batches(slow_face, package) for package in VERSIONS))
        line.cut()
        for package, found in zip(VERSIONS, map(told, runs), strict=True):
            [batch] = batches(slow_face, package)
            assert found["batch"] == batch["id"]
            assert len(set(found["pictures"])) == 4


def test_the_example_for_node_writes_the_pictures(face: Serving, tmp_path: Path) -> None:
    """`examples/openai_client.mjs`, in a folder where somebody has installed the SDK."""
    shutil.copy(ROOT / "examples" / "openai_client.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(FOLDER / "node_modules")
    done = subprocess.run(
        ["node", "openai_client.mjs", "mira", "at the sea", "node-example", "2"],
        cwd=tmp_path,
        env={**os.environ, "SAFELIGHT_URL": face.url},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = sorted(line.split()[0] for line in done.stdout.splitlines())
    assert names == ["mira-00001.png", "mira-00002.png"]
    assert {format_of((tmp_path / name).read_bytes()) for name in names} == {"PNG"}


def test_the_ai_sdk_gets_different_pictures(face: Serving, user: str) -> None:
    """Through `@ai-sdk/openai-compatible`, which asks for Base64."""
    assert len(set(told(begun("vercel", "", face.url, user)))) == 4
    assert {batch["user"] for batch in batches(face, user)} == {user}
