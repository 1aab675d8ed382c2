"""Quotas and other limits, as the SDK sees them."""

from __future__ import annotations

import urllib.request

import openai
import pytest

from tests.images_face.sdk import batches, client_of
from tests.processes import Processes
from tests.story.test_keys import told
from tests.waiting import until


def test_what_is_left_is_told_and_what_is_too_much_is_a_rate_limit_error(
    processes: Processes,
) -> None:
    """Two batches a minute and two images a day: both are told in the headers of that API. What
    cannot be had within a minute is `insufficient_quota`, and the SDK does not try again."""
    serving = processes.serve([processes.simulate().url])
    quotas = ("--batches-per-minute", "9", "--images-per-day", "2")
    key = told(processes, "keys", "create", "--scope", "user:ann", *quotas)["key"]
    with client_of(serving.url, key) as client:
        raw = client.images.with_raw_response.generate(model="mira", prompt="x")
        assert raw.headers["x-ratelimit-limit-requests"] == "9"
        assert raw.headers["x-ratelimit-remaining-requests"] == "8"
        assert raw.headers["x-ratelimit-remaining-images"] == "1"
        assert raw.headers["x-ratelimit-reset-requests"].endswith("s")
        with pytest.raises(openai.RateLimitError) as refused:
            client.images.generate(model="mira", prompt="x", n=2)
    error = refused.value
    assert error.code == "insufficient_quota"
    assert error.type == "rate_limit_error"
    assert error.response.headers["x-should-retry"] == "false"
    assert error.response.headers["x-ratelimit-remaining-images"] == "1"
    assert "retry-after" not in error.response.headers


def test_a_stream_for_which_there_is_no_room_is_refused_before_anything_is_ordered(
    processes: Processes,
) -> None:
    """As many listen as may: 503, and the SDK comes back. When somebody has left, it is one batch;
    then there is room again for the next."""
    config = "[server]\nmax_listeners = 1\n"
    serving = processes.serve([processes.simulate().url], config=config)
    with client_of(serving.url, max_retries=0) as client:
        with urllib.request.urlopen(f"{serving.url}/v1/events", timeout=30):
            with pytest.raises(openai.InternalServerError) as full:
                client.images.generate(model="mira", prompt="x", user="ann", stream=True)
            assert (full.value.status_code, full.value.code) == (503, "too_many_listeners")
            assert full.value.response.headers["retry-after"] == "5"
        assert batches(serving, "ann") == []

        def streams() -> bool:
            try:
                with client.images.generate(
                    model="mira", prompt="x", user="ann", stream=True
                ) as events:
                    return len(list(events)) == 1
            except openai.InternalServerError:
                return False

        until(streams)
        until(streams)
    assert len(batches(serving, "ann")) == 2
