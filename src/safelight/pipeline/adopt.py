"""adopt: pictures that were there before → images under their old numbers, stored like any other.

Nobody drew them here, so there is no attempt; what stands in its place is made of the number, the
same in every run. So a run that was killed goes on where it was: what has a row is known again, and
what only lies in the store is written there once more under the same key.

A batch holds no picture twice. Twins among the old files keep their numbers all the same; they are
told, and lie in batches of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import uuid4

from safelight.core import adopting
from safelight.core.adopting import Found, Left, Names, Report
from safelight.core.inscription import seed_of
from safelight.core.naming import store_key
from safelight.core.numbering import SEED_LIMIT
from safelight.core.records import Plan
from safelight.database import adopted
from safelight.database.adopted import Adopted
from safelight.database.connection import Database
from safelight.pictures import BadPicture, Picture, inspect
from safelight.pipeline.proving import taken
from safelight.renderers.base import Fetched, Unfetched
from safelight.renderers.outputs import Output, together
from safelight.store import KeyTaken, Store

# What is being done, how much of it is done, and of how much (None: nobody knows).
Progress: TypeAlias = Callable[[str, int, int | None], None]

_READERS: Final = 4  # pictures in memory at the same time
_DECODERS: Final = 2
# Nothing is drawn any more, so graph and slots are empty. Publishers: see `adopted.insert`.
_PLAN: Final = Plan(pool="default", workflow="adopted", graph="", slots={}, values={})


@dataclass(frozen=True, slots=True)
class Takeover:
    """What is to be taken over, and how."""

    names: Names
    index_file: int | None  # the last number given out, as the old file says
    apply: bool  # else nothing is changed
    check: bool  # read every picture also where nothing is changed
    max_file: int  # bytes
    max_pixels: int
    publishers: Sequence[str] = ()  # who gets copies of what is adopted


@dataclass(frozen=True, slots=True)
class _Whole:
    """A picture that is whole."""

    found: Found
    picture: Picture
    seed: int | None


class Adopter:
    """Takes pictures from one output folder over into one series."""

    def __init__(
        self, wish: Takeover, output: Output, database: Database, store: Store | None
    ) -> None:
        """Without `apply` no store is needed."""
        self._wish = wish
        self._names = wish.names
        self._output = output
        self._database = database
        self._store = store
        self._readers = asyncio.Semaphore(_READERS)
        self._decoders = asyncio.Semaphore(_DECODERS)
        self._left: list[Left] = []
        self._kept: list[_Whole] = []
        self._done: list[int] = []
        self._already = 0

    async def run(self, progress: Progress) -> Report:
        """Look, and with `apply` take.

        Raises:
            OutputAway: the folder cannot be read any more.
            StoreError, DatabaseAway: what was done until then stays done.
        """
        found = await self._find(progress)
        user, character = self._names.user, self._names.character
        known = await adopted.known(self._database, user, character)
        order = adopting.sort(found, known, self._names)
        self._left += order.left
        highest = await adopted.highest(self._database, user, character)
        after = adopting.goes_on_after(found, self._wish.index_file, highest)
        if self._wish.apply and after > highest:
            # Before anything else: what is ordered meanwhile goes on above.
            async with self._database.transaction() as c:
                await adopted.go_on_after(c, user, character, after)
        for at in range(0, len(order.fresh), adopting.TOGETHER):
            progress("pictures", at, len(order.fresh))
            await self._take(order.fresh[at : at + adopting.TOGETHER])
        progress("pictures", len(order.fresh), len(order.fresh))
        pixels = {index: known[index].pixels or "" for index in order.already}
        pixels |= {one.found.index: one.picture.pixels_sha256 for one in self._kept}
        return self._report(found, order, after, pixels)

    async def _find(self, progress: Progress) -> list[Found]:
        found: list[Found] = []
        async for looked in self._output.pictures(self._names, self._wish.index_file or 0):
            found += looked.found
            progress("looking", looked.many, None)
        return found

    async def _take(self, some: Sequence[Found]) -> None:
        if not self._wish.apply and not self._wish.check:
            await together(self._glance(one) for one in some)
            return
        read = await together(self._read(one) for one in some)
        whole = [one for one in read if one]
        for batch in adopting.apart(whole, lambda one: one.picture.pixels_sha256, len(some)):
            taken_now = await self._insert(batch) if self._wish.apply else batch
            self._kept += taken_now
            self._done += [one.found.index for one in taken_now]

    async def _glance(self, one: Found) -> None:
        """Without reading it."""
        if one.size == 0 or await self._output.ends_well(one.name) is False:
            self._leave(one, adopting.CUT_SHORT, "it does not end as a PNG does")
        else:
            self._done.append(one.index)

    async def _read(self, one: Found) -> _Whole | None:
        async with self._readers:
            match await self._output.fetch(one.name, self._wish.max_file):
                case Unfetched(reason):
                    self._leave(one, adopting.UNREADABLE, reason)
                    return None
                case Fetched(data):
                    pass
            try:
                whole = await self._inspect(one, data)
            except BadPicture as bad:
                self._leave(one, bad.reason, bad.detail)
                return None
            return whole if await self._keep(one, data) else None

    async def _inspect(self, one: Found, data: bytes) -> _Whole:
        looking = partial(
            inspect, data, max_pixels=self._wish.max_pixels, max_bytes=self._wish.max_file
        )
        async with self._decoders:
            picture = await asyncio.to_thread(looking)
            if picture.content_type != "image/png":
                raise BadPicture("not-a-png", f"It is {picture.content_type}, not a PNG.")
            return _Whole(one, picture, await asyncio.to_thread(seed_of, data))

    async def _keep(self, one: Found, data: bytes) -> bool:
        if self._store is None:
            return True
        try:
            await self._store.put(self._key(one.index), data, same_ok=True)
        except KeyTaken as there:
            detail = f"the store has another picture there, of a run that was cut short: {there}"
            self._leave(one, adopting.KEY_TAKEN, detail)
            return False
        return True

    async def _insert(self, batch: Sequence[_Whole]) -> Sequence[_Whole]:
        """The rows; those that became images now."""
        user, character = self._names.user, self._names.character
        indices = [one.found.index for one in batch]
        async with self._database.transaction() as c:
            # Whoever gives out numbers of this series, or takes others over, waits for this row.
            await adopted.go_on_after(c, user, character, max(indices))
            known = await adopted.known_among(c, user, character, indices)
            order = adopting.sort([one.found for one in batch], known, self._names)
            fresh = {one.index for one in order.fresh}
            rest = [one for one in batch if one.found.index in fresh]
            if rest:
                await adopted.insert(
                    c,
                    str(uuid4()),
                    user,
                    character,
                    _PLAN,
                    {"adopted": self._told(rest)},
                    [self._image(one) for one in rest],
                    self._wish.publishers,
                )
        self._left += order.left
        self._already += len(order.already)
        return rest

    def _told(self, batch: Sequence[_Whole]) -> dict[str, Any]:
        """What the batch says of itself: file names by index, and seeds that are not numbers of
        ours: unknown, or too large for JSON."""
        large = {one.found.index: str(one.seed) for one in batch if (one.seed or 0) >= SEED_LIMIT}
        return {
            "from": self._output.kind,
            "names": {str(one.found.index): one.found.name for one in batch},
            "seed_unknown": sorted(one.found.index for one in batch if one.seed is None),
            "large_seeds": {str(index): seed for index, seed in sorted(large.items())},
        }

    def _image(self, one: _Whole) -> Adopted:
        index = one.found.index
        seed = one.seed if one.seed is not None and one.seed < SEED_LIMIT else 0
        file = taken(self._key(index), one.picture).file
        return Adopted(str(uuid4()), index, seed, self._names.attempt(index), file)

    def _key(self, index: int) -> str:
        names = self._names
        return store_key(names.user, names.character, index, names.attempt(index))

    def _leave(self, one: Found, code: str, detail: str) -> None:
        self._left.append(Left(one.index, one.name, code, detail))

    def _report(
        self, found: Sequence[Found], order: adopting.Sorted, after: int, pixels: dict[int, str]
    ) -> Report:
        indices = {one.index for one in found if one.index <= adopting.LARGEST}
        return Report(
            applied=self._wish.apply,
            checked=self._wish.apply or self._wish.check,
            found=len(found),
            highest=max(indices, default=0),
            missing=adopting.gaps(indices),
            index_file=self._wish.index_file,
            goes_on_after=after,
            adopted=tuple(sorted(self._done)),
            already=len(order.already) + self._already,
            seed_unknown=sum(one.seed is None for one in self._kept),
            twins=adopting.twins({index: one for index, one in pixels.items() if one}),
            left=tuple(sorted(self._left, key=lambda one: (one.index, one.name))),
        )
