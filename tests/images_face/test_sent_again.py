"""A request whose answer did not arrive is sent again by the SDK, without a word: one batch."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.request
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
    pool: ThreadPoolExecutor, client: OpenAI, user: str, n: int = 4, **more: Any
) -> Future[ImagesResponse]:
    """A call that is on its way."""

    def call() -> ImagesResponse:
        answer: ImagesResponse = client.images.generate(
            model="mira", prompt="x", n=n, user=user, **more
        )
        return answer

    return pool.submit(call)


def one_batch(serving: Serving, user: str, answer: ImagesResponse, n: int = 4) -> None:
    """It was ordered once, and the answer has all of it."""
    [batch] = batches(serving, user)
    assert extra(answer, "batch_id") == batch["id"]
    assert len({pixels(data) for data in pictures(answer)}) == n
    assert serving.get(f"/v1/series/{user}/mira")["highest"] == n


def test_a_line_that_is_cut_costs_no_second_batch(
    slow_face: Serving, pool: ThreadPoolExecutor, user: str
) -> None:
    """Twice while it is drawn."""
    with Line(slow_face.url) as line, client_of(line.url, max_retries=4) as client:
        answer = begun(pool, client, user)
        until(lambda: batches(slow_face, user))
        line.cut()
        until(lambda: batches(slow_face, user)[0]["counts"]["stored"])
        line.cut()
        one_batch(slow_face, user, answer.result(60))


def test_the_server_is_killed_and_starts_again(
    processes: Processes, pool: ThreadPoolExecutor, user: str
) -> None:
    """kill -9 while the batch is drawn: the SDK comes back to the server that follows, and gets the
    batch that the first one took."""
    simulating = processes.simulate(seconds=1)
    serving = processes.serve([simulating.url])
    with Line(serving.url) as line, client_of(line.url, max_retries=4) as client:
        answer = begun(pool, client, user)
        until(lambda: batches(serving, user))
        line.open.clear()
        serving.process.kill()
        line.cut()
        serving = processes.serve([simulating.url])
        line.lead_to(serving.url)
        line.open.set()
        one_batch(serving, user, answer.result(90))


def test_calls_with_the_same_words_stay_apart(
    slow_face: Serving, pool: ThreadPoolExecutor, user: str
) -> None:
    """Six at once, each for one picture; four of them are cut at the same moment. Each gets the
    picture of an order of its own: six batches, each given once."""
    with (
        Line(slow_face.url) as line,
        client_of(line.url, max_retries=5) as cut,
        client_of(slow_face.url) as whole,
    ):
        clients = (whole, cut, cut, whole, cut, cut)
        answers = [begun(pool, client, user, n=1) for client in clients]
        until(lambda: len(batches(slow_face, user)) == 6)
        line.cut()
        found = [answer.result(90) for answer in answers]
    assert len({extra(answer, "batch_id") for answer in found}) == 6
    assert len({pixels(pictures(answer)[0]) for answer in found}) == 6
    assert len(batches(slow_face, user)) == 6


def test_a_client_that_cannot_wait_long_is_told_to_come_back(
    slow_face: Serving, pool: ThreadPoolExecutor, user: str
) -> None:
    """Before its own limit it gets 503 `still_running`, which the SDK understands: it asks again
    and gets the same batch. Without retries the error names the batch, which goes on."""
    hasty = {"x-stainless-read-timeout": "1"}
    with client_of(slow_face.url, max_retries=60) as client:
        answer = begun(pool, client, user, n=4, extra_headers=hasty)
        one_batch(slow_face, user, answer.result(90))
    with (
        client_of(slow_face.url, max_retries=0) as client,
        pytest.raises(openai.InternalServerError) as told,
    ):
        client.images.generate(model="mira", prompt="x", user=f"{user}-2", n=4, extra_headers=hasty)
    [batch] = batches(slow_face, f"{user}-2")
    assert (told.value.status_code, told.value.code) == (503, "still_running")
    assert batch["id"] in told.value.message
    assert told.value.response.headers["x-should-retry"] == "true"
    assert told.value.response.headers["retry-after-ms"] == "500"
    assert until_ended(slow_face, batch["id"])["status"] == "completed"


def sent_and_left(serving: Serving, body: dict[str, object]) -> None:
    """A client that sends a request and is gone as soon as its order is there."""
    connection = http.client.HTTPConnection(urlsplit(serving.url).netloc, timeout=30)
    connection.request("POST", "/openai/v1/images/generations", json.dumps(body))
    until(lambda: batches(serving, str(body["user"])))
    connection.close()


def test_a_client_that_goes_takes_its_order_along_only_where_it_said_so(
    slow_face: Serving, user: str
) -> None:
    """Without a word the batch is drawn to its end, and whoever sends the request again gets it.
    With `cancel_on_disconnect` it is canceled, and sent again it is another order."""
    body: dict[str, object] = {"model": "mira", "prompt": "x", "n": 4}
    again = {"x-stainless-retry-count": "1"}
    sent_and_left(slow_face, {**body, "user": user})
    leaving = {**body, "user": f"{user}-2", "cancel_on_disconnect": True}
    with client_of(slow_face.url) as client:
        answer = client.images.generate(
            model="mira", prompt="x", n=4, user=user, extra_headers=again
        )
        one_batch(slow_face, user, answer)
        sent_and_left(slow_face, leaving)
        [left] = batches(slow_face, f"{user}-2")
        assert until_ended(slow_face, left["id"])["status"] in ("canceled", "partial")
        anew = client.post(
            "/images/generations", body=leaving, cast_to=ImagesResponse, options={"headers": again}
        )
    assert extra(anew, "batch_id") != left["id"]


def test_an_answer_that_can_never_be_given_does_not_stand_in_the_way(
    slow_face: Serving, user: str
) -> None:
    """A client goes, one of its images is deleted, and the request is sent again: that is told once
    as 410, and from then on the same words are another order."""
    body: dict[str, object] = {"model": "mira", "prompt": "x", "n": 2, "user": user}
    again = {"x-stainless-retry-count": "1"}
    sent_and_left(slow_face, body)
    [batch] = batches(slow_face, user)
    [image, _] = until_ended(slow_face, batch["id"])["images"]
    request = urllib.request.Request(f"{slow_face.url}/v1/images/{image['id']}", method="DELETE")
    urllib.request.urlopen(request, timeout=30).close()
    with client_of(slow_face.url, max_retries=0) as client:

        def ask() -> ImagesResponse:
            answer: ImagesResponse = client.images.generate(
                model="mira", prompt="x", n=2, user=user, extra_headers=again
            )
            return answer

        with pytest.raises(openai.APIStatusError) as gone:
            ask()
        assert (gone.value.status_code, gone.value.code) == (410, "gone")
        anew = ask()
    assert extra(anew, "batch_id") != batch["id"]
    assert len(batches(slow_face, user)) == 2


def test_what_a_client_did_not_take_is_given_again(face: Serving, user: str) -> None:
    """A client sends a request, takes no more than the first byte of an answer of a megabyte, and
    is gone: the answer did not go out, and who sends the request again gets the same batch."""
    body = {"model": "mira", "prompt": "x", "n": 4, "size": "512x512", "user": user}
    address = urlsplit(face.url)
    content = json.dumps(body).encode()
    head = "POST /openai/v1/images/generations HTTP/1.1\r\n"
    head += f"Host: {address.netloc}\r\nContent-Length: {len(content)}\r\n\r\n"
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect((address.hostname, address.port))
        line.settimeout(60)
        line.sendall(head.encode() + content)
        assert line.recv(1) == b"H"
        time.sleep(0.5)  # for whatever goes out unasked
    again = {"x-stainless-retry-count": "1"}
    with client_of(face.url) as client:
        answer = client.images.generate(
            model="mira", prompt="x", n=4, size="512x512", user=user, extra_headers=again
        )
    one_batch(face, user, answer)


def test_a_batch_that_somebody_cancels_meanwhile_is_an_error_and_not_ordered_again(
    slow_face: Serving, pool: ThreadPoolExecutor, user: str
) -> None:
    """Of a call and of a stream alike: both learn of it at once, and the SDK leaves it at that."""
    with client_of(slow_face.url) as client:
        call = begun(pool, client, user, n=6)
        stream = client.images.generate(
            model="mira", prompt="x", n=6, user=f"{user}-2", stream=True, partial_images=1
        )
        told = pool.submit(list, stream)
        names = (user, f"{user}-2")
        until(lambda: all(batches(slow_face, name) for name in names))
        for name in names:
            [batch] = batches(slow_face, name)
            slow_face.post(f"/v1/batches/{batch['id']}/cancel", {})
        for waiting in (call, told):
            with pytest.raises(openai.APIError) as canceled:
                waiting.result(60)
            assert canceled.value.code in ("batch_canceled", "batch_partial")
        assert [len(batches(slow_face, name)) for name in names] == [1, 1]
