"""What people would use instead, for the same objects: the whole process of each, with nothing to do."""

from pathlib import Path

from bench import wanted
from bench.asked import children_of
from bench.figure import Figure
from bench.measure import CONCURRENCY, LONG_ROUNDS, Bench, Measured, say
from bench.process import REPOSITORY, NotMeasured
from reconcile.model.names import Names
from tests.controlplane.programs import program

FLUX_SSA = REPOSITORY / ".bench" / "peers" / "flux-ssa"


def peers(bench: Bench, previews: int, *, kubectl: bool) -> list[Figure]:
    """In turn with each; kubectl takes its time, so that it can be left out."""
    children = children_of(bench.previews())
    objects = bench.file("children.json", {"apiVersion": "v1", "kind": "List", "items": children})
    flags = ("--server-side", f"--field-manager={Names().field_manager}", "-f", objects)
    commands: dict[tuple[str, str], tuple[str | Path, ...]] = {}
    if kubectl:
        commands[wanted.DIFF, wanted.KUBECTL_DIFF] = (program("kubectl"), "diff", *flags)
        commands[wanted.APPLY, wanted.KUBECTL_APPLY] = (program("kubectl"), "apply", *flags)
    if FLUX_SSA.exists():
        commands[wanted.FLUX, wanted.FLUX_SSA] = (FLUX_SSA, bench.plane.kubeconfig, objects, CONCURRENCY)
    else:
        say(f"Left out: {wanted.FLUX}; `make peers` builds it")
    for command in commands.values():
        bench.runner.run(*command)  # the first time each becomes a manager of the objects, which changes them
    bench.rest()
    measured = Measured()
    for _ in range(min(LONG_ROUNDS, bench.rounds)):
        for (name, beside), command in commands.items():
            measured.add(name, bench.silent().seconds)
            ended = bench.runner.run(*command)
            if beside == wanted.FLUX_SSA and f"map[unchanged:{len(children)}]" not in ended.out:
                raise NotMeasured(f"nothing had changed, and Flux's engine says: {ended.out}")
            measured.add(beside, ended.seconds)
    return [measured.figure(name, previews, "s", beside, faster=True) for name, beside in commands]
