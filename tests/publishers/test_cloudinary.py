"""What only Cloudinary knows: its parameters, its signatures, its words."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha1
from typing import Any

import pytest

from safelight.core.placing import PlaceTemplate
from safelight.publishers.base import Missing, NotNow, Outcome, Refused, Uploaded
from safelight.publishers.cloudinary import Cloudinary
from tests import standins
from tests.standins import Bytes, item, png
from tests.standins.cloudinary import CLOUD, KEY, SECRET, parsed
from tests.standins.scripted import Scripted
from tests.standins.server import Answer, Request, told

ITEM = item(13)
PLACE = "areg/mira/images/areg_mira_image_00013_"
COPY = Bytes(png(1))


@pytest.fixture
def far() -> Iterator[standins.Cloudinary]:
    with standins.Cloudinary() as standin:
        yield standin


@asynccontextmanager
async def at(url: str, **more: Any) -> AsyncIterator[Cloudinary]:
    publisher = Cloudinary(
        "cloudinary",
        cloud_name=CLOUD,
        api_key=KEY,
        api_secret=SECRET,
        public_id=PlaceTemplate("{user}/{character}/images/{stem}"),
        upload_prefix=url,
        **more,
    )
    try:
        yield publisher
    finally:
        await publisher.close()


async def published(url: str, place: str = PLACE, **more: Any) -> Outcome:
    async with at(url, **more) as publisher:
        return await publisher.publish(place, ITEM, COPY)


async def answered(answer: Answer) -> Outcome:
    """What follows from one answer to an upload."""
    with Scripted(lambda _: answer) as far:
        return await published(far.url)


def asset(**other: Any) -> dict[str, Any]:
    """A good answer, with some of its fields otherwise; a field that is None is left out."""
    fields: dict[str, Any] = {
        "public_id": PLACE,
        "version": 1_795_345_819,
        "bytes": COPY.size,
        "etag": COPY.md5,
        "secure_url": f"https://res.cloudinary.com/demo/image/upload/v1795345819/{PLACE}.png",
    } | other
    text = f"public_id={fields['public_id']}&version={fields['version']}{SECRET}"
    fields.setdefault("signature", sha1(text.encode()).hexdigest())
    return {key: value for key, value in fields.items() if value is not None}


async def test_an_asset_carries_who_ordered_it_and_which_it_is(far: standins.Cloudinary) -> None:
    """Tags to search by, context to read, and none of the prompt."""
    outcome = await published(far.url)
    assert isinstance(outcome, Uploaded)
    (told_of,) = far.assets()
    assert told_of["tags"] == ["user:areg", "character:mira", "index:13", "seed:1013"]
    assert told_of["context"]["custom"] == {
        "user": "areg",
        "character": "mira",
        "index": "13",
        "seed": "1013",
        "image": ITEM.image,
    }
    assert (told_of["asset_folder"], told_of["eager"]) == (None, [])


async def test_folders_of_the_dynamic_kind_and_transformations_made_ahead(
    far: standins.Cloudinary,
) -> None:
    """Where folders are no part of the public id they are said beside it."""
    eager = ("c_fill,w_200", "w_400/e_grayscale")
    assert isinstance(await published(far.url, folder_mode="dynamic", eager=eager), Uploaded)
    (told_of,) = far.assets()
    assert told_of["asset_folder"] == "areg/mira/images"
    assert [one["transformation"] for one in told_of["eager"]] == list(eager)


async def test_what_is_sent_never_asks_to_overwrite_and_has_a_known_length() -> None:
    """The secret itself goes nowhere."""
    with Scripted(lambda _: told(asset())) as far:
        assert isinstance(await published(far.url), Uploaded)
        (request,) = far.asked
    params, file = parsed(request)
    assert (params["overwrite"], params["unique_filename"]) == ("0", "0")
    assert abs(int(str(params["timestamp"])) - time.time()) < 60
    assert file == COPY.data
    assert int(request.headers["content-length"]) == len(request.body)
    assert SECRET.encode() not in request.body
    assert SECRET not in json.dumps(dict(request.headers))


async def test_a_clock_that_is_off_is_told_with_what_to_do(far: standins.Cloudinary) -> None:
    """No retry sets a clock."""
    far.faults(skew=7200.0)
    outcome = await published(far.url)
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("Stale request - reported time is ")
    assert "Set the clock of this machine" in outcome.reason


async def test_an_answer_signed_by_somebody_else_proves_nothing(far: standins.Cloudinary) -> None:
    """It may tell whatever it likes."""
    far.faults(forged=1)
    assert await published(far.url) == NotNow("the answer is not signed with our secret")
    again = await published(far.url)
    assert isinstance(again, Uploaded)
    assert again.existed


async def test_an_answer_without_signature_is_checked_by_asking(far: standins.Cloudinary) -> None:
    """The Admin API says what lies there, over a connection that is proved."""
    far.faults(unsigned=1)
    assert isinstance(await published(far.url), Uploaded)
    assert far.requests == {"POST": 1, "GET": 1}
    far.faults(unsigned=1)
    async with at(far.url) as publisher:
        outcome = await publisher.publish(PLACE, ITEM, Bytes(png(2)))
    assert isinstance(outcome, Refused)
    assert "another picture lies there" in outcome.reason


async def test_an_unsigned_tale_of_what_is_not_there_is_not_believed() -> None:
    """Neither size nor hash in the answer count then."""
    missing = told({"error": {"message": "Resource not found"}}, 404)
    tale = asset()
    del tale["signature"]
    with Scripted(lambda asked: told(tale) if asked.method == "POST" else missing) as far:
        outcome = await published(far.url)
    assert outcome == NotNow("the answer tells of an asset that is not there")


async def test_a_public_id_that_is_too_long_is_refused_before_it_is_sent() -> None:
    """Cloudinary takes 255 characters."""
    with Scripted(lambda _: told(asset())) as far:
        outcome = await published(far.url, "x" * 256)
        assert far.asked == []
    assert isinstance(outcome, Refused)
    assert "255" in outcome.reason


async def test_a_name_that_cloudinary_changed_is_refused() -> None:
    """A preset that renames would part the row from its picture."""
    outcome = await answered(told(asset(public_id="presets/x")))
    assert isinstance(outcome, Refused)
    assert "'presets/x'" in outcome.reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_id": None},
        {"public_id": 3},
        {"version": None},
        {"version": True},
        {"version": "1795345819"},
        {"bytes": "37"},
        {"bytes": True},
        {"etag": COPY.md5.upper()},
        {"etag": ["x"]},
        {"signature": 7},
        {"secure_url": None},
        {"secure_url": "javascript:alert(1)"},
        {"secure_url": "https://a/ b"},
        {"secure_url": 'https://a/"><script>'},
        {"secure_url": "https://a/" + "x" * 3000},
        {"secure_url": "https://é/"},
    ],
)
async def test_an_answer_with_a_wrong_field_is_not_believed_at_all(wrong: dict[str, Any]) -> None:
    """Not even its link is repeated."""
    outcome = await answered(told(asset(**wrong)))
    assert outcome == NotNow("something else instead of an asset")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"3", b"{", b"[" * 100_000, b'{"public_id": NaN}', b"\xff\xfe"]
)
async def test_what_is_no_asset_is_not_believed(body: bytes) -> None:
    """A connection that ends early, a proxy, a joke."""
    assert isinstance(await answered(Answer(200, body)), NotNow)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
async def test_a_refusal_is_told_in_cloudinarys_own_words(status: int) -> None:
    """Also where only a header has them; what could be secret is not repeated."""
    message = f"No. Your secret is {SECRET}.\r\nString to sign - 'public_id=a'"
    said = await answered(told({"error": {"message": message}}, status))
    assert said == Refused("No. Your secret is ***. String to sign - 'public_id=a'")
    header = await answered(Answer(status, b"", {"X-Cld-Error": "Not allowed"}))
    assert header == Refused("Not allowed")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, b"<html>Blocked by the firewall</html>", {"Content-Type": "text/html"}),
        Answer(404, b""),
        Answer(408, b'{"error": {"message": "Request timeout"}}'),
        Answer(425, b'{"error": {"message": "Too early"}}'),
        Answer(400, b'{"error": "no object"}'),
        Answer(400, b'{"error": {"message": 3}}'),
        Answer(500, b'{"error": {"message": "General Error"}}'),
        Answer(502, b"<html>Bad gateway</html>"),
        Answer(503, b"", {"Retry-After": "20"}),
        Answer(204, b""),
        Answer(599, b"?"),
    ],
)
async def test_anything_else_is_tried_again(answer: Answer) -> None:
    """What is not Cloudinary's own word is no refusal; a pause is obeyed whoever asks for it."""
    outcome = await answered(answer)
    assert isinstance(outcome, NotNow)
    assert f"HTTP {answer.status}" in outcome.reason
    assert outcome.pause == (20.0 if "Retry-After" in answer.headers else None)


async def test_a_limit_that_tells_its_end_as_a_date_is_obeyed(far: standins.Cloudinary) -> None:
    """So the Admin API does."""
    far.faults(limited=60)
    outcome = await published(far.url)
    assert isinstance(outcome, NotNow)
    assert outcome.reason == "Rate Limit Exceeded. Try again later"
    assert outcome.pause is not None
    assert 50 < outcome.pause < 70


async def test_a_strange_answer_to_removing_is_asked_for_again() -> None:
    """Only `ok` and `not found` mean that nothing lies there any more."""
    with Scripted(
        lambda asked: told(asset()) if asked.method == "GET" else told({"result": "queued"})
    ) as far:
        async with at(far.url) as publisher:
            assert isinstance(await publisher.remove(PLACE, COPY.md5), NotNow)
        body = far.asked[-1].body.decode()
    assert f"public_id={PLACE.replace('/', '%2F')}" in body
    with Scripted(lambda _: told(asset(etag=None))) as far:
        async with at(far.url) as publisher:
            assert isinstance(await publisher.remove(PLACE, COPY.md5), NotNow)
    with Scripted(lambda _: told({"error": {"message": "x"}}, 404)) as far:
        async with at(far.url) as publisher:
            assert await publisher.look(PLACE) == Missing()


async def test_what_cannot_be_removed_says_why() -> None:
    """In Cloudinary's words, or in ours where it says nothing usable."""
    for answer, reason in (
        (told({"error": {"message": "Not allowed"}}, 403), "Not allowed"),
        (Answer(500, b"?"), "HTTP 500: no word"),
        (Answer(302, b"", {"Location": "/"}), "HTTP 302"),
    ):
        with Scripted(partial(answering, answer)) as far:
            async with at(far.url) as publisher:
                removal = await publisher.remove(PLACE, COPY.md5)
        assert isinstance(removal, Refused | NotNow)
        assert reason in removal.reason


def answering(answer: Answer, asked: Request) -> Answer:
    """A description where one is asked for."""
    return told(asset()) if asked.method == "GET" else answer
