"""A real browser before the page, and a watch over what it says and whom it asks."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    StorageState,
    WebError,
    expect,
    sync_playwright,
)

PATIENCE: Final = 60_000  # ms; machines are busy
expect.set_options(timeout=PATIENCE)
# Without the last four it asks for hosts of its maker's at every start.
_FLAGS: Final = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TELL_OF_THE_POLICY: Final = """
addEventListener("securitypolicyviolation", (event) =>
  console.error("policy:", event.violatedDirective, event.blockedURI));
"""


def chromium() -> str:
    """The system's Chromium; without one the test is skipped."""
    found = shutil.which("chromium", path="/usr/bin") or shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium: sudo make tools")
    return found


class Visits:
    """Opens pages; in the end, `trouble` is what was wrong with any of them.

    The browser starts with the first page. From then on until `close` an event loop runs in this
    thread, so that `asyncio.run` fails: servers are started before.
    """

    def __init__(self) -> None:
        self.trouble: list[str] = []
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def __call__(
        self,
        url: str,
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = True,
        still: bool = False,
        zoom: float = 1,
        touch: bool = False,
        scripts: bool = True,
        storage: StorageState | None = None,
        expects: Sequence[str] = (),
    ) -> Page:
        """A new visitor's page at this address, with nothing remembered but `storage`.

        `still`: they prefer reduced motion. `zoom`: as a browser zooms a window of this size.
        `touch`: on a phone. `expects`: patterns of what the console may say of errors.
        """
        context = self._started().new_context(
            viewport={"width": round(width / zoom), "height": round(height / zoom)},
            device_scale_factor=zoom,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if still else "no-preference",
            has_touch=touch,
            is_mobile=touch,
            java_script_enabled=scripts,
            storage_state=storage,
        )
        context.set_default_timeout(PATIENCE)
        context.add_init_script(_TELL_OF_THE_POLICY)
        self._watch(context, _origin(url), [re.compile(pattern) for pattern in expects])
        page = context.new_page()
        page.goto(url)
        return page

    def close(self) -> None:
        """End the browser."""
        if self._browser:
            self._browser.close()
        if self._playwright:
            self._playwright.stop()

    def _started(self) -> Browser:
        if self._browser is None:
            path = chromium()
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(
                executable_path=path, args=_FLAGS, handle_sigint=False
            )
        return self._browser

    def _watch(
        self, context: BrowserContext, home: str, expected: Sequence[re.Pattern[str]]
    ) -> None:
        def said(message: ConsoleMessage) -> None:
            bad = message.type in ("error", "warning", "assert")
            if bad and not any(pattern.search(message.text) for pattern in expected):
                self.trouble.append(f"console {message.type}: {message.text}")

        def failed(error: WebError) -> None:
            self.trouble.append(f"error: {error.error}")

        def asked(request: Request) -> None:
            if not request.url.startswith(("blob:", "data:")) and _origin(request.url) != home:
                self.trouble.append(f"asked elsewhere: {request.url}")

        context.on("console", said)
        context.on("weberror", failed)
        context.on("request", asked)


def violations(page: Page, within: str | None = None) -> list[str]:
    """What of a page, or of what a selector names in it, some people cannot use, in axe's words."""
    found: list[dict[str, Any]] = Axe().run(page, context=within).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:200]}"
        for one in found
        for node in one["nodes"]
    ]


def picture(page: Page, folder: Path, name: str) -> Path:
    """A picture of the window as it is, to look at."""
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    return path


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
