"""How a backend is, judged by what it does.

Nothing here asks or waits: what was seen is handed in, with the time it was seen at (seconds on the
loop's clock). A backend that answers may still be stuck: one prompt runs for ever, or its only
worker has died and the queue stands still. Both are told from a slow one by the time its own
renderings took.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from safelight.renderers.base import Silent, Vitals

READY: Final = "ready"
RESTING: Final = "resting"  # it answers, but is given nothing for a while
UNREACHABLE: Final = "unreachable"  # it does not answer
UNKNOWN: Final = "unknown"  # not asked yet, or in doubt

_REST_FIRST: Final = 0.25  # s, doubled with every trouble
_REST_MOST: Final = 8.0  # s
_SLOW_AT_MOST: Final = 10.0  # times its longest usual rendering
_STUCK_REST: Final = 30.0  # s after its queue moved again, doubled each time
_STUCK_REST_MOST: Final = 960.0  # s
_UNLEARNED: Final = 5.0  # times `zombie_after`: a first rendering also loads its models


class Health:
    """One backend's, as its worker believes it to be."""

    def __init__(self, zombie_after: float) -> None:
        self.state = UNKNOWN
        self.reason: str | None = None
        self.twin: str | None = None  # another name, under which this server is driven
        self._zombie_after = zombie_after  # s
        self._troubles = 0  # since a picture came
        self._rests_until = 0.0
        self._head: str | None = None  # of its queue
        self._sign_of_life = 0.0
        self._stuck: str | None = None  # the head of the queue that does not move
        self._stuck_until = 0.0  # so long it rests even if its queue moves
        self._stuck_times = 0  # since a picture came

    def answered(
        self, vitals: Vitals, ours: Collection[str], longest: float, now: float
    ) -> str | None:
        """It told what it holds. Returns a reason to give up on all of it, once, if it is stuck.

        Args:
            ours: prompt ids of our open attempts there; a stranger's prompt may take its time.
            longest: seconds its slowest workflow usually takes, 0 while none is learned.
        """
        held = (*vitals.running, *vitals.waiting)
        head = held[0] if held else None
        if head != self._head:
            self._head, self._sign_of_life, self._stuck = head, now, None
        quiet = now - self._sign_of_life
        if self._stuck is None and head in ours and quiet > self.patience(longest):
            self._stuck, self._stuck_until = head, now + self._stuck_rest()
            self.state, self.reason = RESTING, _complaint(vitals, quiet)
            return self.reason
        if self.twin is not None:
            self.state, self.reason = RESTING, f"the same server as {self.twin}"
        elif self._stuck is not None or now < max(self._rests_until, self._stuck_until):
            self.state, self.reason = RESTING, self.reason or "let us down"
        else:
            self.state, self.reason = READY, None
        return None

    def silent(self, silent: Silent) -> None:
        """It did not answer, or not as a render server does; what it held may be gone."""
        self.state = RESTING if silent.reached else UNREACHABLE
        self.reason = silent.reason
        self.looked_after()

    def same_as(self, twin: str | None) -> None:
        """It is driven under another name (None: no longer), so it rests under this one."""
        self.twin = twin
        self.doubted(f"the same server as {twin}" if twin else "driven under one name again")

    def looked_after(self) -> None:
        """It was away, or somebody vouches for it: a queue that stood still may move again."""
        self._head = self._stuck = None
        self._stuck_until = 0.0

    def alive(self, now: float) -> None:
        """A step was made, or a prompt ended."""
        self._sign_of_life = now

    def well(self) -> None:
        """A picture came."""
        self._troubles = self._stuck_times = 0

    def doubted(self, reason: str) -> None:
        """It takes nothing until it has been asked how it is."""
        self.state, self.reason = UNKNOWN, reason

    def let_down(self, reason: str, now: float) -> None:
        """In doubt, and not to be believed at once: a backend that answers probes but takes no
        prompt must not be asked for ever."""
        self.doubted(reason)
        self._rests_until = now + min(_REST_FIRST * 2**self._troubles, _REST_MOST)
        self._troubles += 1

    def rest_left(self, now: float) -> float:
        """Seconds it still rests after it let us down."""
        return max(0.0, max(self._rests_until, self._stuck_until) - now)

    def patience(self, longest: float) -> float:
        """Seconds without a sign of life after which it counts as stuck.

        Example:
            >>> Health(120).patience(0), Health(120).patience(4), Health(120).patience(30)
            (600.0, 120, 300.0)
        """
        if not longest:
            return _UNLEARNED * self._zombie_after
        return max(self._zombie_after, _SLOW_AT_MOST * longest)

    def _stuck_rest(self) -> float:
        self._stuck_times += 1
        return min(_STUCK_REST * 2.0 ** (self._stuck_times - 1), _STUCK_REST_MOST)


def _complaint(vitals: Vitals, quiet: float) -> str:
    what = "no progress" if vitals.running else "nothing runs though prompts wait,"
    return f"stuck: {what} for {quiet:.0f} s; restart it, or resume it if it is well"
