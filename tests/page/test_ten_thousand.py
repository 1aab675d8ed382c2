"""A sheet of ten thousand pictures: what the browser holds of it does not grow."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import asyncpg
from playwright.sync_api import CDPSession, Page, Request, expect

from tests.page.browsing import Visits
from tests.page.many import fill
from tests.page.scene import Darkroom
from tests.page.test_sheet import expect_marked, frame

MANY: Final = 10_000
NODES: Final = 900
GROWTH: Final = 2_000_000  # bytes of the heap, from one pass to the next
# Two windows a step, to the other end; the most elements there were on the way.
_THROUGH: Final = """
async (down) => {
  let most = 0;
  const end = () => down ? scrollY + innerHeight >= document.documentElement.scrollHeight - 1
                         : scrollY === 0;
  while (!end()) {
    scrollBy({ top: (down ? 2 : -2) * innerHeight, behavior: "instant" });
    await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
    most = Math.max(most, document.querySelectorAll("*").length);
  }
  return most;
}
"""


def filled(darkroom: Darkroom, then: str = "select 1") -> None:
    """`then` is a statement of SQL."""
    image = darkroom.order(1, wait=60)["images"][0]["id"]

    async def filling() -> None:
        connection = await asyncpg.connect(darkroom.processes.database_url)
        await fill(connection, "bea", "ada", MANY, image)
        await connection.execute(then)
        await connection.close()

    asyncio.run(filling())


def held(browser: CDPSession) -> dict[str, Any]:
    """What is left on the page's heap when all that nobody needs is gone."""
    browser.send("HeapProfiler.collectGarbage")
    browser.send("HeapProfiler.collectGarbage")
    counters = browser.send("Memory.getDOMCounters")
    return {"bytes": browser.send("Runtime.getHeapUsage")["usedSize"], "nodes": counters["nodes"]}


def there(page: Page, index: int) -> None:
    """This picture is in view and shown."""
    expect(frame(page, index)).to_be_in_viewport()
    expect(frame(page, index).locator(".picture.ready")).to_have_count(1)


def test_ten_thousand_pictures_are_scrolled_through(darkroom: Darkroom, visit: Visits) -> None:
    """The height is right at once. All the way down and up again, twice, there are never more than
    some hundred elements, nothing is asked for that is only rushed past, and the second time leaves
    no more behind than the first. Any number is one step away; leafing on asks for each once."""
    filled(darkroom)
    asked: list[str] = []

    def noted(request: Request) -> None:
        if "/v1/series/bea/ada/images?" in request.url:
            asked.append(request.url)

    page = visit(darkroom.url)
    page.on("request", noted)
    page.goto(f"{darkroom.url}/series/bea/ada")
    there(page, MANY)
    grid = page.get_by_role("grid")
    columns = int(grid.get_attribute("aria-colcount") or 0)
    rows = int(grid.get_attribute("aria-rowcount") or 0)
    assert rows == -(-MANY // columns)
    row, box = page.locator(".grid .line").first.bounding_box(), grid.bounding_box()
    assert row
    assert box
    assert abs(box["height"] - rows * row["height"]) < 10
    assert len(asked) <= 2
    browser = page.context.new_cdp_session(page)
    passes = []
    for _ in range(2):
        for down, last in ((True, 1), (False, MANY)):
            assert page.evaluate(_THROUGH, down) <= NODES
            there(page, last)
        passes.append(held(browser))
    first, second = passes
    assert second["bytes"] - first["bytes"] < GROWTH, passes
    assert second["nodes"] - first["nodes"] < NODES, passes
    # Ends and what a busy machine let be seen on the way: far from the 167 answers of 60 a pass.
    assert len(asked) < 100, len(asked)
    asked.clear()
    page.get_by_label("Go to number").fill("4321")
    page.keyboard.press("Enter")
    there(page, 4321)
    expect(frame(page, 4321)).to_be_focused()
    # Leafing on screen by screen asks for each picture once.
    for _ in range(10):
        page.keyboard.press("PageDown")
        expect(page.locator(".grid .shot:focus .picture.ready")).to_have_count(1)
    leafed = 4321 - int(page.locator(".grid .shot:focus").get_attribute("data-index") or 0)
    assert leafed > 9 * columns
    assert len(asked) <= leafed / 20 + 4


def test_very_many_are_marked_at_once(darkroom: Darkroom, visit: Visits) -> None:
    """All, or all but two, are a short address. Every second one is too long for any: it is said,
    and all can be had instead. What is done to each one by one has an end as well."""
    filled(darkroom, "update images set starred_at = now() where user_id = 'bea' and index % 2 = 0")
    page = visit(f"{darkroom.url}/series/bea/ada")
    there(page, MANY)
    page.get_by_role("grid").locator(".shot").first.focus()
    page.keyboard.press("Control+a")
    expect(page.get_by_role("toolbar")).to_contain_text("10,000 frames marked")
    link = page.get_by_role("link", name="Download")
    expect(link).to_have_attribute("href", f"{darkroom.url}/v1/series/bea/ada/download.zip")
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    there(page, MANY)
    page.keyboard.press("Space")
    page.keyboard.press("End")
    expect(frame(page, 1)).to_be_focused()
    frame(page, 2).click(modifiers=["Shift"])
    expect(page.get_by_role("toolbar")).to_contain_text("9,999 frames marked")
    frame(page, 2).click(modifiers=["Control"])
    expect(page.get_by_role("toolbar")).to_contain_text("9,998 frames marked")
    expect(link).to_have_attribute(
        "href", f"{darkroom.url}/v1/series/bea/ada/download.zip?indices=10000-3"
    )
    page.get_by_role("checkbox", name="starred").check()
    expect(page.locator(".grid .rebate .number").nth(1)).to_have_text("9998")
    page.keyboard.press("Control+a")
    expect(page.get_by_role("toolbar")).to_contain_text("5,000 frames marked")
    expect(page.get_by_role("toolbar")).to_contain_text("Too many for one download")
    expect(page.get_by_role("link", name="Download all 10,000")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    messages = page.get_by_role("region", name="Messages").get_by_role("listitem")
    expect(messages).to_have_text([re.compile("mark at most 1,000")])
    page.keyboard.press("Escape")
    frame(page, MANY).click(modifiers=["Control"])
    expect_marked(page, MANY)
