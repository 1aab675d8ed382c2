"""Copies at CDNs: in the background, once, verified, whatever is killed or in trouble."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import cloudinary.uploader
import pytest

from tests.contracts.publishing import AtBucket, AtBunny, AtCloudinary, Far
from tests.processes import Processes, Serving
from tests.standins import Bunny, Cloudinary, png
from tests.standins.cloudinary import CLOUD, KEY, SECRET
from tests.standins.server import StandIn
from tests.story.pictures import assert_exactly, pixels
from tests.waiting import until

PUBLISHERS = ("cloudinary", "bunny", "bucket")
QUICKLY = "[0.2, 0.2, 0.4, 1, 1, 2, 2, 4, 4, 4, 4, 8, 8, 8]"


@pytest.fixture
def cdn() -> Iterator[Cloudinary]:
    with Cloudinary() as standin:
        yield standin


@pytest.fixture
def storage() -> Iterator[Bunny]:
    with Bunny() as standin:
        yield standin


@pytest.fixture
def bucket(moto_url: str) -> AtBucket:
    return AtBucket(moto_url)


def toml_of(bucket: AtBucket) -> str:
    """Its section of `safelight.toml`."""
    url = bucket.url("right-s3cret")
    return f'[publishers.bucket]\nurl = "{url}"\npublic_url = "https://cdn.example"\n'


def copies(serving: Serving, batch: str) -> list[dict[str, Any]]:
    """Every publication of a batch."""
    told = serving.get(f"/v1/batches/{batch}")
    return [one for image in told["images"] for one in image["publications"]]


def all_are(serving: Serving, batch: str, status: str) -> bool:
    return {one["status"] for one in copies(serving, batch)} == {status}


def events(processes: Processes, serving: Serving, batch: str) -> list[dict[str, Any]]:
    """What was told of copies: each (type, image, publisher)."""
    last = serving.get(f"/v1/batches/{batch}")["last_event"]
    lines = serving.read(f"/v1/batches/{batch}/events").decode().splitlines()
    numbers = [int(line[3:]) for line in lines if line.startswith("id:")]
    assert numbers == list(range(1, last + 1))
    return [{"type": line[6:].strip()} for line in lines if line.startswith("event:")]


def requests(fars: Sequence[StandIn]) -> int:
    """How many they were sent so far."""
    return sum(far.requests.total() for far in fars)


def more_requests(fars: Sequence[StandIn], than: int) -> bool:
    return requests(fars) > than


def originals(serving: Serving, batch: dict[str, Any]) -> dict[str, str]:
    """Name → pixels of the picture that we serve."""
    return {image["name"]: pixels(serving.read(image["url"])) for image in batch["images"]}


def test_pictures_are_served_before_any_upload_has_ended_and_then_lie_everywhere(
    processes: Processes, cdn: Cloudinary, storage: Bunny, bucket: AtBucket
) -> None:
    """Eight pictures, three publishers that are slow: the batch is complete and every picture is
    served while all 24 copies are pending; then each lies at its own name, once, pixel for pixel,
    and without the prompt."""
    for slow in (cdn, storage):
        slow.faults(slow=100, slowness=2.0)
    config = cdn.toml() + storage.toml() + toml_of(bucket)
    serving = processes.serve([processes.simulate().url], config=config)
    batch = serving.order(8, prompt="a very private prompt")
    assert_exactly(batch, 8)
    made = originals(serving, batch)
    slowly = [one for one in copies(serving, batch["id"]) if one["publisher"] != "bucket"]
    assert [one["status"] for one in slowly] == ["pending"] * 16
    assert [one["publisher"] for one in batch["images"][0]["publications"]] == list(PUBLISHERS)
    for slow in (cdn, storage):
        slow.faults(slow=0)
    until(lambda: all_are(serving, batch["id"], "uploaded"), 60)
    assert len(copies(serving, batch["id"])) == 24
    names = [f"ann/mira/images/ann_mira_image_{index:05d}_" for index in range(1, 9)]
    assert sorted(asset["public_id"] for asset in cdn.assets()) == names
    assert sorted(file["path"] for file in storage.assets()) == [f"{name}.png" for name in names]
    assert sorted(bucket.lying()) == [f"{name}.png" for name in names]
    for asset in cdn.kept.values():
        assert pixels(asset.data) == made[asset.public_id.rpartition("/")[2] + ".png"]
        assert b"private" not in asset.data
    assert {len(set(lying.values())) for lying in (bucket.lying(), AtBunny(storage).lying())} == {8}
    told = events(processes, serving, batch["id"])
    assert [one["type"] for one in told].count("publication.uploaded") == 24


def test_kill_9_while_copies_are_made_loses_doubles_and_overwrites_nothing(
    processes: Processes, cdn: Cloudinary, storage: Bunny, bucket: AtBucket
) -> None:
    """`serve` is killed ten times while it uploads 24 copies to slow publishers that also lose
    answers: in the end each lies there once, never overwritten, and was told of once."""
    for slow in (cdn, storage):
        slow.faults(slow=1000, slowness=0.3, lost=3, lost_reset=2)
    config = cdn.toml(retry_schedule=QUICKLY) + storage.toml(retry_schedule=QUICKLY)
    backends = [processes.simulate().url]
    serving = processes.serve(backends, config=config + toml_of(bucket))
    id = serving.order(8)["id"]
    for _ in range(10):
        until(partial(more_requests, (cdn, storage), requests((cdn, storage))), 60)
        serving.process.kill()
        serving = processes.serve(backends, config=config + toml_of(bucket))
        if all_are(serving, id, "uploaded"):
            break
    until(lambda: all_are(serving, id, "uploaded"), 90)
    fars: list[Far] = [AtCloudinary(cdn), AtBunny(storage), bucket]
    for far in fars:
        assert len(far.lying()) == len(set(far.lying().values())) == 8
    for standin in (cdn, storage):
        assert {asset["overwritten"] for asset in standin.assets()} == {0}
    told = [one["type"] for one in events(processes, serving, id)]
    assert told.count("publication.uploaded") == 24
    assert told.count("publication.failed") == 0


def test_an_answer_that_is_lost_after_storing_makes_no_second_asset(
    processes: Processes, cdn: Cloudinary, storage: Bunny
) -> None:
    for far in (cdn, storage):
        far.faults(lost=2, lost_reset=1)
    config = cdn.toml(retry_schedule=QUICKLY) + storage.toml(retry_schedule=QUICKLY)
    serving = processes.serve([processes.simulate().url], config=config)
    id = serving.order(4)["id"]
    until(lambda: all_are(serving, id, "uploaded"), 60)
    assert len(cdn.assets()) == len(storage.assets()) == 4
    assert {asset["overwritten"] for asset in [*cdn.assets(), *storage.assets()]} == {0}
    assert cdn.struck["lost"] == storage.struck["lost"] == 2


def test_another_picture_under_the_name_is_left_alone_and_told_loudly(
    processes: Processes, cdn: Cloudinary
) -> None:
    """Somebody has put a picture under the second image's name, with the official client: its copy
    fails with the reason, the other pictures arrive, the stranger's is untouched. When it was taken
    away, `publishers retry` brings the copy there."""
    stranger = png(77)
    account = {"cloud_name": CLOUD, "api_key": KEY, "api_secret": SECRET, "upload_prefix": cdn.url}
    place = "ann/mira/images/ann_mira_image_00002_"
    cloudinary.uploader.upload(stranger, public_id=place, **account)
    serving = processes.serve([processes.simulate().url], config=cdn.toml())
    batch = serving.order(3)
    until(lambda: "pending" not in [one["status"] for one in copies(serving, batch["id"])], 60)
    told = {
        image["index"]: image["publications"][0]
        for image in serving.get(f"/v1/batches/{batch['id']}")["images"]
    }
    assert [told[index]["status"] for index in (1, 2, 3)] == ["uploaded", "failed", "uploaded"]
    assert "another picture lies there" in told[2]["reason"]
    assert cdn.kept["image", place].data == stranger
    assert serving.process.lines_with("copy failed") == 1
    assert serving.get("/v1/publishers")["data"][0]["failed"] == 1
    doctor = processes.start("doctor")
    assert doctor.popen.wait(60) == 1
    doctor.end_of_lines()
    assert "1 failed; the last one: another picture lies there" in "\n".join(doctor.lines)
    cloudinary.uploader.destroy(place, **account)
    retrying = processes.start("publishers", "retry", "cloudinary", environ=asking(serving))
    assert retrying.popen.wait(60) == 0, retrying.lines
    until(lambda: all_are(serving, batch["id"], "uploaded"), 60)
    assert cdn.kept["image", place].data != stranger


def test_a_publisher_that_asks_for_a_pause_gets_it_and_then_everything(
    processes: Processes, cdn: Cloudinary
) -> None:
    """Rate limited, with Retry-After: few requests while it lasts, and all arrive afterwards."""
    serving = processes.serve([processes.simulate().url], config=cdn.toml())
    cdn.faults(limited=3.0, retry_after=1)
    id = serving.order(8)["id"]
    until(lambda: all_are(serving, id, "uploaded"), 60)
    assert len(cdn.assets()) == 8
    assert 0 < cdn.struck["limited"] < 40


def test_a_wrong_secret_fails_in_the_publishers_own_words_and_is_never_shown(
    processes: Processes, cdn: Cloudinary
) -> None:
    """The copies fail at once with what Cloudinary says; the secret is in no answer, no line of the
    log and not in `config show`. After the secret was set right, all of them are tried again."""
    wrong = "wr0ng-s3cret-000000"
    backends = [processes.simulate().url]
    serving = processes.serve(backends, config=cdn.toml().replace(SECRET, wrong))
    batch = serving.order(2)
    assert_exactly(batch, 2)
    until(lambda: all_are(serving, batch["id"], "failed"), 60)
    reason = copies(serving, batch["id"])[0]["reason"]
    assert "Invalid Signature" in reason
    showing = processes.start("config", "show")
    assert showing.popen.wait(60) == 0
    showing.end_of_lines()
    assert 'api_secret = "***"' in showing.lines
    said = "\n".join([*serving.process.lines, *showing.lines, str(copies(serving, batch["id"]))])
    assert wrong not in said
    assert cdn.assets() == []
    assert serving.process.stop() == 0
    serving = processes.serve(backends, config=cdn.toml())
    answer = serving.post("/v1/publishers/cloudinary/retry", {})
    assert answer["asked"] == 2
    until(lambda: all_are(serving, batch["id"], "uploaded"), 60)


def test_a_publisher_that_is_taken_out_of_the_settings_waits_and_says_so(
    processes: Processes, cdn: Cloudinary
) -> None:
    """Its copies stay pending and are told of; when it is back they are made."""
    cdn.faults(error=1000)
    backends = [processes.simulate().url]
    serving = processes.serve(backends, config=cdn.toml())
    id = serving.order(2)["id"]
    assert serving.process.stop() == 0
    cdn.faults(error=0)
    serving = processes.serve(backends)
    [told] = serving.get("/v1/publishers")["data"]
    assert (told["name"], told["configured"], told["pending"]) == ("cloudinary", False, 2)
    assert all_are(serving, id, "pending")
    assert serving.process.stop() == 0
    serving = processes.serve(backends, config=cdn.toml())
    until(lambda: all_are(serving, id, "uploaded"), 60)


def asking(serving: Serving) -> dict[str, str]:
    """What a command needs to find this server."""
    return {"SAFELIGHT_URL": serving.url}


def test_the_highest_number_lies_beside_the_copies_where_somebody_wants_it(
    processes: Processes, cdn: Cloudinary, storage: Bunny
) -> None:
    """One publisher is to keep index.txt, the other is not: the file says the highest number that
    was given out, also after further orders and where an image has failed."""
    simulating = processes.simulate()
    serving = processes.serve([simulating.url], config=cdn.toml(index_txt="true") + storage.toml())
    serving.order(2)
    until(lambda: index_at(cdn) == b"2\n")
    simulating.fault("reject", 1.0)
    serving.order(3)
    until(lambda: index_at(cdn) == b"5\n")
    assert serving.read("/v1/series/ann/mira/index.txt") == b"5\n"
    assert not [file for file in storage.assets() if file["path"].endswith(".txt")]


def index_at(cdn: Cloudinary) -> bytes | None:
    asset = cdn.kept.get(("raw", "ann/mira/index.txt"))
    return asset.data if asset else None
