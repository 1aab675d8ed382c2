"""The pictures of the page in docs/images, made anew: `python -m tests.page.shoot`.

Starts a server with simulated backends of its own, orders, and photographs what people see.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.page.browsing import Visits
from tests.page.scene import Darkroom
from tests.processes import Processes

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SCENES = ("on a beach at dusk", "in a library, rain outside", "at the harbour", "in the snow")


def main() -> int:
    """All pictures; prints each."""
    visits = Visits()
    try:
        for scene in (_finished, _developing):
            with tempfile.TemporaryDirectory() as home:
                processes = Processes(Path(home), "")
                try:
                    scene(processes, visits)
                finally:
                    processes.stop_all()
    finally:
        visits.close()
    for trouble in visits.trouble:
        print(trouble, file=sys.stderr)
    return 1 if visits.trouble else 0


def _fill(darkroom: Darkroom) -> None:
    for scene in SCENES:
        for character in ("ada", "old-tom"):
            batch = darkroom.order(8, character, prompt=scene, wait=120)
            for image in batch["images"][::5]:
                darkroom.post(f"/v1/images/{image['id']}/star", method="PUT")


def _finished(processes: Processes, visits: Visits) -> None:
    darkroom = Darkroom(processes, seconds=0.2, backends=2, workflow="portrait")
    _fill(darkroom)
    batch = darkroom.get("/v1/batches?character=ada")["data"][0]
    views = {
        "order": ("/", ".strip .cell img"),
        "sheet": ("/series/ann/ada", "main img"),
        "picture": (f"/batches/{batch['id']}#{batch['images'][1]['index']}", ".stage img"),
        "fleet": ("/fleet", "text=b1"),
        "workflow": ("/workflows/portrait", "svg"),
    }
    for name, (address, there) in views.items():
        page = visits(darkroom.url + address, dark=name not in ("order", "fleet"), height=860)
        expect(page.locator(there).first).to_be_visible()
        if name == "picture":
            page.keyboard.press("i")
            expect(page.get_by_text("SHA-256")).to_be_visible()
        _keep(page, name)
    phone = visits(f"{darkroom.url}/series/ann/ada", width=390, height=780, touch=True)
    expect(phone.locator("main img").first).to_be_visible()
    _keep(phone, "phone")


def _developing(processes: Processes, visits: Visits) -> None:
    """Eight of which some are there, some develop, one has failed, and some wait."""
    slow = Darkroom(processes, seconds=6, backends=2, workflow="portrait", config=_ONE_TRY)
    page = visits(slow.url, height=980)
    page.get_by_label("What").fill("on a rooftop, city lights")
    page.get_by_role("radio", name="8", exact=True).check()
    page.get_by_role("button", name="Order 8 pictures").click()
    slow.simulators[0].fault("oom", 1)
    expect(page.locator(".frame.failed").first).to_be_visible()
    slow.simulators[0].fault("oom", 0)
    expect(page.locator(".frame.stored img").first).to_be_visible()
    expect(page.locator(".frame.dispatched img.latest").first).to_be_visible()
    _keep(page, "developing")


_ONE_TRY = "[rendering]\nmax_attempts = 1\n"


def _keep(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)  # pictures fade in
    path = IMAGES / f"page-{name}.webp"
    Image.open(BytesIO(page.screenshot())).save(path, quality=80, method=6)
    page.close()
    print(path.relative_to(IMAGES.parents[1]), f"{path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
