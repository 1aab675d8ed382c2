"""What every store promises, asked of a local folder and of a bucket behind real HTTP."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.exceptions import GenericError

from safelight.store import (
    CHUNK,
    KeyMissing,
    KeyTaken,
    Store,
    StoreAway,
    StoreError,
    StoreFull,
    open_store,
)
from safelight.store import objects as module


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "folder":
        return open_store(None, tmp_path / "originals")
    _point_at(monkeypatch, request.getfixturevalue("moto_url"))
    return open_store(f"s3://bucket/{secrets.token_hex(8)}/originals", tmp_path)


def _point_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "public-part")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-part")


KEY = "mira/opal-fever/00001-0b5e.png"


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 3_000_000])
async def test_what_was_put_comes_back(store: Store, size: int) -> None:
    data = os.urandom(size)
    await store.put(KEY, data)
    assert await store.get(KEY) == data
    assert await store.size(KEY) == size
    pieces = [piece async for piece in store.stream(KEY)]
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= CHUNK for piece in pieces)


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (5, 5), (1, None), (999_999, 1_000_000), (17, 900_001)]
)
async def test_a_range_is_streamed(store: Store, start: int, end: int | None) -> None:
    data = os.urandom(1_000_000)
    await store.put(KEY, data)
    assert b"".join([piece async for piece in store.stream(KEY, start, end)]) == data[start:end]


async def test_a_key_is_written_once(store: Store) -> None:
    await store.put(KEY, b"first")
    with pytest.raises(KeyTaken):
        await store.put(KEY, b"first")
    with pytest.raises(KeyTaken):
        await store.put(KEY, b"other", same_ok=True)
    with pytest.raises(KeyTaken):
        await store.put(KEY, b"longer than first", same_ok=True)
    await store.put(KEY, b"first", same_ok=True)
    assert await store.get(KEY) == b"first"


async def test_what_is_no_original_is_replaced_whole(store: Store) -> None:
    """Whoever reads meanwhile finds one of them, whole."""
    key = "mira/opal-fever/index.txt"
    await store.replace(key, b"1\n")
    assert await store.get(key) == b"1\n"
    texts = {bytes([65 + number]) * 5_000 for number in range(8)}
    await store.replace(key, b"A" * 5_000)
    results = asyncio.gather(*(store.replace(key, text) for text in texts))
    while not results.done():
        assert await store.get(key) in texts
    await results
    await store.replace(key, b"2\n")
    assert await store.get(key) == b"2\n"
    assert [found async for found in store.list()] == [(key, 2)]


async def test_of_many_who_write_a_key_at_once_one_succeeds(store: Store) -> None:
    writers = [store.put(KEY, bytes([number]) * 1000) for number in range(8)]
    results = await asyncio.gather(*writers, return_exceptions=True)
    winners = [number for number, result in enumerate(results) if result is None]
    assert len(winners) == 1
    assert all(isinstance(result, KeyTaken) for result in results if result is not None)
    assert await store.get(KEY) == bytes(winners) * 1000


async def test_what_is_not_there_is_said_to_be_missing(store: Store) -> None:
    assert await store.size(KEY) is None
    with pytest.raises(KeyMissing, match="00001-0b5e"):
        await store.get(KEY)
    with pytest.raises(KeyMissing):
        await anext(store.stream(KEY))
    await store.put("a/object", b"x")
    assert await store.size("a") is None
    assert await store.size("a/object/below") is None


async def test_a_deleted_object_is_gone_and_its_key_free(store: Store) -> None:
    await store.delete(KEY)
    await store.put(KEY, b"first")
    await store.delete(KEY)
    assert await store.size(KEY) is None
    await store.put(KEY, b"second")
    assert await store.get(KEY) == b"second"


async def test_listing_shows_keys_and_sizes_below_a_folder(store: Store) -> None:
    assert [found async for found in store.list()] == []
    objects = {"a/b/1.png": 1, "a/b/2.png": 2, "a/bc.png": 3, "z.png": 4}
    for key, size in objects.items():
        await store.put(key, b"x" * size)
    assert {key: size async for key, size in store.list()} == objects
    assert {key async for key, _ in store.list("a/b")} == {"a/b/1.png", "a/b/2.png"}
    assert [found async for found in store.list("nothing")] == []


async def test_a_listing_goes_on_after_the_first_page(store: Store) -> None:
    await asyncio.gather(*(store.put(f"many/{n}", b"") for n in range(120)))
    assert len([key async for key, _ in store.list("many")]) == 120


BAD = ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a b", "ä", "a\0", "a\n"]
BAD += ["a#1", "a?b", "a%2e", "a\\b", "~", "x" * 256, "/".join(["x" * 100] * 6)]


@pytest.mark.parametrize("key", BAD)
async def test_a_bad_key_is_refused_everywhere(store: Store, key: str) -> None:
    writing = (store.put(key, b""), store.replace(key, b""))
    for operation in (*writing, store.get(key), store.size(key), store.delete(key)):
        with pytest.raises(ValueError, match="is no key"):
            await operation
    with pytest.raises(ValueError, match="is no key"):
        await anext(store.stream(key))
    if key:
        with pytest.raises(ValueError, match="is no key"):
            await anext(store.list(key))


@given(st.text(max_size=30))
def test_only_plain_keys_pass(key: str) -> None:
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/")
    plain = set(key) <= allowed and not {"", ".", ".."} & set(key.split("/"))
    try:
        module.check(key)
    except ValueError:
        assert not plain
    else:
        assert plain


async def test_the_longest_key_works(store: Store) -> None:
    key = f"{'x' * 255}/{'y' * 254}/z"
    assert len(key) == 512
    await store.put(key, b"x")
    assert await store.size(key) == 1
    with pytest.raises(ValueError, match="is no key"):
        await store.put(key + "z", b"x")


@pytest.mark.parametrize(("start", "end"), [(-1, None), (5, 4), (-2, -1)])
async def test_an_impossible_range_is_refused(store: Store, start: int, end: int | None) -> None:
    with pytest.raises(ValueError, match="no range"):
        await anext(store.stream(KEY, start, end))


# When a store is away


async def test_a_bucket_that_does_not_exist_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moto_url: str
) -> None:
    _point_at(monkeypatch, moto_url)
    store = open_store("s3://nowhere/prefix", tmp_path)
    with pytest.raises(StoreAway):
        await store.put(KEY, b"x")
    with pytest.raises(StoreAway):
        await store.replace(KEY, b"x")
    with pytest.raises(StoreAway):
        await store.get(KEY)
    with pytest.raises(StoreAway):
        await anext(store.list())


async def test_a_server_that_does_not_answer_is_away_and_no_secret_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _point_at(monkeypatch, "http://127.0.0.1:1")
    store = open_store("s3://user:hidden-part@bucket/prefix", tmp_path)
    with pytest.raises(StoreAway) as away:
        await store.get(KEY)
    told = f"{away.value} {store.name} {away.value.__suppress_context__}"
    assert told.endswith("True")
    assert "-part" not in told


def test_what_a_server_said_is_cut() -> None:
    said = (
        "Error performing GET https://h/x?sig=SECRET in 1ms - status code: 403 Forbidden: <a>K</a>"
    )
    with pytest.raises(StoreAway, match="403 Forbidden") as away, module.translated("s3://b"):
        raise GenericError(said)
    assert "SECRET" not in str(away.value)
    assert "K</a>" not in str(away.value)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        GenericError("Generic LocalFileSystem error: No space left on device (os error 28)"),
        GenericError("Generic S3 error - Server returned non-2xx status code: 507 Insufficient"),
        GenericError("Generic S3 error: <Code>XMinioStorageFull</Code>"),
    ],
)
def test_a_full_store_is_told_from_one_that_is_away(error: Exception) -> None:
    with pytest.raises(StoreFull, match="Free some space"), module.translated("s3://b"):
        raise error


def test_the_errors_have_one_family() -> None:
    for kind in (KeyTaken, KeyMissing, StoreFull, StoreAway):
        assert issubclass(kind, StoreError)


async def test_a_walk_gives_keys_in_their_order_and_in_pages(store: Store) -> None:
    """As bytes compare, so that `a-b/` comes before `a/`; with sizes and about the time."""
    keys = [
        f"{u}/{c}/{n:05d}.png"
        for u in ("a", "a-b", "a.b", "B")
        for c in ("x", "x-1")
        for n in (1, 2)
    ]
    for number, key in enumerate(keys):
        await store.put(key, bytes(number))
    pages = [page async for page in store.walk()]
    listed = [one for page in pages for one in page]
    assert [one.key for one in listed] == sorted(keys)
    assert {one.key: one.bytes for one in listed} == {key: n for n, key in enumerate(keys)}
    assert all(abs(time.time() - one.modified) < 60 for one in listed)
    below = [one.key async for page in store.walk("a") for one in page]
    assert below == sorted(key for key in keys if key.startswith("a/"))
    assert [page async for page in store.walk("nobody")] in ([], [[]])
    with pytest.raises(ValueError, match="is no key"):
        await anext(store.walk("../a"))


async def test_damaged_bytes_are_replaced_in_one_step(store: Store) -> None:
    await store.put(KEY, b"dama")
    await store.replace(KEY, b"whole again")
    assert await store.get(KEY) == b"whole again"
    assert [key async for key, _ in store.list()] == [KEY]
    with pytest.raises(KeyTaken):
        await store.put(KEY, b"other")
    with pytest.raises(ValueError, match="is no key"):
        await store.replace("../x", b"")


async def test_empty_folders_go_and_others_stay(store: Store) -> None:
    for key in ("ann/mira/1.png", "ann/opal/1.png", "ben/mira/1.png"):
        await store.put(key, b"x")
    await store.delete("ann/mira/1.png")
    await store.tidy("ann")
    assert await store.size("ann/opal/1.png") == 1
    await store.delete("ann/opal/1.png")
    await store.tidy("ann")
    await store.tidy("nobody")
    await store.put("ann/mira/2.png", b"x")
    assert sorted([key async for key, _ in store.list()]) == ["ann/mira/2.png", "ben/mira/1.png"]
