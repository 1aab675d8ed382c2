"""Somebody who has never seen the page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.page.browsing import Visits
from tests.page.scene import Darkroom

COUNTING = """
window.clicks = Number(sessionStorage.getItem("clicks") ?? 0);
addEventListener("pointerdown", () => sessionStorage.setItem("clicks", ++window.clicks), true);
"""
MOST_CLICKS = 2
"""To order, and to open the second picture: its seed is then in sight."""


def test_a_stranger_orders_four_and_finds_the_seed_of_the_second(
    darkroom: Darkroom, visit: Visits
) -> None:
    """Nothing has to be read: what they want to see is typed where the cursor invites to, the one
    button that stands out orders, the pictures develop before their eyes, and the second one,
    opened, has its seed beneath it."""
    page = visit(darkroom.url)
    page.evaluate(COUNTING)
    page.get_by_placeholder("on a beach at dusk").type("on a beach")
    page.get_by_role("button", name="Order 4 pictures").click()
    pictures = page.get_by_role("list", name="Pictures").get_by_role("button", name="done")
    expect(pictures).to_have_count(4)
    pictures.nth(1).click()
    large = page.get_by_role("dialog")
    batch = darkroom.get("/v1/batches")["data"][0]
    assert batch["prompt"] == "on a beach"
    expect(large.get_by_text(str(batch["images"][1]["seed"]), exact=True)).to_be_visible()
    assert clicks(page) == MOST_CLICKS


def test_what_was_ordered_last_is_still_in_the_fields(darkroom: Darkroom, visit: Visits) -> None:
    """Also after a reload, and what is under the fold is unfolded where something stands in it;
    Ctrl-Enter orders; a refusal stands at its field and nothing that was typed is lost."""
    page = visit(darkroom.url, expects=["status of 422"])
    page.get_by_role("radio", name="Old Tom").check()
    page.get_by_label("What").fill("with a pipe")
    page.get_by_text("Seed, size, steps, style").click()
    page.get_by_label("Seed").fill("41")
    page.get_by_label("Width").fill("7")
    page.get_by_label("Another number").fill("3")
    page.get_by_label("What").press("Control+Enter")
    width = page.get_by_label("Width")
    expect(width).to_have_attribute("aria-invalid", "true")
    width.fill("64")
    page.get_by_label("Height").fill("96")
    page.reload()
    expect(page.get_by_label("Seed")).to_have_value("41")
    page.get_by_label("What").press("Control+Enter")
    expect(page.get_by_role("heading", name="Old Tom")).to_be_visible()
    batch = darkroom.get("/v1/batches")["data"][0]
    assert batch["quantity"] == 3
    assert [image["seed"] for image in reversed(batch["images"])] == [41, 42, 43]
    assert batch["parameters"] == {"seed": 41, "width": 64, "height": 96}
    page.goto(darkroom.url)
    expect(page.get_by_label("What")).to_have_value("with a pipe")
    expect(page.get_by_label("Height")).to_have_value("96")


def test_an_order_says_how_long_it_will_take(darkroom: Darkroom, visit: Visits) -> None:
    """As soon as something was drawn, and before anything is ordered; the character has a face."""
    page = visit(darkroom.url)
    expect(page.get_by_text("how long is not known yet")).to_be_visible()
    darkroom.order(1, wait=60)
    page.reload()
    expect(page.get_by_text("ready in")).to_be_visible()
    expect(page.locator(".card", has_text="Ada Lumen").locator("img")).to_be_visible()


def clicks(page: Page) -> int:
    """How often a finger or a mouse went down."""
    made: int = page.evaluate("window.clicks")
    return made
