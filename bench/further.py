"""What an unchanged run costs whose previews have further children of two more kinds."""

from dataclasses import replace

from bench import wanted
from bench.asked import lists_of, writes_of
from bench.figure import Figure
from bench.measure import Bench, Measured
from bench.phaselog import phases_of, to_plan

DOCUMENTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "${preview.metadata.name}-config"}
data: {URL: "https://${preview.spec.fqdn}", LEVEL: info}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: "${preview.metadata.name}-pdb"}
spec: {minAvailable: 1}
"""


def further(bench: Bench, previews: int) -> list[Figure]:
    """In turn with the same lists raw, the two kinds among them. Nothing of it is left."""
    folder = bench.runner.folder / "templates"
    folder.mkdir()
    (folder / "further.yaml").write_text(DOCUMENTS)
    templated = replace(bench, options=("--templates", str(folder)))
    templated.settle()
    templated.rest()
    bench.file("lists.json", lists_of(templated.settle()[-1]))
    measured = Measured()
    for _ in range(bench.rounds):
        ended, asked = templated.run()
        raw = templated.raw()
        measured.add(wanted.FURTHER, to_plan(phases_of(ended.err)))
        measured.add(wanted.FURTHER_REQUESTS, len(asked))
        measured.add(wanted.FURTHER_WRITES, len(writes_of(asked)))
        measured.add(wanted.RAW, raw.result["seconds"])
        measured.add(wanted.PAGES, raw.result["requests"])
    replace(bench, options=("--templates", "none", "--max-deletes", "100%")).settle()
    return [
        measured.figure(wanted.FURTHER, previews, "s", wanted.RAW),
        measured.figure(wanted.FURTHER_REQUESTS, previews, "requests", wanted.PAGES),
        measured.figure(wanted.FURTHER_WRITES, previews, "requests"),
    ]
