"""What every publisher promises, asked of all kinds behind real HTTP, and of a real folder."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

import obstore
import pytest

from safelight.publishers.base import (
    Found,
    Missing,
    NotNow,
    Publisher,
    Refused,
    Removed,
    Uploaded,
)
from safelight.publishers.bucket_objects import open_target
from tests.contracts.publishing import (
    QUICK,
    WRONG,
    AtBucket,
    AtBunny,
    AtCloudinary,
    AtFolder,
    Far,
    Watched,
    at,
    bucket,
    standin_process,
)
from tests.standins import Bunny, Bytes, Cloudinary, Large, item, png

ITEM = item(13)
COPY = Bytes(png(1))
OTHER = Bytes(png(2))
SpeaksHttp: TypeAlias = AtCloudinary | AtBunny


@pytest.fixture
def at_cloudinary() -> Iterator[AtCloudinary]:
    with Cloudinary() as standin:
        yield AtCloudinary(standin)


@pytest.fixture
def at_bunny() -> Iterator[AtBunny]:
    with Bunny() as standin:
        yield AtBunny(standin)


@pytest.fixture
def at_bucket(moto_url: str) -> AtBucket:
    return AtBucket(moto_url)


@pytest.fixture
def at_folder(tmp_path: Path) -> AtFolder:
    return AtFolder(tmp_path / "published")


@pytest.fixture(params=["at_cloudinary", "at_bunny", "at_bucket", "at_folder"])
def far(request: pytest.FixtureRequest) -> Far:
    found: Far = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["at_cloudinary", "at_bunny"])
def http(request: pytest.FixtureRequest) -> SpeaksHttp:
    found: SpeaksHttp = request.getfixturevalue(request.param)
    return found


@asynccontextmanager
async def opened(publisher: Publisher) -> AsyncIterator[Publisher]:
    try:
        yield publisher
    finally:
        await publisher.close()


@pytest.fixture
async def publisher(far: Far) -> AsyncIterator[Publisher]:
    async with opened(far.publisher()) as made:
        yield made


# --- a copy lies there, once ----------------------------------------------------------------------


async def test_a_published_copy_lies_under_its_name_with_its_bytes(
    far: Far, publisher: Publisher
) -> None:
    """The place is made of who and which; the far side tells size and hash of what it got."""
    place = publisher.place(ITEM)
    outcome = await publisher.publish(place, ITEM, COPY)
    assert isinstance(outcome, Uploaded)
    assert not outcome.existed
    assert re.fullmatch(r"https?://.*areg/mira/images/areg_mira_image_00013_\.png", outcome.url)
    assert far.lying() == {place: COPY.sha256}
    found = await publisher.look(place)
    assert isinstance(found, Found)
    assert found.size == COPY.size
    assert COPY.md5 == found.md5 or COPY.sha256 == found.sha256


async def test_a_second_upload_of_the_same_copy_changes_nothing(
    far: Far, publisher: Publisher
) -> None:
    """Nobody knows whether an answer was lost, so everything may be asked twice."""
    place = publisher.place(ITEM)
    first = await publisher.publish(place, ITEM, COPY)
    second = await publisher.publish(place, ITEM, COPY)
    assert isinstance(first, Uploaded)
    assert second == Uploaded(first.url, existed=True)
    assert far.lying() == {place: COPY.sha256}


async def test_of_many_who_publish_one_copy_at_once_all_succeed(
    far: Far, publisher: Publisher
) -> None:
    """A frozen worker and its successor may send the same copy at the same moment."""
    place = publisher.place(ITEM)
    outcomes = await asyncio.gather(*(publisher.publish(place, ITEM, COPY) for _ in range(8)))
    assert all(isinstance(outcome, Uploaded) for outcome in outcomes), outcomes
    assert far.lying() == {place: COPY.sha256}


async def test_another_picture_under_the_name_is_not_touched(
    far: Far, publisher: Publisher
) -> None:
    """It is said loudly, with what lies there, and trying again does not help."""
    place = publisher.place(ITEM)
    await publisher.publish(place, ITEM, OTHER)
    outcome = await publisher.publish(place, ITEM, COPY)
    assert isinstance(outcome, Refused)
    assert "another picture lies there" in outcome.reason
    assert str(OTHER.size) in outcome.reason
    assert OTHER.md5 in outcome.reason or OTHER.sha256 in outcome.reason
    assert far.lying() == {place: OTHER.sha256}


async def test_different_pictures_have_different_places(publisher: Publisher) -> None:
    """Also where user and character together read alike."""
    items = [item(1), item(2), item(1, "areg_mira", "x"), item(1, "areg", "mira-x")]
    assert len({publisher.place(one) for one in items}) == len(items)


# --- looking and removing -------------------------------------------------------------------------


async def test_nothing_lies_where_nothing_was_put(publisher: Publisher) -> None:
    """Missing is a fact, and removing what is not there has nothing left to do."""
    place = publisher.place(ITEM)
    assert await publisher.look(place) == Missing()
    assert await publisher.remove(place, COPY.md5) == Removed()


async def test_what_was_published_can_be_removed_and_published_again(
    far: Far, publisher: Publisher
) -> None:
    """Erasing a user's pictures takes the copies away, too."""
    place, neighbour = publisher.place(ITEM), publisher.place(item(14))
    await publisher.publish(place, ITEM, COPY)
    await publisher.publish(neighbour, item(14), OTHER)
    assert await publisher.remove(place, COPY.md5) == Removed()
    assert await publisher.look(place) == Missing()
    assert far.lying() == {neighbour: OTHER.sha256}
    again = await publisher.publish(place, ITEM, COPY)
    assert isinstance(again, Uploaded)
    assert not again.existed


async def test_something_else_at_the_place_is_not_removed(far: Far, publisher: Publisher) -> None:
    """What somebody put there is theirs, even when a row says that it was ours."""
    place = publisher.place(ITEM)
    await publisher.publish(place, ITEM, OTHER)
    outcome = await publisher.remove(place, COPY.md5)
    assert isinstance(outcome, Refused)
    assert "not touched" in outcome.reason
    assert far.lying() == {place: OTHER.sha256}


async def test_the_index_is_written_over_an_older_one(far: Far, publisher: Publisher) -> None:
    """Beside the pictures of a series, a number and a newline; the only thing ever overwritten."""
    for highest in (13, 14):
        outcome = await publisher.write_index("areg", "mira", highest)
        assert isinstance(outcome, Uploaded)
        assert outcome.url.endswith("areg/mira/index.txt")
        assert far.lying() == {"areg/mira/index.txt": sha256(b"%d\n" % highest).hexdigest()}
    assert isinstance(await publisher.write_index("areg", "opal", 7), Uploaded)
    assert len(far.lying()) == 2


# --- secrets and distances ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["at_cloudinary", "at_bunny", "at_bucket"])
async def test_a_wrong_secret_is_refused_in_the_far_sides_own_words(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """Whoever reads the reason learns what is wrong, and no secret."""
    far: Far = request.getfixturevalue(kind)
    own = {
        "at_cloudinary": "Invalid Signature",
        "at_bunny": "Unauthorized",
        "at_bucket": "InvalidAccessKeyId",
    }
    with far.strict():
        async with opened(far.stranger()) as stranger:
            outcomes = [
                await stranger.publish(stranger.place(ITEM), ITEM, COPY),
                await stranger.write_index("areg", "mira", 1),
                await stranger.remove(stranger.place(ITEM), COPY.md5),
                await stranger.look(stranger.place(ITEM)),
            ]
    assert isinstance(outcomes[0], Refused)
    assert isinstance(outcomes[1], Refused)
    assert isinstance(outcomes[3], NotNow)
    assert own[kind] in outcomes[0].reason
    assert not any(WRONG in repr(outcome) for outcome in outcomes)
    assert WRONG not in repr(vars(stranger).get("_target"))
    assert far.lying() == {}


async def test_who_cannot_be_reached_is_tried_again(far: Far) -> None:
    """No answer proves nothing, whatever was asked."""
    async with opened(far.lost()) as publisher:
        place = publisher.place(ITEM)
        assert isinstance(await publisher.publish(place, ITEM, COPY), NotNow)
        assert isinstance(await publisher.look(place), NotNow)
        assert isinstance(await publisher.remove(place, COPY.md5), NotNow)
        assert isinstance(await publisher.write_index("areg", "mira", 1), NotNow)


async def test_a_copy_that_changed_its_size_never_counts(far: Far, publisher: Publisher) -> None:
    """What leaves is what was promised, or nothing is believed."""
    place = publisher.place(ITEM)
    for wrong in (-1, 1):
        copy = Bytes(COPY.data)
        copy.size += wrong
        assert isinstance(await publisher.publish(place, ITEM, copy), NotNow)
    assert far.lying() == {}


async def test_a_closed_publisher_says_so(http: SpeaksHttp) -> None:
    """A worker that stops closes its publishers under what still runs."""
    publisher = http.publisher()
    await publisher.publish(publisher.place(ITEM), ITEM, COPY)
    await publisher.close()
    assert await publisher.look(publisher.place(ITEM)) == NotNow("closed")


# --- accidents on the way -------------------------------------------------------------------------


@pytest.mark.parametrize("accident", ["lost", "lost_reset"])
async def test_an_answer_lost_after_storing_makes_no_second_asset(
    http: SpeaksHttp, accident: str
) -> None:
    """The copy arrived, its answer did not: the next try finds it."""
    http.standin.faults(**{accident: 1})
    async with opened(http.publisher()) as publisher:
        place = publisher.place(ITEM)
        first = await publisher.publish(place, ITEM, COPY)
        # A PUT may be sent once more at once when its connection is reset; a POST never is.
        assert isinstance(first, NotNow) or (http.standin.kind, accident) == ("bunny", "lost_reset")
        again = await publisher.publish(place, ITEM, COPY)
        assert isinstance(again, Uploaded)
        assert again.existed
    (asset,) = http.standin.assets()
    assert asset["overwritten"] == 0


@pytest.mark.parametrize("accident", ["error", "reset", "html", "huge", "wrong", "redirect"])
async def test_an_answer_that_cannot_be_believed_is_asked_for_again(
    http: SpeaksHttp, accident: str
) -> None:
    """A server in trouble, or somebody in between: nothing follows from it."""
    async with opened(http.publisher()) as publisher:
        place = publisher.place(ITEM)
        # An idempotent request that meets a reset is sent once more by itself.
        http.standin.faults(**{accident: 9})
        outcomes = [
            await publisher.publish(place, ITEM, COPY),
            await publisher.look(place),
            await publisher.remove(place, COPY.md5),
            await publisher.write_index("areg", "mira", 1),
        ]
        http.standin.faults(**{accident: 0})
        for outcome in outcomes:
            assert isinstance(outcome, NotNow), outcome
            assert len(outcome.reason) < 500
        assert http.lying() == {}
        assert isinstance(await publisher.publish(place, ITEM, COPY), Uploaded)


async def test_who_answers_too_late_is_given_up(http: SpeaksHttp) -> None:
    """And found to have it when asked again."""
    async with opened(http.publisher(QUICK)) as publisher:
        place = publisher.place(ITEM)
        http.standin.faults(slow=1, slowness=2.0)
        assert await publisher.publish(place, ITEM, COPY) == NotNow("timed out")
    async with opened(http.publisher()) as publisher:
        assert isinstance(await publisher.publish(place, ITEM, COPY), Uploaded)


@pytest.mark.parametrize(
    ("orders", "least", "most"),
    [
        ({}, 1, 60),  # nobody says how long: some seconds
        ({"retry_after": 2.0}, 2, 2),
        ({"retry_after": 999_999.0}, 900, 900),  # nobody is left alone for ever
        ({"limit_status": 429.0, "retry_after": 3.0}, 3, 3),
    ],
)
async def test_a_far_side_that_asks_for_a_pause_gets_it(
    http: SpeaksHttp, orders: dict[str, float], least: float, most: float
) -> None:
    """It is told to the pipeline, which sends nothing else to it meanwhile."""
    http.standin.faults(limited=30, **orders)
    async with opened(http.publisher()) as publisher:
        outcomes = [
            await publisher.publish(publisher.place(ITEM), ITEM, COPY),
            await publisher.look(publisher.place(ITEM)),
        ]
        for outcome in outcomes:
            assert isinstance(outcome, NotNow)
            if outcome is outcomes[0]:
                assert outcome.pause is not None
                assert least <= outcome.pause <= most
        http.standin.faults(limited=0)
        assert isinstance(await publisher.publish(publisher.place(ITEM), ITEM, COPY), Uploaded)


async def test_other_bytes_than_were_sent_do_not_count(http: SpeaksHttp) -> None:
    """A far side that re-encodes, or a broken one: told with what it keeps."""
    http.standin.faults(damaged=1)
    async with opened(http.publisher()) as publisher:
        outcome = await publisher.publish(publisher.place(ITEM), ITEM, COPY)
    assert isinstance(outcome, Refused)
    assert "other bytes" in outcome.reason
    assert str(COPY.size + 1) in outcome.reason


# --- large copies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cloudinary", "bunny", "bucket", "folder"])
async def test_a_large_copy_leaves_in_bounded_memory(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """64 MB go out a piece at a time: four at once must not need a quarter of a gigabyte."""
    copy = Large(64)
    with ExitStack() as stack:
        if kind in ("cloudinary", "bunny"):
            url = stack.enter_context(standin_process(kind))
            made = at(kind, url).publisher()
        elif kind == "bucket":
            made = AtBucket(request.getfixturevalue("moto_url")).publisher()
        else:
            made = AtFolder(tmp_path / "published").publisher()
        async with opened(made) as publisher, Watched() as watched:
            outcome = await publisher.publish(publisher.place(ITEM), ITEM, copy)
    assert isinstance(outcome, Uploaded), outcome
    assert watched.grown < 24 * 2**20


async def test_an_object_tells_browsers_what_it_is_and_how_long_to_keep_it(moto_url: str) -> None:
    """Pictures never change, so they may be kept for ever; an index never."""
    url = AtBucket(moto_url).url("right-s3cret")
    publisher = bucket(url, "public, max-age=60")
    assert isinstance(await publisher.publish(publisher.place(ITEM), ITEM, COPY), Uploaded)
    await publisher.write_index("areg", "mira", 13)
    objects = open_target(url).objects
    picture = await obstore.get_async(objects, publisher.place(ITEM))
    assert picture.attributes["Content-Type"] == "image/png"
    assert picture.attributes["Cache-Control"] == "public, max-age=60"
    index = await obstore.get_async(objects, "areg/mira/index.txt")
    assert index.attributes["Content-Type"] == "text/plain"
    assert index.attributes["Cache-Control"] == "no-cache"
