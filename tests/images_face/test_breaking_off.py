"""An answer that cannot be finished is not taken for a whole one."""

from __future__ import annotations

import openai
import pytest

from tests.images_face.sdk import client_of
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
