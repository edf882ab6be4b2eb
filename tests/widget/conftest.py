"""A browser and a fake channel for the widget's tests. Nothing here needs Rasa."""

import pytest
from playwright.sync_api import sync_playwright

from tests.widget import browser as browsers
from tests.widget.fake import FakeChannel


@pytest.fixture(scope="package")
def browser():
    if not browsers.CHROMIUM:
        pytest.skip(browsers.MISSING)
    with sync_playwright() as playwright:
        running = browsers.start(playwright)
        yield running
        running.close()


@pytest.fixture(scope="package")
def fake():
    channel = FakeChannel()
    yield channel
    channel.end()


@pytest.fixture
def channel(fake):
    fake.reset()
    yield fake
    if fake.hold:
        fake.hold.set()


@pytest.fixture
def visit(browser, channel):
    """Opens tabs: visit("phone", color_scheme="dark"). At the end nothing may have left loopback or
    gone wrong on any page."""
    opened = []

    def start(size="desktop", **options):
        opened.append(browsers.Visit(browser, size, **options))
        return opened[-1]

    yield start
    faults = [fault for one in opened for fault in one.faults()]
    for one in opened:
        one.close()
    assert not faults, faults
