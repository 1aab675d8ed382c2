"""The seed in what ComfyUI writes into a picture. Every byte of a file is a stranger's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.inscription import seed_of
from tests.pictures.samples import chunk, png

QUICK = json.loads((Path(__file__).parents[1] / "workflows" / "quick.json").read_text())
PIXELS = chunk(b"IDAT", b"")


def graph(seed: object = 4711, node: str = "2") -> dict[str, Any]:
    """The small graph with another value for its seed."""
    copy: dict[str, Any] = json.loads(json.dumps(QUICK))
    copy[node]["inputs"]["seed"] = seed
    return copy


def text(value: object, keyword: bytes = b"prompt") -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + json.dumps(value).encode())


def test_the_seed_stands_in_the_graph() -> None:
    data = png(8, 8, text({"note": 1}, b"workflow"), text(graph()), PIXELS)
    assert seed_of(data) == 4711
    assert seed_of(png(8, 8, text(graph(2**64 - 1)), PIXELS)) == 2**64 - 1


def test_also_in_international_text() -> None:
    body = json.dumps(graph(12)).encode()
    data = png(8, 8, chunk(b"iTXt", b"prompt\0\0\0en\0Prompt\0" + body), PIXELS)
    assert seed_of(data) == 12


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (PIXELS,),
        (PIXELS, text(graph())),
        (chunk(b"tEXt", b"prompt"),),
        (chunk(b"tEXt", b"prompt\0"),),
        (chunk(b"tEXt", b"prompt\0{"),),
        (chunk(b"tEXt", b"prompt\0" + b"[" * 100_000),),
        (chunk(b"tEXt", b"prompt\0" + b"9" * 5_000),),
        (chunk(b"iTXt", b"prompt\0\1\0\0\0{}"),),
        (chunk(b"iTXt", b"prompt\0\0\0"),),
        (text([]),),
        (text({}),),
        (text({"1": {"class_type": "SaveImage"}}),),
        (text({"1": {"class_type": "SaveImage", "inputs": {}}}),),
        (text(graph("4711")),),
        (text(graph(True)),),
        (text(graph(-1)),),
        (text(graph(1.5)),),
        (chunk(b"tEXt", b"prompt\0" + b" " * 1_048_577),),
    ],
)
def test_without_a_graph_that_says_it_there_is_no_seed(chunks: tuple[bytes, ...]) -> None:
    assert seed_of(png(8, 8, *chunks)) is None


def test_what_is_no_png_has_none() -> None:
    assert seed_of(b"") is None
    assert seed_of(b"<html>" * 100) is None
    assert seed_of(b"\x89PNG\r\n\x1a\n" + b"\xff" * 40) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    seed_of(b"\x89PNG\r\n\x1a\n" + data)
    body = chunk(b"tEXt", b"prompt\0" + data)
    seed_of(png(8, 8, body))
