"""A real browser for the tests of the page; without one they are skipped."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Browser, program


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Tabs are opened in it; they are closed after the test."""
    yield chromium
    chromium.close_tabs()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One process for all tests of a worker."""
    found = program()
    if found is None:
        pytest.skip("not on the PATH: chromium (on Debian: apt-get install chromium)")
    started = Browser(found, tmp_path_factory.mktemp("chromium"))
    try:
        yield started
    finally:
        started.close()
