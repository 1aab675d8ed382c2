"""What will happen in a storm: all of it drawn from the seed, before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeVar

Card = TypeVar("Card")

BACKENDS: Final = 4
WORKERS: Final = 2
CUTS: Final = ("cut-stall", "cut-reset", "cut-refuse")
KILLS: Final = ("kill-api", "kill-worker", "kill-simulator", "kill-postgres")
FREEZES: Final = ("freeze-api", "freeze-worker", "freeze-simulator", "freeze-postgres")
KINDS: Final = (*KILLS, *FREEZES, *CUTS)
CARDS: Final = (*KINDS, *KILLS)  # kills come twice as often as the others

# Faults of the simulator, and how likely each is while it is on.
FAULTS: Final = {
    "drop-websocket": 0.6,
    "deaf-websocket": 0.6,
    "slow": 0.4,
    "lose-history": 0.6,
    "restart": 0.4,
    "oom": 0.3,
    "truncate": 0.5,
    "cached-duplicate": 0.5,
    "reject": 0.15,
    "refuse": 0.5,
}
# Faults that are left out, and why.
LEFT_OUT: Final = {
    "zombie": "a stuck backend is told from a slow one after longer than a storm lasts",
}
USERS: Final = ("ann", "ben", "cleo", "dan", "eve")
CHARACTERS: Final = ("mira", "opal-fever")
LONGEST_FREEZE: Final = 15.0  # s
LONGEST_STILLSTAND: Final = 5.0  # s; while PostgreSQL stands still, nothing else can be tried
LONGEST_CUT: Final = 8.0  # s; a stalled wire may deliver a POST so late, which the contract allows


@dataclass(frozen=True)
class Strike:
    """Something is killed, frozen or cut."""

    at: float  # s after the beginning
    kind: str
    target: int  # which one of its kind
    lasts: float  # s; of a kill: until the supervisor starts it again


@dataclass(frozen=True)
class Gust:
    """From now on one backend has these faults and no others."""

    at: float
    backend: int
    faults: dict[str, float]


@dataclass(frozen=True)
class Order:
    """One batch, and how its client behaves."""

    at: float
    key: str
    body: dict[str, object]
    waits: int  # Prefer: wait
    replays: int  # how often it is ordered again with the same key

    @property
    def quantity(self) -> int:
        """How many images."""
        quantity = self.body["quantity"]
        assert isinstance(quantity, int)
        return quantity


@dataclass(frozen=True)
class Plan:
    """One storm."""

    seed: int
    seconds: float
    strikes: list[Strike]
    gusts: list[Gust]
    orders: list[Order]


def make_plan(seed: int, seconds: float, images: int, strike_every: float) -> Plan:
    """The storm of this seed: the same numbers give the same storm."""
    return Plan(
        seed,
        seconds,
        list(_strikes(Random(f"{seed} strikes"), seconds, strike_every)),
        list(_gusts(Random(f"{seed} gusts"), seconds)),
        list(_orders(Random(f"{seed} orders"), seconds, images)),
    )


def _strikes(dice: Random, seconds: float, every: float) -> Iterator[Strike]:
    kinds = _deck(dice, CARDS)
    at = 1.0
    while at < seconds - 1:
        kind = next(kinds)
        lasts = dice.uniform(0.1, 2.5)
        if kind in FREEZES:
            longest = LONGEST_STILLSTAND if kind == "freeze-postgres" else LONGEST_FREEZE
            lasts = dice.uniform(1, longest)
        elif kind in CUTS:
            lasts = dice.uniform(0.5, LONGEST_CUT)
        yield Strike(at, kind, dice.randrange(BACKENDS * WORKERS), lasts)
        at += every * dice.uniform(0.8, 1.2)


def _gusts(dice: Random, seconds: float) -> Iterator[Gust]:
    """Every backend has one or two faults at a time; all of them come equally often."""
    names = _deck(dice, tuple(FAULTS))
    at = 0.5
    while at < seconds:
        backend = dice.randrange(BACKENDS)
        chosen = {next(names) for _ in range(dice.randint(1, 2))}
        yield Gust(at, backend, {name: FAULTS[name] for name in sorted(chosen)})
        at += dice.uniform(0.5, 1.5)


def _orders(dice: Random, seconds: float, images: int) -> Iterator[Order]:
    """Bursts of batches until a little before the storm is over."""
    left = images
    number = 0
    while left:
        quantity = min(left, dice.choice((1, 2, 2, 3, 4, 4, 6, 8)))
        body: dict[str, object] = {
            "user": dice.choice(USERS),
            "character": dice.choice(CHARACTERS),
            "prompt": dice.choice(("storm", "rain at sea", "a lamp in the dark")),
            "quantity": quantity,
            "width": dice.choice((64, 80, 96)),
            "height": dice.choice((64, 80, 96)),
        }
        if dice.random() < 0.3:
            body["seed"] = dice.randrange(10**9)
        at = (images - left) / images * 0.9 * seconds + dice.uniform(0, 3)
        key = f"storm-{number}-{dice.getrandbits(32):08x}"
        waits = dice.choice((0, 0, 5, 20))
        yield Order(at, key, body, waits, dice.choice((0, 1, 2)))
        left -= quantity
        number += 1


def _deck(dice: Random, cards: Sequence[Card]) -> Iterator[Card]:
    """All cards in some order, then all again in another."""
    while True:
        yield from dice.sample(cards, len(cards))
