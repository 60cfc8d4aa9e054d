"""How many examples ran: recorded with each test, and summed at the end of `make fuzz`."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.proofs.fuzz.fuzzing import EXAMPLES, RAN


@pytest.fixture(autouse=True)
def _counted(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    name = request.function.__name__
    RAN[name] = 0
    yield
    record_property("examples", RAN[name])
    assert RAN[name], "a fuzz test that counts no example"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if EXAMPLES not in os.environ:
        return
    ran: dict[str, int] = {}
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        found = dict(getattr(report, "user_properties", ())).get("examples")
        if isinstance(found, int):
            ran[report.nodeid] = found
    for test, number in sorted(ran.items()):
        terminalreporter.write_line(f"{number:>8}  {test}")
    terminalreporter.write_line(f"{sum(ran.values()):>8}  examples in all")
