"""What a run costs whose previews have no fingerprint that it knows, and so are all compared in full."""

from bench import wanted
from bench.figure import Figure
from bench.measure import LONG_ROUNDS, Bench, Measured, say

OPTION = "--no-fingerprint"


def upgrade(bench: Bench, previews: int) -> list[Figure]:
    """The comparison alone, and a whole first run, with the fingerprints that it writes."""
    return full_comparison(bench, previews) + first_run(bench, previews)


def full_comparison(bench: Bench, previews: int) -> list[Figure]:
    """In turn with an unchanged run, and with its lists alone."""
    if OPTION not in bench.runner.python("-m", "reconcile", "--help").out:
        say(f"Left out: {wanted.FULL}, and its memory; this reconcile has no {OPTION}")
        return []
    measured = Measured()
    for _ in range(min(LONG_ROUNDS, bench.rounds)):
        full = bench.ours("--dry-run", OPTION)
        measured.add(wanted.FULL, full.cpu)
        measured.add(wanted.FULL_AND_UNCHANGED, full.cpu)
        measured.add(wanted.FULL_MEMORY, full.mebibytes)
        measured.add(wanted.UNCHANGED_CPU, bench.silent().cpu)
        measured.add(wanted.RAW_CPU, bench.raw().cpu)
    return [
        measured.figure(wanted.FULL_AND_UNCHANGED, previews, "s", wanted.UNCHANGED_CPU),
        measured.figure(wanted.FULL, previews, "s", wanted.RAW_CPU),
        measured.figure(wanted.FULL_MEMORY, previews, "MiB"),
    ]


def first_run(bench: Bench, previews: int) -> list[Figure]:
    """All fingerprints were taken out of the statuses. All is settled after."""
    measured = Measured()
    bench.rest()
    for _ in range(min(LONG_ROUNDS, bench.rounds)):
        if not bench.load.forget_fingerprints():
            say(f"Left out: {wanted.FIRST}, and its memory; no status has a fingerprint")
            return []
        first = bench.ours()
        measured.add(wanted.FIRST, first.cpu)
        measured.add(wanted.FIRST_MEMORY, first.mebibytes)
        measured.add(wanted.RAW_CPU, bench.raw().cpu)
    bench.mark_all()
    bench.settle()
    return [
        measured.figure(wanted.FIRST, previews, "s", wanted.RAW_CPU),
        measured.figure(wanted.FIRST_MEMORY, previews, "MiB"),
    ]
