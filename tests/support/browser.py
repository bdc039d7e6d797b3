"""A real Chromium without a screen, for what is made to be looked at; and pages in it that tell what they asked for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import pytest

from tests.support.subtitle_checkers import required
from tests.support.synthetic_video import frame_index

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_RECORDING = """
window.violations = [];
addEventListener("securitypolicyviolation", ({ violatedDirective }) => violations.push(violatedDirective));
"""


@dataclass
class Opened:
    """A page, what it asked for, what went wrong in it, and what it said in the console."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def value(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, selector: str) -> None:
        self.page.locator(selector).click()

    def until(self, expression: str) -> None:
        """Waits until it is true."""
        self.page.wait_for_function(f"() => Boolean({expression})", polling=20)

    @property
    def status(self) -> str:
        return self.page.locator("#status").inner_text()

    def shown_frame(self, awaited: int | None = None) -> int:
        """The index that the picture on the screen carries. After a seek has ended, a browser that has much to do may
        show what was there before for a moment: `awaited` is waited for, and what is there after 5 s is told."""
        latest = time.monotonic() + 5
        while True:
            self.until("!video.seeking && wanted === null && video.readyState >= 2")
            self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            picture = self.page.locator("#video").screenshot()
            with av.open(BytesIO(picture), "r") as image:
                shown = frame_index(next(image.decode(video=0)))
            if awaited in (None, shown) or time.monotonic() > latest:
                return shown


OpenPage = Callable[..., Opened]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        required(True, "playwright")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    required(found is None, "Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens a file from disk: `open_page(path, width=..., color_scheme="dark")`."""
    contexts = []

    def open_file(path: Path, *, width: int = 700, height: int = 1400, script: str = "", **options: Any) -> Opened:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.add_init_script(_RECORDING + script)
        opened = Opened(context.new_page())
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.goto(path.as_uri())
        return opened

    yield open_file
    for context in contexts:
        context.close()
