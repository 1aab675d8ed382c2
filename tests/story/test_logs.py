"""The log says what happened to whom, and never what would open a door."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest

from safelight.core.keys import key_text
from safelight.core.signing import secret_of
from tests.processes import Processes, Serving
from tests.story.test_keys import made
from tests.waiting import until

SIGNING = secret_of(b"q" * 32)
PASSWORD, TOKEN, HEADER, CDN = "pass-Word.17", "tok-3n-of-b1", "head-3r-of-b1", "cdn-s3cret-27"
STRANGE = key_text("Zz9yX8wV", "k" * 32)
SECRETS = (
    SIGNING,
    SIGNING[6:],
    PASSWORD,
    TOKEN,
    HEADER,
    CDN,
    STRANGE,
    "s1gn4ture",
    "c00kie",
    "u5er:pw",
)
CONFIG = f"""
[webhooks]
secret = "{SIGNING}"
allow_private = true
[publishers.cloudinary]
cloud_name = "demo"
api_key = "123456789012345"
api_secret = "{CDN}"
upload_prefix = "http://127.0.0.1:9"
[logs]
level = "debug"
"""


def logged(serving: Serving) -> list[dict[str, Any]]:
    """What was logged so far."""
    return [json.loads(line) for line in list(serving.process.lines) if line.startswith("{")]


def requests(serving: Serving) -> list[dict[str, Any]]:
    return [line for line in logged(serving) if line["event"] == "request"]


def send(serving: Serving, path: str, body: object = None, **headers: str) -> Any:
    """The answer's status, headers and text, whatever it is."""
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        named["Content-Type"] = "application/json"
    request = urllib.request.Request(serving.url + path, data, named)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def test_every_request_has_a_line_that_says_who_asked_what_and_how_long_it_took(
    processes: Processes,
) -> None:
    """By the id of the key, the route's template and the batch; under the request id that the
    client has got. Those who only look whether we live are not worth a line."""
    serving = processes.serve([processes.simulate().url])
    key = made(processes, "admin")
    bearer = f"Bearer {key}"
    order = {"user": "ann", "character": "mira", "prompt": "", "quantity": 1}
    _, headers, text = send(
        *(serving, "/v1/batches?sig=hidden", order),
        Authorization=bearer,
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
    )
    batch = json.loads(text)["id"]
    send(serving, f"/v1/batches/{batch}?token=hidden", Authorization=bearer)
    send(serving, "/nothing/%1b[2Jhere", Authorization=bearer)
    for quiet in ("/healthz", "/readyz", "/metrics"):
        assert send(serving, quiet, Authorization=bearer)[0] == 200
    until(lambda: any(line["route"] == "none" for line in requests(serving)))
    posted = next(
        line for line in requests(serving) if line["request_id"] == headers["x-request-id"]
    )
    assert (posted["method"], posted["route"], posted["status"]) == ("POST", "/v1/batches", 201)
    assert posted["batch_id"] == batch
    assert posted["trace_id"] == "a" * 32
    assert posted["key"] == key[4:12]
    assert posted["dur_ms"] > 0
    assert posted["level"] == "info"
    [read] = [line for line in requests(serving) if line["route"] == "/v1/batches/{id}"]
    assert (read["batch_id"], read["path"]) == (batch, f"/v1/batches/{batch}")
    assert "trace_id" not in read
    [lost] = [line for line in requests(serving) if line["route"] == "none"]
    assert (lost["status"], lost["path"]) == (404, "/nothing/%1b[2Jhere")
    assert not {"/healthz", "/readyz", "/metrics"} & {line["path"] for line in requests(serving)}


def test_a_workers_lines_say_which_image_of_which_batch_at_which_backend(
    processes: Processes,
) -> None:
    """Also those that were written without thinking of it. And in whose trace."""
    serving = processes.serve([processes.simulate("--fault", "oom:1").url])
    order = {"user": "ann", "character": "mira", "prompt": "", "quantity": 1}
    caller = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    batch = serving.post("/v1/batches", order, caller, wait=60)
    until(lambda: [line for line in logged(serving) if line["event"] == "attempt ended"])
    ended = next(line for line in logged(serving) if line["event"] == "attempt ended")
    assert ended["batch_id"] == batch["id"]
    assert ended["image_id"] == batch["images"][0]["id"]
    assert (ended["backend"], ended["trace_id"]) == ("b1", "a" * 32)


def test_no_secret_is_in_the_log_of_a_server_under_traffic(processes: Processes) -> None:
    """Secrets of the settings, of requests and of strangers, in headers, cookies, queries, paths
    and bodies, while the backend and the CDN are away and everything is logged: none is in any
    line."""
    config = CONFIG.replace(
        "[logs]",
        f'[[backends]]\nname = "b1"\nurl = "http://127.0.0.1:9"\ntoken = "{TOKEN}"\n'
        f'headers = {{ X-Door = "{HEADER}" }}\n[logs]',
    )
    url = processes.database_url.replace("@/", f":{PASSWORD}@/")
    serving = processes.serve(config=config, environ={"SAFELIGHT_DATABASE_URL": url})
    webhook = {"url": "http://u5er:pw@127.0.0.1:9/hook?sig=s1gn4ture"}
    order = {"user": "ann", "character": "mira", "prompt": STRANGE, "quantity": 1}
    for path in (
        "/v1/batches",
        f"/v1/images/{STRANGE}/file?sig=s1gn4ture",
        f"/{STRANGE}?token={SIGNING}",
        f"/v1/batches?cursor={PASSWORD}",
        f"/v1/workflows/{SIGNING}",
    ):
        send(serving, path, Authorization=f"Bearer {STRANGE}", Cookie="session=c00kie")
        send(serving, path, {**order, "webhook": webhook}, Authorization=f"Bearer {STRANGE}")
        send(serving, path, {**order, STRANGE: SIGNING}, X_Api_Key=STRANGE)
    assert send(serving, "/v1/batches", order)[0] == 201
    until(lambda: len(requests(serving)) >= 16)
    until(lambda: serving.process.lines_with("127.0.0.1") > 0)
    assert serving.process.stop() == 0
    serving.process.end_of_lines()
    said = "\n".join(serving.process.lines)
    assert [secret for secret in SECRETS if secret in said] == []


EVERY_LOGGER = """
import asyncio, json, logging, sys, warnings
import structlog
from pathlib import Path
from safelight.cli.logs import log_as
from safelight.settings import load

log_as(load(Path(sys.argv[1]), environ={}))
texts = json.loads(sys.argv[2])
ours = structlog.get_logger()
for text in texts:
    ours.info(text, value=text, table={"a": [text, {"b": text}]}, error=ValueError(text))
    with structlog.contextvars.bound_contextvars(about=text):
        ours.bind(again=text).debug("bound")
    for name in (None, "uvicorn.error", "uvicorn.access", "asyncio", "aiohttp", "asyncpg", "x"):
        logging.getLogger(name).warning("said %s", text, extra={"more": text})
        try:
            raise RuntimeError(text)
        except RuntimeError:
            logging.getLogger(name).exception("broke")
            ours.exception("broke")
    warnings.warn(text)

async def lost():
    raise OSError(texts[-1])

async def main():
    task = asyncio.ensure_future(lost())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task

asyncio.run(main())
"""
TEXTS = [
    f"key {STRANGE}",
    f"secret {SIGNING}",
    f"Authorization: Bearer {TOKEN}-unknown",
    f"GET /v1/images/1/file?sig=s1gn4ture&x={TOKEN}",
    "https://u5er:pw@db.example/",
    "Cookie: session=c00kie",
    f"the settings have {CDN}, {SIGNING[6:]} and {HEADER}",
]


@pytest.mark.parametrize("form", ["json", "text"])
def test_every_logger_goes_the_same_way(processes: Processes, form: str) -> None:
    """Ours, those of libraries, warnings, what asyncio says of a task that nobody waited for: as a
    text, as a value, bound, in a traceback, nothing is left of a secret."""
    path = processes.configure([], CONFIG + f'format = "{form}"\n')
    path.write_text(
        path.read_text()
        + f'[[backends]]\nname = "b1"\nurl = "http://127.0.0.1:9"\ntoken = "{TOKEN}"\n'
        f'headers = {{ X-Door = "{HEADER}" }}\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", EVERY_LOGGER, str(path), json.dumps(TEXTS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert said.count("***") > 100
    assert "never retrieved" in said
    assert [secret for secret in SECRETS if secret in said] == []
    if form == "json":
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert all(list(line)[:3] == ["ts", "level", "event"] for line in lines)
        assert {"uvicorn.error", "asyncio", "py.warnings"} <= {line.get("logger") for line in lines}
