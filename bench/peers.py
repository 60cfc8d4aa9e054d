"""What people would use instead, for the same objects: the whole process of each, with nothing to do."""

from bench import wanted
from bench.asked import children_of
from bench.figure import Figure
from bench.measure import LONG_ROUNDS, Bench, Measured
from reconcile.names import Names
from tests.controlplane.programs import program


def peers(bench: Bench, previews: int) -> list[Figure]:
    """In turn with each."""
    children = children_of(bench.previews())
    objects = bench.file("children.json", {"apiVersion": "v1", "kind": "List", "items": children})
    flags = ("--server-side", f"--field-manager={Names().field_manager}", "-f", objects)
    commands = {
        (wanted.DIFF, wanted.KUBECTL_DIFF): (program("kubectl"), "diff", *flags),
        (wanted.APPLY, wanted.KUBECTL_APPLY): (program("kubectl"), "apply", *flags),
    }
    measured = Measured()
    for _ in range(min(LONG_ROUNDS, bench.rounds)):
        for (name, beside), command in commands.items():
            measured.add(name, bench.silent().seconds)
            measured.add(beside, bench.runner.run(*command).seconds)
    return [measured.figure(name, previews, "s", beside, faster=True) for name, beside in commands]
