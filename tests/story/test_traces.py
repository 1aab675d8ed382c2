"""One trace leads from the request through every step of an image, across processes."""

from __future__ import annotations

import json
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from safelight.core.signing import secret_of
from tests.processes import Processes, Serving, until_ended
from tests.receiver import Receiver
from tests.standins import Cloudinary
from tests.standins.collector import Collector, Seen
from tests.waiting import until

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
WEBHOOKS = f'[webhooks]\nsecret = "{secret_of(b"s" * 32)}"\nallow_private = true\n'
STEPS = {
    *("batch.accept", "image.generate", "backend.prompt", "store.put"),
    *("publication.upload", "webhook.deliver"),
}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as standin:
        yield standin


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver().open()
    yield opened
    opened.close()


@pytest.fixture
def cdn() -> Iterator[Cloudinary]:
    with Cloudinary() as standin:
        yield standin


def ordered(serving: Serving, traceparent: str | None, **fields: object) -> tuple[Any, str | None]:
    """The batch, and what the answer says of the trace."""
    body = {"user": "ann", "character": "mira", "prompt": "", "quantity": 1, **fields}
    headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
    if traceparent:
        headers["traceparent"] = traceparent
    request = urllib.request.Request(
        f"{serving.url}/v1/batches", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.load(answer), answer.headers["traceresponse"]


def test_one_image_is_traced_through_all_its_steps(
    processes: Processes, collector: Collector, receiver: Receiver, cdn: Cloudinary
) -> None:
    """The caller's trace goes on at accept in one process; in another one the attempt hangs on it,
    and on the attempt hang the prompt, the file, the copy and the message about the image; the
    message about the batch hangs on accept. The answer names its own span."""
    config = f'{cdn.toml()}{WEBHOOKS}[tracing]\nendpoint = "{collector.url}"\n'
    serving = processes.serve([processes.simulate().url], "--no-worker", config=config)
    worker = processes.start("work")
    webhook = {"url": receiver.url, "events": ["image.stored", "batch.completed"]}
    batch, traceresponse = ordered(serving, TRACEPARENT, webhook=webhook)
    until(lambda: {span.name for span in collector.spans} == STEPS)
    until(lambda: len(collector.named("webhook.deliver")) == 2)
    [accept] = collector.named("batch.accept")
    [generate] = collector.named("image.generate")
    assert {span.trace for span in collector.spans} == {TRACE}
    assert accept.parent == CALLER
    assert traceresponse == accept.place
    assert generate.parent == accept.id
    for name in ("backend.prompt", "store.put", "publication.upload"):
        [step] = collector.named(name)
        assert step.parent == generate.id
    told = {span.said["safelight.event"]: span for span in collector.named("webhook.deliver")}
    assert told["image.stored"].parent == generate.id
    assert told["batch.completed"].parent == accept.id
    expect(collector, serving, batch)
    expect_of_openai_clients(collector, serving)
    assert worker.stop() == 0


def expect_of_openai_clients(collector: Collector, serving: Serving) -> None:
    """Their orders go on in their trace as well, and the answer says where."""
    body = {"model": "mira", "prompt": "", "user": "bob", "response_format": "url"}
    headers = {"Content-Type": "application/json", "traceparent": TRACEPARENT}
    request = urllib.request.Request(
        f"{serving.url}/openai/v1/images/generations", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        traceresponse = answer.headers["traceresponse"]
    until(lambda: len(collector.named("batch.accept")) == 2)
    accept = collector.named("batch.accept")[-1]
    assert (accept.trace, accept.parent) == (TRACE, CALLER)
    assert traceresponse == accept.place


def expect(collector: Collector, serving: Serving, batch: Any) -> None:
    """The spans follow one another, and say which batch, image and backend."""
    [image] = batch["images"]
    provenance = serving.get(f"/v1/images/{image['id']}")
    one = {name: collector.named(name)[0] for name in STEPS}
    assert one["backend.prompt"].ended <= one["store.put"].began
    assert one["image.generate"].began <= one["backend.prompt"].began
    assert one["store.put"].ended <= one["image.generate"].ended
    said = one["image.generate"].said
    assert said["safelight.batch"] == batch["id"]
    assert said["safelight.image"] == image["id"]
    assert said["safelight.prompt_id"] == provenance["prompt_id"]
    assert (said["safelight.backend"], said["safelight.outcome"]) == ("b1", "stored")
    assert one["publication.upload"].said["safelight.outcome"] == "uploaded"
    assert one["webhook.deliver"].said["safelight.outcome"] == "delivered"
    assert one["batch.accept"].said["safelight.quantity"] == 1
    spelled = [name for span in collector.spans for name in span.said]
    assert all(name.startswith("safelight.") for name in spelled)
    assert not any(span.failed for span in collector.spans)
    assert "ann" not in {value for span in collector.spans for value in span.said.values()}


def test_a_killed_workers_attempt_is_one_span_of_whoever_ends_it(
    processes: Processes, collector: Collector
) -> None:
    """kill -9 in the middle of a rendering: the next worker goes on with the attempt, and its span
    has the number that the attempt always had. An order without a trace begins one."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    backend = processes.simulate(seconds=3)
    serving = processes.serve([backend.url], "--no-worker", environ=environ)
    first = processes.start("work", environ=environ)
    body = {"user": "ann", "character": "mira", "prompt": "", "quantity": 1}
    batch = serving.post("/v1/batches", body)
    until(lambda: backend.renderings())
    first.kill()
    processes.start("work", environ=environ)
    assert until_ended(serving, batch["id"])["status"] == "completed"
    until(lambda: collector.named("image.generate"))
    [accept] = collector.named("batch.accept")
    [generate] = collector.named("image.generate")
    assert accept.parent == ""
    assert (generate.trace, generate.parent) == (accept.trace, accept.id)
    [attempt] = serving.get(f"/v1/images/{batch['images'][0]['id']}")["attempts"]
    assert generate.id == attempt["prompt_id"].replace("-", "")[:16]


def test_a_trace_is_passed_on_by_those_who_make_none(
    processes: Processes, collector: Collector
) -> None:
    """The API is not told to trace, the worker is: the attempt hangs on the caller's own span. What
    is no traceparent is passed over."""
    backend = processes.simulate()
    serving = processes.serve([backend.url], "--no-worker")
    processes.start("work", environ={"SAFELIGHT_TRACING__ENDPOINT": collector.url})
    _, traceresponse = ordered(serving, TRACEPARENT)
    assert traceresponse is None
    until(lambda: collector.named("image.generate"))
    [generate] = collector.named("image.generate")
    assert (generate.trace, generate.parent) == (TRACE, CALLER)
    batch, _ = ordered(serving, "00-garbage")
    until(lambda: len(collector.named("image.generate")) == 2)
    assert of_batch(collector, batch["id"]).trace == batch["id"].replace("-", "")


def of_batch(collector: Collector, id: str) -> Seen:
    """The attempt of its only image."""
    spans = collector.named("image.generate")
    return next(span for span in spans if span.said["safelight.batch"] == id)


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "away"])
def test_a_collector_in_trouble_delays_and_fails_no_image(
    processes: Processes, collector: Collector, hangs: bool
) -> None:
    """It takes connections and says nothing, or nobody listens there: orders complete, and the
    process ends when it is told to."""
    collector.faults(slow=1000, slowness=30)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    config = f'[tracing]\nendpoint = "{collector.url if hangs else away}"\n'
    serving = processes.serve([processes.simulate().url], config=config)
    assert serving.order(8)["status"] == "completed"
    began = time.monotonic()
    assert serving.process.stop() == 0
    assert time.monotonic() - began < 15


def test_traces_without_the_extra_are_refused_by_name(processes: Processes) -> None:
    """Where OpenTelemetry's SDK is not installed and an endpoint is configured: exit code 2, with
    what to install."""
    processes.configure([], '[tracing]\nendpoint = "http://127.0.0.1:4318"\n')
    missing = "import sys; sys.modules['opentelemetry.sdk'] = None\n"
    missing += "from safelight.cli import main; main()"
    refused = processes.spawn([sys.executable, "-c", missing, "serve", "--port", "0"])
    assert refused.popen.wait(60) == 2
    refused.end_of_lines()
    said = " ".join("\n".join(refused.lines).split())
    assert "tracing.endpoint" in said
    assert "safelight[otel]" in said


def test_nothing_of_it_is_imported_unless_it_is_wanted(processes: Processes) -> None:
    """It takes memory and time; a server without an endpoint has neither what makes spans nor what
    sends them."""
    serving = processes.serve([processes.simulate().url], environ={"PYTHONPROFILEIMPORTTIME": "1"})
    assert serving.order(1)["status"] == "completed"
    assert serving.process.lines_with("prometheus_client") > 0
    assert serving.process.lines_with("opentelemetry.sdk") == 0
    assert serving.process.lines_with("opentelemetry.exporter") == 0
