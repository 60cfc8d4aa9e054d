"""How the bench runs things: until a run is silent, with the CPU time of each, and leaving out by name what is not there."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from bench import peers as peers_of
from bench import wanted
from bench.changes import drift, rollouts
from bench.load import Load
from bench.measure import MOST_RUNS, Asked, Bench
from bench.peers import peers
from bench.process import REPOSITORY, Ended, NotMeasured, Runner
from bench.upgrade import first_run, full_comparison
from tests.controlplane.audit import AuditEvent

LIST = AuditEvent("list", "services", "", "", 200, "/api/v1/services")
APPLY = AuditEvent("patch", "services", "team-0", "pr-0", 200, "/api/v1/namespaces/team-0/services/pr-0")
STATUS = AuditEvent("patch", "previewenvironments/status", "team-0", "pr-0", 200, "/status")


class Somebody:
    """Who would write into the cluster."""

    fingerprints = 0

    def nothing(self, *given: object) -> None:
        pass

    roll_out = new_images = edit = nothing

    def forget_fingerprints(self) -> int:
        return self.fingerprints


class Programs:
    """Each takes a second and says the same."""

    def __init__(self, folder: Path, out: str = "") -> None:
        self.folder, self.out = folder, out

    def run(self, *command: str | Path) -> Ended:
        return Ended(1.0, 0.5, 60.0, 0, self.out, "")

    python = run


@pytest.fixture(autouse=True)
def _nothing_was_changed_a_moment_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.measure.SETTLING", timedelta(seconds=-1))


@dataclass(frozen=True)
class Scripted(Bench):
    """Runs that ask what they are given, one after the other, and then nothing but a list."""

    script: Iterator[Asked] = field(default_factory=lambda: iter(()))

    def run(self) -> tuple[Ended, Asked]:
        return self.runner.python(), next(self.script, (LIST,))

    def previews(self) -> list[dict[str, Any]]:
        return []


def a_bench(folder: Path, *script: Asked, out: str = "") -> Scripted:
    load: Any = Somebody()
    runner: Any = Programs(folder, out)
    plane: Any = SimpleNamespace(kubeconfig=folder)
    return Scripted(plane, load, runner, 1, script=iter(script))


# until a run is silent


def test_all_is_settled_when_a_run_after_the_rollout_writes_nothing(tmp_path: Path) -> None:
    bench = a_bench(tmp_path, (LIST, APPLY, STATUS), (LIST, STATUS), (LIST, STATUS))
    assert bench.settle() == [(LIST, APPLY, STATUS), (LIST, STATUS), (LIST, STATUS), (LIST,)]


def test_a_silent_run_before_the_rollout_settles_nothing(tmp_path: Path) -> None:
    assert len(a_bench(tmp_path, (LIST,), (LIST, STATUS)).settle()) == 3


def test_what_never_settles_is_not_measured(tmp_path: Path) -> None:
    bench = a_bench(tmp_path, *[(LIST, STATUS)] * MOST_RUNS)
    with pytest.raises(NotMeasured, match=r"100 runs, and the last wrote 1 times, first .*status"):
        bench.settle()


def test_drift_costs_what_its_run_asks_beside_the_lists_and_in_all_what_follows_too(tmp_path: Path) -> None:
    script: tuple[Asked, ...] = (
        (LIST,),
        (LIST,),
        (LIST, APPLY, APPLY, STATUS),
        (LIST, STATUS),
        (LIST, STATUS),
    )
    figures = drift(a_bench(tmp_path, *script), 100)
    assert [(figure.name, figure.ours.values) for figure in figures] == [
        (wanted.DRIFT, (1.0,)),
        (wanted.DRIFT_IN_ALL, (5 / 3,)),
    ]


def test_the_status_writes_of_a_rollout_are_those_of_all_runs_until_one_is_silent(tmp_path: Path) -> None:
    first: tuple[Asked, ...] = ((LIST, APPLY, STATUS), (LIST, STATUS), (LIST,))
    then: tuple[Asked, ...] = ((LIST, APPLY, STATUS), (LIST, STATUS), (LIST, STATUS))
    figures = rollouts(a_bench(tmp_path, *first, *then), 1)
    assert [(figure.name, figure.ours.values) for figure in figures] == [
        (wanted.ROLLOUT, (2.0,)),
        (wanted.NEW_IMAGE, (3.0,)),
    ]


# what is not there


def test_a_command_without_the_option_leaves_the_full_comparison_out_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert full_comparison(a_bench(tmp_path), 1_000) == []
    assert "Left out: full comparison, CPU, and its memory; this reconcile has no --no-fingerprint" in (
        capsys.readouterr().err
    )


def test_a_full_comparison_stands_beside_an_unchanged_run_and_beside_the_raw_lists(tmp_path: Path) -> None:
    figures = full_comparison(a_bench(tmp_path, out="--no-fingerprint"), 1_000)
    assert [(figure.name, figure.beside and figure.beside.name) for figure in figures] == [
        (wanted.FULL_AND_UNCHANGED, wanted.UNCHANGED_CPU),
        (wanted.FULL, wanted.RAW_CPU),
        (wanted.FULL_MEMORY, None),
    ]


def test_without_any_fingerprint_the_first_run_is_left_out_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert first_run(a_bench(tmp_path), 1_000) == []
    assert "Left out: first run after an upgrade, CPU" in capsys.readouterr().err


def test_the_first_run_after_an_upgrade_is_one_whose_fingerprints_were_forgotten(tmp_path: Path) -> None:
    bench = a_bench(tmp_path)
    bench.load.fingerprints = 3  # type: ignore[attr-defined]
    assert [figure.name for figure in first_run(bench, 1_000)] == [wanted.FIRST, wanted.FIRST_MEMORY]


def test_only_previews_that_have_a_fingerprint_lose_it() -> None:
    asked: list[tuple[str, str, str]] = []
    statuses: dict[str, dict[str, Any]] = {
        "new": {},
        "old": {"status": {"url": "https://a"}},
        "known": {"status": {"fingerprint": "0a"}},
    }

    def answer(request: httpx2.Request) -> httpx2.Response:
        _, _, path = request.url.path.rpartition("/previewenvironments")
        asked.append((request.method, path, request.read().decode()))
        items = [
            {"metadata": {"namespace": "team-0", "name": name}, **more} for name, more in statuses.items()
        ]
        return httpx2.Response(200, json={"items": items})

    with httpx2.Client(transport=httpx2.MockTransport(answer), base_url="https://cluster") as client:
        assert Load(client).forget_fingerprints() == 1
    assert asked[1:] == [("PATCH", "/known/status", json.dumps({"status": {"fingerprint": None}}))]


def test_without_fluxs_engine_that_row_is_left_out_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers_of, "FLUX_SSA", tmp_path / "flux-ssa")
    assert peers(a_bench(tmp_path), 1_000, kubectl=False) == []
    assert "and Flux's engine; `make peers` builds it" in capsys.readouterr().err


@pytest.mark.parametrize(("out", "measured"), [("map[unchanged:0]", True), ("map[configured:3]", False)])
def test_fluxs_engine_is_measured_where_it_found_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, measured: bool
) -> None:
    monkeypatch.setattr(peers_of, "FLUX_SSA", tmp_path)
    bench = a_bench(tmp_path, out=out)
    if measured:
        assert [figure.name for figure in peers(bench, 1_000, kubectl=False)] == [wanted.FLUX]
    else:
        with pytest.raises(NotMeasured, match="Flux's engine says"):
            peers(bench, 1_000, kubectl=False)


def test_without_its_sources_fluxs_engine_is_skipped_by_name(tmp_path: Path) -> None:
    command = ["make", "--no-print-directory", "peers", f"PEERS={tmp_path}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Skipped: Flux's engine wants Go")
    assert len(done.stdout.splitlines()) == 1


# processes


def test_a_process_that_waits_takes_no_cpu_time(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "kubeconfig", tmp_path)
    waits = runner.python("-c", "import time; time.sleep(0.3)")
    works = runner.python("-c", "import time\nwhile time.process_time() < 0.1: pass")
    assert waits.seconds > 0.3 > waits.cpu
    assert works.cpu >= 0.1


def test_what_keeps_python_from_compiling_once_for_all_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    asked = "import sys; print(sys.dont_write_bytecode)"
    assert Runner(tmp_path / "kubeconfig", tmp_path).python("-c", asked).out == "False\n"
