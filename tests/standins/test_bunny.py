"""The stand-in refuses what Bunny's storage refuses."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.standins import Bunny, png
from tests.standins.bunny import KEY, ZONE

PICTURE = png(7)
CHECKSUM = sha256(PICTURE).hexdigest().upper()


@pytest.fixture
def far() -> Iterator[Bunny]:
    with Bunny() as standin:
        yield standin


def asked(
    far: Bunny, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(far.url).netloc, timeout=30)
    try:
        sent = {"AccessKey": KEY} | {name.replace("_", "-"): text for name, text in headers.items()}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def message(answer: tuple[int, bytes]) -> tuple[int, Any]:
    return answer[0], json.loads(answer[1])["Message"]


def test_a_file_is_put_described_listed_read_and_deleted(far: Bunny) -> None:
    """Folders make themselves; the description tells length and checksum."""
    path = f"/{ZONE}/a/b/c.png"
    put = asked(far, "PUT", path, PICTURE, Checksum=CHECKSUM, Override_Content_Type="image/png")
    assert message(put) == (201, "File uploaded.")
    status, told = asked(far, "DESCRIBE", path)
    described = json.loads(told)
    assert (status, described["Length"], described["Checksum"]) == (200, len(PICTURE), CHECKSUM)
    assert (described["ObjectName"], described["Path"]) == ("c.png", f"/{ZONE}/a/b/")
    assert described["ContentType"] == "image/png"
    assert json.loads(asked(far, "GET", f"/{ZONE}/a/b/")[1]) == [described]
    assert asked(far, "GET", path) == (200, PICTURE)
    assert asked(far, "DELETE", path)[0] == 200
    for method in ("GET", "DESCRIBE", "DELETE"):
        assert message(asked(far, method, path)) == (404, "Object Not Found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DESCRIBE", "DELETE"])
def test_a_wrong_key_or_zone_is_refused(far: Bunny, method: str) -> None:
    """Nothing is told and nothing kept."""
    path = f"/{ZONE}/a.png"
    assert message(asked(far, method, path, AccessKey="other")) == (401, "Unauthorized")
    assert message(asked(far, method, "/other/a.png")) == (401, "Unauthorized")
    assert far.assets() == []


@pytest.mark.parametrize("checksum", ["0" * 64, CHECKSUM.lower()])
def test_a_wrong_checksum_is_refused(far: Bunny, checksum: str) -> None:
    """It is SHA-256 in hex, in capitals."""
    put = asked(far, "PUT", f"/{ZONE}/a.png", PICTURE, Checksum=checksum)
    assert message(put) == (400, "Checksum and file contents mismatched")
    assert far.assets() == []


def test_another_picture_under_a_name_is_counted(far: Bunny) -> None:
    """The real one overwrites without a word; here a test sees that it happened."""
    for data in (PICTURE, PICTURE, png(8)):
        asked(far, "PUT", f"/{ZONE}/a.png", data)
    (file,) = far.assets()
    assert (file["uploads"], file["overwritten"]) == (3, 1)
