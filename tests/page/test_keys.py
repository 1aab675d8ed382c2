"""Keys: who may come in, and what the next one sees of the one before."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.page.browsing import Visits
from tests.page.scene import Darkroom

REFUSED = ["status of 401"]


def come_in(page: Page, key: str) -> None:
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Come in").click()


def test_a_key_opens_the_page_and_a_wrong_one_does_not(darkroom: Darkroom, visit: Visits) -> None:
    """The key itself is nowhere to be found afterwards, not in the address, not in what the browser
    keeps; signing out leads back to the door and leaves nothing of the order behind."""
    key = darkroom.key()
    page = visit(f"{darkroom.url}/queue", expects=REFUSED)
    come_in(page, "slk_wrong")
    expect(page.get_by_role("alert")).to_contain_text("not known here")
    come_in(page, key)
    expect(page.get_by_role("link", name="Fleet")).to_be_visible()
    assert page.url.endswith("/queue")
    assert key not in page.url
    assert key not in json.dumps(page.evaluate("({...localStorage, ...sessionStorage})"))
    assert page.evaluate("document.cookie") == ""
    page.goto(darkroom.url)
    page.get_by_label("What").fill("something of mine")
    page.get_by_role("button", name="Sign out").click()
    come_in(page, key)
    expect(page.get_by_label("What")).to_have_value("")


def test_a_key_without_rights_sees_its_own_and_no_more(darkroom: Darkroom, visit: Visits) -> None:
    """Another user's batch is as if it was not there, the fleet is for administrators, and an
    order for another user is refused in words."""
    admin, anns = darkroom.key(), darkroom.key("user:ann")
    theirs = darkroom.order(1, user="bea", key=admin)
    own = darkroom.order(1, user="ann", key=admin, wait=60)
    page = visit(darkroom.url, expects=[*REFUSED, "status of 404", "status of 403"])
    come_in(page, anns)
    expect(page.locator(".strip")).to_have_count(1)
    expect(page.get_by_label("For", exact=True)).to_have_value("ann")
    expect(page.get_by_role("link", name="Fleet")).to_have_count(0)
    page.goto(f"{darkroom.url}/batches/{own['id']}")
    expect(page.locator(".frame.stored")).to_have_count(1)
    page.goto(f"{darkroom.url}/batches/{theirs['id']}")
    expect(page.get_by_role("heading", name="No such batch")).to_be_visible()
    page.goto(f"{darkroom.url}/fleet")
    expect(page.get_by_text("administrator").first).to_be_visible()
    page.goto(darkroom.url)
    page.get_by_label("For", exact=True).fill("bea")
    page.get_by_role("button", name="Order 4 pictures").click()
    expect(page.get_by_role("alert")).to_contain_text("may not order for bea")


def test_a_link_opens_one_picture_without_a_key(darkroom: Darkroom, visit: Visits) -> None:
    """It is made and copied with one click, and whoever gets it sees this picture."""
    key = darkroom.key()
    batch = darkroom.order(1, key=key, wait=60)
    page = visit(f"{darkroom.url}/batches/{batch['id']}#1", expects=REFUSED)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    come_in(page, key)
    page.get_by_role("button", name="Info").click()
    page.get_by_role("button", name="Copy a link to send").click()
    expect(page.get_by_text("opens this picture for a day").first).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert darkroom.ask("GET", f"/v1/images/{batch['images'][0]['id']}/file")[0] == 401
    assert darkroom.serving.read(link).startswith(b"\x89PNG")


def test_a_revoked_key_leads_back_to_the_door(darkroom: Darkroom, visit: Visits) -> None:
    """At once, without a click, and who comes next with another key sees nothing of before."""
    admin, anns, beas = darkroom.key(), darkroom.key("user:ann"), darkroom.key("user:bea")
    batch = darkroom.order(1, user="ann", key=admin, wait=60)
    page = visit(f"{darkroom.url}/batches/{batch['id']}", expects=[*REFUSED, "status of 404"])
    come_in(page, anns)
    expect(page.locator(".frame.stored")).to_have_count(1)
    name = darkroom.get("/v1/session", key=anns)["key"]
    revoke(darkroom, name)
    darkroom.order(1, user="ann", key=admin)  # the next event finds the stream closed to this key
    expect(page.get_by_label("Your key")).to_be_visible()
    expect(page.locator(".frame")).to_have_count(0)
    come_in(page, beas)
    expect(page.get_by_role("heading", name="No such batch")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("by the window")


def revoke(darkroom: Darkroom, key: str) -> None:
    """As an operator does it."""
    process = darkroom.processes.start("keys", "revoke", key)
    assert process.popen.wait(60) == 0, process.lines
