"""What is said to who asks for help, mistypes, or has a wrong setting."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from safelight import __version__
from safelight.cli.reference import page
from safelight.simulator.faults import NAMES
from tests.cli.terminal import Shell

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "reference" / "cli.md"
COMMANDS = re.findall(r"^## safelight (.+)$", page(), re.MULTILINE)


def test_the_reference_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m safelight.cli.reference`"


def test_every_fault_has_its_name_on_the_page() -> None:
    told = re.search(r"^Faults: (.+?)\.", page(), re.MULTILINE)
    assert told
    assert told[1].split(", ") == list(NAMES)


def test_help_needs_nothing_heavy() -> None:
    """`safelight --help` is at once because nothing is imported that it does not show."""
    heavy = ["pydantic", "aiohttp", "asyncpg", "fastapi", "PIL", "asyncio", "structlog"]
    check = f"import sys, safelight.cli.app; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert said.stdout.strip() == "[]"


def test_help_lists_the_commands_and_explains_each(shell: Shell) -> None:
    everything = shell.type("--help")
    assert everything.code == 0
    for name in {command.split()[0] for command in COMMANDS}:
        assert re.search(rf"^│ {name} ", everything.out, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(shell: Shell, command: str) -> None:
    said = shell.type(*command.split(), "--help")
    assert (said.code, said.err) == (0, "")
    assert f"Usage: safelight {command}" in said.out


def test_the_version(shell: Shell) -> None:
    assert shell.type("--version").out == f"safelight {__version__}\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bogus", "No such command 'bogus'"),
        ("generate", "character"),
        ("generate mira", "--user"),
        ("generate mira -u ann -n four", "--quantity"),
        ("generate mira -u ann --lora a:strong", '"strong" is no number'),
        ("generate mira -u ann --metadata a", "expected KEY=VALUE"),
        ("generate mira -u ann --metadata a=1 --metadata a=2", "given twice"),
        ("generate mira -u ann --workflow nowhere.json", "cannot be read"),
        ("batches ls --bogus", "No such option: --bogus"),
        ("batches show", "ID"),
        ("simulate --config x", "No such option: --config"),
        ("simulate --fault oom", "expected NAME:PROBABILITY"),
        ("simulate --fault oom:0.1 --fault oom:0.2", "given twice"),
        ("simulate --fault boom:0.1", "unknown fault"),
        ("simulate --port 70000", "no port 70000"),
        ("demo --config x", "reads no settings"),
        ("demo --seconds -1", "--seconds"),
        ("generate mira -u ann --no-wait --out x", "safelight batches watch"),
        ("workflows check", "FILE"),
        ("adopt --character mira --from x", "--user"),
        ("adopt --user ann --character mira", "--from"),
        ("adopt --user ann --character mira --from x --index-means third", "--index-means"),
        ("keys list", "No such command"),
        ("keys create", "--scope"),
        ("keys create --scope admin --expires soon", "--expires"),
    ],
)
def test_bad_usage_is_one_clear_error_and_exit_2(shell: Shell, line: str, words: str) -> None:
    shell.type(*line.split()).assert_failed(2, words)


def test_only_the_name_of_a_group_shows_its_help(shell: Shell) -> None:
    said = shell.type("batches")
    assert said.code == 2
    assert "watch" in said.out
    assert said.err == ""


def test_config_show_prints_the_settings_in_force(shell: Shell) -> None:
    (shell.folder / "safelight.toml").write_text("[server]\nport = 8111\n")
    (shell.folder / "other.toml").write_text("[server]\nport = 8222\n")
    assert tomllib.loads(shell.type("config", "show").out)["server"]["port"] == 8111
    for line in (
        ("config", "show", "--config", "other.toml", "--json"),
        ("--config", "other.toml", "--json", "config", "show"),
    ):
        assert shell.type(*line).json()["server"]["port"] == 8222
    said = shell.type("config", "show", "--json", environ={"SAFELIGHT_SERVER__PORT": "8333"})
    assert json.loads(said.out)["server"]["port"] == 8333


@pytest.mark.parametrize("command", ["config show", "serve", "work", "generate mira -u a"])
def test_a_wrong_setting_is_exit_2_with_the_nearest_known_key(shell: Shell, command: str) -> None:
    (shell.folder / "safelight.toml").write_text("[server]\nprot = 8111\n")
    shell.type(*command.split()).assert_failed(2, "server.prot", '"port"')


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://[::1]:9"])
def test_no_server_is_exit_3(shell: Shell, url: str) -> None:
    said = shell.type("batches", "ls", environ={"SAFELIGHT_URL": url})
    said.assert_failed(3, f"no server answers at {url}: ", "safelight serve")


@pytest.mark.parametrize("command", ["batches ls", "serve", "work", "migrate"])
def test_no_database_is_exit_3(shell: Shell, command: str) -> None:
    environ = {"SAFELIGHT_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    environ["SAFELIGHT_SERVER__PORT"] = "0"
    said = shell.type(*command.split(), environ=environ)
    said.assert_failed(3, "safelight doctor")


def test_a_pipe_gets_plain_lines_without_escape_codes(shell: Shell) -> None:
    for line in ("--help", "bogus", "config show"):
        said = shell.type(*line.split())
        assert "\x1b" not in said.out + said.err


def test_who_stops_reading_is_not_told(shell: Shell) -> None:
    with shell.start("config", "show") as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == 1


def test_a_full_disk_is_one_clear_error(shell: Shell) -> None:
    with open("/dev/full", "w") as full:
        said = subprocess.run(
            [sys.executable, "-m", "safelight", "config", "show", "--json"],
            cwd=shell.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert said.returncode == 1
    assert said.stderr.startswith("error: [Errno 28]")
