"""The pages of docs/cookbook do what they say: each is followed on a copy of the repository."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.controlplane.programs import missing_programs
from tests.cookbook import PAGES, Clone, hunks, matches


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """One clone for all of them: they build on each other."""
    return Clone.make(tmp_path_factory.mktemp("cookbook") / "clone")


def test_a_field_and_a_kind_of_child_and_own_names_can_be_had_by_the_pages_alone(clone: Clone) -> None:
    for page in ("own-names.md", "field.md", "child-kind.md"):
        clone.follow(page)
    checked = clone.run(
        "python -m mypy reconcile/desire/children tests/desire/test_networkpolicy.py; ruff check -q && echo done"
    )
    assert checked.endswith("done\n"), checked


@pytest.mark.parametrize(
    "page",
    [
        *("database.md", "job.md", "options.md", "helm.md"),
        *("sidecar.md", "istio.md", "openshift.md", "websockets.md"),
        *("redis-and-worker.md", "postgres.md", "configmap.md", "external-secret.md"),
        *("network-policy.md", "disruption-budget.md"),
    ],
)
def test_a_page_alone_does_what_it_claims(page: str, clone: Clone) -> None:
    follow(page, clone)


def follow(page: str, clone: Clone) -> None:
    """Follow a page without what another one has made."""
    for made in ("previews", "children", "templates"):
        shutil.rmtree(clone.root / made, ignore_errors=True)
    clone.follow(page, *(() if missing_programs(["helm"]) else ("helm",)))


def test_the_core_can_be_had_by_the_page_alone(tmp_path: Path) -> None:
    """In a clone of its own: what it takes out is not there for the other pages."""
    clone = Clone.make(tmp_path / "clone")
    shutil.rmtree(clone.root / "reconcile" / "run" / "__pycache__", ignore_errors=True)  # the page lists it
    clone.follow("wings.md")


def test_the_page_of_the_api_has_a_script_that_calls_it_for_what_is_ready_and_for_nothing_else(
    clone: Clone,
) -> None:
    follow("http-api.md", clone)
    found = dict.fromkeys(("reason", "message", "created", "expires"))
    found |= {"namespace": "shop", "url": "https://a"}
    previews = [
        {**found, "name": state.lower(), "state": state} for state in ("Ready", "NotReady", "Blocked")
    ]
    (clone.root / "report.json").write_text(json.dumps({"previews": previews}))
    with an_api() as (url, bodies):
        assert clone.run(f"python announce.py report.json {url}") == "ready: 200\n"
    assert bodies == [{"text": "shop/ready is ready: https://a"}]


@contextmanager
def an_api() -> Iterator[tuple[str, list[Any]]]:
    """An HTTP API: its address, and the bodies that were sent to it."""
    bodies: list[Any] = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", bodies
        server.shutdown()


def test_make_in_a_clone_leaves_the_environment_that_runs_it_alone(clone: Clone) -> None:
    planned = clone.run("make --dry-run .venv/installed")
    assert "pip install" not in planned
    assert not (clone.root / ".venv").is_symlink()


def test_an_existing_page_is_in_the_list_and_the_other_way_round() -> None:
    lines = (PAGES / "README.md").read_text().splitlines()
    listed = {line.rpartition("(")[2].rstrip(") |") for line in lines if "](" in line}
    assert {page.name for page in PAGES.glob("*.md")} - {"README.md"} == listed


def test_an_output_with_a_gap_matches_what_lies_between_and_no_other_end() -> None:
    assert matches("a\n…\nc", "a\nb\nb\nc\n")
    assert not matches("a\n…\nc", "a\nb\nd\n")
    assert not matches("a", "a\nb")


def test_a_hunk_has_its_text_before_and_after() -> None:
    assert list(hunks(" a\n-b\n+c\n@@\n d\n+e\n")) == [("a\nb\n", "a\nc\n"), ("d\n", "d\ne\n")]
