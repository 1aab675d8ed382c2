"""What the doctor says of the line, of lost tokens and of prompts nobody waits for."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from uuid import uuid4

from safelight.database.connection import Database
from tests.cli.terminal import Shell
from tests.pipeline.orders import Counter
from tests.processes import QUICK, Processes


def checks(shell: Shell, code: int) -> dict[str, Any]:
    """The doctor's findings by name, with this exit code."""
    said = shell.type("doctor", "--json")
    assert said.code == code, said
    return {check["name"]: check for check in said.json()}


def submit(url: str, id: str) -> None:
    """A prompt under this id."""
    body = json.dumps({"prompt": json.loads(QUICK.read_text()), "prompt_id": id}).encode()
    urllib.request.urlopen(f"{url}/prompt", body, timeout=30).close()


async def test_what_waits_too_long_or_out_of_line_is_told(
    backed: Shell, database: Database
) -> None:
    """Images that wait are counted by pool; an hour is too long, and one without its token is
    out of line, since no worker would find it."""
    found = checks(backed, 0)
    assert (found["tokens"]["ok"], found["ghosts"]["ok"]) == (True, True)
    assert not any(name.startswith("line") for name in found)
    batch = await Counter(database).accept()
    found = checks(backed, 0)
    assert found["line default"]["detail"].startswith("4 images wait, the oldest for ")

    async with database.session() as c:
        await c.execute("update images set queued_at = queued_at - interval '1 hour'")
    found = checks(backed, 1)
    assert (found["line default"]["ok"], found["tokens"]["ok"]) == (False, True)
    assert "worker" in found["line default"]["advice"]

    async with database.session() as c:
        await c.execute("delete from pgqueuer where dedupe_key = $1", f"{batch.images[0].id}:0")
    found = checks(backed, 1)
    assert found["tokens"]["ok"] is False
    assert found["tokens"]["detail"].startswith("1 queued images")


async def test_prompts_that_nobody_waits_for_are_counted(
    shell: Shell, processes: Processes, database_url: str, database: Database
) -> None:
    """A prompt at a backend whose attempt is closed is a ghost; a stranger's prompt is none."""
    simulating = processes.simulate(seconds=60)
    shell.environ["SAFELIGHT_DATABASE_URL"] = database_url
    shell.configure(simulating.url)
    batch = await Counter(database).accept(quantity=1)
    ours, strangers = str(uuid4()), str(uuid4())
    async with database.session() as c:
        await c.execute(
            "insert into attempts (prompt_id, image_id, round, backend, epoch, slot, seed, "
            "closed_at, outcome) values ($1, $2, 0, 'pod-1', 1, 0, 1, now(), 'lost')",
            ours,
            batch.images[0].id,
        )
    submit(simulating.url, strangers)
    submit(simulating.url, ours)
    found = checks(shell, 1)
    assert found["ghosts"]["ok"] is False
    assert found["ghosts"]["detail"].startswith("1 prompts")
    assert found["backend pod-1"]["detail"].endswith("2 prompts")


def test_a_secret_that_others_can_read_is_told(backed: Shell) -> None:
    """The settings file and every file named in it that holds a secret; the secret is not told."""
    settings, key = backed.folder / "safelight.toml", backed.folder / "cdn key"
    settings.write_text(
        settings.read_text() + "[publishers.bunny]\n"
        'zone = "z"\naccess_key_file = "cdn key"\npublic_url = "https://z.b-cdn.net"\n'
    )
    key.write_text("s3cret")
    key.chmod(0o640)
    settings.chmod(0o644)
    found = checks(backed, 1)
    assert found["secrets cdn key"]["detail"] == f"{key} can be read by others (mode 640)"
    assert found["secrets cdn key"]["advice"] == f"Type: chmod 600 '{key}'"
    assert "secrets safelight.toml" not in found  # nothing secret stands in it
    assert "s3cret" not in json.dumps(found)
    assert found["publishers"]["detail"] == "bunny: set up, not asked"
    key.chmod(0o600)
    assert checks(backed, 0)["secrets"]["ok"]
    settings.write_text(settings.read_text().replace('_file = "cdn key"', ' = "s3cret"'))
    found = checks(backed, 1)
    assert found["secrets safelight.toml"]["detail"].endswith("can be read by others (mode 644)")
    settings.chmod(0o600)
    assert checks(backed, 0)["secrets"]["ok"]
    wrong = '[publishers.cdn]\nkind = "bucket"\npublic_url = "https://b"\nurl = "s3://b?regoin=x"\n'
    settings.write_text(settings.read_text() + wrong)
    found = checks(backed, 1)
    assert found["publishers"]["detail"].startswith("publishers.cdn: s3://b cannot be opened")
