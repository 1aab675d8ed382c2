"""Erasing a user: what is gone, what stays, and that nobody else notices."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from safelight.core.signing import secret_of
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.pipeline.erasing import Eraser
from safelight.pipeline.wishes import Wishes
from safelight.publishers.base import NotNow
from safelight.store import open_store
from tests.pipeline.folder_publisher import FolderPublisher
from tests.pipeline.test_arrows import scene_in
from tests.pipeline.test_removing import ask, published
from tests.processes import Process, Processes, Serving
from tests.story.test_audit import audit
from tests.story.test_missing import config, graph
from tests.story.test_restore import files, query
from tests.waiting import until

SECRET = "xylophone"  # stands wherever a person's words can
WEBHOOKS = f'[webhooks]\nsecret = "{secret_of(bytes(32))}"\nallow_private = true\n'


def erase(processes: Processes, *flags: str, code: int = 0) -> Any:
    """To its end; its JSON."""
    process = processes.start("erase", "--yes", "--json", *flags)
    assert process.popen.wait(120) == code, process.lines
    process.end_of_lines()
    text = "\n".join(process.lines)
    return json.loads(text[text.index("{") :])


def status_of(serving: Serving, path: str, method: str = "GET") -> tuple[int, Any]:
    request = urllib.request.Request(serving.url + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["code"]


def everything(processes: Processes) -> str:
    """Every row of the database as text, the engine's as well."""
    url = processes.database_url
    tables = query(url, "select tablename from pg_tables where schemaname = 'public'")
    reading = ("select one::text from $ one".replace("$", name) for (name,) in tables)
    return "\n".join(row[0] for statement in reading for row in query(url, statement))


def secretly(serving: Serving, quantity: int = 2, **fields: Any) -> Any:
    """An order full of a person's words."""
    return serving.order(quantity, prompt=SECRET, metadata={"note": [SECRET]}, **fields)


def test_a_user_is_erased_and_nobody_else_notices(processes: Processes) -> None:
    """Ann has stored, failed, deleted, unfinished images and a leftover; after the erasure nothing
    of her words is in the database and nothing of hers in the store. Her indices stay taken, Ben's
    pictures are as they were, and the second time there is nothing to do."""
    simulating = processes.simulate("--models", "any", seconds=0.05)
    serving = processes.serve([simulating.url], config=config(processes, graph()) + WEBHOOKS)
    done = secretly(serving, seed=4711)
    assert done["parameters"] == {"seed": 4711}
    told = {"url": f"http://127.0.0.1:9/{SECRET}"}
    secretly(serving, 1, character="ben", negative_prompt=f"no {SECRET}", webhook=told)
    bens = serving.order(2, user="ben")
    simulating.fault("reject", 1.0)
    failed = secretly(serving, 1, wait=60)
    assert failed["status"] == "failed"
    simulating.fault("reject", 0.0)
    query(
        processes.database_url,
        "update images set error = jsonb_set(error, '{detail}', to_jsonb($1::text))"
        " where error is not null",
        f"{SECRET} is no prompt",
    )
    key = {"Idempotency-Key": SECRET}
    serving.post("/v1/batches", {**_ORDER, "quantity": 40}, headers=key)
    store = processes.home / "state" / "store"
    leftover = store / "ann" / "mira" / f"00001-{uuid4()}.png"
    leftover.write_bytes(b"left over")
    (store / "ann" / "mira" / "index.txt").write_text("43\n")
    assert SECRET in everything(processes)
    before = {key: data for key, data in files(processes).items() if key.startswith("ben/")}

    told = erase(processes, "--user", "ann")
    assert (told["batches"], told["unfinished"], told["copies_left"]) == (4, 0, 0)
    assert SECRET not in everything(processes)
    assert files(processes) == before
    assert not (store / "ann").exists()
    assert len(told["remains"]) == 3

    image = done["images"][0]["id"]
    assert status_of(serving, f"/v1/images/{image}/file") == (410, "gone")
    assert status_of(serving, f"/v1/images/{image}/thumbnail") == (410, "gone")
    again = f"/v1/batches/{failed['id']}/retry"
    assert status_of(serving, again, "POST") == (409, "erased")
    batch = serving.get(f"/v1/batches/{done['id']}")
    assert (batch["prompt"], batch["metadata"], batch["status"]) == ("", None, "completed")
    assert batch["parameters"] == {}
    assert serving.get("/v1/series/ann/mira")["highest"] == 43
    assert serving.read(bens["images"][0]["url"])
    assert erase(processes, "--user", "ann")["batches"] == 0
    assert serving.order(1, user="ann")["indices"] == [44]
    assert audit(processes, "--deep")["findings"] == []


_ORDER = {"user": "ann", "character": "mira", "prompt": SECRET}


def typed(processes: Processes, text: str) -> tuple[int, str]:
    """`erase --user ann` with something typed; exit code and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "safelight", "erase", "--user", "ann"],
        input=text,
        capture_output=True,
        text=True,
        cwd=processes.home,
        env={**os.environ, **processes.environ()},
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def interrupted(processes: Processes) -> int:
    """`erase --user ann` with Ctrl-C while it waits for an answer; its exit code."""
    running = subprocess.Popen(
        [sys.executable, "-m", "safelight", "erase", "--user", "ann"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=processes.home,
        env={**os.environ, **processes.environ()},
    )
    assert running.stderr is not None
    said = b""
    while not said.endswith(b"erase all of it: "):
        said += os.read(running.stderr.fileno(), 1)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    return running.returncode


def test_it_asks_first(processes: Processes) -> None:
    """Only the user's id, typed, is a yes. An id that nobody ordered for, or none at all, is
    refused."""
    serving = processes.serve([processes.simulate(seconds=0).url])
    image = serving.order(1)["images"][0]["id"]
    for text in ("", "yes\n", "Ann\n"):
        code, said = typed(processes, text)
        assert code == 2
        assert "nothing was erased" in said
    assert status_of(serving, f"/v1/images/{image}/file")[0] == 200
    assert interrupted(processes) == 130
    assert processes.start("erase", "--user", "anne", "--yes").popen.wait(60) == 2
    assert processes.start("erase", "--user", "../ann", "--yes").popen.wait(60) == 2
    code, said = typed(processes, "ann\n")
    assert code == 0, said
    assert "ann: 1 batches, 1 pictures, 0 copies at publishers." in said
    assert "output folders" in said
    assert status_of(serving, f"/v1/images/{image}/file")[0] == 410


@pytest.mark.parametrize("seed", range(2))
def test_kill_9_in_the_middle_of_an_erasure(processes: Processes, seed: int) -> None:
    """It is killed three times at random moments; no image ever promises a file that is gone, and
    the next run gets to the end."""
    dice = random.Random(seed)
    serving = processes.serve([processes.simulate(seconds=0).url])
    batches = [secretly(serving, 8) for _ in range(8)]
    bens = serving.order(2, user="ben")
    for _ in range(3):
        before = _erased(processes)
        process = processes.start("erase", "--yes", "--user", "ann")
        until(partial(_goes_on, processes, process, before))
        time.sleep(dice.uniform(0, 0.01))
        process.kill()
        for batch in batches:
            for image in batch["images"]:
                if serving.get(f"/v1/images/{image['id']}")["deleted_at"] is None:
                    assert status_of(serving, f"/v1/images/{image['id']}/file")[0] == 200
    erase(processes, "--user", "ann")
    assert SECRET not in everything(processes)
    assert {key.partition("/")[0] for key in files(processes)} == {"ben"}
    assert serving.read(bens["images"][0]["url"])


def _goes_on(processes: Processes, process: Process, before: int) -> bool:
    """More is erased, or it is through."""
    return process.popen.poll() is not None or _erased(processes) > before


def _erased(processes: Processes) -> int:
    counted = "select count(*) from batches where erased_at is not null"
    return int(query(processes.database_url, counted)[0][0])


async def test_copies_go_too_and_those_that_stay_are_listed(
    database: Database, tmp_path: Path
) -> None:
    """One copy is taken away at the second try; at the place of another something else lies by
    now: it stays and is told. With copies kept, none is asked for."""
    publisher = FolderPublisher("cdn", tmp_path / "cdn")
    wishes = Wishes(database, Bell(database, "test"), 60)
    store = open_store(None, tmp_path / "store")
    eraser = Eraser(database, store, wishes, {"cdn": publisher}, 20)
    first, second = [await scene_in(database, "stored") for _ in range(2)]
    for number, scene in enumerate((first, second)):
        data = f"copy {number}".encode()
        publisher.put(f"{number}.png", data)
        md5 = hashlib.md5(data).hexdigest()
        await published(scene, place=f"{number}.png", md5=md5, url="https://cdn.example")
    publisher.put("1.png", b"another picture")

    done = await eraser.erase("ann", publications=False)
    assert (done.batches, done.unfinished, done.copies_left) == (2, 0, 0)
    assert (tmp_path / "cdn" / "0.png").exists()
    publisher.away.append(NotNow("busy"))
    done = await eraser.erase("ann", publications=True)
    assert (done.batches, done.copies_left) == (0, 1)
    assert not (tmp_path / "cdn" / "0.png").exists()
    assert (tmp_path / "cdn" / "1.png").read_bytes() == b"another picture"
    [left] = [copy async for copy in eraser.copies_left("ann")]
    assert (left.place, left.reason) == ("1.png", "another picture lies there")
    assert await ask(database, "select count(*) from images where deleted_at is null") == [(0,)]
