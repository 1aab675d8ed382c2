"""Everybody can use the page: in the dark and by day, on a phone, enlarged, by ear."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.browsing import Visits, picture, violations
from tests.page.scene import Darkroom

NARROW = """document.documentElement.scrollWidth <= document.documentElement.clientWidth"""
SMALL = """[...document.querySelectorAll("button, a.button, input:not([type=radio])")]
  .filter((one) => one.offsetParent && !one.closest(".unseen"))
  .map((one) => one.closest("label") ?? one)
  .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([html]) => html)"""


def places(darkroom: Darkroom) -> dict[str, str]:
    """Every view by its name, with something to see in it, and what is there when it has come."""
    batch = darkroom.order(4, wait=60)
    large = f"/batches/{batch['id']}#{batch['images'][1]['index']}"
    return {
        "/": ".strip .cell img",
        f"/batches/{batch['id']}": ".frame.stored img",
        large: ".stage img",
        "/queue": "h1, h2",
        "/series": "main a img",
        "/series/ann/ada": "main img",
        "/fleet": "text=b1",
        "/characters": "text=Old Tom",
        "/characters/ada": "text=Ada Lumen",
        "/workflows": "text=quick",
        "/workflows/quick": "svg",
    }


def endless(darkroom: Darkroom) -> dict[str, str]:
    """Views of a character with the longest name there may be, drawn with the longest prompt."""
    body = {"name": "L" * 500, "workflow": "quick"}
    darkroom.post("/v1/characters/endless", body, method="PUT")
    batch = darkroom.order(1, "endless", prompt="W" * 20_000, wait=60)
    return {
        "/#endless": ".strip .cell img",
        f"/batches/{batch['id']}": ".frame.stored img",
        "/queue#endless": ".done img",
        "/series#endless": "main a img",
        "/series/ann/endless": "main img",
        "/characters#endless": "text=Old Tom",
        "/characters/endless": "main img",
    }


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_no_view_shuts_anybody_out(
    darkroom: Darkroom, visit: Visits, dark: bool, tmp_path: Path
) -> None:
    """Axe finds nothing in any view, nor in the list of keys, and nothing is too small to hit."""
    page = visit(darkroom.url, dark=dark, still=True)
    for address, there in places(darkroom).items():
        page.goto(darkroom.url + address)
        expect(page.locator(there).first).to_be_visible()
        picture(page, tmp_path, address.strip("/").replace("/", "-") or "home")
        assert violations(page) == [], address
        assert page.evaluate(SMALL) == [], address
    page.goto(darkroom.url)
    expect(page.get_by_role("button", name="Order 4 pictures")).to_be_enabled()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize(
    ("width", "zoom", "touch"), [(390, 1, True), (1280, 2, False)], ids=["phone", "200 %"]
)
def test_nothing_is_cut_off(
    darkroom: Darkroom, visit: Visits, width: int, zoom: float, touch: bool
) -> None:
    """On a phone, where frames lie in two columns, and enlarged to 200 %; nor by a name or a prompt
    of any length."""
    seen = places(darkroom) | endless(darkroom)
    page = visit(darkroom.url, width=width, height=800, zoom=zoom, touch=touch)
    for address, there in seen.items():
        page.goto(darkroom.url + address)
        expect(page.locator(there).first).to_be_visible()
        assert page.evaluate(NARROW), address
    if touch:
        page.goto(darkroom.url + next(one for one in seen if one.startswith("/batches/")))
        expect(page.locator(".frame.stored")).to_have_count(4)
        assert columns(page) == 2


def test_what_happens_is_said_and_the_address_that_leads_nowhere_too(
    darkroom: Darkroom, visit: Visits
) -> None:
    """A screen reader hears how many are done, pictures have names, and whoever is lost is led
    back."""
    page = visit(f"{darkroom.url}/")
    page.get_by_role("button", name="Order 4 pictures").click()
    expect(page.get_by_role("status")).to_contain_text("all done")
    expect(page.get_by_role("img", name="Picture 2 of Ada Lumen, done")).to_have_count(1)
    bar = page.get_by_role("progressbar", name="Pictures done")
    expect(bar).to_have_attribute("aria-valuenow", "4")
    page.goto(f"{darkroom.url}/series")
    page.evaluate("history.pushState(null, '', 'nowhere'); dispatchEvent(new Event('popstate'))")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.get_by_role("link", name="Order pictures", exact=True).click()
    expect(page.get_by_role("button", name="Order 4 pictures")).to_be_visible()


def columns(page: Page) -> int:
    """How many frames lie beside each other."""
    lefts: list[float] = page.evaluate(
        "[...document.querySelectorAll('.frames .frame')].map((one) => one.offsetLeft)"
    )
    return len(set(lefts))
