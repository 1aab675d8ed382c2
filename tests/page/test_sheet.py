"""The contact sheet of a series: looking through it, marking, and what one does with marks."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from playwright.sync_api import Locator, Page, expect

from tests.page.browsing import Visits, violations
from tests.page.scene import Darkroom
from tests.waiting import until

ONE_TRY = "[rendering]\nmax_attempts = 1\n"
SERIES = "/v1/series/ann/ada"


def frame(page: Page, index: int) -> Locator:
    """The picture with this index."""
    return page.locator(f".grid .shot[data-index='{index}']")


def numbers(page: Page) -> list[int]:
    """What is on the sheet, in its order."""
    return [int(text) for text in page.locator(".grid .rebate .number").all_inner_texts()]


def expect_numbers(page: Page, *wanted: int) -> None:
    expect(page.locator(".grid .rebate .number")).to_have_text([str(index) for index in wanted])


def expect_marked(page: Page, *wanted: int) -> None:
    """Exactly these are marked."""
    marked = page.locator(".grid .chosen .rebate .number")
    expect(marked).to_have_text([str(index) for index in wanted])


def downloaded(page: Page) -> dict[str, bytes]:
    """What the link in the bar gives."""
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download").click()
    with ZipFile(BytesIO(Path(saved.value.path()).read_bytes())) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def files(darkroom: Darkroom, *indices: int) -> dict[str, bytes]:
    """The same as the API gives them, by name."""
    images = {one["index"]: one for one in darkroom.get(f"{SERIES}/images?limit=200")["data"]}
    return {
        images[index]["name"]: darkroom.serving.read(f"{SERIES}/images/{index}/file")
        for index in indices
    }


def expect_printed(page: Page, *wanted: int) -> None:
    """On paper there are these pictures with their numbers, and nothing else."""
    page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.get_by_role("button", name="Print").click()
    page.wait_for_function("() => window.printed")
    page.emulate_media(media="print")
    expect(page.locator(".contact li p b")).to_have_text([str(index) for index in wanted])
    expect(page.locator(".contact img").first).to_be_visible()
    expect(page.locator(".grid")).to_be_hidden()
    assert page.pdf().startswith(b"%PDF")


def test_a_sheet_is_looked_through(open_darkroom: Callable[..., Darkroom], visit: Visits) -> None:
    """From the list of all sheets to one; it begins with the newest, and every number has its
    place: what has failed and what was deleted are holes. What is shown stands in the address, so a
    reload keeps it; one jumps to a number, also to one that is not there, and to a day."""
    darkroom = open_darkroom(config=ONE_TRY)
    images = {one["index"]: one["id"] for one in darkroom.order(12, wait=60)["images"]}
    darkroom.order(1, "old-tom", user="bea", wait=60)
    darkroom.fault("oom", 1)
    darkroom.order(1, wait=60)
    darkroom.post(f"/v1/images/{images[5]}", method="DELETE")
    darkroom.post(f"/v1/images/{images[3]}/star", method="PUT")
    page = visit(f"{darkroom.url}/series")
    expect(page.locator(".series-card")).to_have_count(2)
    page.get_by_label("Character").select_option("ada")
    expect(page.locator(".series-card")).to_have_count(1)
    page.get_by_label("User").fill("nobody")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(".series-card .face img")).to_have_count(2)
    assert violations(page) == []
    page.get_by_role("link", name="Ada Lumen").click()
    page.wait_for_url("**/series/ann/ada")
    expect_numbers(page, *range(13, 0, -1))
    expect(page.get_by_role("gridcell").nth(0)).to_have_class("frame failed")
    expect(frame(page, 13)).to_contain_text("memory", ignore_case=True)
    expect(frame(page, 5)).to_have_text("deleted")
    expect(page.locator(".grid .starred")).to_have_count(1)
    assert violations(page) == []
    page.get_by_label("Show").select_option("stored")
    expect_numbers(page, *range(12, 0, -1))
    page.get_by_label("hide deleted").check()
    expect_numbers(page, 12, 11, 10, 9, 8, 7, 6, 4, 3, 2, 1)
    page.reload()
    expect_numbers(page, 12, 11, 10, 9, 8, 7, 6, 4, 3, 2, 1)
    page.get_by_label("Go to number").fill("5")
    page.keyboard.press("Enter")
    expect(frame(page, 6)).to_be_focused()
    page.get_by_role("checkbox", name="starred").check()
    expect_numbers(page, 3)
    page.get_by_label("Show").select_option("canceled")
    page.get_by_role("link", name="Show all").click()
    expect_numbers(page, *range(13, 0, -1))
    page.get_by_label("Go to number").fill("99")
    page.keyboard.press("Enter")
    expect(frame(page, 13)).to_be_focused()
    page.get_by_label("Go to the pictures of a day").fill("2020-02-02")
    expect(page.get_by_text("There is nothing that old").last).to_be_visible()
    frame(page, 2).focus()
    page.get_by_label("Go to the pictures of a day").fill(
        page.evaluate("() => new Date(Date.now() + 864e5).toISOString().slice(0, 10)")
    )
    expect(frame(page, 13)).to_be_focused()


def test_what_is_marked_is_what_one_downloads(darkroom: Darkroom, visit: Visits) -> None:
    """By the mark at the corner, with Shift from one to another, with Ctrl one more, with Ctrl-A
    all: the ZIP has exactly the files that the API gives. Two are compared under an edge that one
    moves; a sheet of what is marked is printed."""
    darkroom.order(12, wait=60)
    page = visit(f"{darkroom.url}/series/ann/ada")
    frame(page, 11).hover()
    page.get_by_role("button", name="Select picture 11", exact=True).click()
    expect_marked(page, 11)
    frame(page, 8).click(modifiers=["Shift"])
    expect_marked(page, 11, 10, 9, 8)
    frame(page, 9).click(modifiers=["Control"])
    frame(page, 2).click(modifiers=["Control"])
    expect_marked(page, 11, 10, 8, 2)
    expect(page.get_by_role("toolbar")).to_contain_text("4 frames marked")
    link = page.get_by_role("link", name="Download")
    expect(link).to_have_attribute(
        "href", f"{darkroom.url}{SERIES}/download.zip?indices=11-10%2C8%2C2"
    )
    assert downloaded(page) == files(darkroom, 11, 10, 8, 2)
    assert violations(page) == []
    expect_printed(page, 11, 10, 8, 2)
    page.emulate_media(media="screen")
    page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar")).to_have_count(0)
    page.keyboard.press("Control+a")
    expect(page.get_by_role("toolbar")).to_contain_text("12 frames marked")
    assert downloaded(page) == files(darkroom, *range(1, 13))
    page.get_by_role("button", name="Clear").click()
    frame(page, 7).click(modifiers=["Control"])
    frame(page, 6).click(modifiers=["Control"])
    page.get_by_role("button", name="Compare").click()
    compared = page.get_by_role("dialog", name="Pictures 7 and 6 compared")
    edge = compared.get_by_role("slider")
    expect(edge).to_have_value("50")
    page.keyboard.press("ArrowRight")
    expect(edge).to_have_value("52")
    box = compared.locator(".pair").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 200)
    page.mouse.up()
    expect(edge).to_have_value("25")
    assert violations(page) == []
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_role("dialog", name="Pictures 6 and 7 compared")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Compare")).to_be_focused()


def test_the_keyboard_alone_does_all(darkroom: Darkroom, visit: Visits) -> None:
    """Arrows, Home, End and Page keys go from frame to frame and Shift marks on the way; Space
    marks, the point stars, C compares, Enter opens, Esc comes back to the frame one saw last.
    Delete can be taken back; if it is not, the number stays as a hole."""
    darkroom.order(14, wait=60)
    page = visit(f"{darkroom.url}/series/ann/ada", dark=False)
    expect_numbers(page, *range(14, 0, -1))
    assert violations(page) == []
    frame(page, 14).focus()
    columns = int(page.get_by_role("grid").get_attribute("aria-colcount") or 0)
    assert columns > 2
    for key, index in (
        ("ArrowRight", 13),
        ("ArrowDown", 13 - columns),
        ("ArrowUp", 13),
        ("ArrowUp", 13),
        ("End", 1),
        ("PageUp", min(14, 1 + columns * 2)),
        ("Home", 14),
        ("ArrowLeft", 14),
    ):
        page.keyboard.press(key)
        if key != "PageUp":  # how far depends on the window
            expect(frame(page, index)).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect_marked(page, 14, 13)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowLeft")
    expect_marked(page, 14, 13)
    page.keyboard.press("c")
    expect(page.get_by_role("dialog", name="Pictures 14 and 13 compared")).to_be_visible()
    page.keyboard.press("Escape")
    expect(frame(page, 13)).to_be_focused()
    page.keyboard.press(".")
    expect(page.locator(".grid .starred")).to_have_count(2)
    until(lambda: darkroom.get(f"{SERIES}/indices?starred=true")["ranges"] == [[14, 13]])
    expect(page.get_by_role("button", name="Unstar")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar")).to_have_count(0)
    page.keyboard.press("Enter")
    shown = page.get_by_role("dialog").locator(".caption .number")
    expect(shown).to_have_text("13")
    page.wait_for_url("**/series/ann/ada/13")
    page.keyboard.press("End")
    expect(shown).to_have_text("1")
    page.keyboard.press("Escape")
    page.wait_for_url("**/series/ann/ada")
    expect(frame(page, 1)).to_be_focused()
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Undo").click()
    expect(frame(page, 1).locator("img")).to_have_count(1)
    frame(page, 1).press("Delete")
    page.get_by_role("button", name="Close this message").last.click()
    expect(frame(page, 1)).to_have_text("deleted")
    until(lambda: darkroom.get(f"{SERIES}/images/1")["deleted_at"])
    assert darkroom.get(f"{SERIES}/indices?deleted=true")["ranges"] == [[1, 1]]
    assert numbers(page) == list(range(14, 0, -1))


def test_an_address_leads_to_a_picture_and_back_to_its_place(
    darkroom: Darkroom, visit: Visits
) -> None:
    """A deep link opens the picture over its sheet, also on a phone; the back button closes what
    was opened, and one stands where one stood. There it has two columns, and a resting finger, or
    a tap on the mark, marks."""
    darkroom.order(24, wait=90)
    page = visit(f"{darkroom.url}/series/ann/ada/9", width=390, height=800, touch=True)
    shown = page.get_by_role("dialog").locator(".caption .number")
    expect(shown).to_have_text("9")
    page.get_by_role("button", name="Close").tap()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(frame(page, 9)).to_be_in_viewport()
    expect(page.get_by_role("grid")).to_have_attribute("aria-colcount", "2")
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
    frame(page, 8).tap()
    expect(shown).to_have_text("8")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(frame(page, 8)).to_be_in_viewport()
    page.get_by_role("button", name="Select picture 9", exact=True).tap()
    expect_marked(page, 9)
    frame(page, 10).tap()  # where something is marked, a finger goes on marking
    expect_marked(page, 10, 9)
    page.get_by_role("button", name="Clear").tap()
    touch = {"pointerType": "touch", "pointerId": 1, "clientX": 50, "clientY": 50}
    frame(page, 7).dispatch_event("pointerdown", touch)
    expect_marked(page, 7)
    page.goto(f"{darkroom.url}/series/ann/ada/99")
    expect(page.get_by_text("Picture 99 is not there").last).to_be_visible()
    page.wait_for_url("**/series/ann/ada")


def test_what_is_new_comes_without_moving_what_one_looks_at(
    darkroom: Darkroom, visit: Visits
) -> None:
    """At the top the new frames are simply there, and develop in their place. Further down nothing
    moves: a button says how many have come."""
    darkroom.order(30, wait=90)
    page = visit(f"{darkroom.url}/series/ann/ada", width=700, height=500)
    expect(frame(page, 30).locator("img")).to_have_count(1)
    darkroom.order(2)
    expect(page.locator(".grid .rebate .number").first).to_have_text("32")
    expect(frame(page, 32).locator("img")).to_have_count(1)
    page.get_by_label("Go to number").fill("6")
    page.keyboard.press("Enter")
    expect(frame(page, 6)).to_be_in_viewport()
    before = frame(page, 6).bounding_box()
    darkroom.order(3, wait=60)
    darkroom.order(1, user="bea", wait=60)
    fresh = page.get_by_role("button", name="3 new")
    expect(fresh).to_be_visible()
    assert frame(page, 6).bounding_box() == before
    fresh.click()
    expect(frame(page, 35)).to_be_in_viewport()
    expect(fresh).to_have_count(0)
