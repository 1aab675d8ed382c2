"""`generate` and `batches watch`: with a server or without, to the end or interrupted."""

from __future__ import annotations

import re
import signal
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from tests.cli.terminal import Shell, interrupt_after
from tests.processes import Processes
from tests.story.pictures import assert_exactly, pixels

WORKFLOWS = Path(__file__).parent.parent / "workflows"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
ORDER = ("generate", "mira", "--user", "ann", "--prompt", "at the sea")


def rows(out: str) -> list[list[str]]:
    """The cells of a plain table."""
    return [re.split(r"\s{2,}", line.strip()) for line in out.splitlines()[1:]]


@pytest.fixture
def slow(shell: Shell, processes: Processes, database_url: str) -> Shell:
    """A backend that takes its time."""
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    shell.configure(processes.simulate(seconds=1.5).url)
    return shell


@pytest.fixture
def served(backed: Shell, processes: Processes) -> Shell:
    """A server runs already, where the settings say."""
    process = processes.start("serve", cwd=backed.folder)
    process.line_with("Safelight listens on http://")
    return backed


def test_without_a_server_everything_runs_inside_and_the_pictures_come(backed: Shell) -> None:
    said = backed.type(*ORDER, "-n", "4", "--out", "pictures")
    assert said.code == 0, said
    table = rows(said.out)
    assert [row[0] for row in table] == ["4", "3", "2", "1"]
    assert [row[1] for row in table] == [f"ann_mira_image_{n:05d}_.png" for n in (4, 3, 2, 1)]
    assert {row[4] for row in table} == {"pictures/"}
    files = sorted((backed.folder / "pictures").iterdir())
    assert [path.name for path in files] == sorted(row[1] for row in table)
    assert len({pixels(path.read_bytes()) for path in files}) == 4
    assert "No server runs" in said.err
    assert "00004  stored" in said.err
    assert "completed  4 of 4 stored" in said.err


def test_with_a_server_it_is_asked_and_its_links_are_shown(served: Shell) -> None:
    more = ("--metadata", "for=spring", "--deadline", "600")
    said = served.type(*ORDER, "-n", "2", "--seed", "7", *more)
    assert said.code == 0, said
    table = rows(said.out)
    assert [row[2] for row in table] == ["8", "7"]
    assert "No server runs" not in said.err
    with urllib.request.urlopen(table[0][4]) as answer:
        assert answer.headers["Content-Type"] == "image/png"
    batch = served.type("batches", "ls", "--json").json()["data"][0]
    assert (batch["metadata"], batch["prompt"]) == ({"for": "spring"}, "at the sea")
    began, ends = (datetime.fromisoformat(batch[name]) for name in ("created_at", "deadline"))
    assert (ends - began).total_seconds() == 600


def test_json_is_the_batch_as_the_api_shows_it_and_nothing_else(backed: Shell) -> None:
    batch = backed.type(*ORDER, "-n", "3", "--json").json()
    assert_exactly(batch, 3)
    assert backed.type("batches", "show", batch["id"], "--json").json() == batch


def test_two_users_at_once_without_a_server_share_the_database(backed: Shell) -> None:
    """Nobody leans on a server that ends with somebody else's command."""
    lines = [["generate", "mira", "-u", user, "-n", "4", "--json"] for user in ("ann", "ben")]
    with ThreadPoolExecutor(2) as pool:
        for said in pool.map(lambda line: backed.type(*line), lines):
            assert said.code == 0, said
            assert_exactly(said.json(), 4)


def test_the_same_key_is_the_same_batch(served: Shell) -> None:
    first, second = (served.type(*ORDER, "--key", "k-1", "--json").json() for _ in range(2))
    assert first["id"] == second["id"]


def test_a_graph_in_a_file_is_kept_as_a_workflow_and_drawn(served: Shell) -> None:
    for name in ("quick", "batch4", "slow"):
        path = str(WORKFLOWS / f"{name}.json")
        said = served.type(*ORDER, "-n", "3", "--workflow", path, "--json")
        assert said.code == 0, said
        assert_exactly(said.json(), 3)
        assert said.json()["workflow"] == name


def test_another_graph_than_the_one_in_the_settings_is_refused(served: Shell) -> None:
    other = served.folder / "quick.json"
    other.write_bytes((WORKFLOWS / "slow.json").read_bytes())
    served.type(*ORDER, "--workflow", "quick.json").assert_failed(2, "quick", "rename the file")


def test_an_order_that_cannot_be_kept_is_refused_with_the_field(served: Shell) -> None:
    for option, value, word in (
        ("-n", "0", "quantity"),
        ("-n", "65", "quantity"),
        ("--seed", "-1", "seed"),
        ("--deadline", "0", "deadline"),
        ("--deadline", "86401", "deadline"),
        ("--deadline", "1.5", "deadline"),
        ("--width", "100000", "width"),
        ("--steps", "20", "steps"),
        ("--workflow", "none", "none"),
        ("--style", "none", "none"),
        ("--prompt", "x" * 20_001, "prompt"),
        ("--user", "../ann", "user"),
    ):
        served.type(*ORDER, option, value).assert_failed(2, word)
    served.type("generate", "nobody", "-u", "ann").assert_failed(2, "nobody")
    assert served.type("batches", "ls", "--json").json()["data"] == []


def test_what_cannot_be_written_is_not_ordered(backed: Shell) -> None:
    (backed.folder / "pictures").write_text("a file")
    backed.type(*ORDER, "--out", "pictures").assert_failed(2, "pictures", "cannot be written")
    assert backed.type("batches", "ls", "--json").json()["data"] == []


def test_a_picture_that_cannot_be_written_is_said_and_not_lost(backed: Shell) -> None:
    (backed.folder / "pictures" / "ann_mira_image_00001_.png").mkdir(parents=True)
    said = backed.type(*ORDER, "--out", "pictures")
    assert said.code == 2
    assert "error: pictures: pictures cannot be written there" in said.err
    [batch] = backed.type("batches", "ls", "--json").json()["data"]
    assert batch["status"] == "completed"


def test_a_batch_that_fails_is_exit_1_and_says_why(
    shell: Shell, processes: Processes, database_url: str
) -> None:
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    shell.configure(processes.simulate("--fault", "reject:1").url)
    said = shell.type(*ORDER, "-n", "2")
    assert said.code == 1, said
    assert [row[-1] for row in rows(said.out)] == ["failed", "failed"]
    assert "00002  failed: invalid_prompt" in said.err
    assert "failed  0 of 2 stored" in said.err
    identity = UUID.search(said.err)
    assert identity
    assert shell.type("batches", "watch", identity[0], "--json").code == 1
    assert shell.type("batches", "show", identity[0]).code == 0


def test_ordered_and_left_alone_it_is_drawn_when_somebody_watches(backed: Shell) -> None:
    said = backed.type(*ORDER, "-n", "2", "--no-wait")
    assert said.code == 0
    identity = said.out.strip()
    assert UUID.fullmatch(identity)
    assert f"safelight batches watch {identity}" in said.err
    batch = backed.type("batches", "show", identity, "--json").json()
    assert batch["status"] == "queued"
    watched = backed.type("batches", "watch", identity, "--out", "pictures")
    assert watched.code == 0, watched
    assert len(list((backed.folder / "pictures").iterdir())) == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_leaves_early_is_told_how_to_come_back(slow: Shell, number: int, code: int) -> None:
    """Ctrl-C leaves nothing running and nothing lost: the same batch is whole afterwards."""
    said = interrupt_after(slow.start(*ORDER, "-n", "3"), "sent to a backend", number)
    assert said.code == code, said
    told = re.search(r"safelight batches watch (\S+)$", said.err, re.MULTILINE)
    assert told
    assert "Traceback" not in said.err
    assert said.out == ""
    watched = slow.type("batches", "watch", told[1], "--json")
    assert watched.code == 0, watched
    assert_exactly(watched.json(), 3)


def test_ctrl_c_beside_a_server_only_stops_watching(slow: Shell, processes: Processes) -> None:
    """Here the server is found by SAFELIGHT_URL."""
    process = processes.start("serve", "--port", "0", cwd=slow.folder)
    slow.environ["SAFELIGHT_URL"] = process.line_with("Safelight listens on").split()[-1]
    said = interrupt_after(slow.start(*ORDER, "-n", "2"), "sent to a backend")
    assert said.code == 130
    assert "The server goes on drawing" in said.err
    told = re.search(r"safelight batches watch (\S+)$", said.err, re.MULTILINE)
    assert told
    assert slow.type("batches", "watch", told[1]).code == 0


def test_who_waits_for_a_backend_is_told(shell: Shell, database_url: str) -> None:
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    shell.configure("http://127.0.0.1:9")
    said = interrupt_after(shell.start(*ORDER), "safelight simulate")
    assert said.code == 130
    assert re.search(r"backend pod-1 at http://127.0.0.1:9 is \w+ \(.+\)", said.err)
