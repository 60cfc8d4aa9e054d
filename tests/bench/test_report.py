"""What the bench writes down: the document between its markers, the JSON, the chart."""

import json
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import wanted
from bench.chart import LEGEND, TITLE, Axis, chart
from bench.figure import Beside, Figure, Target
from bench.machine import Machine
from bench.report import BEGIN, END, Report, embedded, series_of, write
from bench.sample import Sample

MACHINE = Machine("Linux x86_64", "Some CPU", 2, 7.9, 0.25, {"Kubernetes": "v1.36.3", "Python": "3.11.7"})
RAW = Beside(wanted.RAW, Sample((0.2, 0.3, 0.2)))
PLANNED = Figure(
    wanted.TO_PLAN, 1_000, "s", Sample((0.3, 0.25, 0.35)), RAW, wanted.target_of(wanted.TO_PLAN, 1_000)
)
WHOLE = Figure(wanted.WHOLE, 1_000, "s", Sample((0.9,)))
REPORT = Report(
    "make bench N=1000",
    3,
    MACHINE,
    (PLANNED, WHOLE),
    {10: {"read": 0.02, "planned": 0.001}, 1_000: {"read": 0.2, "planned": 0.1}},
)
GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


# the document


def test_the_document_is_rewritten_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"# Performance\n\nWhy.\n\n{BEGIN}the run before\n{END}\nMore.\n")
    write(REPORT, tmp_path)
    first = document.read_text()
    assert first == (GOLDEN / "performance.md").read_text()
    write(REPORT, tmp_path)
    assert document.read_text() == first


def test_a_folder_without_a_document_gets_one(tmp_path: Path) -> None:
    write(REPORT, tmp_path / "new")
    assert (tmp_path / "new" / "performance.md").read_text().startswith(f"# Performance\n\n{BEGIN}\n`make")


@pytest.mark.parametrize("document", ["# Performance\n", BEGIN, END, END + BEGIN])
def test_a_document_without_its_markers_is_not_written(document: str) -> None:
    with pytest.raises(ValueError, match="has no <!-- make bench: begin -->"):
        embedded(document, "content")


# the JSON


def test_the_json_has_every_value_that_was_measured(tmp_path: Path) -> None:
    write(REPORT, tmp_path)
    found = json.loads((tmp_path / "performance" / "last.json").read_text())
    assert found == json.loads((GOLDEN / "last.json").read_text())


# the chart


def test_the_chart_shows_an_unchanged_cluster_and_nothing_else() -> None:
    diff = Beside(wanted.KUBECTL_DIFF, Sample((40.0, 42.0, 41.0)), faster=True)
    flux = Beside(wanted.FLUX_SSA, Sample((6.1,)), faster=True)
    others = (
        Figure(wanted.DIFF, 1_000, "s", Sample((0.9,)), diff, Target("ratio", 20, at_most=False)),
        Figure(wanted.FLUX, 1_000, "s", Sample((0.9,)), flux),
        Figure(wanted.MEMORY, 1_000, "MiB", Sample((99.0,))),
        Figure(wanted.FURTHER, 1_000, "s", Sample((0.4,)), Beside(wanted.RAW, Sample((0.3,)))),
    )
    assert series_of((PLANNED, WHOLE, *others)) == {
        "reconcile, whole process": [(1_000, 0.9)],
        "reconcile, first request to plan": [(1_000, 0.3)],
        "the same lists, raw": [(1_000, 0.2)],
        "kubectl diff --server-side": [(1_000, 41.0)],
        "flux-ssa": [(1_000, 6.1)],
    }


def test_the_chart_has_a_line_for_each_name_and_a_mark_for_each_point() -> None:
    svg = ElementTree.fromstring(chart({"a < b": [(100, 0.2), (10, 0.1)], "single": [(10, 5.0)], "none": []}))
    marks = [(mark.attrib["class"], mark[0].text) for mark in svg.iter(f"{SVG}circle")]
    assert marks == [("s0", "0.1 s at 10"), ("s0", "0.2 s at 100"), ("s1", "5 s at 10")]
    assert len(list(svg.iter(f"{SVG}polyline"))) == 1
    texts = [(text.text, float(text.attrib["y"])) for text in svg.iter(f"{SVG}text")]
    assert [text for text, _ in (texts[0], *texts[-2:])] == [TITLE, "a < b", "single"]
    _, _, _, height = map(float, svg.attrib["viewBox"].split())
    assert all(0 < y < height - LEGEND / 2 for _, y in texts), "each is inside, with room below"


def test_the_axes_go_by_powers_of_ten() -> None:
    axis = Axis.around([30, 1_000], 0, 100)
    assert axis.ticks == [10, 100, 1_000]
    assert [axis.at(tick) for tick in axis.ticks] == pytest.approx([0, 50, 100])
    assert Axis.around([10], 0, 100).ticks == [10, 100]
    assert not math.isnan(Axis.around([1.0], 0, 100).at(1.0))


def test_the_chart_has_colours_for_a_dark_page_too() -> None:
    style = ElementTree.fromstring(chart({"a": [(1, 1.0)]})).find(f"{SVG}style")
    assert style is not None
    assert style.text is not None
    assert "@media(prefers-color-scheme:dark){text{fill:#e6edf3}" in style.text


def test_a_chart_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one point"):
        chart({"none": []})
