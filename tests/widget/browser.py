"""Debian's Chromium through Playwright, with a guard: a request that leaves loopback, a script
error or a breach of the policy fails the test."""

import os
import shutil
import urllib.parse
from pathlib import Path
from typing import Any, Dict, List

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
)
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
SIZES = {"desktop": (1280, 800), "phone": (390, 844), "narrow": (320, 640)}
MISSING = (
    "Chromium is not installed: `apt-get install chromium`, or name it in the environment variable"
    " CHROMIUM"
)


def start(playwright: Playwright) -> Browser:
    """A browser without a window. A root user has no sandbox of its own to use."""
    arguments = ARGUMENTS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    return playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=arguments)


class Visit:
    """One visitor's tab with the widget in it."""

    def __init__(self, browser: Browser, size: str = "desktop", **options: Any):
        width, height = SIZES[size]
        touch: Dict[str, Any] = (
            {}
            if size == "desktop"
            else {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
        )
        self.context: BrowserContext = browser.new_context(
            **{
                "viewport": {"width": width, "height": height},
                "locale": "en-GB",
                "timezone_id": "Europe/London",
                **touch,
                **options,
            }
        )
        self.outside: List[str] = []
        self.errors: List[str] = []
        self.requests: List[str] = []
        self.context.on("request", self.note)
        self.context.route(
            lambda url: (
                urllib.parse.urlsplit(url).hostname not in ("127.0.0.1", "localhost", None, "")
            ),
            lambda route: route.abort(),
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)  # a busy machine
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.errors.append(message.text)
                if message.type == "error"
                and not message.text.startswith("Failed to load resource")
                else None
            ),
        )
        self.page.on(
            "dialog",
            lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()),
        )

    def note(self, request: Any) -> None:
        """Remember a request; one that leaves loopback is a fault."""
        where = urllib.parse.urlsplit(request.url)
        self.requests.append(request.url)
        if where.scheme in ("http", "https", "ws", "wss") and where.hostname not in (
            "127.0.0.1",
            "localhost",
        ):
            self.outside.append(request.url)

    def go(self, url: str) -> "Visit":
        """Open a page and wait for the launcher."""
        self.page.goto(url)
        self.page.locator("microneedling-assistant").wait_for(state="attached")
        return self

    def find(self, selector: str):
        """A locator inside the widget (Playwright looks into open shadow roots)."""
        return self.page.locator(f"microneedling-assistant {selector}")

    def open(self) -> "Visit":
        """Open the panel and wait for the notice or the conversation."""
        self.find(".launcher").click()
        self.find(":is(.notice, .turn, .problem)").first.wait_for()
        return self

    def accept(self) -> "Visit":
        """Accept the notice and wait for the greeting."""
        self.find(".notice .primary").click()
        self.find(".turn").first.wait_for()
        return self

    def say(self, text: str, wait: bool = True) -> "Visit":
        """Send a text and wait for its answer."""
        before = self.find(".turn").count()
        self.find("#box").fill(text)
        self.find("#box").press("Enter")
        if wait:
            self.find(".turn").nth(before).wait_for()
        return self

    def shot(self, path: Path) -> None:
        """A screenshot of what the visitor sees, after the panel's short animation."""
        self.page.wait_for_timeout(350)
        self.page.screenshot(path=str(path))

    def faults(self) -> List[str]:
        """Everything that must not happen on any page."""
        return [f"left loopback: {url}" for url in self.outside] + self.errors

    def close(self) -> None:
        """End the tab and its storage."""
        self.context.close()
