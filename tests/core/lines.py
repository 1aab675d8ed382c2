"""A pool's line as the functions of `core.fairness` have it."""

from __future__ import annotations

from dataclasses import dataclass, field

from safelight.core.fairness import Fairness, clock, turns


@dataclass
class Line:
    """One pool as the functions under test have it."""

    fairness: Fairness
    waiting: list[tuple[int, int, str]] = field(default_factory=list)  # turn, arrival, user
    last: dict[str, int] = field(default_factory=dict)
    drawn: int = 0
    arrived: int = 0

    def now(self) -> int:
        given = max(self.last.values(), default=0)
        return clock(self.drawn, given, waiting=bool(self.waiting))

    def order(self, user: str, quantity: int) -> tuple[int, ...]:
        weight = self.fairness.weight(user)
        self.drawn = self.now()
        given = turns(self.last.get(user, 0), self.drawn, quantity, weight)
        for turn in given:
            self.waiting.append((turn, self.arrived, user))
            self.arrived += 1
        self.last[user] = given[-1]
        return given

    def draw(self, aside: frozenset[str] = frozenset()) -> str | None:
        """The first whose user is not held back by a cap."""
        able = [one for one in self.waiting if one[2] not in aside]
        if not able:
            return None
        first = min(able)
        self.waiting.remove(first)
        self.drawn = max(self.drawn, first[0])
        return first[2]

    def cancel(self, user: str) -> None:
        """The user's last one in line."""
        self.waiting.remove(max(one for one in self.waiting if one[2] == user))

    def put_back(self, turn: int, user: str) -> None:
        """Drawn in vain: again in line, with its turn."""
        self.waiting.append((turn, self.arrived, user))
        self.arrived += 1

    def waits(self, user: str) -> bool:
        return any(one[2] == user for one in self.waiting)
