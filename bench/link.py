"""`python -m bench.link`: from `kubectl apply` to the first page through the router, on a real node.

In turn, as often as wanted: a preview that `reconcile --wait` makes, and the same three manifests by
`kubectl apply` and `kubectl rollout status`. What was found goes into docs/performance.md.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.machine import this_machine
from bench.report import embedded
from bench.sample import Sample, ratio_of
from bench.table import ratio_text, spread
from tests.node import starting
from tests.node.conftest import fresh_namespace
from tests.node.story import Story

BEGIN, END = "<!-- make bench-node: begin -->\n", "<!-- make bench-node: end -->\n"


@dataclass(frozen=True)
class Took:
    """Seconds from `kubectl apply` to the first answer with 200, and to the word that all is ready."""

    page: float
    word: float


Pair = tuple[Took, Took]
"""With us, and without."""

SLOW = "3"
"""Seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.link", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--into", type=Path, default=Path("docs"), help="where performance.md lies")
    options = parser.parse_args()
    with node_story() as story:
        version = json.loads(story.node.kubectl("get", "--raw", "/version"))["gitVersion"]
        rounds = range(options.rounds)
        quick = [pair(story, f"quick-{n}", "0") for n in rounds]
        slow = [pair(story, f"slow-{n}", SLOW) for n in rounds]
    text = table(quick, slow, f"make bench-node ROUNDS={options.rounds}", str(this_machine(version)))
    document = options.into / "performance.md"
    document.write_text(embedded(document.read_text(), text, BEGIN, END))
    print(text)


@contextmanager
def node_story() -> Iterator[Story]:
    """A namespace on a node of its own."""
    with ExitStack() as stack:
        if folder := starting.name_folder():
            stack.callback(starting.end, folder)
        if lacks := starting.missing():
            raise SystemExit(f"Not measured: {lacks}")
        node = starting.started()
        story = Story(node, stack.enter_context(fresh_namespace(node)))
        by_reconcile(story, "warm-up", "0")
        yield story


def pair(story: Story, name: str, boot: str) -> Pair:
    """One after the other; `boot` is how many seconds the application takes until it listens."""
    return by_reconcile(story, name, boot), by_kubectl(story, f"{name}-by-hand", boot)


def by_reconcile(story: Story, name: str, boot: str) -> Took:
    """A preview, applied and made."""

    def make() -> None:
        story.apply(name, args=["serve", "80", boot])
        story.reconcile(name, "--wait")

    return timed(story, name, make)


def by_kubectl(story: Story, name: str, boot: str) -> Took:
    """The same manifests without us."""
    with tempfile.TemporaryDirectory() as folder:
        preview = {
            "apiVersion": "platform9.com/v1",
            "kind": "PreviewEnvironment",
            "metadata": {"name": name, "namespace": story.namespace},
            "spec": {"image": "app:1", "fqdn": story.host(name), "args": ["serve", "80", boot]},
        }
        source, children = Path(folder) / "preview.yaml", Path(folder) / "children"
        source.write_text(yaml.safe_dump(preview))
        made = story.node.reconcile("--from", str(source), "--to", str(children), *story.route)
        assert made.code == 0, made.stderr

        def make() -> None:
            story.kubectl("apply", "-f", children)
            story.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")

        return timed(story, name, make)


def timed(story: Story, name: str, make: Callable[[], None]) -> Took:
    visitor = story.node.module("bench.firstpage", story.url(name))
    began = time.monotonic()
    make()
    word = time.monotonic() - began
    ended = visitor.ended()
    assert ended.code == 0, ended.stderr
    return Took(float(ended.stdout) - began, word)


def table(quick: Sequence[Pair], slow: Sequence[Pair], command: str, machine: str) -> str:
    measured = (
        ("first page through the router", [(ours.page, beside.page) for ours, beside in quick]),
        (f"the same, {SLOW} s until it listens", [(ours.page, beside.page) for ours, beside in slow]),
        ("the report that it is ready", [(ours.word, beside.word) for ours, beside in quick]),
    )
    rows = []
    for title, pairs in measured:
        ours, beside = (Sample(values) for values in zip(*pairs, strict=True))
        cells = (title, spread(ours, "s"), spread(beside, "s"), ratio_text(ratio_of(ours, beside)))
        rows.append(f"| {' | '.join(cells)} |")
    head = [
        "| from `kubectl apply` to | `reconcile --wait` | `kubectl rollout status` | ratio |",
        "| --- " * 4 + "|",
    ]
    return "\n".join([f"`{command}`, measured in turn.", machine, "", *head, *rows, ""])


if __name__ == "__main__":
    main()
