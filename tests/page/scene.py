"""A darkroom to visit: a real `serve` with simulated ComfyUIs behind it, keys, and trouble."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.processes import Processes, Serving, Simulating, until_ended
from tests.story.test_keys import all_made

CHARACTERS: Final = {"ada": "Ada Lumen", "old-tom": "Old Tom"}
# Unlike `quick` it has a sampler: it takes steps, and shows previews.
_PORTRAIT: Final = Path(__file__).parents[2] / "src" / "safelight" / "cli" / "portrait.json"
_WORKFLOWS: Final = f'[workflows.portrait]\nfile = "{_PORTRAIT}"\n'


class Darkroom:
    """What is served, and the way to it beside the page."""

    def __init__(
        self,
        processes: Processes,
        *,
        seconds: float = 0.05,
        backends: int = 1,
        workflow: str = "quick",
        faults: Mapping[str, float] | None = None,
        config: str = "",
    ) -> None:
        """`seconds` a rendering; `workflow` is `quick` or `portrait`, which takes steps;
        `faults` of every simulator, by name, with their probability;
        `config` is added to the settings file."""
        told = [f"--fault={name}:{often}" for name, often in (faults or {}).items()]
        self.simulators: Sequence[Simulating] = [
            processes.simulate(*told, seconds=seconds) for _ in range(backends)
        ]
        processes.characters = dict(CHARACTERS)
        processes.workflow = workflow
        self.processes = processes
        self._config = _WORKFLOWS + config
        self.serving: Serving = self._serve(0)

    @property
    def url(self) -> str:
        """Where the page is, without a slash at the end."""
        return self.serving.url

    def order(
        self,
        quantity: int = 4,
        character: str = "ada",
        *,
        user: str = "ann",
        prompt: str = "by the window",
        wait: int = 0,
        key: str | None = None,
        **fields: object,
    ) -> Any:
        """Order a batch; it, as it then is."""
        body = {"user": user, "character": character, "prompt": prompt, "quantity": quantity}
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        return self.post("/v1/batches", {**body, **fields}, key=key, headers=headers)

    def ended(self, batch: str) -> Any:
        """The batch when it has ended; while no keys are there."""
        return until_ended(self.serving, batch)

    def get(self, path: str, key: str | None = None) -> Any:
        """The JSON at a path."""
        return self.ask("GET", path, key=key)[1]

    def post(
        self,
        path: str,
        body: object = None,
        key: str | None = None,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send JSON; the JSON that comes back. What is refused fails the test."""
        status, answer = self.ask(method, path, body, key, headers)
        assert status < 400, answer
        return answer

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of an answer, whatever it is."""
        sent = dict(headers or {})
        if key:
            sent["Authorization"] = f"Bearer {key}"
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.url + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def key(self, *scopes: str) -> str:
        """A new key with these scopes, `admin` without any; from the first one on all need one."""
        # In a thread of its own: in this one the browser's loop may run.
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(all_made, self.processes, scopes or ("admin",)).result()[0]

    def fault(self, name: str, probability: float) -> None:
        """From now on this fault strikes at every backend with this probability."""
        for simulator in self.simulators:
            simulator.fault(name, probability)

    def stop(self, *, kill: bool = False) -> None:
        """The server goes away; what it serves stays in the database and in its folder."""
        if kill:
            self.serving.process.kill()
        else:
            self.serving.process.stop()

    def start(self) -> None:
        """It is back at the same address."""
        port = urlsplit(self.url).port
        assert port is not None
        self.serving = self._serve(port)

    def _serve(self, port: int) -> Serving:
        urls = [simulator.url for simulator in self.simulators]
        return self.processes.serve(urls, "--port", str(port), config=self._config)
