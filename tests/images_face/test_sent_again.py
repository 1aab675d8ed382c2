"""A request whose answer did not arrive is sent again by the SDK, without a word: one batch."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from openai import OpenAI
from openai.types import ImagesResponse

from tests.images_face.sdk import batches, client_of, extra, pictures
from tests.images_face.wire import Line
from tests.processes import Processes, Serving, until_ended
from tests.story.pictures import pixels
from tests.waiting import until


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for calls that take long."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


def begun(
    pool: ThreadPoolExecutor, client: OpenAI, n: int = 4, **more: Any
) -> Future[ImagesResponse]:
    """A call that is on its way."""

    def call() -> ImagesResponse:
        answer: ImagesResponse = client.images.generate(
            model="mira", prompt="x", n=n, user="ann", **more
        )
        return answer

    return pool.submit(call)


def one_batch(serving: Serving, answer: ImagesResponse, n: int = 4) -> None:
    """It was ordered once, and the answer has all of it."""
    [batch] = batches(serving, "ann")
    assert extra(answer, "batch_id") == batch["id"]
    assert len({pixels(data) for data in pictures(answer)}) == n
    assert serving.get("/v1/series/ann/mira")["highest"] == n


def test_a_line_that_is_cut_costs_no_second_batch(
    processes: Processes, pool: ThreadPoolExecutor
) -> None:
    """Twice while it is drawn."""
    serving = processes.serve([processes.simulate(seconds=1).url])
    with Line(serving.url) as line, client_of(line.url, max_retries=4) as client:
        answer = begun(pool, client)
        until(lambda: batches(serving, "ann"))
        line.cut()
        until(lambda: batches(serving, "ann")[0]["counts"]["stored"])
        line.cut()
        one_batch(serving, answer.result(60))


def test_the_server_is_killed_and_starts_again(
    processes: Processes, pool: ThreadPoolExecutor
) -> None:
    """kill -9 while the batch is drawn: the SDK comes back to the server that follows, and gets the
    batch that the first one took."""
    simulating = processes.simulate(seconds=1)
    serving = processes.serve([simulating.url])
    with Line(serving.url) as line, client_of(line.url, max_retries=4) as client:
        answer = begun(pool, client)
        until(lambda: batches(serving, "ann"))
        line.open.clear()
        serving.process.kill()
        line.cut()
        serving = processes.serve([simulating.url])
        line.lead_to(serving.url)
        line.open.set()
        one_batch(serving, answer.result(90))


def test_calls_with_the_same_words_stay_apart(
    processes: Processes, pool: ThreadPoolExecutor
) -> None:
    """Three at once, each for one picture; one line is cut. It gets the picture that it had ordered
    and not another's: three batches, three pictures."""
    serving = processes.serve([processes.simulate(seconds=1).url])
    with (
        Line(serving.url) as line,
        client_of(line.url, max_retries=4) as cut,
        client_of(serving.url) as whole,
    ):
        answers = [begun(pool, client, n=1) for client in (whole, cut, whole)]
        until(lambda: len(batches(serving, "ann")) == 3)
        line.cut()
        found = [pictures(answer.result(60))[0] for answer in answers]
    assert len({pixels(data) for data in found}) == 3
    assert len(batches(serving, "ann")) == 3


def test_a_client_that_cannot_wait_long_is_told_to_come_back(
    processes: Processes, pool: ThreadPoolExecutor
) -> None:
    """Before its own limit it gets 503 `still_running`, which the SDK understands: it asks again
    and gets the same batch. Without retries the error names the batch, which goes on."""
    serving = processes.serve([processes.simulate(seconds=2).url])
    hasty = {"x-stainless-read-timeout": "2"}
    with client_of(serving.url, max_retries=30) as client:
        one_batch(serving, begun(pool, client, n=2, extra_headers=hasty).result(60), n=2)
    with (
        client_of(serving.url, max_retries=0) as client,
        pytest.raises(openai.InternalServerError) as told,
    ):
        client.images.generate(model="mira", prompt="x", user="bob", extra_headers=hasty)
    [batch] = batches(serving, "bob")
    assert (told.value.status_code, told.value.code) == (503, "still_running")
    assert batch["id"] in told.value.message
    assert told.value.response.headers["x-should-retry"] == "true"
    assert told.value.response.headers["retry-after-ms"] == "500"
    assert until_ended(serving, batch["id"])["status"] == "completed"


def sent_and_left(serving: Serving, body: dict[str, object]) -> None:
    """A client that sends a request and is gone as soon as its order is there."""
    connection = http.client.HTTPConnection(urlsplit(serving.url).netloc, timeout=30)
    connection.request("POST", "/openai/v1/images/generations", json.dumps(body))
    until(lambda: batches(serving, str(body["user"])))
    connection.close()


def test_a_client_that_goes_takes_its_order_along_only_where_it_said_so(
    processes: Processes,
) -> None:
    """Without a word the batch is drawn to its end, and whoever sends the request again gets it.
    With `cancel_on_disconnect` it is canceled, and sent again it is another order."""
    serving = processes.serve([processes.simulate(seconds=0.5).url])
    body: dict[str, object] = {"model": "mira", "prompt": "x", "n": 3, "user": "ann"}
    sent_and_left(serving, body)
    with client_of(serving.url) as client:
        again = {"x-stainless-retry-count": "1"}
        answer = client.images.generate(
            model="mira", prompt="x", n=3, user="ann", extra_headers=again
        )
        one_batch(serving, answer, n=3)
        leaving = {**body, "user": "bob", "cancel_on_disconnect": True}
        sent_and_left(serving, leaving)
        [left] = batches(serving, "bob")
        ended = until_ended(serving, left["id"])
        assert ended["status"] in ("canceled", "partial")
        anew = client.images.generate(
            model="mira",
            prompt="x",
            n=3,
            user="bob",
            extra_body={"cancel_on_disconnect": True},
            extra_headers=again,
        )
    assert extra(anew, "batch_id") != left["id"]


def test_many_cut_at_once_get_theirs(processes: Processes, pool: ThreadPoolExecutor) -> None:
    """Six calls with the same words, all cut at the same moment: six batches, each given once."""
    serving = processes.serve([processes.simulate(seconds=0.5).url])
    with Line(serving.url) as line, client_of(line.url, max_retries=5) as client:
        answers = [begun(pool, client, n=1) for _ in range(6)]
        until(lambda: len(batches(serving, "ann")) == 6)
        line.cut()
        found = [answer.result(90) for answer in answers]
    assert len({extra(answer, "batch_id") for answer in found}) == 6
    assert len({pixels(pictures(answer)[0]) for answer in found}) == 6
    assert len(batches(serving, "ann")) == 6
