"""Takes the pictures of docs/widget.md from a running assistant: python -m tests.widget.screenshots
http://localhost:5005"""

import sys
from typing import Any

from playwright.sync_api import sync_playwright

from assistant import paths
from tests.widget.browser import Visit, start

IMAGES = paths.ROOT / "docs" / "images"
MOST_BYTES = 300_000


def settled(tab: Visit) -> Visit:
    """After the scrolling to the newest reply."""
    tab.page.wait_for_timeout(600)
    return tab


def pictures(browser: Any, url: str) -> None:
    """Every picture; what it shows stands in its name."""
    asked = lambda size, *said, **options: _asked(browser, url, size, *said, **options)
    for name, tab in (
        ("widget-desktop", asked("desktop", "does it hurt?")),
        ("widget-dark", asked("desktop", "how long will I be red?", color_scheme="dark")),
        ("widget-notice", Visit(browser, "phone", reduced_motion="reduce").go(url).open()),
        ("widget-phone", asked("phone", "does it hurt?")),
        ("widget-narrow", asked("narrow", "I am pregnant, can I have it?")),
        ("widget-urgent", asked("phone", "my throat is swelling and I cannot breathe")),
        ("widget-person", asked("phone", "does it hurt?", click=".person")),
    ):
        path = IMAGES / f"{name}.png"
        settled(tab).shot(path)
        tab.close()
        print(f"{path.relative_to(paths.ROOT)}: {path.stat().st_size} bytes")
        if path.stat().st_size > MOST_BYTES:
            sys.exit(f"!! {path} is larger than {MOST_BYTES} bytes")


def _asked(browser: Any, url: str, size: str, *said: str, click: str = "", **options: Any) -> Visit:
    tab = Visit(browser, size, reduced_motion="reduce", **options).go(url).open().accept()
    for text in said:
        tab.say(text)
    if click:
        tab.find(click).click()
    return tab


if __name__ == "__main__":
    with sync_playwright() as playwright:
        pictures(start(playwright), sys.argv[1].rstrip("/") + "/webhooks/web/demo")
