"""Spans reach a collector, keep their places, and wait for nobody."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from safelight.core.traceparent import Place
from safelight.telemetry.spans import Spans
from tests.standins.collector import Collector

AROUND = Place("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as standin:
        yield standin


async def test_a_span_is_sent_with_its_place_and_what_is_said_of_it(collector: Collector) -> None:
    """With a number of its own where it is given, else with a drawn one; once, however often it is
    ended; an error is told by its kind alone."""
    spans = Spans(collector.url, "1.2.3")
    with spans.span("outer", AROUND, number="00000000000000aa", image="i", none=None) as outer:
        outer.say(outcome="stored", tries=2)
        assert outer.traceparent == f"00-{AROUND.trace}-00000000000000aa-01"
        with spans.span("inner", None) as inner:
            inner.end()
    with pytest.raises(ValueError), spans.span("failing", AROUND):
        raise ValueError("the password is swordfish")
    await spans.close()
    [seen] = collector.named("outer")
    assert (seen.trace, seen.parent, seen.id) == (AROUND.trace, AROUND.span, "00000000000000aa")
    assert seen.said == {
        "safelight.image": "i",
        "safelight.outcome": "stored",
        "safelight.tries": 2,
    }
    assert seen.service == "safelight"
    assert not seen.failed
    [root] = collector.named("inner")
    assert root.parent == ""
    assert root.trace != AROUND.trace  # what happens to be around is nobody's caller
    assert root.ended <= seen.ended
    [failing] = collector.named("failing")
    assert failing.failed
    assert "swordfish" not in str(collector.assets())


async def test_what_the_caller_does_not_keep_is_not_sent(collector: Collector) -> None:
    spans = Spans(collector.url + "/v1/traces", "1.2.3")
    with spans.span("unwanted", Place(AROUND.trace, AROUND.span, sampled=False)) as span:
        assert span.traceparent is not None
        assert span.traceparent.endswith("-00")
    with spans.span("wanted", AROUND):
        pass
    await spans.close()
    assert [span.name for span in collector.spans] == ["wanted"]


async def test_a_span_that_is_given_up_is_not_told(collector: Collector) -> None:
    """Whoever goes on with it tells it."""
    spans = Spans(collector.url, "1.2.3")

    async def work() -> None:
        with spans.span("left", AROUND):
            await asyncio.sleep(60)

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await spans.close()
    assert collector.spans == []


@pytest.mark.filterwarnings("ignore")  # of the library, about threads it leaves behind
async def test_nobody_waits_for_a_collector_that_hangs_or_is_away(collector: Collector) -> None:
    """More spans than the queue holds are made in no time, and leaving takes a moment."""
    collector.faults(slow=1000, slowness=20)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    for url in (collector.url, away):
        spans = Spans(url, "1.2.3")
        began = time.process_time()
        for _ in range(5_000):
            with spans.span("many", AROUND):
                pass
        assert time.process_time() - began < 10
        loop = asyncio.get_running_loop()
        left = loop.time()
        await spans.close()
        assert loop.time() - left < 10


async def test_switched_off_it_passes_on_what_the_caller_said(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenTelemetry's own variable: no span is made, and none is named as if it were."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    spans = Spans(collector.url, "1.2.3")
    with spans.span("none", AROUND) as within, spans.span("none", None) as alone:
        assert (within.traceparent, alone.traceparent) == (AROUND.text, None)
    await spans.close()
    assert collector.spans == []
