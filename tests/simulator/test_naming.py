"""File names and counters as SaveImage gives them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from safelight.simulator.naming import OutsideOutputError, next_counter, place_for
from tests.simulator.asking import Client, files_of, quick

COUNTERS = [
    ([], "x", 1),
    (["x_00001_.png"], "x", 2),
    (["x_00001_.png", "x_00007_.png"], "x", 8),  # holes stay
    (["x_99999_.png"], "x", 100000),  # five digits grow to six
    (["x_00500_.txt"], "x", 501),  # foreign names count
    (["x_77"], "x", 78),
    (["x_42_00001_.png"], "x", 43),
    (["x_-5_"], "x", -4),
    (["x_abc_.png"], "x", 1),
    (["xy_00009_.png", "x00009_.png"], "x", 1),
    (["X_00009_.png"], "x", 1),
]


@pytest.mark.parametrize(("names", "stem", "counter"), COUNTERS)
def test_counter_follows_the_highest_number_in_the_folder(
    names: list[str], stem: str, counter: int
) -> None:
    assert next_counter(names, stem, stem) == counter


PREFIXES = [
    ("x", "", "x_00001_.png"),
    ("a/b/x", "a/b", "x_00001_.png"),
    ("a/../x", "", "x_00001_.png"),
    ("./x", "", "x_00001_.png"),
    ("%width%x%height%", "", "64x32_00001_.png"),
    ("x_%date:yyyy%", "", "x_%date:yyyy%_00001_.png"),
    ("%KSampler.seed%", "", "%KSampler.seed%_00001_.png"),
    ("a b\\c'\"*?<>|", "", "a b\\c'\"*?<>|_00001_.png"),
    ("", "", "._00001_.png"),
    ("sub/", "", "sub_00001_.png"),
    ("b%batch_num%", "", "b0_00001_.png"),
]


@pytest.mark.parametrize(("prefix", "subfolder", "name"), PREFIXES)
def test_prefix_becomes_a_subfolder_and_a_name(
    prefix: str, subfolder: str, name: str, tmp_path: Path
) -> None:
    place = place_for(prefix, tmp_path, 64, 32)
    assert (place.subfolder, place.name(0)) == (subfolder, name)
    assert place.folder.is_dir()


def test_dates_are_filled_in(tmp_path: Path) -> None:
    before = time.strftime("%Y-%m-%d")
    stem = place_for("%year%-%month%-%day% %hour%:%minute%:%second%", tmp_path, 1, 1).stem
    assert stem.split()[0] in (before, time.strftime("%Y-%m-%d"))
    assert [len(part) for part in stem.split()[1].split(":")] == [2, 2, 2]


@pytest.mark.parametrize("prefix", ["../x", "/tmp/x", "/", "a/../../x"])
def test_a_prefix_that_leaves_the_folder_is_refused(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(OutsideOutputError, match="not allowed"):
        place_for(prefix, tmp_path / "output", 1, 1)


def test_an_absolute_prefix_inside_works_and_is_told_absolutely(tmp_path: Path) -> None:
    place = place_for(f"{tmp_path}/in/x", tmp_path, 1, 1)
    assert place.subfolder == f"{tmp_path}/in"
    assert place.folder == tmp_path / "in"


@pytest.mark.parametrize("prefix", ["b%batch_num%", "sub/", ""])
async def test_some_prefixes_write_over_their_own_files(client: Client, prefix: str) -> None:
    """The counter never finds them, so each prompt takes the first name again."""
    first = await client.saved(quick(1, prefix=prefix))
    second = await client.saved(quick(2, prefix=prefix))
    assert first == second
    assert len(list(client.output.iterdir())) == 1


async def test_names_are_used_again_only_after_the_highest_is_gone(client: Client) -> None:
    one, two, three = [(await client.saved(quick(seed)))[0] for seed in (1, 2, 3)]
    assert [path.name for path in (one, two, three)] == [f"t_0000{n}_.png" for n in (1, 2, 3)]
    three.unlink()
    assert (await client.saved(quick(4)))[0] == three
    one.unlink()
    assert (await client.saved(quick(5)))[0].name == "t_00004_.png"


BAD_AT_RUN_TIME = ["../x", "/tmp/x", "a\0b", "\ud800", "n" * 250]


@pytest.mark.parametrize("prefix", BAD_AT_RUN_TIME)
async def test_names_that_cannot_be_written_fail_when_they_are(client: Client, prefix: str) -> None:
    entry = await client.run(quick(prefix=prefix))
    event, told = entry["status"]["messages"][-1]
    assert event == "execution_error"
    assert told["node_type"] == "SaveImage"
    assert told["executed"] == ["1", "2"]
    assert files_of(entry) == []


async def test_escaping_names_the_reason(client: Client) -> None:
    entry = await client.run(quick(prefix="../x"))
    told = entry["status"]["messages"][-1][1]
    assert told["exception_type"] == "Exception"
    assert "Saving image outside the output folder is not allowed." in told["exception_message"]
