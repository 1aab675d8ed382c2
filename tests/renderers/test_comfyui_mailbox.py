"""The box between the websocket and its listener."""

from __future__ import annotations

from safelight.renderers.base import Connected, Disconnected, Ended, Hint, Progress
from safelight.renderers.comfyui_mailbox import Mailbox

JPEG = b"\xff\xd8\xff picture"


async def in_order(*hints: Hint) -> list[Hint]:
    box = Mailbox()
    for hint in hints:
        assert box.put(hint)
    box.finish()
    taken: list[Hint] = []
    while (hint_or_none := await box.take()) is not None:
        taken.append(hint_or_none)
    return taken


async def test_the_mailbox_keeps_the_latest_progress_with_its_picture() -> None:
    assert await in_order(
        Progress("a", 1, 9, JPEG), Progress("b", 5, 9), Progress("a", 2, 9), Ended("a"), Ended("a")
    ) == [Progress("a", 2, 9, JPEG), Progress("b", 5, 9), Ended("a")]


async def test_the_mailbox_keeps_the_last_word_of_an_outage() -> None:
    assert await in_order(
        Connected(), Disconnected("1"), Ended("a"), Connected(), Disconnected("2"), Connected()
    ) == [Ended("a"), Disconnected("2"), Connected()]
