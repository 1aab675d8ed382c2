"""What only Bunny's storage knows: its checksums, its descriptions."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from safelight.core.placing import PlaceTemplate
from safelight.publishers.base import Missing, NotNow, Outcome, Refused, Removed, Uploaded
from safelight.publishers.bunny import Bunny
from tests import standins
from tests.standins import Bytes, item, png
from tests.standins.bunny import KEY, ZONE
from tests.standins.scripted import Scripted
from tests.standins.server import Answer, Request, told

ITEM = item(13)
PLACE = "areg/mira/images/areg_mira_image_00013_.png"
COPY = Bytes(png(1))


def at(url: str) -> Bunny:
    path = PlaceTemplate("{user}/{character}/images/{name}")
    return Bunny(
        "bunny", zone=ZONE, access_key=KEY, public_url="https://b", path=path, endpoint=url
    )


async def published(url: str) -> Outcome:
    publisher = at(url)
    try:
        return await publisher.publish(PLACE, ITEM, COPY)
    finally:
        await publisher.close()


def description(**other: Any) -> dict[str, Any]:
    return {
        "Guid": "0b5e",
        "ObjectName": PLACE.rpartition("/")[2],
        "Length": COPY.size,
        "Checksum": COPY.sha256.upper(),
        "IsDirectory": False,
    } | other


def answering(there: object, _: Request) -> Answer:
    return told(there)


async def test_the_content_type_and_the_checksum_go_along() -> None:
    """Bunny checks what it got before it keeps it."""
    with standins.Bunny() as far:
        assert await published(far.url) == Uploaded(f"https://b/{PLACE}")
        (file,) = far.assets()
    assert (file["content_type"], file["sha256"]) == ("image/png", COPY.sha256)
    with Scripted(lambda asked: told({"Message": "?"}, 404 if asked.method != "PUT" else 201)) as f:
        assert await published(f.url) == NotNow("what was put is not there yet")
        put = next(asked for asked in f.asked if asked.method == "PUT")
    assert put.headers["checksum"] == COPY.sha256.upper()
    assert put.headers["accesskey"] == KEY


async def test_what_lies_there_is_compared_before_anything_is_put() -> None:
    """A zone knows no create-if-absent."""
    for there, outcome in (
        (description(), Uploaded(f"https://b/{PLACE}", existed=True)),
        (
            description(Checksum=None),
            NotNow("Bunny does not tell the checksum of what lies there yet"),
        ),
    ):
        with Scripted(partial(answering, there)) as far:
            assert await published(far.url) == outcome
            assert [asked.method for asked in far.asked] == ["DESCRIBE"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"Length": "37"},
        {"Length": True},
        {"Length": None},
        {"Checksum": 7},
        {"Checksum": "0" * 63},
        {"ObjectName": "another.png"},
        {"IsDirectory": True},
        {"IsDirectory": None},
    ],
)
async def test_a_description_of_something_else_is_not_believed(wrong: dict[str, Any]) -> None:
    """And nothing is put over what may lie there."""
    with Scripted(lambda _: told(description(**wrong))) as far:
        assert await published(far.url) == NotNow("something else instead of a description")
        assert [asked.method for asked in far.asked] == ["DESCRIBE"]


async def test_a_page_that_says_404_does_not_make_a_file_missing() -> None:
    """Bunny says it in its own words; a proxy says it in HTML."""
    with Scripted(lambda _: Answer(404, b"<h1>Not found</h1>")) as far:
        assert await published(far.url) == NotNow("HTTP 404: HTML")
    with Scripted(lambda _: told({"HttpCode": 404, "Message": "Object Not Found"}, 404)) as far:
        publisher = at(far.url)
        assert await publisher.look(PLACE) == Missing()
        await publisher.close()


async def test_a_refusal_is_told_without_the_key() -> None:
    """Whatever the far side repeats."""
    said = told({"HttpCode": 401, "Message": f"Unauthorized: {KEY}"}, 401)
    with Scripted(lambda _: said) as far:
        assert await published(far.url) == Refused("Bunny says: Unauthorized: *** (HTTP 401)")


async def test_a_checksum_that_does_not_fit_is_damage_on_the_way() -> None:
    """Another try may get through whole."""
    missing = told({"Message": "Object Not Found"}, 404)
    damaged = told({"Message": "Checksum and file contents mismatched"}, 400)
    with Scripted(lambda asked: damaged if asked.method == "PUT" else missing) as far:
        outcome = await published(far.url)
    assert outcome == NotNow("HTTP 400: Checksum and file contents mismatched")


async def test_what_is_read_before_removing_must_be_what_lies_there() -> None:
    """Else a page in between would decide what is deleted."""
    with Scripted(
        lambda asked: (
            told(description())
            if asked.method == "DESCRIBE"
            else Answer(200, b"<html>hello</html>")
        )
    ) as far:
        publisher = at(far.url)
        assert isinstance(await publisher.remove(PLACE, COPY.md5), NotNow)
        await publisher.close()
        assert "DELETE" not in [asked.method for asked in far.asked]


async def test_what_vanishes_while_it_is_removed_is_removed() -> None:
    """By whoever else wished it gone; what cannot be deleted says why."""
    missing = told({"Message": "Object Not Found"}, 404)
    forbidden = told({"Message": "Read-only key"}, 403)
    for gone_at, answer, outcome in (
        ("GET", missing, Removed()),
        ("DELETE", missing, Removed()),
        ("DELETE", forbidden, Refused("Bunny says: Read-only key (HTTP 403)")),
        ("DELETE", Answer(302, b"", {"Location": "/"}), None),
    ):
        answers = {
            "DESCRIBE": told(description()),
            "GET": Answer(200, COPY.data),
            gone_at: answer,
        }
        with Scripted(partial(by_method, answers)) as far:
            publisher = at(far.url)
            removal = await publisher.remove(PLACE, COPY.md5)
            await publisher.close()
        assert removal == outcome if outcome else isinstance(removal, NotNow)


def by_method(answers: dict[str, Answer], asked: Request) -> Answer:
    return answers[asked.method]
