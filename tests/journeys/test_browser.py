"""A person's browser shows the pictures."""

import shutil

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.servers.installation import Stack


@pytest.fixture(scope="module")
def page():
    with sync_playwright() as playwright:
        # The sandbox wants an unprivileged user; the pages are our own.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("kind", ["public picture", "signed picture"])
def test_a_browser_shows_the_pictures_of_the_welcome(page: Page, stack: Stack, kind: str) -> None:
    assert page.goto(stack.link(kind)).status == 200
    picture = page.evaluate("({width: document.images[0].naturalWidth, shown: document.images[0].complete})")
    assert picture == {"width": 800, "shown": True}
