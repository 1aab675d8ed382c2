"""From the first key on everybody needs one, and sees no more than it reaches."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from safelight.database.connection import open_database
from safelight.gateway.keymaking import KeyMaker
from tests.processes import Processes, Serving, wait_until_ready
from tests.waiting import until


def made(processes: Processes, *scopes: str) -> str:
    """A new key with these scopes, made beside the server."""
    return all_made(processes, scopes)[0]


def all_made(processes: Processes, *keys: Sequence[str]) -> list[str]:
    """New keys, each with these scopes, made at once: to wait once until all know them."""

    async def making() -> list[str]:
        database = await open_database({"dsn": processes.database_url})
        try:
            maker = KeyMaker(database)
            return [text for _, text in await asyncio.gather(*map(maker.create, keys))]
        finally:
            await database.close()

    return asyncio.run(making())


def told(processes: Processes, *command: str) -> Any:
    """What a command prints as JSON."""
    process = processes.start(*command, "--json")
    assert process.popen.wait(60) == 0, process.lines
    process.end_of_lines()
    return json.loads("\n".join(process.lines))


def asked(
    serving: Serving, path: str, key: str | None, body: object = None
) -> tuple[int, dict[str, Any]]:
    """Status and document of an answer."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(serving.url + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def order(user: str, character: str = "mira") -> dict[str, object]:
    return {"user": user, "character": character, "prompt": "on a beach", "quantity": 1}


def test_the_first_key_closes_the_door_at_once_and_revoking_it_does_not_open_it(
    processes: Processes,
) -> None:
    """Without keys a header is ignored. When `keys create` returns, the server that has run all the
    time wants a key; when `keys revoke` returns, that key is believed no more, and the door stays
    closed. Whoever watches over the process never needs one."""
    serving = processes.serve()
    assert asked(serving, "/v1/batches", "whatever")[0] == 200
    key = told(processes, "keys", "create", "--scope", "admin")["key"]
    assert asked(serving, "/v1/batches", key)[0] == 200
    for wrong in (None, "whatever", key[:-1], f"{key[:20]}x{key[21:]}"):
        status, problem = asked(serving, "/v1/batches", wrong)
        assert (status, problem["code"]) == (401, "unauthorized")
        assert wrong is None or wrong not in json.dumps(problem)
    assert asked(serving, "/healthz", None)[0] == asked(serving, "/readyz", None)[0] == 200
    [kept] = told(processes, "keys", "ls")
    assert kept["state"] == "good"
    assert kept["last_used_at"] is not None
    assert key not in json.dumps(kept)
    told(processes, "keys", "revoke", kept["id"])
    status, problem = asked(serving, "/v1/batches", key)
    assert (status, problem["detail"]) == (401, "this API key has been revoked")
    assert asked(serving, "/v1/batches", None)[0] == 401
    assert all(key not in line for line in serving.process.lines)


def test_a_key_sees_and_reaches_its_own_and_not_that_there_is_more(processes: Processes) -> None:
    """Two users with a key each: what the other ordered is in no list, and asked for by its id it
    is not there; ordering for the other is refused."""
    serving = processes.serve([processes.simulate().url])
    root, ann, bob = all_made(processes, ["admin"], ["user:ann"], ["user:bob"])
    _, hers = asked(serving, "/v1/batches", ann, order("ann"))
    status, refusal = asked(serving, "/v1/batches", ann, order("bob"))
    assert (status, refusal["code"]) == (403, "permission-denied")
    assert asked(serving, f"/v1/batches/{hers['id']}", bob)[0] == 404
    assert asked(serving, f"/v1/images/{hers['images'][0]['id']}", bob)[0] == 404
    assert asked(serving, f"/v1/batches/{hers['id']}/cancel", bob, {})[0] in (404, 422)
    assert asked(serving, "/v1/series/ann/mira", bob)[0] == 404
    assert asked(serving, "/v1/batches", bob)[1]["data"] == []
    assert asked(serving, "/v1/batches?user=ann", bob)[1]["data"] == []
    assert [one["id"] for one in asked(serving, "/v1/batches", root)[1]["data"]] == [hers["id"]]
    for path in ("/v1/backends", "/v1/publishers", "/v1/webhooks", "/v1/workflows"):
        assert asked(serving, path, root)[0] == 200
        assert asked(serving, path, ann)[0] == 403


def test_a_key_for_one_character_knows_no_other(processes: Processes) -> None:
    """Another character is not in its list and cannot be ordered: it is as good as none."""
    serving = processes.serve()
    key = made(processes, "character:mira")
    found = asked(serving, "/v1/characters", key)[1]["data"]
    assert [one["id"] for one in found] == ["mira"]
    assert asked(serving, "/v1/characters/opal-fever", key)[0] == 404
    refusals = [
        asked(serving, "/v1/batches", key, order("ann", character))
        for character in ("opal-fever", "nobody")
    ]
    assert [status for status, _ in refusals] == [422, 422]
    one, other = (refusal["errors"] for _, refusal in refusals)
    assert one[0]["detail"].replace("opal-fever", "nobody") == other[0]["detail"]


def test_an_address_that_others_reach_needs_a_key_first(processes: Processes) -> None:
    """`serve --host 0.0.0.0` without keys ends with exit code 2 and says how to make one; with one
    it serves, and the commands work with SAFELIGHT_KEY and not without."""
    processes.configure([])
    public = ["serve", "--host", "0.0.0.0", "--port", "0", "--no-worker"]
    refused = processes.start(*public)
    assert refused.popen.wait(60) == 2
    refused.end_of_lines()
    assert "safelight keys create --scope admin" in "\n".join(refused.lines)
    key = made(processes, "admin")
    process = processes.start(*public)
    port = process.line_with("http://").rsplit(":", 1)[1].split()[0].rstrip("/.,")
    serving = Serving(process, f"http://127.0.0.1:{port}")
    wait_until_ready(serving)
    for environ, code in (({}, 2), ({"SAFELIGHT_KEY": key}, 0)):
        listing = subprocess.run(
            [sys.executable, "-m", "safelight", "batches", "ls"],
            env={**processes.environ(), "SAFELIGHT_URL": serving.url, **environ},
            cwd=processes.home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert listing.returncode == code, listing.stderr
    assert process.stop(signal.SIGTERM) == 0


def test_who_waits_for_pictures_when_the_key_is_revoked_gets_none(processes: Processes) -> None:
    """The request was good when it came. When its batch ends the key is gone, and so is the
    answer."""
    serving = processes.serve()
    root, key = all_made(processes, ["admin"], ["user:ann"])
    wish = {"model": "mira", "prompt": "sea", "user": "ann"}
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(asked, serving, "/openai/v1/images/generations", key, wish)
        until(lambda: asked(serving, "/v1/batches", root)[1]["data"])
        [batch] = asked(serving, "/v1/batches", root)[1]["data"]
        revoked(processes, key)
        assert asked(serving, f"/v1/batches/{batch['id']}/cancel", root, {})[0] == 200
        status, body = waiting.result(60)
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")


def revoked(processes: Processes, key: str) -> None:
    """A key is believed no more, anywhere."""

    async def revoking() -> None:
        database = await open_database({"dsn": processes.database_url})
        try:
            await KeyMaker(database).revoke(key[4:12])
        finally:
            await database.close()

    asyncio.run(revoking())


def test_a_command_that_runs_everything_itself_needs_no_key(processes: Processes) -> None:
    """`generate` without a server opens one for itself alone: no other door is opened by it."""
    processes.configure([processes.simulate().url])
    made(processes, "admin")
    ordered = processes.start("generate", "mira", "-n", "1", "--user", "ann", "--prompt", "sea")
    assert ordered.popen.wait(90) == 0, ordered.lines
