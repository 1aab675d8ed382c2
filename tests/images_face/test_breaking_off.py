"""An answer that cannot be finished is not taken for a whole one."""

from __future__ import annotations

import openai
import pytest
from openai import OpenAI

from tests.images_face.sdk import batches, client_of, extra
from tests.processes import Processes
from tests.waiting import until


def test_a_picture_that_is_lost_is_an_error_or_breaks_the_answer_off(
    processes: Processes,
) -> None:
    """The last picture's file is gone: the answer has begun, and its line breaks. All files are
    gone: an error in their dialect. Both may be tried again."""
    serving = processes.serve([processes.simulate().url])
    key = {"Idempotency-Key": "pictures"}
    folder = processes.home / "state" / "store" / "ann" / "mira"
    with client_of(serving.url, max_retries=0) as client:

        def ask() -> None:
            client.images.generate(model="mira", prompt="x", n=2, user="ann", extra_headers=key)

        ask()
        for file in folder.glob("00001-*"):
            file.unlink()
        with pytest.raises(openai.APIConnectionError):
            ask()
        for file in folder.glob("00002-*"):
            file.unlink()
        with pytest.raises(openai.InternalServerError) as away:
            ask()
    assert (away.value.status_code, away.value.code) == (503, "store_away")
    until(lambda: serving.process.lines_with("answer broken off"))
    assert serving.process.lines_with("Traceback") == 0


def streamed(client: OpenAI) -> list[int]:
    """The indices that a stream of one batch gives until it ends."""
    key = {"Idempotency-Key": "stream"}
    with client.images.generate(
        model="mira", prompt="x", n=2, user="ann", stream=True, extra_headers=key
    ) as events:
        return [extra(event, "index") for event in events]


def test_a_picture_that_is_lost_ends_a_stream_with_an_error_and_not_with_half_an_event(
    processes: Processes,
) -> None:
    """A file that is gone is an error of the SDK, with its code. One that has lost its end breaks
    the line in the middle of its event, or of the answer. Neither is taken for a picture."""
    serving = processes.serve([processes.simulate().url])
    folder = processes.home / "state" / "store" / "ann" / "mira"
    with client_of(serving.url, max_retries=0) as client:
        assert sorted(streamed(client)) == [1, 2]
        [lost] = folder.glob("00001-*")
        whole = lost.read_bytes()
        lost.unlink()
        with pytest.raises(openai.APIError) as away:
            streamed(client)
        assert away.value.code == "store_away"
        lost.write_bytes(whole[:-1000])
        with pytest.raises(openai.APIConnectionError):
            streamed(client)
    assert len(batches(serving, "ann")) == 1
    assert serving.process.lines_with("Traceback") == 0
