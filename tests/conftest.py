"""For every test: where the control planes and the node of a run live, their end, and how many tests they had."""

import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest

# It lists every kind. First imported in a test, it would keep the few that the fixture below leaves there.
import reconcile.observe  # noqa: F401
from reconcile.desire.children import CHILDREN
from tests.controlplane.programs import kill
from tests.node import starting
from tests.proofs.faults import quiet
from tests.whole import WHOLE

# Set by a person: use the control plane of `make cluster` in that folder, and leave it running.
# Else set here, before the workers of pytest-xdist are started, which inherit it: all use the same one.
FOLDER = "RECONCILE_TEST_CLUSTER"
# Set here, where the control plane ends with the run, and its namespaces need not.
THROWN_AWAY = "RECONCILE_TEST_CLUSTER_IS_THROWN_AWAY"


class Real(NamedTuple):
    """Tests of something that a machine may not have: a run that was to try it must not be green without."""

    where: str
    folders: tuple[str, ...]
    required: str
    """The variable that says so, with `1`."""


REALS = (
    Real("Against a real cluster", ("tests/e2e/", "tests/node/"), "RECONCILE_REQUIRE_CLUSTER"),
    Real(
        "In a real browser and real shells", ("tests/browser/", "tests/shells/"), "RECONCILE_REQUIRE_PROGRAMS"
    ),
)

# Of these folders `make test` takes a few tests, and PROOF=whole (`make whole`) all.
FEW = {
    "tests/browser/": (
        "test_the_page_opens_without_a_complaint_and_requests_nothing_else",
        "test_its_policy_stops_a_script_and_a_request_of_anybody_else",
        "test_a_click_on_a_head_sorts_and_a_second_one_the_other_way",
        "test_what_others_wrote_does_nothing_and_is_text",
    ),
    "tests/shells/": (
        "test_tab_offers_the_names_and_completes_one",
        "test_fish_offers_the_names_with_their_hostnames",
        "test_a_name_that_a_shell_could_take_for_more_is_not_offered",
        "test_it_is_the_same_command",
        "test_tab_completes_it_through_kubectl",
    ),
    # `make test-node` builds the image from the Dockerfile, and runs it.
    "tests/contracts/test_image.py": (),
    "tests/contracts/test_without_assets.py": (
        "test_what_needs_a_node_is_skipped_by_name_without_one",
        "test_a_skipped_test_of_a_node_fails_a_run_that_has_to_have_one",
    ),
}

# Of other files it leaves out these, which take a clone through the whole kit, every wheel from its index, a
# pipeline through its work once for each right that it lacks, or eighty megabytes through a server.
LONG = frozenset(
    {
        "test_the_tests_that_count_count_an_added_kind_too",
        "test_a_name_that_nothing_else_has_is_taken",
        "test_a_singular_that_is_the_plural_is_refused",
        "test_every_architecture_has_a_wheel_of_every_requirement",
        "test_a_pipeline_that_reconciles_misses_each_role_by_name",
        "test_each_right_of_an_author_is_missed_by_name",
        # tests/e2e/test_cookbook_cluster.py follows the same pages.
        "test_a_field_and_a_kind_of_child_and_own_names_can_be_had_by_the_pages_alone",
        "test_previews_of_a_megabyte_do_not_fill_the_memory",
    }
)

# The fixtures `world` and `command`, for the tests of whole passes wherever they lie.
pytest_plugins = ["tests.in_process", "tests.shop", "tests.cluster_adapters.command"]

# How long an example takes tells how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("reconcile", deadline=None)
hypothesis.settings.load_profile("reconcile")

_own_folder = pytest.StashKey[Path]()
_quiet_folder = pytest.StashKey[Path]()
_node_folder = pytest.StashKey[Path]()


SHIPPED = frozenset({"Job", "Deployment", "Service", "Mapping", "Ingress", "HTTPRoute"})
ADDED = tuple(kind for kind in CHILDREN if kind.resource.kind not in SHIPPED)
# Where a kind of child that somebody added is made as any other: what is not about whole plans.
OF_EVERY_KIND = frozenset({"test_child_kinds", *(f"test_{kind.render.__name__}" for kind in ADDED)})


@pytest.fixture(autouse=bool(ADDED))
def _of_the_kinds_that_are_shipped(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds a kind of child to a clone need not count it in each plan that a test states.

    It is listed there as any other, and wanted by nobody. Its own tests, and those against a real API server,
    have it.
    """
    where = request.path.relative_to(request.config.rootpath).as_posix()
    if not where.startswith(("tests/e2e/", "tests/node/")) and request.path.stem not in OF_EVERY_KIND:
        shipped = tuple(kind for kind in CHILDREN if kind not in ADDED)
        monkeypatch.setattr("reconcile.desire.children.CHILDREN", shipped)


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder; the first test that needs a control plane starts it there."""
    if folder := quiet.name_folder():
        config.stash[_quiet_folder] = folder
    if folder := starting.name_folder():
        config.stash[_node_folder] = folder
    if FOLDER not in os.environ:
        config.stash[_own_folder] = Path(tempfile.mkdtemp(prefix="reconcile-tests-"))
        os.environ[FOLDER] = str(config.stash[_own_folder])
        os.environ[THROWN_AWAY] = "1"
        # A time limit sends SIGTERM, after which the programs would run on: end it as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only PROOF=whole takes, or who names a test."""
    if WHOLE or any("::" in named for named in config.args):
        return
    rest = [item for item in items if _is_left_out(item.nodeid)]
    config.hook.pytest_deselected(items=rest)
    items[:] = [item for item in items if item not in set(rest)]


def _is_left_out(nodeid: str) -> bool:
    name = nodeid.partition("::")[2].partition("[")[0]
    return name in LONG or any(nodeid.startswith(folder) and name not in few for folder, few in FEW.items())


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the control planes and the node of this run, whichever worker started them."""
    if folder := config.stash.get(_quiet_folder, None):
        quiet.end(folder)
    if folder := config.stash.get(_node_folder, None):
        starting.end(folder)
    if folder := config.stash.get(_own_folder, None):
        del os.environ[FOLDER]
        kill(folder)
        shutil.rmtree(folder, ignore_errors=True)


def tests_of(real: Real, config: pytest.Config, *outcomes: str) -> int:
    """How many of its tests ended so; in a worker none, since they are counted at the top."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = (
        report for outcome in outcomes for report in (reporter.stats.get(outcome, []) if reporter else [])
    )
    return len({report.nodeid for report in reports if report.nodeid.startswith(real.folders)})


def left_out(real: Real, config: pytest.Config) -> bool:
    """Whether they had to run, and not all did."""
    required = os.environ.get(real.required) == "1"
    return required and bool(tests_of(real, config, "skipped") or not tests_of(real, config, "passed"))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run that had to try the real thing and left some of it out."""
    is_worker = hasattr(session.config, "workerinput")
    if is_worker or exitstatus != pytest.ExitCode.OK:
        return
    if any(left_out(real, session.config) for real in REALS):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skips(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> Iterator[str]:
    """One line for each reason, the most frequent first: `123 skipped: not in KUBEBUILDER_ASSETS: etcd (…)`."""
    # Of a skip pytest keeps the file, the line and the reason.
    reasons = Counter(str(report.longrepr[2]) for report in reports if isinstance(report.longrepr, tuple))
    for reason, count in reasons.most_common():
        yield f"{count} skipped: {reason.removeprefix('Skipped: ')}"


# Tables of what others write, as the tests whose parameters are their rows.
TABLES = {
    "certificates": (
        "tests/cluster_adapters/test_certificates.py::test_an_authority_that_kubectl_takes_is_taken",
        "tests/cluster_adapters/test_certificates.py::test_what_kubectl_refuses_is_refused_before_anything_is_sent",
    ),
    "kubeconfigs": (
        "tests/cluster_adapters/test_kubeconfigs_of_providers.py::test_a_kubeconfig_of_a_provider_leads_to_its_server_as_its_user",
        "tests/cluster_adapters/test_kubeconfig.py::test_a_mistake_is_a_sentence_that_names_the_file",
    ),
    "YAML spellings": (
        "tests/e2e/test_yaml_spellings.py::test_what_kubectl_takes_is_taken_and_means_the_same",
    ),
    "hostname spellings": (
        "tests/kube/test_hostnames.py::test_a_mapping_takes_a_hostname_in_whatever_spelling",
    ),
}


def rows(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """How many rows of each table ran: `75 YAML spellings`."""
    ran = [report.nodeid.partition("[")[0] for report in reports]
    for table, tests in TABLES.items():
        if count := sum(test in tests for test in ran):
            yield f"{count} {table}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many ran, since a skip is easily overlooked, and how many cases those had that count them."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    if cases := sum(dict(report.user_properties).get("cases", 0) for report in reports):
        terminalreporter.write_line(f"{cases} cases of runs that failed or were killed.")
    if told := ", ".join(rows(reports)):
        terminalreporter.write_line(f"Tables: {told}.")
    for name, told in (each for report in reports for each in report.user_properties):
        if name == "told":
            terminalreporter.write_line(str(told))
    for line in skips(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line)
    for real in REALS:
        ran, skipped = tests_of(real, config, "passed", "failed"), tests_of(real, config, "skipped")
        if ran or skipped or os.environ.get(real.required) == "1":
            terminalreporter.write_line(f"{real.where}: {ran} ran, {skipped} skipped.")
        if os.environ.get(real.required) == "1" and (skipped or not ran):
            terminalreporter.write_line(f"{real.required}=1: all of them have to run.", red=True)
