"""Taking over pictures that were there before: which to look for, which to take, what came of it.

The numbers of the old names stay. A number is worth more than a picture: what cannot be taken
leaves a hole, and a number that somebody has is never given to another picture.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, TypeAlias, TypeVar
from uuid import UUID, uuid5

from safelight.core.naming import NameTemplate

LARGEST: Final = 10**11  # index that is believed; a number made of the clock is larger
FARTHEST: Final = 1_000_000  # number up to which an index file alone makes us look
TOGETHER: Final = 64  # images of one batch
GAP: Final = 1_000  # missing in a row: nothing is looked for behind them
_WIDEST_GAP: Final = 10_000
_FIRST_BLOCK: Final = 200
_LARGEST_BLOCK: Final = 5_000
_NAMESPACE: Final = UUID("7e1a5f5c-2f0e-4c55-9d0c-8f6c0a3b9f11")

Means: TypeAlias = Literal["last", "next"]  # what the number in an index file is
T = TypeVar("T")

# Why a picture is not taken, beside the reasons of `pictures.BadPicture`.
TAKEN: Final = "index-taken"
TOO_LARGE: Final = "index-too-large"
TWICE: Final = "index-twice"
UNREADABLE: Final = "unreadable"
KEY_TAKEN: Final = "key-taken"
CUT_SHORT: Final = "truncated"


@dataclass(frozen=True, slots=True)
class Names:
    """What the pictures of one series were called."""

    template: NameTemplate
    user: str
    character: str

    def spellings(self, index: int) -> tuple[str, ...]:
        """Every name of this index, the likeliest first."""
        return self.template.spellings(self.user, self.character, index)

    def index_of(self, name: str) -> int | None:
        """The index in a name, None for a stranger's."""
        return self.template.index_of(name, self.user, self.character)

    def attempt(self, index: int) -> str:
        """What stands for the attempt that drew an adopted picture: the same in every run, so
        that what was taken once is known again, and has one key in the store."""
        return str(uuid5(_NAMESPACE, f"{self.user}/{self.character}/{index}"))


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is called like a picture of the series."""

    index: int
    name: str
    size: int | None  # bytes; None: nobody says


@dataclass(frozen=True, slots=True)
class Known:
    """An image that has an index of the series already."""

    attempt: str | None  # prompt id
    bytes: int | None
    pixels: str | None  # hash, of a stored one
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A file that is not taken."""

    index: int
    name: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """What is to be done with what was found."""

    fresh: tuple[Found, ...]  # to be taken, lowest index first
    already: tuple[int, ...]  # taken by an earlier run
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What there was, and what came of it, or would."""

    applied: bool
    checked: bool  # every picture was read; else only looked at
    found: int
    highest: int  # of the names, 0: none
    missing: tuple[tuple[int, int], ...]  # ranges without a file below the highest
    index_file: int | None  # the last number given out, as the old file says
    goes_on_after: int  # the series, or would
    adopted: tuple[int, ...]  # now, or would be
    already: int
    seed_unknown: int  # of those adopted now
    twins: tuple[tuple[int, ...], ...]  # indices that show the same picture; all are kept
    left: tuple[Left, ...]

    @property
    def complete(self) -> bool:
        """Nothing was left behind, and there was something."""
        return not self.left and bool(self.found or self.index_file is not None)

    @property
    def missing_count(self) -> int:
        """How many numbers below the highest have no file."""
        return sum(last - first + 1 for first, last in self.missing)

    @property
    def disagreement(self) -> str | None:
        """What to tell where index file and names say different things."""
        if self.index_file is None or self.index_file == self.highest:
            return None
        return (
            f"the index file says that {self.index_file} was given out last, the highest picture "
            f"is {self.highest}: the higher one counts"
        )


def next_block(looked: int, highest: int, known: int) -> range:
    """Which numbers to look for next where names cannot be listed; empty: that is enough.

    `looked` is up to where was looked, `highest` the highest found so far, `known` a number that
    was given out according to somebody. Looks to `known`, and then until a thousand in a row, or
    as many as there are up to the highest, ten thousand at most, are missing.

    Example:
        >>> next_block(0, 0, 0), next_block(1200, 1100, 0), next_block(1000, 0, 0)
        (range(1, 201), range(1201, 2201), range(1001, 1001))
    """
    end = max(min(known, FARTHEST), highest + max(GAP, min(highest, _WIDEST_GAP)))
    many = min(max(looked, _FIRST_BLOCK), _LARGEST_BLOCK)
    return range(looked + 1, max(looked, min(looked + many, end)) + 1)


def read_index(data: bytes, means: Means) -> int:
    """The last number given out, as an index file says. Raises ValueError for anything else."""
    text = data.decode("utf-8-sig", errors="replace").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LARGEST)):
        raise ValueError("it does not hold a number, or one that cannot be an index")
    number = int(text)
    if number > LARGEST:
        raise ValueError("its number is too large to be an index")
    return max(number - 1, 0) if means == "next" else number


def sort(found: Iterable[Found], known: Mapping[int, Known], names: Names) -> Sorted:
    """Tell what is new from what was taken before and from what cannot be taken."""
    fresh, already, left = [], [], []
    in_order = sorted(found, key=lambda one: (one.index, _place(names, one)))
    for index, files in groupby(in_order, key=lambda one: one.index):
        first, *others = files
        left += [
            Left(index, one.name, TWICE, f"{first.name} has the same number") for one in others
        ]
        holder = known.get(index)
        if index > LARGEST:
            left.append(Left(index, first.name, TOO_LARGE, "no index is as large as that"))
        elif holder is None:
            fresh.append(first)
        elif _same(holder, first, names.attempt(index)):
            already.append(index)
        else:
            detail = f"another image of the series has the number {index}"
            left.append(Left(index, first.name, TAKEN, detail))
    return Sorted(tuple(fresh), tuple(already), tuple(left))


def _place(names: Names, one: Found) -> int:
    spellings = names.spellings(one.index)
    return spellings.index(one.name)


def _same(holder: Known, file: Found, attempt: str) -> bool:
    if holder.attempt != attempt:
        return False
    # What was deleted here stays deleted, whatever lies there.
    return holder.deleted or file.size is None or file.size == holder.bytes


def gaps(indices: Collection[int]) -> tuple[tuple[int, int], ...]:
    """The ranges from 1 to the highest that are not among them.

    Example:
        >>> gaps([2, 3, 7])
        ((1, 1), (4, 6))
    """
    missing = []
    before = 0
    for index in sorted(indices):
        if index > before + 1:
            missing.append((before + 1, index - 1))
        before = index
    return tuple(missing)


def twins(pixels: Mapping[int, str]) -> tuple[tuple[int, ...], ...]:
    """Indices that show the same picture, each group once, lowest first."""
    groups: dict[str, list[int]] = {}
    for index in sorted(pixels):
        groups.setdefault(pixels[index], []).append(index)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def apart(items: Iterable[T], pixels: Callable[[T], str], most: int) -> list[list[T]]:
    """The items in batches of at most `most`, none of which shows the same picture twice: a
    batch promises that. Twins go to batches of their own."""
    batches: list[tuple[set[str], list[T]]] = []
    for item in items:
        shown = pixels(item)
        for seen, batch in batches:
            if shown not in seen and len(batch) < most:
                break
        else:
            seen, batch = set(), []
            batches.append((seen, batch))
        seen.add(shown)
        batch.append(item)
    return [batch for _, batch in batches]


def goes_on_after(found: Sequence[Found], index_file: int | None, highest: int) -> int:
    """The highest number that must not be given out again: of the names, of the index file, and
    of the series as it is. A number too large to be an index does not count."""
    numbers = [one.index for one in found if one.index <= LARGEST]
    return max([highest, index_file or 0, *numbers])
