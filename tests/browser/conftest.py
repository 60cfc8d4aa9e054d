"""A real browser for the tests of the page; without one they are skipped."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Browser, program


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One chromium for all tests of a worker; each opens tabs of its own."""
    found = program()
    if found is None:
        pytest.skip("not on the PATH: chromium (on Debian: apt-get install chromium)")
    chromium = Browser(found, tmp_path_factory.mktemp("chromium"))
    try:
        yield chromium
    finally:
        chromium.close()
