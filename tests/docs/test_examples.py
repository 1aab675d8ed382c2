"""What the pages say one can type is typed, against a real `serve` and a real simulator.

A block with `<!-- runs: … -->` before it is run in an empty folder. The words say what runs beside
it: `simulate` and `serve`; with `mira` the settings have that character, without it they have no
character at all.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from safelight.core.signing import secret_of
from tests.cli.terminal import free_port
from tests.docs.pages import ROOT, Block, blocks
from tests.processes import QUICK, Processes, Serving, wait_until_ready
from tests.story.test_keys import made
from tests.waiting import until

MARKED = [block for block in blocks() if block.mark.partition(":")[0] == "runs"]
# The first thing anybody types has a test of its own.
FIRST = next(block for block in MARKED if "curl" in block.text and block.page == ROOT / "README.md")
RUNS = [block for block in MARKED if block != FIRST]
EXAMPLES = ROOT / "examples"


def serve_without_characters(processes: Processes, backend: str) -> Serving:
    """`serve` as a newcomer has it, on a free port."""
    toml = processes.home / "safelight.toml"
    toml.write_text(f'[[backends]]\nname = "local"\nurl = "{backend}"\n')
    process = processes.start("serve", "--port", "0")
    words = process.line_with("http://").split()
    serving = Serving(process, next(word for word in words if word.startswith("http://")))
    wait_until_ready(serving)
    return serving


def scene(processes: Processes, words: set[str]) -> tuple[str, str]:
    """Start what is needed; the addresses of backend and server."""
    backend = processes.simulate().url if "simulate" in words else "http://127.0.0.1:8188"
    if "serve" not in words:
        return backend, "http://127.0.0.1:8080"
    if "mira" in words:
        return backend, processes.serve([backend]).url
    return backend, serve_without_characters(processes, backend).url


def run(processes: Processes, command: list[str], url: str) -> subprocess.CompletedProcess[str]:
    """A command as a person runs it, with `safelight` on the PATH."""
    if shutil.which("curl") is None and "curl" in " ".join(command):
        pytest.fail("there is no curl here; install it")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, **processes.environ(), "PATH": path, "SAFELIGHT_URL": url}
    return subprocess.run(
        command,
        cwd=processes.home,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def workflows(tmp_path: Path) -> None:
    """The file that the pages use, where they say it is."""
    folder = tmp_path / "tests" / "workflows"
    folder.mkdir(parents=True)
    shutil.copy(QUICK, folder)


@pytest.mark.usefixtures("workflows")
@pytest.mark.parametrize("block", RUNS, ids=lambda block: block.name)
def test_what_can_be_typed_works(processes: Processes, block: Block) -> None:
    backend, url = scene(processes, set(block.mark.partition(":")[2].split()))
    text = block.text.replace("http://127.0.0.1:8080", url)
    text = text.replace("http://127.0.0.1:8188", backend)
    command = {
        "sh": ["bash", "-euo", "pipefail", "-c", text],
        "python": [sys.executable, "-c", text],
    }[block.language]
    done = run(processes, command, url)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("workflows")
def test_the_five_commands_of_the_readme_keep_what_the_readme_says(
    processes: Processes, tmp_path: Path
) -> None:
    """Four pictures are brought, the POST's answer has four more, index.txt says 8."""
    assert len(FIRST.text.replace("\\\n", "").splitlines()) == 5
    _, url = scene(processes, {"simulate", "serve"})
    text = FIRST.text.replace("http://127.0.0.1:8080", url)
    done = run(processes, ["bash", "-euo", "pipefail", "-c", text], url)
    assert done.stdout.endswith("8\n"), done.stdout + done.stderr
    names = {f"ann_opal-fever_image_{index:05d}_.png" for index in (1, 2, 3, 4)}
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == names
    assert '"indices":[8,7,6,5]' in done.stdout


def test_the_receiver_of_the_page_on_webhooks_verifies_what_is_sent(
    processes: Processes,
) -> None:
    """As it stands there, on a free port: it takes our message, and refuses a forged one."""
    page = ROOT / "docs" / "how-to" / "webhooks.md"
    [block] = [one for one in blocks() if one.page == page and one.language == "python"]
    port, secret = free_port(), secret_of(b"w" * 32)
    text = block.text.replace("9000", str(port))
    receiver = processes.spawn([sys.executable, "-c", text], {"WEBHOOK_SECRET": secret})
    until(lambda: accepts(port))
    config = f'[webhooks]\nsecret = "{secret}"\nallow_private = true\n'
    serving = processes.serve([processes.simulate().url], config=config)
    batch = serving.order(2, webhook={"url": f"http://127.0.0.1:{port}/hook"})
    receiver.line_with(f"batch.completed {' '.join(batch['urls'])}")
    forged = urllib.request.Request(f"http://127.0.0.1:{port}/", b"{}", {"webhook-id": "1"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(forged)
    refusal.value.close()
    assert refusal.value.code == 400


def accepts(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("keyed", [False, True])
def test_order_sh_brings_the_pictures(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    """Also where a key is needed."""
    if shutil.which("curl") is None:
        pytest.fail("there is no curl here; install it")
    url = processes.serve([processes.simulate().url]).url
    if keyed:
        monkeypatch.setenv("SAFELIGHT_KEY", made(processes, "user:ann"))
    done = run(processes, [str(EXAMPLES / "order.sh"), "ann", "mira", "2", 'a "sea"'], url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ann_mira_image_00002_.png", "ann_mira_image_00001_.png"]
    for name in done.stdout.split():
        assert (tmp_path / name).read_bytes().endswith(b"IEND\xaeB`\x82")


def test_contact_sheet_py_draws_a_sheet(processes: Processes, tmp_path: Path) -> None:
    url = processes.serve([processes.simulate().url]).url
    script = str(EXAMPLES / "contact_sheet.py")
    command = [sys.executable, script, "ann", "mira", "--quantity", "3", "--out", "sheet.png"]
    done = run(processes, command, url)
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO((tmp_path / "sheet.png").read_bytes())) as sheet:
        assert sheet.width > 3 * 360
    assert done.stderr.count("image.stored") == 3
