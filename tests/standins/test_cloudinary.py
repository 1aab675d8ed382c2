"""The stand-in refuses what Cloudinary refuses, and the official client finds nothing missing."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import md5, sha256
from typing import Any
from urllib.parse import urlencode

import cloudinary
import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import pytest

from tests.standins import Cloudinary, png
from tests.standins.cloudinary import CLOUD, KEY, SECRET, signed, to_sign, unescaped

PICTURE = png(7)


@pytest.fixture
def far() -> Iterator[Cloudinary]:
    with Cloudinary() as standin:
        yield standin


@pytest.fixture
def sdk(far: Cloudinary) -> Iterator[Any]:
    """The official client, pointed at the stand-in."""
    cloudinary.reset_config()
    cloudinary.config(cloud_name=CLOUD, api_key=KEY, api_secret=SECRET, upload_prefix=far.url)
    yield cloudinary.uploader
    cloudinary.reset_config()


def posted(far: Cloudinary, params: dict[str, str], cloud: str = CLOUD) -> tuple[int, Any]:
    """A form with exactly these parameters, the picture as a data URI; status and answer."""
    uri = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    body = urlencode({"file": uri, **params}).encode()
    url = f"{far.url}/v1_1/{cloud}/image/upload"
    try:
        with urllib.request.urlopen(url, body, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)["error"]["message"]


def stamped(**params: str) -> dict[str, str]:
    return {"public_id": "a", "timestamp": str(int(time.time())), **params}


def keyed(params: dict[str, str], length: int = 40, version: int = 2) -> dict[str, str]:
    text = to_sign({**params}, version)
    return {**params, "api_key": KEY, "signature": signed(text, length)}


def test_the_official_client_uploads_looks_and_destroys(far: Cloudinary, sdk: Any) -> None:
    """What it sends is what the documentation says, and what it reads back is what it expects."""
    told = sdk.upload(
        PICTURE,
        public_id="0001",
        folder="users/7/mira",
        overwrite=False,
        unique_filename=False,
        tags=["mira", "job:1"],
        context={"seed": "5", "note": "a=b|c"},
        timeout=30,
    )
    assert told["public_id"] == "users/7/mira/0001"
    assert (told["bytes"], told["etag"]) == (len(PICTURE), md5(PICTURE).hexdigest())
    assert (told["width"], told["height"], told["format"]) == (16, 12, "png")
    assert told["tags"] == ["mira", "job:1"]
    assert told["context"] == {"custom": {"seed": "5", "note": "a=b|c"}}
    verified = cloudinary.utils.verify_api_response_signature(
        told["public_id"], told["version"], told["signature"]
    )
    assert verified
    found = cloudinary.api.resource("users/7/mira/0001")
    assert found["etag"] == told["etag"]
    with urllib.request.urlopen(told["secure_url"], timeout=30) as answer:
        assert answer.read() == PICTURE
    assert sdk.destroy("users/7/mira/0001", timeout=30)["result"] == "ok"
    assert sdk.destroy("users/7/mira/0001", timeout=30)["result"] == "not found"
    with pytest.raises(cloudinary.exceptions.NotFound):
        cloudinary.api.resource("users/7/mira/0001")


def test_an_existing_asset_is_told_and_kept_unless_overwriting_is_asked(
    far: Cloudinary, sdk: Any
) -> None:
    """With overwrite=0 the old asset comes back at once, whatever was sent."""
    first = sdk.upload(PICTURE, public_id="a", overwrite=False, timeout=30)
    other = sdk.upload(png(8), public_id="a", overwrite=False, timeout=30)
    assert (other["existing"], other["etag"]) == (True, first["etag"])
    over = sdk.upload(png(8), public_id="a", overwrite=True, timeout=30)
    assert over["etag"] == md5(png(8)).hexdigest()
    (asset,) = far.assets()
    assert (asset["uploads"], asset["overwritten"]) == (3, 1)


def test_raw_files_and_data_uris_are_taken(far: Cloudinary, sdk: Any) -> None:
    """A raw asset keeps its ending in its name; a file may come as text."""
    raw = sdk.upload(b"13\n", public_id="a/index.txt", resource_type="raw", timeout=30)
    assert (raw["resource_type"], raw["bytes"]) == ("raw", 3)
    uri = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    assert sdk.upload(uri, public_id="b", timeout=30)["etag"] == md5(PICTURE).hexdigest()
    assert {asset["sha256"] for asset in far.assets()} == {
        sha256(b"13\n").hexdigest(),
        sha256(PICTURE).hexdigest(),
    }


def test_a_file_may_come_before_or_after_the_parameters(far: Cloudinary) -> None:
    """Forms have no order."""
    params = keyed(stamped())
    fields = [
        f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}'.encode()
        for key, value in params.items()
    ]
    file = b'Content-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n' + PICTURE
    for parts in ([file, *fields], [*fields, file]):
        body = b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + b"--B--\r\n"
        url = f"{far.url}/v1_1/{CLOUD}/image/upload"
        headers = {"Content-Type": "multipart/form-data; boundary=B"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            assert json.load(answer)["etag"] == md5(PICTURE).hexdigest()


@pytest.mark.parametrize("length", [40, 64])
@pytest.mark.parametrize("version", [1, 2])
def test_both_hashes_and_both_versions_of_signatures_are_taken(
    far: Cloudinary, length: int, version: int
) -> None:
    """Accounts differ; only without the secret nothing goes."""
    params = stamped(public_id="x", notification_url="http://a/?b&c=d")
    assert posted(far, keyed(params, length, version))[0] == 200


@pytest.mark.parametrize("missing", ["api_key", "signature", "timestamp"])
def test_what_is_not_signed_is_refused(far: Cloudinary, missing: str) -> None:
    """A request without key, signature or time is nobody's."""
    params = stamped()
    if missing == "timestamp":
        del params["timestamp"]
    params = keyed(params)
    params.pop(missing, None)
    status, message = posted(far, params)
    assert status in (400, 401)
    assert "Missing required parameter" in message
    assert far.assets() == []


def test_a_wrong_signature_is_refused_with_the_string_it_should_have_signed(
    far: Cloudinary,
) -> None:
    """Changing any parameter after signing breaks it; `&` cannot smuggle one in."""
    params = keyed(stamped())
    for change in ({"public_id": "b"}, {"overwrite": "1"}, {"signature": "0" * 40}):
        status, message = posted(far, {**params, **change})
        assert status == 401
        assert "Invalid Signature" in message
        assert "String to sign - 'overwrite=1&" in message or "public_id=" in message
    smuggled = keyed(stamped(public_id="a&overwrite=1"))
    status, _ = posted(far, {**smuggled, "public_id": "a", "overwrite": "1"})
    assert status == 401
    assert far.assets() == []


def test_a_wrong_key_and_a_wrong_cloud_are_refused(far: Cloudinary) -> None:
    """Each in its own words."""
    assert posted(far, {**keyed(stamped()), "api_key": "9"}) == (401, "Unknown API key 9")
    assert posted(far, keyed(stamped()), cloud="other") == (401, "Invalid cloud_name other")
    request = urllib.request.Request(f"{far.url}/v1_1/{CLOUD}/resources/image/upload/a")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    with refused.value:
        assert refused.value.code == 401


@pytest.mark.parametrize("off", [-3700, 3700])
def test_a_stale_timestamp_is_refused(far: Cloudinary, off: int) -> None:
    """A signature is good for an hour."""
    status, message = posted(far, keyed(stamped(timestamp=str(int(time.time()) + off))))
    assert status == 400
    assert message.startswith("Stale request - reported time is 20")
    assert posted(far, keyed(stamped(timestamp=str(int(time.time()) - 3500))))[0] == 200


@pytest.mark.parametrize("public_id", ["a?b", "a#b", "a%b", "/a", "a/", "x" * 256])
def test_a_bad_public_id_is_refused(far: Cloudinary, public_id: str) -> None:
    """What could not stand in a URL."""
    status, message = posted(far, keyed(stamped(public_id=public_id)))
    assert (status, far.assets()) == (400, [])
    assert "is invalid" in message


def test_a_file_that_is_no_picture_is_refused(far: Cloudinary) -> None:
    """Nothing is kept of it."""
    params = {**keyed(stamped()), "file": "data:image/png;base64,AAAA"}
    assert posted(far, params) == (400, "Invalid image file")
    params["file"] = "ftp://example.com/x.png"
    assert posted(far, params)[1].startswith("Unsupported source URL")
    assert far.assets() == []


def test_context_is_read_as_it_is_written() -> None:
    """Escapes stand before `=` and `|`, and before themselves."""
    assert unescaped(r"a=1|b=x\|y\=z|c=") == {"a": "1", "b": "x|y=z", "c": ""}
