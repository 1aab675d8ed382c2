"""The four calls of the job engine that images rest on, as its real database answers them."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from safelight.database import engine
from safelight.database.connection import Database
from safelight.database.engine import Errand, Place

ME = uuid4()


def place(turn: int = 100, tries: int = 0, pool: str = "default", image: str = "") -> Place:
    return Place(image or str(uuid4()), pool, turn, tries)


async def test_the_line_is_in_order_of_turns(database: Database) -> None:
    places = [place(turn) for turn in (300, 100, 200)]
    async with database.transaction() as c:
        await engine.line_up(c, places)
    taken = []
    async with database.transaction() as c:
        while token := await engine.take(c, "default", ME):
            taken.append(token.image)
            await engine.finish(c, token)
    assert taken == [places[n].image for n in (1, 2, 0)]


async def test_enqueueing_belongs_to_our_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as c:
            await engine.line_up(c, [place()])
            raise RuntimeError
    async with database.transaction() as c:
        assert await engine.take(c, "default", ME) is None


async def test_a_token_that_was_taken_and_rolled_back_is_there_again(database: Database) -> None:
    there = place()
    async with database.transaction() as c:
        await engine.line_up(c, [there])
    with pytest.raises(RuntimeError):
        async with database.transaction() as c:
            assert await engine.take(c, "default", ME)
            raise RuntimeError
    async with database.transaction() as c:
        token = await engine.take(c, "default", ME)
    assert token is not None
    assert token.image == there.image


async def test_two_workers_never_take_the_same_token(database: Database) -> None:
    places = [place(turn) for turn in range(40)]
    async with database.transaction() as c:
        await engine.line_up(c, places)

    async def work() -> list[str]:
        taken: list[str] = []
        while True:
            async with database.transaction() as c:
                token = await engine.take(c, "default", uuid4())
                if token is None:
                    return taken
                await asyncio.sleep(0.001)
                await engine.finish(c, token)
                taken.append(token.image)

    found = [
        image for taken in await asyncio.gather(*(work() for _ in range(4))) for image in taken
    ]
    assert sorted(found) == sorted(p.image for p in places)


async def test_the_same_try_of_an_image_has_one_token_and_the_next_try_another(
    database: Database,
) -> None:
    there = place()
    again = place(image=there.image, tries=1)
    async with database.transaction() as c:
        await engine.line_up(c, [there])
        await engine.line_up(c, [there, there])
        await engine.line_up(c, [again])
        assert await c.fetchval("select count(*) from pgqueuer") == 2


async def test_who_steps_aside_lets_others_pass_and_keeps_his_turn(database: Database) -> None:
    first, second = place(100), place(200)
    async with database.transaction() as c:
        await engine.line_up(c, [first, second])
    async with database.transaction() as c:
        token = await engine.take(c, "default", ME)
        assert token is not None
        await engine.step_aside(c, token, 0.3)
    async with database.transaction() as c:
        token = await engine.take(c, "default", ME)
        assert token is not None
        assert token.image == second.image
        await engine.step_aside(c, token, 0.3)
    await asyncio.sleep(0.4)
    async with database.transaction() as c:
        token = await engine.take(c, "default", ME)
        assert token is not None
        assert token.image == first.image


async def test_pools_do_not_see_each_other(database: Database) -> None:
    async with database.transaction() as c:
        await engine.line_up(c, [place(pool="sdxl")])
    async with database.transaction() as c:
        assert await engine.take(c, "default", ME) is None
        assert await engine.take(c, "sdxl", ME)


async def test_nothing_notifies_inside_a_transaction(database: Database) -> None:
    heard: list[str] = []
    listening = await database.connect("listening")
    await listening.add_listener("ch_pgqueuer", lambda *a: heard.append(str(a)))
    async with database.transaction() as c:
        await engine.line_up(c, [place()])
    await asyncio.sleep(0.3)
    await listening.close()
    assert heard == []


@pytest.mark.parametrize("turn", [0, 1, 100, 2**31, 2**40])
def test_priorities_fit_an_int4_and_keep_the_order(turn: int) -> None:
    assert -(2**31) <= engine.priority(turn + 100) <= engine.priority(turn) <= 2**31 - 1


async def test_an_errand_is_taken_once_when_it_is_due(database: Database) -> None:
    """Errands of another kind, and those that are not due, are left alone."""
    now, later, other = (str(uuid4()) for _ in range(3))
    async with database.transaction() as c:
        await engine.send(c, [Errand("publish:a", now, 0), Errand("publish:a", later, 0, 0.3)])
        await engine.send(c, [Errand("publish:b", other, 0)])
        await engine.send(c, [])
    async with database.transaction() as c:
        assert await engine.take_errand(c, "publish:a", ME) == now
        assert await engine.take_errand(c, "publish:a", ME) is None
        assert await engine.take_errand(c, "publish:b", ME) == other
    taken = None
    while taken is None:
        await asyncio.sleep(0.05)
        async with database.transaction() as c:
            taken = await engine.take_errand(c, "publish:a", ME)
    assert taken == later


async def test_an_errand_whose_transaction_fails_is_there_again(database: Database) -> None:
    row = str(uuid4())
    async with database.transaction() as c:
        await engine.send(c, [Errand("report", row, 0)])
    with pytest.raises(RuntimeError):
        async with database.transaction() as c:
            assert await engine.take_errand(c, "report", ME) == row
            raise RuntimeError
    async with database.transaction() as c:
        assert await engine.take_errand(c, "report", ME) == row


async def test_a_row_has_one_token_for_each_nudge(database: Database) -> None:
    row = str(uuid4())
    async with database.transaction() as c:
        for nudge in (0, 0, 1, 1):
            await engine.send(c, [Errand("report", row, nudge)])
    async with database.transaction() as c:
        taken = [await engine.take_errand(c, "report", ME) for _ in range(3)]
    assert taken == [row, row, None]
