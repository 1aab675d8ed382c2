"""The page in a real browser: it comes, under any path, and lets nothing foreign in."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.page.browsing import Visits, violations
from tests.page.proxy import proxy
from tests.page.scene import Darkroom

DEEP = ("/", "/batches/{id}", "/series/ann/ada", "/series/ann/ada/1", "/queue", "/workflows/quick")
ASKED = "performance.getEntriesByType('resource').map((entry) => entry.name)"
ORDERING = """async () => (await fetch("v1/batches", {
  method: "POST", headers: {"Content-Type": "application/json"},
  body: JSON.stringify({user: "ann", character: "ada", prompt: "", quantity: 1}),
})).status"""


@pytest.fixture
def below_a_path(darkroom: Darkroom) -> Iterator[str]:
    """The address of a proxy that takes a path off."""
    with proxy(darkroom.url, "/studio/darkroom") as url:
        yield url


def has_come(page: Page) -> None:
    """Until the application has put something there."""
    page.wait_for_function("document.querySelector('#app').childElementCount > 0")
    assert "Safelight" in page.title()


@pytest.mark.parametrize("where", ["at the root", "below a path"])
def test_the_page_comes_at_every_address(
    darkroom: Darkroom, below_a_path: str, visit: Visits, where: str
) -> None:
    """Its files come from below the same path, and so do answers of the API; nothing is asked for
    that is not there, and the console stays empty."""
    url = darkroom.url if where == "at the root" else below_a_path
    batch = darkroom.order(1, wait=60)["id"]
    for address in DEEP:
        page = visit(url + address.format(id=batch))
        has_come(page)
        asked: list[str] = page.evaluate(ASKED)
        files = [one for one in asked if "/static/" in one]
        assert len(files) >= 8
        assert all(one.startswith(f"{url}/static/") for one in files), files
        assert page.evaluate("document.baseURI") == f"{url}/"
        assert page.evaluate("fetch('healthz').then((answer) => answer.status)") == 200
        page.close()


def test_what_the_page_orders_is_taken(below_a_path: str, visit: Visits) -> None:
    """Behind a proxy too: it says where it comes from, although it tells nobody its address."""
    page = visit(f"{below_a_path}/series/ann/ada")
    has_come(page)
    assert page.evaluate(ORDERING) == 201
    page.get_by_role("link", name="Order", exact=True).click()
    page.get_by_role("button", name="Order 4 pictures").click()
    expect(page.get_by_role("button", name="done")).to_have_count(4)
    assert page.url.startswith(f"{below_a_path}/batches/")


def test_the_base_stays_where_it_is_when_the_address_changes(
    below_a_path: str, visit: Visits
) -> None:
    """The page changes its own address as one goes about in it."""
    page = visit(f"{below_a_path}/")
    has_come(page)
    page.evaluate("history.pushState(null, '', 'series/ann/ada/13')")
    assert urlsplit(page.url).path == "/studio/darkroom/series/ann/ada/13"
    assert page.evaluate("document.baseURI") == f"{below_a_path}/"
    page.reload()
    has_come(page)
    assert page.evaluate("document.baseURI") == f"{below_a_path}/"


# `ELSEWHERE` is the address of another origin, of which nothing may be known there.
HOSTILE = {
    "a script made of text": "eval('1')",
    "markup made of text": "document.body.innerHTML = '<img src=x onerror=alert(1)>'",
    "a script put in": "document.head.append(Object.assign(document.createElement('script'), "
    "{text: 'window.taken = true'}))",
    "a script from elsewhere": "document.head.append(Object.assign("
    "document.createElement('script'), {src: 'ELSEWHERE/x.js'}))",
    "a way to tell somebody else": "fetch('ELSEWHERE')",
    "a picture from elsewhere": "document.body.append(Object.assign(new Image(), "
    "{src: 'ELSEWHERE/x.png'}))",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_foreign_is_refused_by_the_browser(
    darkroom: Darkroom, visit: Visits, what: str
) -> None:
    """Were somebody's text ever taken for markup or for a script, the browser would not, and nobody
    else would hear of it: no connection leaves."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        page = visit(darkroom.url, expects=["."])
        has_come(page)
        # In a task of the page's own: for its driver the browser makes exceptions.
        with page.expect_console_message(lambda message: "policy:" in message.text):
            page.evaluate(f"setTimeout(() => {{ {HOSTILE[what].replace('ELSEWHERE', url)} }})")
        assert page.evaluate("window.taken") is None
        page.close()
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    visit.trouble.clear()  # a picture counts as asked for, although it was not


def test_no_other_page_may_frame_it(darkroom: Darkroom, visit: Visits) -> None:
    """Not even one of ours, here one that has no policy of its own."""
    page = visit(f"{darkroom.url}/healthz", expects=["frame-ancestors"])
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('iframe'), {src: '/'}))"
        )


def test_without_scripts_it_says_what_is_needed(darkroom: Darkroom, visit: Visits) -> None:
    page = visit(darkroom.url, scripts=False)
    assert re.search("needs JavaScript", page.inner_text("noscript"))


def test_the_watch_over_pages_sees_what_is_wrong(darkroom: Darkroom, visit: Visits) -> None:
    """A test whose page complains, breaks, asks for nothing that is, or elsewhere, would fail."""
    page = visit(darkroom.url)
    has_come(page)
    assert visit.trouble == []
    page.evaluate("console.warn('hm')")
    page.evaluate("fetch('nothing-here')")
    page.evaluate("setTimeout(() => { throw new Error('broken') })")
    with page.expect_request("http://elsewhere.invalid/**"):
        page.evaluate("setTimeout(() => { location.href = 'http://elsewhere.invalid/' })")
    told = "\n".join(visit.trouble)
    for word in ("console warning: hm", "broken", "404", "asked elsewhere: http://elsewhere"):
        assert word in told
    visit.trouble.clear()


def test_the_watch_over_use_by_everybody_sees_what_is_wrong(
    darkroom: Darkroom, visit: Visits
) -> None:
    """axe runs under the page's own policy, and finds a picture without words."""
    page = visit(darkroom.url)
    has_come(page)
    page.evaluate(
        "document.querySelector('#app').append(Object.assign(new Image(), {src: 'favicon.ico'}))"
    )
    assert any(one.startswith("image-alt") for one in violations(page))


def test_a_server_that_comes_back_is_the_same_place(
    open_darkroom: Callable[..., Darkroom], visit: Visits
) -> None:
    """With keys, on a phone, zoomed: the page comes, and tells who has none that they need one."""
    darkroom = open_darkroom(seconds=0.2, faults={"oom": 0}, backends=2)
    batch = darkroom.order(2, workflow="portrait", wait=60)
    assert batch["status"] == "completed", batch
    key = darkroom.key("user:ann")
    page = visit(darkroom.url, width=390, height=844, touch=True, zoom=2, expects=["401"])
    has_come(page)
    assert page.evaluate("fetch('v1/batches').then((answer) => answer.status)") == 401
    darkroom.stop(kill=True)
    darkroom.start()
    assert darkroom.get(f"/v1/batches/{batch['id']}", key)["status"] == "completed"
    assert darkroom.ask("GET", f"/v1/batches/{batch['id']}")[0] == 401
    assert darkroom.key("character:old-tom")
    page.reload()
    has_come(page)
