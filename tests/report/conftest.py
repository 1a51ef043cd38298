import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine's."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("NO CHROMIUM ON THIS MACHINE: the report page was not opened in a browser (apt install chromium)")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--mute-audio"])
