"""Measures the widget in Chromium and writes the figures into docs/widget.md.

    make measure-widget                  bytes, blocking time, time from click to usable
    make measure-widget ARGS="--print"   the same, without writing

It is measured on the test's own page and channel (tests/widget/fake.py), so that Rasa's speed is
not part of it. Bytes are gzip -9; what a visit transfers is counted by the browser, with the
headers. Blocking time is what long tasks take beyond 50 ms each (Total Blocking Time) with the
processor slowed down four times.
"""

import argparse
import gzip
import statistics
import sys
import time
from typing import Any, Dict

from playwright.sync_api import sync_playwright

from assistant import paths
from assistant.rasa.assets import load_assets
from tests.widget import browser as browsers
from tests.widget.fake import FakeChannel

DOCUMENT = paths.ROOT / "docs" / "widget.md"
BEGIN, END = "<!-- figures: make measure-widget -->", "<!-- end of figures -->"
RUNS = 7
WATCH = """(() => {
  window.tasks = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.tasks.push(entry.duration);
  });
  observer.observe({ type: 'longtask', buffered: true });
})()"""
CLICK = """() => new Promise((done) => {
  const root = document.querySelector('microneedling-assistant').shadowRoot;
  const launcher = root.querySelector('.launcher');
  const start = performance.now();
  const look = () => {
    if (root.querySelector('.notice .primary')) done(performance.now() - start);
    else requestAnimationFrame(look);
  };
  launcher.click();
  look();
})"""


def packed(data: bytes) -> int:
    """Bytes after gzip -9."""
    return len(gzip.compress(data, 9, mtime=0))


def sizes() -> Dict[str, int]:
    """Bytes of the launcher, the panel and the Spanish strings as they are transferred with
    gzip."""
    assets = {name: len(asset.bodies["gzip"]) for name, asset in load_assets().items()}
    part = lambda start: next(size for name, size in assets.items() if name.startswith(start))
    return {
        "launcher": assets["widget.js"],
        "panel": part("assets/panel-"),
        "spanish": part("assets/es-"),
    }


def transferred(browser: Any, url: str) -> Dict[str, int]:
    """Bytes that the browser receives for the widget: until the page's load, then in idle time,
    then by the click (CDP's encodedDataLength, headers too)."""
    tab, begun, received = browsers.Visit(browser), {}, {}
    session = tab.context.new_cdp_session(tab.page)
    session.on(
        "Network.requestWillBeSent",
        lambda event: begun.update({event["requestId"]: event["request"]["url"]}),
    )
    session.on(
        "Network.loadingFinished",
        lambda event: received.update({event["requestId"]: event["encodedDataLength"]}),
    )
    session.send("Network.enable")
    tab.go(url)
    tab.page.wait_for_timeout(2000)
    before = {
        begun[name]: size for name, size in received.items() if "/webhooks/web/" in begun[name]
    }
    tab.open()
    tab.page.wait_for_timeout(500)
    every = sum(size for name, size in received.items() if "/webhooks/web/" in begun[name])
    tab.close()
    launcher = sum(size for address, size in before.items() if address.endswith("/widget.js"))
    return {
        "launcher": launcher,
        "idle": sum(before.values()) - launcher,
        "click": every - sum(before.values()),
    }


def blocking(browser: Any, url: str, open_panel: bool) -> float:
    """Total Blocking Time of a page in milliseconds, four times slowed down, until two seconds
    after its load."""
    tab = browsers.Visit(browser)
    session = tab.context.new_cdp_session(tab.page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    tab.page.add_init_script(WATCH)
    tab.page.goto(url)
    tab.page.wait_for_timeout(2000)
    if open_panel:
        tab.page.evaluate("window.tasks.length = 0")
        tab.open()
        tab.page.wait_for_timeout(1000)
    tasks = tab.page.evaluate("window.tasks")
    tab.close()
    return sum(max(0, task - 50) for task in tasks)


def click_to_usable(browser: Any, url: str, slow: int) -> float:
    """Milliseconds from the click on the launcher to the notice with its button, a visitor who did
    not hover before."""
    tab = browsers.Visit(browser)
    tab.go(url)
    tab.page.wait_for_timeout(1000)
    if slow > 1:
        tab.context.new_cdp_session(tab.page).send("Emulation.setCPUThrottlingRate", {"rate": slow})
    taken = tab.page.evaluate(CLICK)
    tab.close()
    return taken


def times() -> Dict[str, Any]:
    """The times, medians of RUNS runs, and what a visit transfers."""
    channel = FakeChannel()
    try:
        with sync_playwright() as playwright:
            browser = browsers.start(playwright)
            page, bare = f"{channel.url}/page", f"{channel.url}/bare"
            figures = {
                "transferred": transferred(browser, page),
                "blocking": (
                    statistics.median(blocking(browser, page, False) for _ in range(RUNS))
                    - min(blocking(browser, bare, False) for _ in range(3))
                ),
                "blocking_click": statistics.median(
                    blocking(browser, page, True) for _ in range(RUNS)
                ),
                "usable": statistics.median(click_to_usable(browser, page, 1) for _ in range(RUNS)),
                "usable_slow": statistics.median(
                    click_to_usable(browser, page, 4) for _ in range(RUNS)
                ),
            }
            browser.close()
    finally:
        channel.end()
    return figures


def figures_table(size: Dict[str, int], time_of: Dict[str, Any]) -> str:
    """The figures as a table in markdown."""
    kilo = lambda number: f"{number / 1000:.1f} KB"
    lines = [
        (
            "launcher: all that runs before a visitor hovers, focuses, touches or clicks",
            kilo(size["launcher"]),
            "2 KB",
        ),
        ("launcher, panel", kilo(size["launcher"] + size["panel"]), "45 KB"),
        ("launcher, panel, Spanish strings", kilo(sum(size.values())), "45 KB"),
        ("received until the page's load: launcher", kilo(time_of["transferred"]["launcher"]), ""),
        (
            "received in idle time after it: panel, fetched but not run",
            kilo(time_of["transferred"]["idle"]),
            "",
        ),
        ("received by the click: the clinic's card", kilo(time_of["transferred"]["click"]), ""),
        (
            "blocking time added to the page, 4 times slowed down, median of 7",
            f"{time_of['blocking']:.0f} ms",
            "50 ms",
        ),
        (
            "blocking time of opening, 4 times slowed down, median of 7",
            f"{time_of['blocking_click']:.0f} ms",
            "",
        ),
        ("click to usable on loopback, median of 7", f"{time_of['usable']:.0f} ms", "300 ms"),
        (
            "click to usable on loopback, 4 times slowed down, median of 7",
            f"{time_of['usable_slow']:.0f} ms",
            "",
        ),
    ]
    return "\n".join(
        [
            "| figure (gzip -9) | measured | wanted at most |",
            "|---|---|---|",
            *(f"| {' | '.join(line)} |" for line in lines),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--print", action="store_true", help="print only, leave docs/widget.md as it is"
    )
    args = parser.parse_args()
    if not browsers.CHROMIUM:
        sys.exit(f"!! {browsers.MISSING}")
    table = figures_table(sizes(), times())
    print(table)
    text = DOCUMENT.read_text("utf-8")
    if BEGIN not in text or END not in text:
        sys.exit(
            f"!! {DOCUMENT} has no place for the figures: put the lines {BEGIN} and {END} into it"
        )
    if not args.print:
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        DOCUMENT.write_text(
            f"{before}{BEGIN}\nMeasured on {time.strftime('%Y-%m-%d')}.\n\n{table}\n{END}{after}",
            "utf-8",
        )


if __name__ == "__main__":
    main()
