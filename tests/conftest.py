"""For every test: where the one control plane of a run lives, its end, and how many tests it had."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import hypothesis
import pytest

from tests.controlplane.programs import kill

# Set by a person: use the control plane of `make cluster` in that folder, and leave it running.
# Else set here, before the workers of pytest-xdist are started, which inherit it: all use the same one.
FOLDER = "RECONCILE_TEST_CLUSTER"
# A run that was to test against an API server must not be green because it could not.
REQUIRED = "RECONCILE_REQUIRE_CLUSTER"
CLUSTER_TESTS = "tests/cluster/"

# The fixtures `world` and `command`, for the tests of whole passes wherever they lie.
pytest_plugins = ["tests.http.command"]

# How long an example takes tells how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("reconcile", deadline=None)
hypothesis.settings.load_profile("reconcile")

_own_folder = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder; the first test that needs a control plane starts it there."""
    if FOLDER not in os.environ:
        config.stash[_own_folder] = Path(tempfile.mkdtemp(prefix="reconcile-tests-"))
        os.environ[FOLDER] = str(config.stash[_own_folder])
        # A time limit sends SIGTERM, after which the programs would run on: end it as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the control plane of this run, whichever worker started it."""
    if folder := config.stash.get(_own_folder, None):
        del os.environ[FOLDER]
        kill(folder)
        shutil.rmtree(folder, ignore_errors=True)


def cluster_tests(config: pytest.Config, *outcomes: str) -> int:
    """How many tests against an API server ended so; in a worker none, since they are counted at the top."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = (
        report for outcome in outcomes for report in (reporter.stats.get(outcome, []) if reporter else [])
    )
    return len({report.nodeid for report in reports if report.nodeid.startswith(CLUSTER_TESTS)})


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run that had to test against an API server and left some of it out."""
    is_worker = hasattr(session.config, "workerinput")
    if os.environ.get(REQUIRED) != "1" or is_worker or exitstatus != pytest.ExitCode.OK:
        return
    if cluster_tests(session.config, "skipped") or not cluster_tests(session.config, "passed"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many ran, since a skip is easily overlooked."""
    ran = cluster_tests(config, "passed", "failed")
    skipped = cluster_tests(config, "skipped")
    required = os.environ.get(REQUIRED) == "1"
    if ran or skipped or required:
        terminalreporter.write_line(f"Against a real API server: {ran} ran, {skipped} skipped.")
    if required and (skipped or not ran):
        terminalreporter.write_line(f"{REQUIRED}=1: all of them have to run.", red=True)
