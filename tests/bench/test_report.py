"""What the bench writes down: the document between its markers, the JSON, the chart."""

from pathlib import Path

import pytest

from bench import wanted
from bench.chart import Axis, chart
from bench.figure import Beside, Figure, Target
from bench.machine import Machine
from bench.report import BEGIN, END, Report, embedded, write
from bench.sample import Sample

MACHINE = Machine("Linux x86_64", "Some CPU", 2, 7.9, 0.25, {"Kubernetes": "v1.36.3", "Python": "3.11.7"})
RAW = Beside(wanted.RAW, Sample((0.2, 0.3, 0.2)))
DIFF = Beside(wanted.KUBECTL_DIFF, Sample((40.0, 42.0, 41.0)), faster=True)
FLUX = Beside(wanted.FLUX_SSA, Sample((6.1,)), faster=True)
PLANNED = Sample((0.3, 0.25, 0.35))
REPORT = Report(
    "make bench N=1000",
    3,
    MACHINE,
    (
        Figure(wanted.TO_PLAN, 1_000, "s", PLANNED, RAW, wanted.target_of(wanted.TO_PLAN, 1_000)),
        Figure(wanted.TO_PLAN, 10, "s", Sample((0.03,)), Beside(wanted.RAW, Sample((0.02,)))),
        Figure(wanted.WHOLE, 1_000, "s", Sample((0.9,))),
        Figure(wanted.DIFF, 1_000, "s", Sample((0.9,)), DIFF, Target("ratio", 20, at_most=False)),
        Figure(wanted.FLUX, 1_000, "s", Sample((0.9,)), FLUX),
        # The chart, which is about wall times of an unchanged cluster, has neither.
        Figure(wanted.MEMORY, 1_000, "MiB", Sample((99.0,))),
        Figure(wanted.FURTHER, 1_000, "s", Sample((0.4,)), Beside(wanted.RAW, Sample((0.3,)))),
    ),
    {10: {"read": 0.02, "planned": 0.001}, 1_000: {"read": 0.2, "planned": 0.1}},
)
GOLDEN = Path(__file__).parent / "golden"


def test_the_document_the_json_and_the_chart_have_all_that_was_measured(tmp_path: Path) -> None:
    """The document is rewritten between its markers and nowhere else."""
    document = tmp_path / "performance.md"
    document.write_text(f"# Performance\n\nWhy.\n\n{BEGIN}the run before\n{END}\nMore.\n")
    for _ in range(2):
        write(REPORT, tmp_path)
        for file in (document, *(tmp_path / "performance").iterdir()):
            assert file.read_text() == (GOLDEN / file.name).read_text(), file.name


def test_a_folder_without_a_document_gets_one(tmp_path: Path) -> None:
    write(REPORT, tmp_path / "new")
    assert (tmp_path / "new" / "performance.md").read_text().startswith(f"# Performance\n\n{BEGIN}\n`make")


@pytest.mark.parametrize("document", ["# Performance\n", BEGIN, END, END + BEGIN])
def test_a_document_without_its_markers_is_not_written(document: str) -> None:
    with pytest.raises(ValueError, match="has no <!-- make bench: begin -->"):
        embedded(document, "content")


def test_a_chart_has_a_point_and_an_axis_two_powers_of_ten() -> None:
    assert Axis.around([10], 0, 100).ticks == [10, 100]
    assert ">a &lt; b</text>" in chart({"a < b": [(1, 1.0)], "none": []})
    with pytest.raises(ValueError, match="at least one point"):
        chart({"none": []})
