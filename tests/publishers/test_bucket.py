"""What only buckets and folders know: attributes, etags that are none, their errors."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from safelight.publishers.base import Found, Missing, NotNow, Outcome, Refused, Removed, Uploaded
from safelight.publishers.bucket_objects import open_target
from tests.contracts.publishing import bucket
from tests.standins import Bytes, item, png
from tests.standins.scripted import EncryptedBucket, Scripted, s3_error
from tests.standins.server import Answer

ITEM = item(13)
PLACE = "areg/mira/images/areg_mira_image_00013_.png"
COPY = Bytes(png(1))
SECRET = "right-s3cret/+"


def url_of(endpoint: str) -> str:
    return f"s3://id:right-s3cret%2F%2B@bucket/cdn?endpoint={endpoint}&region=us-east-1"


async def answered(answer: Answer) -> Outcome:
    with Scripted(lambda _: answer) as far:
        return await bucket(url_of(far.url)).publish(PLACE, ITEM, COPY)


async def test_an_etag_that_is_no_hash_is_not_taken_for_one() -> None:
    """Encrypted objects have etags of the same look: then the bytes themselves are read."""
    with EncryptedBucket() as far:
        publisher = bucket(url_of(far.url))
        assert await publisher.publish(PLACE, ITEM, COPY) == Uploaded(
            f"https://pictures.example.com/{PLACE}"
        )
        again = await publisher.publish(PLACE, ITEM, COPY)
        assert again == Uploaded(f"https://pictures.example.com/{PLACE}", existed=True)
        assert await publisher.look(PLACE) == Found(COPY.size, COPY.md5, COPY.sha256)
        other = await publisher.publish(PLACE, ITEM, Bytes(png(2)))
        assert isinstance(other, Refused)
        assert isinstance(await publisher.remove(PLACE, Bytes(png(2)).md5), Refused)
        assert [kept["sha256"] for kept in far.assets()] == [COPY.sha256]
        assert await publisher.remove(PLACE, COPY.md5) == Removed()
        assert await publisher.look(PLACE) == Missing()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed"),
        (404, "NoSuchBucket"),
        (400, "AuthorizationHeaderMalformed"),
    ],
)
async def test_a_refusal_is_told_in_the_buckets_own_words(status: int, code: str) -> None:
    """Without address and secret."""
    outcome = await answered(s3_error(status, code, f"The key is not {SECRET}"))
    assert outcome == Refused(f"{code}: The key is not ***")


@pytest.mark.parametrize(
    "answer",
    [
        s3_error(400, "RequestTimeout"),
        s3_error(500, "InternalError"),
        Answer(403, b"<html>Blocked by the firewall</html>"),
        Answer(200, b"<html>Sign in</html>"),
        Answer(302, b"", {"Location": "http://127.0.0.1:1/"}),
    ],
)
async def test_anything_else_is_tried_again(answer: Answer) -> None:
    """A server in trouble, or somebody in between."""
    outcome = await answered(answer)
    assert isinstance(outcome, NotNow)
    assert SECRET not in outcome.reason
    assert "http" not in outcome.reason.lower().replace("http error", "")


async def test_a_bucket_that_asks_to_slow_down_gets_a_pause() -> None:
    """It says so with 503."""
    outcome = await answered(s3_error(503, "SlowDown", "Please reduce your request rate."))
    assert isinstance(outcome, NotNow)
    assert outcome.reason == "SlowDown: Please reduce your request rate."
    assert outcome.pause == 5.0


@pytest.mark.parametrize(
    "url",
    [
        "s3://id:s3cret-of-mine@bucket?nonsense=1",
        "az://container/x?account_key=s3cret-of-mine",
        "gs://bucket?service_account_key=s3cret-of-mine",
    ],
)
def test_what_cannot_be_opened_is_told_without_its_secret(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The url of a bucket may hold a password."""
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError) as refused:
        open_target(url)
    assert "s3cret" not in str(refused.value)
    assert url.split("?")[0].split("@")[-1].split("/")[0] in str(refused.value)


def test_a_target_does_not_show_its_secrets() -> None:
    """Neither in a log nor in a traceback."""
    assert "s3cret" not in repr(open_target(url_of("http://127.0.0.1:1")))


async def test_a_folder_holds_plain_files_that_a_web_server_can_read(tmp_path: Path) -> None:
    """Under the names of the template, below the folder, and nothing else."""
    folder = tmp_path / "pub lic"
    publisher = bucket(f"file://{tmp_path}/pub%20lic")
    assert isinstance(await publisher.publish(PLACE, ITEM, COPY), Uploaded)
    (file,) = [path for path in folder.rglob("*") if path.is_file()]
    assert file == folder / PLACE
    assert file.read_bytes() == COPY.data
    assert stat.S_IMODE(file.stat().st_mode) & 0o444 == 0o444


async def test_a_folder_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """A disk that is not mounted: nothing is written where it should be, nothing is missing."""
    publisher = bucket(f"file://{tmp_path}/disk")
    await publisher.publish(PLACE, ITEM, COPY)
    (tmp_path / "disk").rename(tmp_path / "elsewhere")
    away = NotNow("the folder is not there")
    assert await publisher.publish(PLACE, ITEM, COPY) == away
    assert await publisher.look(PLACE) == away
    assert await publisher.remove(PLACE, COPY.md5) == away
    assert await publisher.write_index("areg", "mira", 1) == away
    assert not (tmp_path / "disk").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """At the start, with its name."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="cannot be made or entered"):
        open_target(f"file://{tmp_path}/file/folder")
