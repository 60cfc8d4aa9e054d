"""`python -m bench`: starts a control plane, fills it, measures, and writes down what was found.

The exit code says whether it could be measured, never how fast it was.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.changes import drift, making, rollouts
from bench.client import bare_client
from bench.figure import Figure
from bench.further import further
from bench.load import THREADS, Load
from bench.machine import this_machine
from bench.measure import Bench, growth, say
from bench.peers import peers
from bench.process import NotMeasured, Runner
from bench.report import Report, write
from bench.table import text_table
from bench.upgrade import upgrade
from tests.controlplane.install import install_crds, known_crds
from tests.controlplane.plane import ControlPlane
from tests.controlplane.programs import NotStarted

SMALL = 1_000
"""With more previews than these, neither changes are measured nor kubectl, which takes its time."""

SOMEBODY_ELSE = "kwok"
"""Who fills the cluster: not the user of the command, whose requests the audit log tells by their name."""


def main() -> int:
    options = parse()
    # A time limit sends SIGTERM, after which the control plane would run on: end as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with control_plane() as plane:
            machine = this_machine(plane.ask("GET", "/version")["gitVersion"])
            figures, profiles = measure(plane, options.previews, options.rounds)
    except (NotStarted, NotMeasured) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    report = Report(command_of(options), options.rounds, machine, tuple(figures), profiles)
    write(report, options.into)
    print(f"\n{machine}\n\n{text_table(figures)}\nWritten to {options.into}/performance.md and beside it.")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--previews", type=positive, default=SMALL, help="up to so many")
    parser.add_argument("--rounds", type=positive, default=5, help="how often each figure is measured")
    parser.add_argument("--into", type=Path, default=Path("docs"), help="where performance.md lies")
    return parser.parse_args()


def positive(text: str) -> int:
    """ValueError, which argparse turns into usage, for what is less than 1."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def command_of(options: argparse.Namespace) -> str:
    """What to type to get the same."""
    rounds = "" if options.rounds == 5 else f" ROUNDS={options.rounds}"
    return f"make bench N={options.previews}{rounds}"


def sizes_of(previews: int) -> list[int]:
    """How many previews there are, one after the other: a hundredth, a tenth, all."""
    return sorted({max(1, previews // 100), max(1, previews // 10), previews})


@contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """etcd and kube-apiserver alone: controllers would have a share of the machine."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        plane = ControlPlane.start(Path(folder))
        try:
            install_crds(plane, known_crds())
            yield plane
        finally:
            plane.stop()


def measure(
    plane: ControlPlane, previews: int, rounds: int
) -> tuple[list[Figure], dict[int, Mapping[str, float]]]:
    """All figures, in the order in which they are measured, and the phases by number of previews."""
    sizes = sizes_of(previews)
    small = max(size for size in sizes if size <= SMALL or size == sizes[0])
    bench, load = bench_of(plane, rounds)
    load.namespaces()
    load.previews(range(1))
    say("1 preview: what a person waits for")
    figures, there = bench.small(), 1
    profiles: dict[int, Mapping[str, float]] = {}
    for size in sizes:
        say(f"{size:,} previews: making {size - there:,} more, with their children")
        load.previews(range(there, size))
        there = size
        say(f"{size:,} previews: unchanged")
        found, profiles[size] = bench.unchanged(size)
        figures += found
        if size in (small, previews):
            figures += others(bench, size, kubectl=size == small)
        if size == small:
            figures += changes(bench, size)
    load.client.close()
    return figures + growth(figures, sizes), profiles


def others(bench: Bench, size: int, *, kubectl: bool) -> Iterator[Figure]:
    """What an unchanged run stands beside, with so many previews."""
    say(f"{size:,} previews: without fingerprints")
    yield from upgrade(bench, size)
    say(f"{size:,} previews: others on the same objects")
    yield from peers(bench, size, kubectl=kubectl)


def changes(bench: Bench, size: int) -> Iterator[Figure]:
    """What there is to do in a cluster; the children are made anew at the end."""
    say(f"{size:,} previews: 1 % drifted")
    yield from drift(bench, size)
    say(f"{size:,} previews: making all children")
    yield from making(bench, size)
    say(f"{size:,} previews: rollouts")
    yield from rollouts(bench, size)
    say(f"{size:,} previews: two further kinds of children")
    yield from further(bench, size)


def bench_of(plane: ControlPlane, rounds: int) -> tuple[Bench, Load]:
    folder = plane.folder / "bench"
    folder.mkdir()
    load = Load(bare_client(plane.folder / "kubeconfigs" / SOMEBODY_ELSE, THREADS))
    extra = {"KUBECACHEDIR": str(folder / "kubectl-cache")}
    return Bench(plane, load, Runner(plane.kubeconfig, folder, extra), rounds), load


if __name__ == "__main__":
    sys.exit(main())
