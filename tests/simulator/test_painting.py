"""The picture: recognisable, the same for the same graph, never the same for two seeds."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from safelight.simulator.painting import paint
from safelight.simulator.scene import Scene

seeds = st.integers(0, 2**64 - 1)
texts = st.text(max_size=40)
sides = st.integers(64, 160)


def scene(
    seed: int = 7, text: str = "a pirate captain", width: int = 64, height: int = 64
) -> Scene:
    return Scene(width, height).sampled(seed, text, "lowres")


def digest(scene: Scene, element: int = 0) -> str:
    return hashlib.sha256(paint(scene, element).tobytes()).hexdigest()


@settings(max_examples=30, deadline=None)
@given(seeds, texts, sides, sides)
def test_equal_scenes_give_equal_pixels(seed: int, text: str, width: int, height: int) -> None:
    picture = paint(scene(seed, text, width, height))
    assert picture.size == (width, height)
    assert picture.mode == "RGB"
    assert picture.tobytes() == paint(scene(seed, text, width, height)).tobytes()


@settings(max_examples=60, deadline=None)
@given(seeds, seeds, sides, sides)
def test_two_seeds_never_give_equal_pixels(one: int, other: int, width: int, height: int) -> None:
    same = digest(scene(one, width=width, height=height)) == digest(
        scene(other, width=width, height=height)
    )
    assert same == (one == other)


@pytest.mark.parametrize("width", [64, 65, 100, 127, 512])
@pytest.mark.parametrize("bit", [0, 1, 31, 62, 63])
def test_every_bit_of_the_seed_is_in_the_lowest_row(bit: int, width: int) -> None:
    """Not by the luck of a hash: one changed bit changes that row."""
    rows = []
    for seed in (5, 5 ^ (1 << bit)):
        picture = paint(scene(seed, width=width, height=96))
        rows.append(picture.crop((0, 95, width, 96)).tobytes())
    assert rows[0] != rows[1]


@pytest.mark.parametrize(
    "other",
    [
        scene(text="a quiet librarian"),
        scene(width=72),
        scene().sampled(7, "a pirate captain", "lowres"),
        replace(scene(), negative="other"),
        replace(scene(), color=1),
        replace(scene(), mixed=("strength 0.1",)),
        replace(scene(), digest="another file"),
        scene().blurred(2, 1.0),
        scene().scaled(80, 80),
    ],
)
def test_what_a_real_picture_depends_on_changes_it(other: Scene) -> None:
    assert digest(scene()) != digest(other)


def test_a_batch_begins_with_the_single_picture(tmp_path: Path) -> None:
    """Element 0 is the picture of the seed; the others are not those of the next seeds."""
    elements = [digest(scene(7), element) for element in range(4)]
    assert elements[0] == digest(replace(scene(7), batch=4))
    assert len({*elements, *(digest(scene(seed)) for seed in (8, 9, 10))}) == 7


def test_the_same_in_any_process() -> None:
    code = (
        "import hashlib; from safelight.simulator.scene import Scene;"
        "from safelight.simulator.painting import paint;"
        "s = Scene(200, 300).sampled(7, 'a pirate captain', 'lowres');"
        "print(hashlib.sha256(paint(s).tobytes()).hexdigest())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert printed == digest(scene(width=200, height=300))


def test_a_plain_sheet_and_a_loaded_file_are_shown_as_they_are(tmp_path: Path) -> None:
    assert paint(Scene(8, 8, color=0x336699)).getpixel((3, 3)) == (0x33, 0x66, 0x99)
    Image.new("RGBA", (5, 6), "#102030").save(tmp_path / "a.png")
    loaded = paint(Scene(5, 6, source=tmp_path / "a.png"))
    assert (loaded.size, loaded.getpixel((0, 0))) == ((5, 6), (16, 32, 48))


def test_touches_are_applied_in_order() -> None:
    touched = scene().scaled(32, 48).blurred(3, 1.0)
    assert touched.size == (32, 48)
    assert paint(touched).size == (32, 48)
    again = touched.sampled(9, "x", "")
    assert (again.size, again.touches) == ((32, 48), ())


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (64, 64), (95, 300), (40, 2000), (1024, 1536)])
@pytest.mark.parametrize("text", ["", "x" * 5000, "two words", "\ud800\x00\n", "漢字 ☂"])
def test_any_size_and_any_text_can_be_painted(size: tuple[int, int], text: str) -> None:
    assert paint(scene(text=text, width=size[0], height=size[1])).size == size


@pytest.mark.parametrize(("width", "height", "seconds"), [(64, 64, 0.003), (1024, 1536, 0.15)])
def test_painting_is_quick(width: int, height: int, seconds: float) -> None:
    """The best of a few, since other things run on the machine."""
    paint(scene(width=width, height=height))
    took = []
    for seed in range(8):
        start = time.perf_counter()
        paint(scene(seed, width=width, height=height))
        took.append(time.perf_counter() - start)
    assert min(took) < seconds
