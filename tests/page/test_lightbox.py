"""One picture, large."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.page.browsing import Visits
from tests.page.scene import Darkroom

SCALE = """new DOMMatrix(
  getComputedStyle(document.querySelector('.stage img:last-of-type')).transform).a"""
LEAFING = (
    *(("ArrowRight", 3), ("ArrowRight", 2), ("ArrowLeft", 3), ("End", 1), ("ArrowRight", 1)),
    ("Home", 4),
)
COPIED = "(seed) => navigator.clipboard.readText().then((text) => text === String(seed))"


def test_the_keyboard_alone_leads_through_all_pictures(darkroom: Darkroom, visit: Visits) -> None:
    """Arrows, Home and End leaf, plus and minus enlarge, I tells how it came to be, S copies the
    seed, the point stars, M fills the order as it was; Esc goes back to the frame one came from.
    The address names the picture, so that it can be sent to somebody, and a reload stays there."""
    batch = darkroom.order(4, wait=60, seed=70)
    images = {image["index"]: image for image in batch["images"]}
    page = visit(f"{darkroom.url}/batches/{batch['id']}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    first = page.locator(".frame button.shot").first
    first.focus()
    page.keyboard.press("Enter")
    shown = page.get_by_role("dialog").locator(".caption .number")
    expect(shown).to_have_text("4")
    for key, index in LEAFING:
        page.keyboard.press(key)
        expect(shown).to_have_text(str(index))
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/batches/{batch['id']}#3")
    page.reload()
    expect(shown).to_have_text("3")
    page.keyboard.press("+")
    page.wait_for_function(f"{SCALE} > 1.4")
    page.keyboard.press("0")
    page.wait_for_function(f"{SCALE} === 1")
    page.keyboard.press("i")
    story = page.get_by_role("complementary", name="How it came to be")
    told = darkroom.get(f"/v1/images/{images[3]['id']}")
    for known in ("prompt_id", "sha256", "pixels_sha256", "backend", "batch"):
        expect(story).to_contain_text(told[known])
    page.keyboard.press("s")
    page.wait_for_function(COPIED, arg=images[3]["seed"])
    page.keyboard.press(".")
    expect(page.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    assert darkroom.get(f"/v1/images/{images[3]['id']}")["starred_at"]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".frame[data-index='3']").get_by_text("starred")).to_have_count(1)
    page.locator(".frame button.shot").nth(2).press("Enter")
    expect(shown).to_have_text("2")
    page.keyboard.press("Escape")
    expect(page.locator(".frame button.shot").nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(shown).to_have_text("2")
    page.keyboard.press("m")
    expect(page.get_by_label("Seed")).to_have_value("")
    expect(page.get_by_label("What")).to_have_value("by the window")
    expect(page.get_by_role("button", name="Order 4 pictures")).to_be_visible()


def test_a_deleted_picture_can_be_taken_back_for_a_moment(
    darkroom: Darkroom, visit: Visits
) -> None:
    """Undo in time and nothing has happened; without it the file is gone and its number stays."""
    batch = darkroom.order(2, wait=60)
    second = batch["images"][0]
    page = visit(f"{darkroom.url}/batches/{batch['id']}")
    page.locator("button.shot").first.click()
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Undo").click()
    page.keyboard.press("Escape")
    expect(page.locator("button.shot")).to_have_count(2)
    assert darkroom.get(f"/v1/images/{second['id']}")["deleted_at"] is None
    page.locator("button.shot").first.click()
    page.keyboard.press("Delete")
    expect(page.get_by_role("dialog").locator(".caption .number")).to_have_text("1")
    page.get_by_role("button", name="Close this message").last.click()
    expect(page.locator(".frame.hole")).to_have_count(1)
    assert darkroom.get(f"/v1/images/{second['id']}")["deleted_at"]


def test_a_finger_leafs_and_two_enlarge(darkroom: Darkroom, visit: Visits) -> None:
    """A swipe turns to the next, on a phone, where there are no arrows."""
    batch = darkroom.order(2, wait=60)
    page = visit(f"{darkroom.url}/batches/{batch['id']}#2", width=390, height=800, touch=True)
    shown = page.get_by_role("dialog").locator(".caption .number")
    expect(shown).to_have_text("2")
    swipe(page, 300, 80)
    expect(shown).to_have_text("1")
    swipe(page, 80, 300)
    expect(shown).to_have_text("2")
    assert re.search(r"#2$", page.url)


def swipe(page: Page, start: int, end: int) -> None:
    """One finger from here to there, as the browser itself hears it."""
    touch = page.context.new_cdp_session(page)
    steps = [start + (end - start) * step // 5 for step in range(6)]
    moves = [("touchMove", step) for step in steps]
    for kind, x in [("touchStart", start), *moves, ("touchEnd", end)]:
        points = [] if kind == "touchEnd" else [{"x": x, "y": 400}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
