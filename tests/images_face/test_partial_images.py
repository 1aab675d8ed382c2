"""`partial_images`: how pictures look while they are drawn, in the stream that brings them."""

from __future__ import annotations

import base64
from collections import defaultdict

from openai.types import ImageGenCompletedEvent, ImageGenPartialImageEvent

from tests.api.declared import wrong_in
from tests.images_face.sdk import client_of, extra, format_of
from tests.processes import Processes
from tests.story.test_previews import SAMPLED


def test_previews_come_before_their_picture(processes: Processes) -> None:
    """At most two of each image, different, in their order, and never behind the picture."""
    serving = processes.serve([processes.simulate(seconds=10).url], config=SAMPLED)
    shown: defaultdict[int, list[str]] = defaultdict(list)
    done: set[int] = set()
    with (
        client_of(serving.url) as client,
        client.images.generate(
            model="ben", prompt="x", n=2, size="512x512", stream=True, partial_images=2
        ) as stream,
    ):
        for event in stream:
            place = extra(event, "image_index")
            if isinstance(event, ImageGenCompletedEvent):
                done.add(place)
                continue
            assert isinstance(event, ImageGenPartialImageEvent)
            assert place not in done
            assert event.partial_image_index == len(shown[place])
            assert wrong_in("OpenAIPicture", event.to_dict(mode="json")) == []
            assert 0 < extra(event, "progress") <= 1
            assert format_of(base64.b64decode(event.b64_json)) == event.output_format.upper()
            shown[place].append(event.b64_json)
    assert done == {0, 1}
    assert shown
    for previews in shown.values():
        assert 0 < len(previews) == len(set(previews)) <= 2
