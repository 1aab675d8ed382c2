"""`stream=True`: each picture as soon as it is stored."""

from __future__ import annotations

import base64
import http.client
import json
from urllib.parse import urlsplit

import pytest
from openai import APIError, OpenAI

from tests.api.declared import wrong_in
from tests.images_face.sdk import async_client_of, batches, client_of, extra, format_of
from tests.processes import Processes, Serving
from tests.story.pictures import pixels


def test_each_picture_is_an_event(face: Serving, client: OpenAI, user: str) -> None:
    """Three images, three events, each with its place; together they are the batch."""
    with client.images.generate(
        model="mira", prompt="x", n=3, user=user, stream=True, output_format="webp"
    ) as stream:
        events = list(stream)
    assert {event.type for event in events} == {"image_generation.completed"}
    assert sorted(extra(event, "image_index") for event in events) == [0, 1, 2]
    files = [base64.b64decode(event.b64_json) for event in events]
    assert {format_of(data) for data in files} == {"WEBP"}
    assert len({pixels(data) for data in files}) == 3
    [batch] = batches(face, user)
    places = {extra(event, "image_index"): extra(event, "index") for event in events}
    assert [places[place] for place in range(3)] == batch["indices"]


async def test_coroutines_stream_as_well(face: Serving, user: str) -> None:
    async with async_client_of(face.url) as client:
        stream = await client.images.generate(
            model="mira", prompt="x", user=user, stream=True, partial_images=2
        )
        events = [event async for event in stream]
    assert events[-1].type == "image_generation.completed"


def test_the_stream_has_no_ids(face: Serving, user: str) -> None:
    """One of the clients stumbles over comments behind an id."""
    connection = http.client.HTTPConnection(urlsplit(face.url).netloc, timeout=60)
    body = {"model": "mira", "prompt": "x", "user": user, "stream": True}
    try:
        connection.request("POST", "/openai/v1/images/generations", json.dumps(body))
        answer = connection.getresponse()
        assert answer.getheader("content-type") == "text/event-stream"
        lines = answer.read().decode().split("\n")
    finally:
        connection.close()
    assert "event: image_generation.completed" in lines
    [told] = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert wrong_in("OpenAIPicture", told) == []
    assert not [line for line in lines if line.startswith("id")]


def test_what_goes_wrong_on_the_way_is_an_error_of_the_sdk(processes: Processes) -> None:
    """The backend refuses; the stream has begun. The error names the batch; nothing is ordered a
    second time. Without a stream it is the same error, with a status, and not tried again."""
    serving = processes.serve([processes.simulate("--fault", "reject:1").url])
    with client_of(serving.url) as client:
        with (
            client.images.generate(model="mira", prompt="x", user="ann", stream=True) as stream,
            pytest.raises(APIError) as broken,
        ):
            list(stream)
        [batch] = batches(serving, "ann")
        assert broken.value.code == "batch_failed"
        assert batch["id"] in broken.value.message
        with pytest.raises(APIError) as failed:
            client.images.generate(model="mira", prompt="x", user="bob")
    assert failed.value.code == "batch_failed"
    [batch] = batches(serving, "bob")
    assert batch["id"] in failed.value.message
