"""Pictures develop on the page, whatever happens meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from playwright.sync_api import Page, Route, expect

from tests.page.browsing import Visits
from tests.page.scene import Darkroom

ONE_TRY = "[rendering]\nmax_attempts = 1\n"
AWAY = ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"]
AWAY += ["ERR_CONNECTION_RESET", "status of 503", "ERR_NETWORK_CHANGED"]


def order_eight(page: Page) -> str:
    """By the page itself; the batch's id."""
    page.get_by_label("What").fill("by the sea")
    page.get_by_role("radio", name="8", exact=True).check()
    page.get_by_role("button", name="Order 8 pictures").click()
    page.wait_for_url("**/batches/*")
    return page.url.rsplit("/", 1)[1]


def test_eight_develop_and_the_one_that_fails_is_tried_again_in_its_place(
    open_darkroom: Callable[..., Darkroom], visit: Visits
) -> None:
    """Eight numbered slots are there at once. They are queued, they develop with a ring and a
    preview, they are there; those that fail say why and are tried again under their own number. A
    reload in the middle loses nothing, and in the end the zip has all eight."""
    darkroom = open_darkroom(seconds=3, workflow="portrait", config=ONE_TRY)
    page = visit(darkroom.url)
    batch = order_eight(page)
    expect(page.locator(".frames .frame")).to_have_count(8)
    expect(page.locator(".frames .rebate .number").first).to_have_text("8")
    expect(page.locator(".frame.dispatched .ring").first).to_be_visible()
    expect(page.locator(".frame.dispatched img.latest").first).to_be_visible()
    darkroom.fault("oom", 1)
    expect(page.locator(".frame.failed").first).to_be_visible()
    darkroom.fault("oom", 0)
    page.reload()
    failed = page.locator(".frame.failed").first
    expect(failed).to_contain_text("memory", ignore_case=True)
    number = failed.get_attribute("data-index")
    same = page.locator(f".frame[data-index='{number}']")
    same.get_by_role("button", name=f"Try picture {number} again").click()
    expect(same.locator("img").last).to_be_visible()
    expect(same).to_have_class("frame stored")
    again = page.get_by_role("button", name="failed again")
    expect(page.get_by_role("button", name="Cancel what is left")).to_have_count(0)
    if again.count():
        again.click()
    expect(page.locator(".frame.stored")).to_have_count(8)
    told = darkroom.get(f"/v1/batches/{batch}")
    assert told["status"] == "completed"
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download all 8").click()
    path = downloaded.value.path()
    with ZipFile(BytesIO(Path(path).read_bytes())) as archive:
        assert archive.namelist() == [image["name"] for image in told["images"]]
        assert archive.testzip() is None


def test_a_server_that_is_killed_and_comes_back_is_waited_for(
    open_darkroom: Callable[..., Darkroom], visit: Visits
) -> None:
    """The page says that it is alone, goes on showing what it knew, and finds back by itself."""
    darkroom = open_darkroom(seconds=1.5)
    page = visit(darkroom.url, expects=AWAY)
    batch = order_eight(page)
    expect(page.locator(".frame.stored").first).to_be_visible()
    darkroom.stop(kill=True)
    expect(page.get_by_text("No connection to Safelight").last).to_be_visible()
    expect(page.locator(".frames .frame")).to_have_count(8)
    darkroom.start()
    expect(page.get_by_text("No connection to Safelight. What")).to_have_count(0)
    expect(page.locator(".frame.stored")).to_have_count(8)
    expect(page.get_by_role("status")).to_contain_text("all done")
    assert darkroom.get(f"/v1/batches/{batch}")["status"] == "completed"


def test_what_is_left_can_be_canceled_one_by_one_and_all_at_once(
    open_darkroom: Callable[..., Darkroom], visit: Visits
) -> None:
    """A canceled slot keeps its number and stays in its place."""
    darkroom = open_darkroom(seconds=3)
    page = visit(darkroom.url)
    order_eight(page)
    page.get_by_role("button", name="Cancel picture 8").click()
    expect(page.locator(".frame[data-index='8']")).to_have_class("frame canceled")
    page.get_by_role("button", name="Cancel what is left").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel them").click()
    expect(page.locator(".frame.canceled, .frame.stored")).to_have_count(8)
    expect(page.locator(".frame.queued, .frame.dispatched")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel what is left")).to_have_count(0)


def test_a_mark_tells_of_each_copy(
    open_darkroom: Callable[..., Darkroom], visit: Visits, tmp_path: Path
) -> None:
    """One publisher has the picture, the other does not answer: the marks say so, and the story of
    the picture says where its copy lies."""
    config = f'[publishers.folder]\nkind = "bucket"\nurl = "file://{tmp_path}/cdn"\n'
    config += 'public_url = "https://cdn.example/pictures"\n'
    config += '[publishers.silent]\nkind = "bunny"\nzone = "z"\naccess_key = "k"\n'
    config += 'endpoint = "http://127.0.0.1:9"\npublic_url = "https://silent.example"\n'
    darkroom = open_darkroom(config=config)
    page = visit(darkroom.url)
    batch = darkroom.order(1)
    page.goto(f"{darkroom.url}/batches/{batch['id']}")
    expect(page.get_by_title("folder: uploaded")).to_be_visible()
    expect(page.locator(".mark.pending")).to_have_count(1)
    page.locator("button.shot").click()
    page.keyboard.press("i")
    told = darkroom.get(f"/v1/batches/{batch['id']}")["images"][0]
    link = next(one["url"] for one in told["publications"] if one["publisher"] == "folder")
    expect(page.get_by_role("link", name=link)).to_have_attribute("href", link)


def test_an_order_that_got_no_answer_is_not_made_twice(darkroom: Darkroom, visit: Visits) -> None:
    """The answer is lost on the way; whoever presses again gets the batch that was made."""
    page = visit(darkroom.url, expects=["ERR_FAILED"])
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost or route.request.method != "POST":
            route.continue_()
            return
        lost.append(json.loads(route.fetch().text())["id"])
        route.abort()

    page.route("**/v1/batches", lose)
    page.get_by_role("button", name="Order 4 pictures").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.get_by_role("button", name="Order 4 pictures").click()
    page.wait_for_url(f"**/batches/{lost[0]}")
    assert len(darkroom.get("/v1/batches")["data"]) == 1
