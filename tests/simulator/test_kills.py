"""The five recorded kills, with real signals on a process."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.simulator.asking import Client, quick
from tests.simulator.normal import Normalizer, compared
from tests.simulator.processes import Simulator, simulator
from tests.simulator.replay import Account, recorded, rows_of

SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM}
FLAGS = ("--lab", "--seconds", "0")


class Witness:
    """Sends the recorded prompts, listens, and kills where the recording ends."""

    def __init__(self, name: str, running: Simulator, http: aiohttp.ClientSession) -> None:
        self.rows = rows_of(name)
        self.running = running
        self.http = http
        self.account = Account(sockets={"A#1": []})
        self.last = sum(row["kind"] == "ws" and "json" in row for row in self.rows)

    async def see(self, sign: int, until: Any) -> int | None:
        """The close code that the websocket got."""
        async with self.http.ws_connect(f"{self.running.url}/ws?clientId=cK") as ws:
            frames = self.account.sockets["A#1"]
            frames.append(await ws.receive_json())
            for row, asked in enumerate(self.rows):
                if asked["dir"] == "out" and asked["kind"] == "http":
                    await self._post(row, asked["body"])
                    await self._hear(ws, "executing")
            while len(frames) < self.last:
                frames.append(await ws.receive_json())
            await until()
            await self.running.end(sign)
            while (message := await ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass  # a step that was on its way
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
            return ws.close_code

    async def _post(self, row: int, body: Any) -> None:
        answers = [index for index in range(row, len(self.rows)) if "status" in self.rows[index]]
        async with self.http.post(f"{self.running.url}/prompt", json=body) as response:
            self.account.answers[answers[0]] = {
                "status": response.status,
                "ctype": response.headers["Content-Type"],
                "body": await response.json(),
            }

    async def _hear(self, ws: aiohttp.ClientWebSocketResponse, kind: str) -> None:
        frames = self.account.sockets["A#1"]
        while kind not in {frame["type"] for frame in frames}:
            frames.append(await ws.receive_json())


@pytest.mark.parametrize("kind", SIGNALS)
@pytest.mark.parametrize("moment", ["idle", "sleep", "saving"])
async def test_a_kill_ends_it_at_once_and_loses_all_but_the_files(
    kind: str, moment: str, tmp_path: Path
) -> None:
    """1006, refused, and after a start on the same folder only the files are known."""
    name = f"kill_{kind}_{moment}" if (kind, moment) != ("SIGKILL", "idle") else "kill_SIGTERM_idle"
    async with simulator(tmp_path, *FLAGS) as running, aiohttp.ClientSession() as http:
        output = tmp_path / "simulator" / str(running.port) / "output"
        (output / "kept.png").touch()
        witness = Witness(name, running, http)
        code = await witness.see(SIGNALS[kind], lambda: _begun(output, moment))
        assert code == 1006
        assert running.process.returncode == -SIGNALS[kind]
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"{running.url}/prompt")
    expected = Normalizer().account(recorded(witness.rows, frozenset()))
    found = Normalizer().account(witness.account)
    assert compared(expected, found) == []
    found.sockets["A#1"][0]["type"] = "changed"
    assert compared(expected, found) != []
    async with simulator(tmp_path, *FLAGS, "--port", str(running.port)) as again:
        await _everything_forgotten(Client(again.url, output), moment, witness)


async def _begun(output: Path, moment: str) -> None:
    """In the middle of saving: the file has its final name and some of its bytes."""
    while moment == "saving":
        if _size(output) > 100_000:
            return
        await asyncio.sleep(0.001)


def _size(output: Path) -> int:
    return sum(path.stat().st_size for path in output.glob("x_kill*"))


async def _everything_forgotten(client: Client, moment: str, witness: Witness) -> None:
    async with client:
        assert await client.get("/queue") == {"queue_running": [], "queue_pending": []}
        assert await client.get("/history") == {}
        assert (client.output / "kept.png").exists()
        if moment != "saving":
            status, body = await client.ask("POST", "/prompt", json={"prompt": quick()})
            assert (status, body["number"]) == (200, 0)
            return
        body = next(row["body"] for row in witness.rows if row.get("body"))
        prefix = body["prompt"]["3"]["inputs"]["filename_prefix"]
        half = client.output / f"{prefix}_00001_.png"
        with pytest.raises(OSError), Image.open(half) as picture:
            picture.load()
        assert (await client.saved(quick(prefix=prefix)))[0].name == f"{prefix}_00002_.png"


async def test_ctrl_c_says_goodbye_and_takes_temp_along(tmp_path: Path) -> None:
    """Exit code 0; running prompts are dropped, and websockets break without a close frame."""
    async with simulator(tmp_path, "--seconds", "30") as running:
        root = tmp_path / "simulator" / str(running.port)
        async with Client(running.url, root / "output") as client, client.socket("c") as ws:
            await client.post(quick(), client_id="c")
            async with asyncio.timeout(20):
                while not await client.renderings():
                    pass  # it is to be dropped while it runs
            assert (root / "temp").is_dir()
            assert await running.end(signal.SIGINT) == 0
            while (message := await ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert ws.close_code == 1006, message
        assert running.process.stdout is not None
        assert (await running.process.stdout.read()).decode() == "Stopped server\n"
        assert not (root / "temp").exists()
        lines = (root / "renderings.jsonl").read_text().splitlines()
        assert [json.loads(line)["outcome"] for line in lines] == [None]
