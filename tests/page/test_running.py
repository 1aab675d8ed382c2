"""What runs and what it runs on: the queue, the fleet, characters, and workflows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect

from tests.page.browsing import Visits, violations
from tests.page.scene import Darkroom

PORTRAIT: Final = Path(__file__).parents[2] / "src" / "safelight" / "cli" / "portrait.json"
REFUSED: Final = ["status of 422"]
ONE_TRY: Final = "[rendering]\nmax_attempts = 1\n"
# As a file manager does it; a browser shows pages no files but those.
_DROP: Final = """([name, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name));
  for (const type of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(
      new DragEvent(type, {dataTransfer: carried, bubbles: true, cancelable: true}));
}"""
_HOSTILE: Final = """{
  "1": {"class_type": "Ring", "inputs": {"a": ["2", 0], "b": ["__proto__", 0]}},
  "2": {"class_type": "Ring", "inputs": {"a": ["1", 0]}},
  "__proto__": {"class_type": "\\u202e<img src=x onerror=alert(1)>", "inputs": {}},
  "constructor": 5,
  "4": {"class_type": "SaveImage", "inputs": {"images": ["nowhere", 0]}}
}"""


def drop(page: Page, name: str, text: str) -> None:
    page.evaluate(_DROP, [name, text])


def test_the_queue_shows_what_is_ordered_elsewhere_until_it_is_done(
    open_darkroom: Callable[..., Darkroom], visit: Visits
) -> None:
    """An order of somebody else appears by itself, as film with its bar; it can be canceled, and
    what has failed is tried again. The filter stands in the address."""
    darkroom = open_darkroom(seconds=2, workflow="portrait", config=ONE_TRY)
    page = visit(f"{darkroom.url}/queue")
    expect(page.get_by_text("Nothing is waiting, nothing is being drawn.")).to_be_visible()
    darkroom.order(5, user="ann", prompt="on the stairs")
    strip = page.locator(".work").filter(has_text="on the stairs")
    expect(strip.get_by_role("progressbar")).to_be_visible()
    expect(strip.locator(".cell")).to_have_count(5)
    assert violations(page, "main") == []
    strip.get_by_role("button", name="Cancel what is left of Ada Lumen for ann").click()
    page.get_by_role("button", name="Cancel it").click()
    done = page.locator(".done").filter(has_text="on the stairs")
    expect(done).to_contain_text("canceled")
    expect(strip).to_have_count(0)

    darkroom.fault("oom", 1)
    failed = darkroom.order(1, character="old-tom", user="bea", prompt="in the cellar", wait=60)
    assert failed["status"] == "failed"
    page.get_by_role("radio", name="Failed or partial").check()
    page.get_by_label("For", exact=True).fill("bea")
    page.wait_for_url("**/queue?state=failed&user=bea")
    expect(page.locator(".done")).to_have_count(1)
    page.reload()
    expect(page.locator(".done")).to_have_count(1)
    darkroom.fault("oom", 0)
    page.get_by_role("button", name="Try 1 failed picture of Old Tom again").click()
    expect(page.get_by_text("Nothing has failed.")).to_be_visible()
    page.get_by_role("radio", name="Ended").check()
    expect(page.locator(".done.completed")).to_have_count(1)
    expect(page.locator(".done.completed img")).to_be_visible()


def test_the_fleet_says_what_it_draws_and_who_is_away(
    open_darkroom: Callable[..., Darkroom], visit: Visits
) -> None:
    """Each server shows the picture it draws as it develops. One that is drained takes nothing
    more until it is resumed; one that goes away is said to be unreachable, and why."""
    darkroom = open_darkroom(seconds=3, backends=2, workflow="portrait")
    page = visit(f"{darkroom.url}/fleet")
    first = page.get_by_role("article", name="b1")
    second = page.get_by_role("article", name="b2")
    expect(first).to_contain_text("Draws nothing now.")
    batch = darkroom.order(8, prompt="in the hall")
    expect(first.locator(".now img.latest").first).to_be_visible()
    expect(first.locator(".now .ring").first).to_be_visible()
    link = first.locator(".now a").first
    expect(link).to_have_attribute("href", f"{darkroom.url}/batches/{batch['id']}")
    assert violations(page, "main") == []
    first.get_by_role("button", name="Drain").click()
    expect(first.locator(".badge")).to_have_text("draining")
    expect(first).to_contain_text("Takes nothing more.")
    first.get_by_role("button", name="Resume").click()
    expect(first.locator(".badge")).to_have_text("ready")
    darkroom.simulators[1].process.kill()
    expect(second.locator(".badge")).to_have_text("unreachable")
    expect(second).to_contain_text("Does not answer. What it had is drawn elsewhere.")
    expect(second).to_contain_text("Looked at again")
    told = next(one for one in darkroom.get("/v1/backends")["data"] if one["name"] == "b2")
    assert told["reason"]
    expect(second).to_contain_text(told["reason"][1:40])


def test_characters_are_added_and_changed(darkroom: Darkroom, visit: Visits) -> None:
    """A wrong field says so at its place and keeps what was typed; leaving asks first, and what is
    deleted can be taken back. Those in safelight.toml are shown and changed there."""
    page = visit(f"{darkroom.url}/characters", expects=REFUSED)
    page.get_by_role("link", name="Add a character").click()
    page.get_by_label("Name").fill("Opal Fever")
    expect(page.get_by_label("Id", exact=True)).to_have_value("opal-fever")
    page.get_by_label("Workflow").select_option("portrait")
    page.get_by_label("Width").fill("5")
    page.get_by_label("LoRAs").fill("gothic.safetensors 0.8")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_label("Width")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Width")).to_have_accessible_description(
        "width lies between 16 and 4096"
    )
    expect(page.get_by_label("Width")).to_be_focused()
    assert violations(page, "main") == []
    page.get_by_role("link", name="Queue").click()
    page.get_by_role("dialog").get_by_role("button", name="No").click()
    expect(page.get_by_label("Name")).to_have_value("Opal Fever")
    page.go_back()
    page.get_by_role("dialog").get_by_role("button", name="No").click()
    page.get_by_label("Width").fill("512")
    page.get_by_role("button", name="Add it").click()
    page.wait_for_url("**/characters/opal-fever")
    kept = darkroom.get("/v1/characters/opal-fever")
    assert (kept["width"], kept["workflow"]) == (512, "portrait")
    assert kept["loras"] == [{"name": "gothic.safetensors", "strength": 0.8}]

    page.get_by_label("Prompt").fill("a pirate captain")
    darkroom.order(1, wait=60)  # what happens meanwhile takes nothing away
    expect(page.get_by_label("Prompt")).to_have_value("a pirate captain")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Opal Fever changed").first).to_be_visible()
    assert darkroom.get("/v1/characters/opal-fever")["prompt"] == "a pirate captain"
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/characters")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="Opal Fever").click()
    expect(page.get_by_label("Prompt")).to_have_value("a pirate captain")
    page.goto(f"{darkroom.url}/characters/ada")
    expect(page.get_by_text("[characters.ada]")).to_be_visible()
    expect(page.get_by_role("button", name="Save changes")).to_have_count(0)


def test_a_workflow_that_is_dropped_is_checked_drawn_and_kept(
    darkroom: Darkroom, visit: Visits
) -> None:
    """Wherever it is dropped. What is broken, hostile, too large or of another format is refused in
    words, node by node, and the page goes on."""
    page = visit(darkroom.url, expects=REFUSED)
    expect(page.get_by_role("radio", name="Ada Lumen")).to_be_attached()
    box = page.get_by_role("dialog")
    told = {
        "hello": "This is not JSON.",
        " " * 1_100_000: "larger than 1 MiB",
        '{"nodes": [], "links": []}': "not the API format",
        "[" * 50_000 + "]" * 50_000: "nested deeper",
        json.dumps({"1": {"class_type": "SaveImage"}}): "node 1 has no inputs",
    }
    for text, words in told.items():
        drop(page, "broken.json", text)
        expect(box).to_contain_text(words)
        page.keyboard.press("Escape")
        expect(box).to_have_count(0)
    drop(page, "hostile.json", _HOSTILE)
    expect(box).to_contain_text("node constructor is not an object")
    expect(box.locator("svg .node")).to_have_count(5)
    expect(box.locator("svg .faulty")).to_have_count(2)
    page.keyboard.press("Escape")
    chain = {
        str(n): {"class_type": "Step", "inputs": {"a": [str((n * 7 + 1) % 900), 0], "b": ["0", 0]}}
        for n in range(900)
    }
    drop(page, "huge.json", json.dumps(chain))
    expect(box).to_contain_text("200 nodes nearest to the output are drawn, 700 further ones")
    page.keyboard.press("Escape")

    drop(page, "My Portrait (2).json", PORTRAIT.read_text("utf-8"))
    expect(box).to_contain_text("It can be drawn.")
    expect(box.locator("svg .node")).to_have_count(7)
    sampler = box.locator("svg .node").filter(has_text="KSampler")
    expect(sampler.locator(".slot").first).to_contain_text("seed")
    expect(box.locator("svg .node.output")).to_contain_text("SaveImage")
    assert violations(page, "dialog") == []
    expect(box.get_by_label("Keep as")).to_have_value("my-portrait-2")
    box.get_by_label("Keep as").fill("quick")
    expect(box).to_contain_text("stands in safelight.toml")
    expect(box.get_by_role("button", name="Keep quick")).to_be_disabled()
    box.get_by_label("Keep as").fill("dusk")
    box.get_by_role("button", name="Keep dusk").click()
    page.wait_for_url("**/workflows/dusk")
    expect(page.get_by_role("heading", name="dusk")).to_be_visible()
    expect(page.locator("svg .node")).to_have_count(7)
    assert violations(page, "main") == []
    assert darkroom.get("/v1/workflows/dusk")["graph"] == json.loads(PORTRAIT.read_text("utf-8"))


def test_a_key_without_rights_is_told_which_places_are_not_for_it(
    darkroom: Darkroom, visit: Visits
) -> None:
    """The places of administrators are not in the bar; at their addresses they say in words what
    is needed. Characters can be looked at, and a dropped workflow is not even sent."""
    key = darkroom.key("user:ann")
    page = visit(f"{darkroom.url}/fleet", expects=["status of 401"])
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_text("can be seen with an administrator’s key")).to_be_visible()
    places = page.get_by_role("navigation", name="Places")
    expect(places.get_by_role("link")).to_have_text(["Order", "Queue", "Sheets", "Characters"])
    page.goto(f"{darkroom.url}/workflows/quick")
    expect(page.get_by_text("with an administrator’s key")).to_be_visible()
    drop(page, "portrait.json", PORTRAIT.read_text("utf-8"))
    expect(page.get_by_role("dialog")).to_contain_text("with an administrator’s key")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.goto(f"{darkroom.url}/characters/ada")
    expect(page.get_by_role("heading", name="Ada Lumen")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)
    page.goto(f"{darkroom.url}/characters")
    expect(page.get_by_role("link", name="Add a character")).to_have_count(0)
