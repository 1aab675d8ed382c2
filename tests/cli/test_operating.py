"""`serve`, `work`, `simulate`, `migrate`, `doctor`: what an operator starts and stops."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.request

import pytest

from tests.cli.terminal import SECONDS, Shell, free_port, interrupt_after
from tests.processes import Processes


def first_line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline()


def end(running: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Send a signal; exit code and what was said on stderr."""
    running.send_signal(number)
    _, err = running.communicate(timeout=SECONDS)
    return running.returncode, err


def test_serve_says_where_it_listens_and_stops_when_told(backed: Shell) -> None:
    said = interrupt_after(backed.start("serve"), "Safelight listens on http://127.0.0.1:", 15)
    assert (said.code, said.out) == (0, ""), said


def test_serve_on_another_port_without_a_worker(backed: Shell) -> None:
    port = free_port()
    running = backed.start("serve", "--no-worker", "--port", str(port), "--json")
    assert running.stdout is not None
    told = json.loads("".join(running.stdout.readline() for _ in range(3)))
    assert told == {"url": f"http://127.0.0.1:{port}"}
    with urllib.request.urlopen(f"{told['url']}/readyz") as answer:
        assert "worker" not in json.load(answer)["checks"]
    assert end(running, signal.SIGTERM)[0] == 0


def test_a_port_that_is_taken_is_a_setting_to_change(backed: Shell, processes: Processes) -> None:
    taken = processes.simulate().url.rpartition(":")[2]
    backed.type("serve", "--port", taken).assert_failed(2, "cannot listen", taken)


def test_serve_keeps_to_loopback_without_keys(backed: Shell) -> None:
    backed.type("serve", "--host", "0.0.0.0").assert_failed(2, "safelight keys create")


def test_work_draws_what_another_process_accepted(backed: Shell) -> None:
    batch = backed.type("generate", "mira", "-u", "ann", "-n", "2", "--no-wait").out.strip()
    running = backed.start("work")
    until = time.monotonic() + SECONDS
    while (found := backed.type("batches", "show", batch, "--json").json())["counts"]["stored"] < 2:
        assert time.monotonic() < until, found
    assert end(running, signal.SIGTERM)[0] == 0
    assert found["status"] == "completed"


def test_the_log_is_json_lines_on_stderr(backed: Shell) -> None:
    running = backed.start("serve")
    said = interrupt_after(running, "lease gained", 15)
    [line] = [line for line in said.err.splitlines() if "lease gained" in line]
    logged = json.loads(line)
    assert (logged["level"], logged["backend"]) == ("info", "pod-1")
    assert logged["ts"].endswith("Z")


def test_migrate_says_what_it_applied(shell: Shell, database_url: str) -> None:
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    said = shell.type("migrate")
    assert (said.code, said.out, said.err) == (0, "", "Nothing to do.\n")
    assert shell.type("migrate", "--json").json() == []


def test_migrate_makes_a_fresh_database_ready(shell: Shell) -> None:
    """Here the embedded one, which stops with the command."""
    said = shell.type("migrate")
    assert said.code == 0, said
    assert len(said.out.splitlines()) >= 1
    assert said.err == f"{len(said.out.splitlines())} applied.\n"


def test_doctor_finds_everything_in_order_or_says_what_to_do(backed: Shell) -> None:
    said = backed.type("doctor")
    assert said.code == 0, said
    assert re.search(r"^backend pod-1 +ok ", said.out, re.MULTILINE)
    assert re.search(r"^output folders +ok .*safelight", said.out, re.MULTILINE)
    backed.configure("http://127.0.0.1:9")
    ill = backed.type("doctor")
    assert ill.code == 1
    assert re.search(r"^backend pod-1 +failed +http://127.0.0.1:9", ill.out, re.MULTILINE)
    assert "backend pod-1: " in ill.err
    checks = {check["name"]: check["ok"] for check in backed.type("doctor", "--json").json()}
    assert (checks["database"], checks["backend pod-1"]) == (True, False)


def test_simulate_answers_like_comfyui_until_ctrl_c(shell: Shell) -> None:
    (shell.folder / "safelight.toml").write_text("this is not read")
    running = shell.start("simulate", "--port", "0", "--count", "2", "--seconds", "0")
    lines = [first_line(running), first_line(running)]
    urls = [line.split()[1] for line in lines]
    assert len(set(urls)) == 2
    for url in urls:
        with urllib.request.urlopen(f"{url}/system_stats") as answer:
            assert "system" in json.load(answer)
    assert end(running, signal.SIGINT) == (130, "")


@pytest.mark.parametrize("option", ["--models=any", "--lab", "--fault=slow:0.5", "--seed=3"])
def test_simulate_takes_its_options(shell: Shell, option: str) -> None:
    running = shell.start("simulate", "--port", "0", "--output", "out", option)
    assert first_line(running).startswith("ready http://127.0.0.1:")
    assert end(running, signal.SIGINT)[0] == 130


def test_a_backend_is_drained_and_resumed(backed: Shell) -> None:
    running = backed.start("serve")
    assert running.stderr is not None
    while "Safelight listens" not in running.stderr.readline():
        assert running.poll() is None
    said = backed.type("backends", "drain", "pod-1", "--wait", "--json")
    assert (said.code, said.json()["state"]) == (0, "draining"), said
    [listed] = backed.type("backends", "ls", "--json").json()
    assert (listed["state"], listed["reason"]) == ("draining", said.json()["reason"])
    assert "takes images again" in backed.type("backends", "resume", "pod-1").err
    backed.type("backends", "drain", "pod-2").assert_failed(2, "no backend 'pod-2'")
    assert end(running, signal.SIGTERM)[0] == 0
