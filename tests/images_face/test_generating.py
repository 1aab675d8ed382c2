"""`images.generate` of the official Python SDK, as anybody writes it."""

from __future__ import annotations

import asyncio
import urllib.request

import pytest
from openai import OpenAI

from tests.images_face.sdk import async_client_of, batches, extra, format_of, pictures
from tests.processes import Serving
from tests.story.pictures import pixels


def test_four_are_four_different_pictures_highest_index_first(
    face: Serving, client: OpenAI, user: str
) -> None:
    """Each comes with its index and seed, the originals are where `content_url` says, and the batch
    is the one a native client sees."""
    answer = client.images.generate(model="mira", prompt="at the sea", n=4, user=user)
    found = pictures(answer)
    assert len({pixels(data) for data in found}) == 4
    origins = [extra(one, "gateway") for one in answer.data or []]
    assert [origin["index"] for origin in origins] == [4, 3, 2, 1]
    assert [face.read(origin["content_url"]) for origin in origins] == found
    assert all(one.url is None for one in answer.data or [])
    [batch] = batches(face, user)
    assert extra(answer, "batch_id") == batch["id"]
    assert [image["seed"] for image in batch["images"]] == [one["seed"] for one in origins]
    assert (answer.size, answer.output_format) == ("256x256", "png")
    assert answer._request_id


def test_links_can_be_opened_by_anybody(client: OpenAI, user: str) -> None:
    """With `response_format="url"` there is no Base64, and each address gives its picture to
    whoever has it, without a key."""
    answer = client.images.generate(
        model="mira", prompt="at the sea", n=2, user=user, response_format="url"
    )
    files = []
    for one in answer.data or []:
        assert one.b64_json is None
        assert one.url is not None
        assert "sig=" in one.url
        with urllib.request.urlopen(one.url, timeout=30) as found:
            assert found.headers["content-type"] == "image/png"
            files.append(found.read())
    assert len({pixels(data) for data in files}) == 2


@pytest.mark.parametrize("form", ["png", "webp", "jpeg"])
def test_formats(client: OpenAI, user: str, form: str) -> None:
    """What is asked for is what comes; less quality has fewer bytes."""
    assert form in ("png", "webp", "jpeg")
    first = client.images.generate(
        model="mira", prompt="", user=user, size="128x64", extra_body={"output_format": form}
    )
    [data] = pictures(first)
    assert (format_of(data), first.output_format, first.size) == (form.upper(), form, "128x64")
    if form != "png":
        worse = client.images.generate(
            model="mira",
            prompt="",
            user=user,
            size="128x64",
            extra_body={"output_format": form, "output_compression": 10},
        )
        assert len(pictures(worse)[0]) < len(data)


async def test_eight_side_by_side_are_eight_different_ones(face: Serving, user: str) -> None:
    """The same words eight times at once, as clients do that take one picture a call."""
    async with async_client_of(face.url) as client:
        answers = await asyncio.gather(
            *(client.images.generate(model="mira", prompt="x", user=user) for _ in range(8))
        )
    assert len({pixels(pictures(answer)[0]) for answer in answers}) == 8
    assert sorted(extra((a.data or [])[0], "gateway")["index"] for a in answers) == [*range(1, 9)]


def test_what_is_asked_for_beside_the_words_of_the_api(
    face: Serving, client: OpenAI, user: str
) -> None:
    """`character` wins over `model`, `safety_identifier` over `user`; seed and metadata arrive;
    what nobody knows is passed over."""
    answer = client.images.generate(
        model="gpt-image-2",
        prompt="",
        n=2,
        user="somebody-else",
        safety_identifier=user,
        moderation="low",
        background="opaque",
        style="vivid",
        quality="high",
        extra_body={"character": "mira", "seed": 7, "metadata": {"a": 1}, "from_the_future": [1]},
    )
    assert [extra(one, "gateway")["seed"] for one in answer.data or []] == [8, 7]
    assert (answer.safety_identifier, answer.quality) == (user, "high")
    [batch] = batches(face, user)
    assert (batch["character"], batch["metadata"]) == ("mira", {"a": 1})


def test_nothing_but_a_model_and_a_prompt_is_needed(client: OpenAI) -> None:
    """Then it is one picture, for the user `default`."""
    answer = client.images.generate(model="opal-fever", prompt="x")
    assert len(pictures(answer)) == 1


def test_the_same_words_again_are_another_order(face: Serving, client: OpenAI, user: str) -> None:
    """An answer that arrived is not given twice, whatever a retry count says."""
    answers = [
        client.images.generate(model="mira", prompt="x", user=user, extra_headers=headers)
        for headers in ({}, {}, {"x-stainless-retry-count": "1"})
    ]
    assert len({extra(answer, "batch_id") for answer in answers}) == 3
    assert len(batches(face, user)) == 3


def test_an_idempotency_key_gives_the_same_batch(face: Serving, client: OpenAI, user: str) -> None:
    """Also after the answer arrived."""
    one, other = (
        client.images.generate(
            model="mira", prompt="x", user=user, extra_headers={"Idempotency-Key": f"k-{user}"}
        )
        for _ in range(2)
    )
    assert extra(one, "batch_id") == extra(other, "batch_id")
    assert pictures(one) == pictures(other)
    assert len(batches(face, user)) == 1


def test_models_are_the_characters(client: OpenAI) -> None:
    """For pickers: a list, and one by its id."""
    assert [model.id for model in client.models.list()] == ["mira", "opal-fever"]
    model = client.models.retrieve("mira")
    assert (model.id, model.object, model.owned_by) == ("mira", "model", "safelight")
