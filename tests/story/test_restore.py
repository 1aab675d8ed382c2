"""A database that was lost comes back from a backup, and nothing is given out twice."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from safelight.core.signing import secret_of
from tests.chaos.test_kill import until_stored
from tests.processes import Processes, Serving, until_ended
from tests.receiver import Receiver
from tests.story.pictures import assert_exactly, served
from tests.story.streams import told, types
from tests.waiting import until

SLOW = {"user": "ann", "character": "mira", "prompt": "storm", "quantity": 4}


def run(processes: Processes, *arguments: str, code: int = 0) -> Any:
    """A command to its end; its JSON, or what it said if it failed."""
    process = processes.start(*arguments, "--json")
    assert process.popen.wait(90) == code, process.lines
    deadline = time.monotonic() + 10
    while not process.lines and time.monotonic() < deadline:
        time.sleep(0.01)
    text = "\n".join(process.lines)
    found = re.search(r"^[{\[]", text, re.MULTILINE)
    return json.loads(text[found.start() :]) if code == 0 and found else text


def files(processes: Processes) -> dict[str, bytes]:
    """Every picture in the store, by key."""
    store = processes.home / "state" / "store"
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*.png")}


def query(url: str, statement: str, *arguments: object) -> Any:
    """The rows of a statement of the test's own."""

    async def asking() -> Any:
        connection = await asyncpg.connect(url)
        rows = await connection.fetch(statement, *arguments)
        await connection.close()
        return [tuple(row) for row in rows]

    return asyncio.run(asking())


def test_after_a_restore_nothing_is_given_out_again(processes: Processes) -> None:
    """A backup is made while a batch is drawn, more is ordered after it, then the database is
    lost. After the restore indices go on above every picture there is, no picture was
    overwritten, the batch that was being drawn is completed, and listeners from before are told
    to look anew instead of missing or hearing again what they do not know."""
    simulating = processes.simulate(seconds=0.5)
    processes.database_url = ""
    serving = processes.serve([simulating.url])
    first = serving.order(4, seed=4711)
    running = serving.post("/v1/batches", {**SLOW, "quantity": 16})["id"]
    until_stored(serving, running, 1)
    backup = run(processes, "backup", "safe.tar")
    assert (backup["batches"], backup["images"]) == (2, 20)
    until_ended(serving, running)
    assert serving.order(4)["indices"] == [24, 23, 22, 21]
    assert serving.order(2, character="opal-fever")["indices"] == [2, 1]
    heard = told(serving, f"/v1/batches/{running}/events")[-1][0]
    everywhere = _position_before(serving)
    assert serving.process.stop() == 0
    kept = files(processes)
    (processes.home / "state" / "store" / "ann" / "mira" / "index.txt").write_text("999\n")
    shutil.rmtree(processes.home / "state" / "postgres")

    outcome = run(processes, "restore", "safe.tar")
    assert outcome["orphans"] == 6
    assert [(one["character"], one["holes"], one["pictures"]) for one in outcome["raised"]] == [
        ("mira", [21, 24], 4),
        ("opal-fever", [1, 2], 2),
    ]
    assert outcome["again"] >= 1

    serving = processes.serve([simulating.url])
    assert serving.get(f"/v1/batches/{first['id']}")["parameters"] == {"seed": 4711}
    _listeners_are_told(serving, first, running, heard, everywhere)
    assert_exactly(until_ended(serving, running), 16)
    later = serving.order(4)
    assert later["indices"] == [29, 28, 27, 26]
    assert serving.order(1, character="opal-fever")["indices"] == [3]
    assert len(set(served(serving, later).values())) == 4
    now = files(processes)
    assert {key: now[key] for key in kept} == kept
    index = processes.home / "state" / "store" / "ann" / "mira" / "index.txt"
    until(lambda: index.read_text() == "29\n")


def _position_before(serving: Serving) -> str:
    """An id of the stream of all events."""
    [(id, _)] = told(serving, "/v1/events", "0-0", most=1)
    return id


def _listeners_are_told(
    serving: Serving, first: Any, running: str, heard: str, everywhere: str
) -> None:
    path = f"/v1/batches/{running}/events"
    events = told(serving, path, heard)
    assert types(events)[0] == "reset"
    assert types(events).count("reset") == 1
    reset = events[0][1]
    assert reset["data"]["reason"] == "restored"
    assert [image["index"] for image in reset["data"]["images"]] == list(range(20, 4, -1))
    assert types(events)[-1] == "batch.completed"
    numbers = [int(id) for id, _ in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert min(numbers) > int(heard)
    # Who comes back with an id from after the restore, or wants all, hears no reset.
    assert types(told(serving, path, str(numbers[0]))) == types(events)[1:]
    assert "reset" not in types(told(serving, path))
    # A batch that had ended before the backup is as it was.
    path = f"/v1/batches/{first['id']}/events"
    whole = told(serving, path)
    assert types(whole)[-1] == "batch.completed"
    assert told(serving, path, whole[-1][0]) == []
    assert types(told(serving, path, whole[-2][0])) == ["batch.completed"]
    [(id, data)] = told(serving, "/v1/events", everywhere, most=1)
    assert (data["type"], data["data"]) == ("reset", {"reason": "restored"})
    serving.order(1)
    assert "reset" not in types(told(serving, "/v1/events", id, most=3))


def test_a_worker_that_slept_through_a_restore_writes_nothing(processes: Processes) -> None:
    """A worker is frozen with prompts at its backend, the database is restored under it, another
    one goes on. When the first wakes up it takes no backend and changes no row."""
    simulating = processes.simulate(seconds=0.4)
    url = processes.database_url
    serving = processes.serve([simulating.url], "--no-worker")
    old = processes.start("work")
    id = serving.post("/v1/batches", {**SLOW, "quantity": 8})["id"]
    until_stored(serving, id, 2)
    old.popen.send_signal(signal.SIGSTOP)
    run(processes, "backup", "safe.tar")
    void = [row[0] for row in query(url, "select prompt_id from attempts where closed_at is null")]
    assert void
    [(epoch,)] = query(url, "select epoch from backends")
    owner = query(url, "select owner from backends")
    assert serving.process.stop() == 0
    run(processes, "restore", "safe.tar", "--force")

    again = processes.serve([simulating.url])
    old.popen.send_signal(signal.SIGCONT)
    assert_exactly(until_ended(again, id), 8)
    assert_exactly(again.order(4), 4)
    # Void, or taken back by the other worker where it found the picture at the backend.
    outcomes = query(url, "select outcome, epoch from attempts where prompt_id = any($1)", void)
    assert all(how == "lost" or (how == "stored" and under > epoch) for how, under in outcomes)
    assert query(url, "select owner from backends") != owner
    assert old.stop() == 0


def test_pictures_come_back_with_the_store(processes: Processes) -> None:
    """A backup with the store, restored into an empty home, serves every picture as it was."""
    simulating = processes.simulate()
    processes.database_url = ""
    serving = processes.serve([simulating.url])
    batch = serving.order(4)
    shown = served(serving, batch)
    assert run(processes, "backup", "safe.tar", "--with-store")["pictures"] == 4
    assert serving.process.stop() == 0
    kept = files(processes)
    shutil.rmtree(processes.home / "state")
    outcome = run(processes, "restore", "safe.tar")
    assert outcome["summary"]["pictures"] == 4
    assert (outcome["raised"], outcome["orphans"]) == ([], 0)
    assert files(processes) == kept
    again = processes.serve([simulating.url])
    assert served(again, again.get(f"/v1/batches/{batch['id']}")) == shown
    assert again.order(1)["indices"] == [5]


def test_after_a_restore_no_webhook_is_told_twice(processes: Processes) -> None:
    """A backup is made while a message cannot be delivered, the message arrives after it, and the
    database is restored: it is not sent again by itself, the state says why, and what happens
    afterwards is told, with the secret from before."""
    receiver = Receiver().open()
    receiver.behave = lambda _: (503, {})
    secret = secret_of(b"r" * 32)
    config = (
        f'[webhooks]\nsecret = "{secret}"\nallow_private = true\nretry_schedule = {[0.2] * 99}\n'
    )
    simulating = processes.simulate()
    serving = processes.serve([simulating.url], config=config)
    webhook = serving.post("/v1/webhooks", {"url": receiver.url})
    batch = serving.order(1, webhook={"url": receiver.url})["id"]
    told = [f"/v1/webhooks/{webhook['id']}/deliveries", f"/v1/batches/{batch}/deliveries"]

    def states() -> list[str]:
        return [one["status"] for path in told for one in serving.get(path)["data"]]

    until(lambda: states() == ["pending"] * 2)
    run(processes, "backup", "safe.tar")
    receiver.behave = lambda _: (200, {})
    until(lambda: states() == ["delivered"] * 2)
    assert serving.process.stop() == 0
    run(processes, "restore", "safe.tar", "--force")

    heard = len(receiver.messages)
    serving = processes.serve([simulating.url], config=config)
    assert states() == ["dead"] * 2
    dead = serving.get(told[1])["data"][0]
    assert "restored" in dead["reason"]
    later = serving.order(1)["id"]
    until(lambda: receiver.of(later))
    assert [message.batch for message in receiver.messages[heard:]] == [later]
    assert receiver.messages[-1].verified(webhook["secret"])
    serving.post(f"{told[1]}/{dead['id']}/redeliver", {})
    until(lambda: receiver.messages[-1].id == dead["message_id"])
    assert receiver.messages[-1].verified(secret)
    receiver.close()


def test_a_database_with_images_is_only_replaced_when_asked(processes: Processes) -> None:
    """Without --force nothing is touched, and it is said what would be lost; with it the indices
    that were given out here stay taken as well."""
    simulating = processes.simulate()
    serving = processes.serve([simulating.url])
    run(processes, "backup", "empty.tar")
    batch = serving.order(3)
    said = run(processes, "restore", "empty.tar", code=2)
    assert "1 batches with 3 images" in said
    assert "--force" in said
    assert serving.get(f"/v1/batches/{batch['id']}")["status"] == "completed"
    assert serving.process.stop() == 0
    outcome = run(processes, "restore", "empty.tar", "--force")
    assert outcome["lost_images"] == 3
    again = processes.serve([simulating.url])
    assert again.get("/v1/batches")["data"] == []
    assert again.order(2)["indices"] == [5, 4]


@pytest.mark.parametrize("harm", ["flipped", "shortened", "empty", "no tar", "newer"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    processes: Processes, harm: str
) -> None:
    """A flipped bit, a missing end, another file, a newer version: exit code 1, why, and the
    database is as it was."""
    processes.configure([])
    query(processes.database_url, "insert into characters (id, document) values ('opal', '{}')")
    run(processes, "backup", "safe.tar")
    safe = processes.home / "safe.tar"
    data = bytearray(safe.read_bytes())
    match harm:
        case "flipped":
            data[data.index(b"tables/characters") + 520] ^= 1
        case "shortened":
            del data[len(data) // 2 :]
        case "empty":
            data.clear()
        case "no tar":
            data[:] = b"\x89PNG" * 5000
        case "newer":
            query(
                processes.database_url,
                "insert into safelight_migrations (number, name, sha256) values (9001, '', '')",
            )
            run(processes, "backup", "newer.tar", code=2)
            _forge_newer(safe)
            data = bytearray(safe.read_bytes())
            query(processes.database_url, "delete from safelight_migrations where number = 9001")
    safe.write_bytes(data)
    query(processes.database_url, "update characters set id = 'pearl'")
    said = run(processes, "restore", "safe.tar", "--force", code=1)
    assert "cannot be restored" in said
    assert "Traceback" not in said
    assert query(processes.database_url, "select id from characters") == [("pearl",)]


def _forge_newer(path: Path) -> None:
    """A backup as a version to come would write it."""
    from safelight.assembly import archive

    manifest = asyncio.run(archive.verify(path))
    members = [(name, file.read()) for name, file in archive.pieces(path)]
    manifest["migrations"]["9001"] = "0" * 64
    with archive.writing(path) as writer:
        for name, data in members:
            writer.add(name, data)
        writer.finish(manifest)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_backup_that_is_stopped_leaves_no_half_file(
    processes: Processes, number: signal.Signals
) -> None:
    """Ctrl-C in the middle: nothing lies there, neither under its name nor beside it."""
    processes.configure([])
    folder = processes.home / "backups"
    folder.mkdir()
    asyncio.run(_stopped(processes, folder, number))
    assert list(folder.iterdir()) == []


async def _stopped(processes: Processes, folder: Path, number: int) -> None:
    holding = await asyncpg.connect(processes.database_url)
    async with holding.transaction():
        await holding.execute("lock table images")
        process = processes.start("backup", str(folder / "safe.tar"))
        until = time.monotonic() + 30
        waiting = "select count(*) from pg_locks where not granted"
        while not os.listdir(folder) or not await holding.fetchval(waiting):
            assert time.monotonic() < until, process.lines
            await asyncio.sleep(0.02)
        code = await asyncio.to_thread(process.stop, number, 30)
    assert code == (130 if number == signal.SIGINT else 143)
    await holding.close()


def test_a_restore_that_is_stopped_changes_nothing(processes: Processes) -> None:
    """kill -9 in the middle of a restore: the database is as it was, and a second try works."""
    processes.configure([])
    url = processes.database_url
    query(url, "insert into characters (id, document) values ('opal', '{}')")
    run(processes, "backup", "safe.tar")
    query(url, "update characters set id = 'pearl'")

    async def killed() -> None:
        holding = await asyncpg.connect(url)
        async with holding.transaction():
            await holding.execute("lock table workflows in access share mode")
            process = processes.start("restore", "safe.tar")
            until = time.monotonic() + 30
            while not await holding.fetchval("select count(*) from pg_locks where not granted"):
                assert time.monotonic() < until, process.lines
                await asyncio.sleep(0.02)
            await asyncio.to_thread(process.kill)
        await holding.close()

    asyncio.run(killed())
    assert query(url, "select id from characters") == [("pearl",)]
    run(processes, "restore", "safe.tar")
    assert query(url, "select id from characters") == [("opal",)]


def test_a_backup_of_an_older_schema_is_brought_up_to_date(processes: Processes) -> None:
    """Tables as an older version has them come back, and the schema is that of this version."""
    processes.configure([])
    url = processes.database_url
    query(url, "insert into characters (id, document) values ('opal', '{}')")
    query(url, "drop table installation")
    query(url, "delete from safelight_migrations where number = 10")
    run(processes, "backup", "old.tar")
    run(processes, "migrate")
    run(processes, "restore", "old.tar")
    assert query(url, "select id from characters") == [("opal",)]
    assert query(url, "select count(*) from installation") == [(1,)]
    assert query(url, "select count(*) = 1 from safelight_migrations where number = 10") == [
        (True,)
    ]


def test_an_empty_database_has_nothing_to_back_up(processes: Processes) -> None:
    """It is said, and no file is written."""
    processes.configure([])
    query(processes.database_url, "drop table safelight_migrations")
    assert "nothing to back up" in run(processes, "backup", "safe.tar", code=2)
    assert not (processes.home / "safe.tar").exists()
    assert "no folder" in run(processes, "backup", "nowhere/safe.tar", code=2)
    assert "No such file" in run(processes, "restore", "nowhere.tar", code=1)


def test_a_backup_for_which_there_is_no_room_is_told(processes: Processes) -> None:
    """The file cannot grow: exit code 1, the reason, and what was there before is still there."""
    processes.configure([])
    (processes.home / "safe.tar").write_text("the backup of yesterday")
    # What is measured of the tests is written to a file at the end, which would not fit either.
    small = "unset COVERAGE_PROCESS_CONFIG COVERAGE_PROCESS_START; ulimit -f 4; "
    small += 'exec "$0" -m safelight backup safe.tar'
    process = processes.spawn(["sh", "-c", small, sys.executable])
    assert process.popen.wait(60) == 1
    process.line_with("safe.tar cannot be written", 10)
    assert "Traceback" not in "\n".join(process.lines)
    assert (processes.home / "safe.tar").read_text() == "the backup of yesterday"
    assert [path for path in processes.home.iterdir() if "part" in path.name] == []
