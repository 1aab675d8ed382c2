"""Every recorded transcript of a real server, replayed on a fresh simulator.

What was not recorded is listed here with its reason; those rows are left out of the comparison and
stand as cases written by hand, from the contract, in the file that is named.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.simulator.normal import (
    Normalizer,
    compared,
    without_early_status,
    without_loose_progress,
)
from tests.simulator.processes import Simulator, simulator
from tests.simulator.replay import Account, Hook, Player, Row, recorded, rows_of

GRAPHS = Path(__file__).parent.parent / "workflows"


@dataclass(frozen=True)
class Unrecorded:
    """Rows whose cause is not in the recording."""

    rows: range
    reason: str
    tested: str  # where the same is tested by hand


@dataclass(frozen=True)
class Scene:
    """What a transcript's replay needs to be set up, and how it is read."""

    scale: float = 0.1  # of the lab nodes' seconds
    warm: dict[str, Any] | None = None  # run once before, for the cache
    files: Mapping[str, bytes] = field(default_factory=dict)
    hooks: Mapping[int, Hook] = field(default_factory=dict)
    unrecorded: tuple[Unrecorded, ...] = ()
    # POST answers of prompts that were disturbed while they ran: how many of their steps were seen
    # depends on the moment
    loose: tuple[int, ...] = ()
    # up to this row prompts were posted faster than they ran, or cleared while the next one began:
    # when the queue grew and when it shrank is a race, so there the statuses are not compared
    hurried: int = 0
    seconds: float = 0

    @property
    def skipped(self) -> frozenset[int]:
        return frozenset(row for part in self.unrecorded for row in part.rows)


def warm_quick() -> dict[str, Any]:
    """The graph that leaves a 256 pixel EmptyImage in the cache."""
    graph: dict[str, Any] = json.loads((GRAPHS / "quick.json").read_text())
    graph["3"]["inputs"]["filename_prefix"] = "warm"
    return graph


def warm_sampler() -> dict[str, Any]:
    """The recorded sampler graph with another seed."""
    graph: dict[str, Any] = copy.deepcopy(rows_of("ksampler_previews")[4]["body"]["prompt"])
    graph["3"]["inputs"]["seed"] = 99
    graph["9"]["inputs"]["filename_prefix"] = "warm"
    return graph


def saying(conn: str, *texts: str) -> Hook:
    async def say(player: Player) -> None:
        for text in texts:
            await player.send(conn, text)

    return say


async def idle(player: Player) -> None:
    """The recording polled until the queue was empty, without writing it down."""
    remaining = -1
    while remaining:
        async with player.http.get(f"{player.url}/prompt") as response:
            remaining = (await response.json())["exec_info"]["queue_remaining"]


async def second_runs(player: Player) -> None:
    """The second prompt was taken from the queue before the rest was cleared away."""
    second = player.ids["54b2775e-7c62-4da4-8c80-9eebe391768e"]
    running: list[Any] = []
    while second not in [item[1] for item in running]:
        async with player.http.get(f"{player.url}/queue") as response:
            running = (await response.json())["queue_running"]


async def settled(_: Player) -> None:
    """The prompt's last word goes to a client that is away: no frame shows that it was said.

    The only wait by the clock, where the recording waited so, too.
    """
    await asyncio.sleep(0.3)


async def saved_meanwhile(player: Player) -> None:
    """A picture of the rows that are left out counts in the names of those after them."""
    (player.output / "x_q_00004_.png").touch()


async def slowly(player: Player) -> None:
    """Only the prompt that is interrupted needs time for it."""
    await player.http.post(f"{player.url}/simulator/faults", json={"slow": 1})


# A request of the recording that met a running prompt must not come after its end: where a busy
# machine lets a replay be overtaken by its own prompts, it is played again, slower. What does not
# depend on the pace differs at every pace.
PACES = (1, 3, 6)
FLAGS = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
HEADERS = "the recording does not show the request's headers"
SCENES = {
    "batch_size_4": Scene(),
    "cached_duplicate": Scene(),
    "delete_queued": Scene(scale=0.5),
    "endpoints": Scene(
        unrecorded=(
            Unrecorded(range(1), "the page is not simulated, answers 404", "test_routes.py"),
            Unrecorded(range(3, 4), "history of an unknown past", "test_routes.py"),
            Unrecorded(range(13, 14), "/extensions is not simulated", "test_routes.py"),
            Unrecorded(range(19, 20), "history of an unknown past", "test_routes.py"),
            Unrecorded(range(25, 39), "these routes are not simulated", "test_routes.py"),
            Unrecorded(range(43, 44), "a folder of the page, not simulated", "test_routes.py"),
            Unrecorded(range(69, 95), "the multipart bodies were not recorded", "test_uploads.py"),
            Unrecorded(range(95, 101), "bodies of 100 MiB were cut", "test_uploads.py"),
            Unrecorded(range(101, 121), HEADERS, "test_routes.py"),
            Unrecorded(range(121, 123), "recorded as Python text, not as bytes", "test_routes.py"),
        ),
    ),
    "execution_error": Scene(warm=warm_quick()),
    "four_in_flight": Scene(scale=0.5),
    "interrupt_running": Scene(scale=0.2, loose=(5,)),
    "ksampler_previews": Scene(
        warm=warm_sampler(), seconds=0.1, hooks={2123: slowly}, loose=(2124,)
    ),
    "previews_legacy": Scene(),
    "previews_with_metadata": Scene(),
    "prompt_id_duplicates": Scene(scale=0.5, hurried=90),
    "queue_and_interrupt": Scene(
        scale=0.3,
        hurried=82,
        hooks={74: second_runs, 3045: saved_meanwhile},
        loose=(113, 132, 149, 168),
        unrecorded=(
            Unrecorded(
                range(231, 343), "two outputs run in the order of a hash set", "test_execution.py"
            ),
            Unrecorded(
                range(343, 3045), "a storm: which of 300 are hit is chance", "test_execution.py"
            ),
        ),
    ),
    "single_success": Scene(),
    "validation_error": Scene(),
    "view": Scene(
        files={
            "x_view_00001_.png": b"",
            "x_dir/": b"",
            "x_link.png": b"abc",
            "x.html": b"<b>",
            "broken.png": b"\x89PNG\r\n",
            "empty.png": b"",
            "x_big.bin": b"big",
        },
        hooks={2: idle},
        unrecorded=(Unrecorded(range(8, 20), HEADERS, "test_view.py"),),
    ),
    "ws_reconnect_and_broadcast": Scene(
        scale=0.5,
        hooks={
            169: settled,
            242: settled,
            247: saying("A", "not JSON", FLAGS),
            251: saying("A", "{}", FLAGS),
        },
        loose=(99, 125, 172, 231),
    ),
    "ws_slow_reader_blocks_all": Scene(
        hooks=dict.fromkeys((6, 8, 10, 58), idle),
    ),
}
KILLS = {f"kill_{kind}" for kind in ("SIGKILL_saving", "SIGKILL_sleep", "SIGTERM_idle")} | {
    "kill_SIGTERM_saving",
    "kill_SIGTERM_sleep",
}


@pytest.mark.parametrize("name", sorted(SCENES))
async def test_replay_answers_as_the_real_server_did(name: str, tmp_path: Path) -> None:
    """The same requests get the same answers and the same frames, after normalising."""
    for slower in PACES:
        folder = tmp_path / f"{slower}"
        folder.mkdir()
        expected, found = await _replayed(name, slower, folder)
        if not (differences := compared(expected, found)):
            break
    assert "\n".join(differences) == ""
    for mutant in _mutants(found):
        assert compared(expected, mutant) != []


def test_every_transcript_has_its_place() -> None:
    """No recording is forgotten."""
    names = {path.stem for path in (Path(__file__).parent / "transcripts").glob("*.jsonl")}
    assert names == set(SCENES) | KILLS


async def _replayed(name: str, slower: float, folder: Path) -> tuple[Account, Account]:
    """What was recorded and what the simulator tells, both normalised."""
    scene, rows = SCENES[name], rows_of(name)
    async with simulator(folder, *_flags(scene, slower)) as running:
        output = folder / "simulator" / str(running.port) / "output"
        await _set_up(scene, running, output)
        loose = frozenset(rows[row]["body"]["prompt_id"] for row in scene.loose)
        player = Player(rows, scene.skipped, loose, running.url, output)
        actual = await player.play(scene.hooks)
    hurried = _frames_before(rows, scene.hurried)
    expected = _normal(recorded(rows, scene.skipped), loose, hurried)
    return expected, _normal(actual, [player.ids[prompt_id] for prompt_id in loose], hurried)


def _flags(scene: Scene, slower: float) -> list[str]:
    scale = str(scene.scale * slower)
    return ["--lab", "--seconds", str(scene.seconds * slower), "--lab-scale", scale]


async def _set_up(scene: Scene, running: Simulator, output: Path) -> None:
    for name, content in scene.files.items():
        if name.endswith("/"):
            (output / name).mkdir()
        elif name == "x_link.png":
            (output.parent / "outside").write_bytes(content)
            (output / name).symlink_to(output.parent / "outside")
        else:
            (output / name).write_bytes(content)
    if scene.warm is not None:
        async with aiohttp.ClientSession() as http:
            await http.post(f"{running.url}/prompt", json={"prompt": scene.warm})
            history: dict[str, Any] = {}
            while not history:
                async with http.get(f"{running.url}/history") as response:
                    history = await response.json()


def _frames_before(rows: list[Row], hurried: int) -> int:
    """How many frames beside statuses were recorded before this row."""
    frames = [row.get("json", {}).get("type") for row in rows[:hurried] if row["kind"] == "ws"]
    return sum(kind not in (None, "status") for kind in frames)


def _normal(account: Account, loose: Iterable[str], hurried: int) -> Account:
    sockets = {
        name: without_early_status(without_loose_progress(frames, frozenset(loose)), hurried)
        for name, frames in account.sockets.items()
    }
    return Normalizer().account(Account(account.answers, sockets))


def _mutants(account: Account) -> Iterator[Account]:
    """The same account with one field of the simulator's answers changed, in several ways."""
    for row, answer in list(account.answers.items())[:1]:
        changed = {**answer, "status": 299}
        yield Account({**account.answers, row: changed}, account.sockets)
    for name, frames in list(account.sockets.items())[:1]:
        for place in {0, len(frames) - 1}:
            changed_frames: list[Row] = copy.deepcopy(frames)
            changed_frames[place]["type"] = "something else"
            yield Account(account.answers, {**account.sockets, name: changed_frames})
