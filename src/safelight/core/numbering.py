"""Numbers that never meet: the indices of a series and the seeds drawn for them."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from safelight.core.errors import Invalid

SEED_LIMIT: Final = 2**53  # JavaScript reads whole numbers exactly below it
INDEX_LIMIT: Final = 2**40
REDRAW_LIMIT: Final = SEED_LIMIT // INDEX_LIMIT

_HALF_BITS: Final = 27  # two halves make 2**54, the smallest even power of two that holds 2**53
_HALF_MASK: Final = 2**_HALF_BITS - 1
_ROUNDS: Final = 6


def reserve(highest: int, quantity: int) -> tuple[int, ...]:
    """The next indices of a series, highest first: `reserve(9, 4) == (13, 12, 11, 10)`.

    `highest` is the highest index ever reserved, 0 for a new series.
    """
    return tuple(range(highest + quantity, highest, -1))


def draw_seed(series_key: bytes, index: int, redraw: int = 0) -> int:
    """The seed of an image, 0 ≤ seed < 2**53; another one for each `redraw`.

    Within one series no two (index, redraw) get the same seed, and nobody needs to look at the
    seeds drawn before: the pair is numbered, and the number is permuted under the series' key. The
    permutation is a balanced Feistel network (Luby and Rackoff, "How to construct pseudorandom
    permutations from pseudorandom functions", 1988) of six rounds over 54 bits, applied again until
    it falls below 2**53 (cycle walking: Black and Rogaway, "Ciphers with arbitrary finite domains",
    2002), which takes two turns on average.

    `series_key` has at most 64 bytes. Raises `ValueError` outside 0 ≤ index < 2**40 and
    0 ≤ redraw < 2**13.
    """
    if not 0 <= index < INDEX_LIMIT or not 0 <= redraw < REDRAW_LIMIT:
        raise ValueError(f"index {index} or redraw {redraw} is out of range")
    number = _permuted(series_key, redraw * INDEX_LIMIT + index)
    while number >= SEED_LIMIT:
        number = _permuted(series_key, number)
    return number


def explicit_seeds(seed: int, quantity: int) -> tuple[int, ...]:
    """One seed per index, highest index first, so that the lowest index gets `seed` itself.

    Raises `Invalid` (`/seed`) outside 0 ≤ seed ≤ 2**53 - quantity.
    """
    largest = SEED_LIMIT - quantity
    if not 0 <= seed <= largest:
        detail = (
            f"a seed for {quantity} images lies between 0 and {largest}: the images take seed, "
            "seed + 1, …, and JSON carries whole numbers exactly only below 2^53"
        )
        raise Invalid(detail, pointer="/seed", code="bad-seed")
    return tuple(range(seed + quantity - 1, seed - 1, -1))


def _permuted(key: bytes, number: int) -> int:
    left, right = number >> _HALF_BITS, number & _HALF_MASK
    for turn in range(_ROUNDS):
        message = turn.to_bytes(1, "big") + right.to_bytes(4, "big")
        digest = blake2b(message, digest_size=4, key=key).digest()
        left, right = right, left ^ (int.from_bytes(digest, "big") & _HALF_MASK)
    return left << _HALF_BITS | right
