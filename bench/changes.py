"""What a run costs that has something to do: children to make, a rollout to follow, drift to correct."""

from bench import wanted
from bench.asked import replay_of, status_writes_of
from bench.figure import Figure
from bench.measure import CONCURRENCY, Bench, Measured
from bench.phaselog import phases_of
from reconcile.kube.objects import EVENTS_V1


def drift(bench: Bench, previews: int) -> list[Figure]:
    """One child in a hundred was edited by hand: what correcting it costs beside the lists of every run."""
    measured = Measured()
    drifted = max(1, 3 * previews // 100)
    runs = bench.settle()
    for _ in range(bench.rounds):
        lists = len(runs[-1])
        bench.load.edit(previews, drifted)
        first = bench.run()[1]
        runs = bench.settle()
        measured.add(wanted.DRIFT, (len(first) - lists) / drifted)
        measured.add(wanted.DRIFT_IN_ALL, sum(len(asked) - lists for asked in (first, *runs)) / drifted)
    return [measured.figure(name, previews, "requests") for name in (wanted.DRIFT, wanted.DRIFT_IN_ALL)]


def making(bench: Bench, previews: int) -> list[Figure]:
    """All children and statuses, beside a load generator that decides nothing; none is there after."""
    measured = Measured()
    for _ in range(bench.rounds):
        bench.load.clear()
        ended, asked = bench.run()
        measured.add(wanted.MAKING, sum(phases_of(ended.err).values()))
        told, news = bench.previews(), list(bench.load.items(EVENTS_V1))
        bench.load.clear()
        requests = bench.file("requests.json", replay_of(asked, bench.previews(), told, news))
        bare = bench.runner.python("-m", "bench.replay", requests, CONCURRENCY).result
        measured.add(wanted.BARE, bare["seconds"])
    bench.load.clear()
    return [measured.figure(wanted.MAKING, previews, "s", wanted.BARE)]


def rollouts(bench: Bench, previews: int) -> list[Figure]:
    """How often the status of a preview is written until a run is silent; counted once, without a clock."""
    measured = Measured()
    measured.add(wanted.ROLLOUT, _status_writes(bench) / previews)
    bench.load.new_images("ghcr.io/acme/shop:sha-0123456")
    measured.add(wanted.NEW_IMAGE, _status_writes(bench) / previews)
    return [measured.figure(name, previews, "requests") for name in (wanted.ROLLOUT, wanted.NEW_IMAGE)]


def _status_writes(bench: Bench) -> int:
    return sum(len(status_writes_of(asked)) for asked in bench.settle())
