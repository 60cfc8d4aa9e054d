"""What the bench writes down: the document between its markers, the JSON, the chart."""

import json
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import wanted
from bench.chart import Axis, chart
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
REPORT = Report("make bench N=1000", 3, MACHINE, (PLANNED, WHOLE), {1_000: {"read": 0.2, "planned": 0.1}})
SVG = "{http://www.w3.org/2000/svg}"


# the document


def test_the_document_is_written_anew_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"# Performance\n\nWhy.\n\n{BEGIN}the run before\n{END}\nMore.\n")
    write(REPORT, tmp_path)
    first = document.read_text()
    assert first == (
        f"# Performance\n\nWhy.\n\n{BEGIN}\n"
        "`make bench N=1000`, each figure 3 times or more in turn with what stands beside it.\n"
        "Some CPU, 2 cores, 8 GiB, Linux x86_64; load average 0.2 at the start. Everything on one machine.\n"
        "Kubernetes v1.36.3, Python 3.11.7.\n\n"
        "| figure | previews | ours | beside it | ratio | target | met |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| unchanged, first request to plan | 1,000 | 0.300 s (0.250 to 0.350) "
        "| the same lists, raw: 0.200 s (0.200 to 0.300) | 1.50 (0.83 to 1.75) | ratio ≤ 1.15 | NO |\n"
        "| unchanged, whole process | 1,000 | 0.900 s |  |  |  |  |\n\n"
        "![Wall time against the number of previews](performance/chart.svg)\n\n"
        "Where the time of an unchanged run goes, medians:\n\n"
        "| previews | read | planned |\n| --- | --- | --- |\n| 1,000 | 0.200 s | 0.100 s |\n\n"
        f"{END}\nMore.\n"
    )
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
    assert found["figures"][0] == {
        "name": "unchanged, first request to plan",
        "previews": 1000,
        "unit": "s",
        "ours": {"median": 0.3, "least": 0.25, "most": 0.35, "values": [0.3, 0.25, 0.35]},
        "beside": {
            "name": "the same lists, raw",
            "median": 0.2,
            "least": 0.2,
            "most": 0.3,
            "values": [0.2, 0.3, 0.2],
        },
        "ratio": {
            "value": pytest.approx(1.5),
            "least": pytest.approx(0.25 / 0.3),
            "most": pytest.approx(1.75),
        },
        "target": {"of": "ratio", "bound": 1.15, "at_most": True},
        "met": False,
    }
    assert [found["figures"][1][name] for name in ("beside", "ratio", "target", "met")] == [None] * 4
    assert found["machine"]["versions"] == {"Kubernetes": "v1.36.3", "Python": "3.11.7"}
    assert (found["command"], found["rounds"]) == ("make bench N=1000", 3)
    assert found["phases"] == {"1000": {"read": 0.2, "planned": 0.1}}


# the chart


def test_the_chart_shows_an_unchanged_cluster_and_nothing_else() -> None:
    diff = Beside(wanted.KUBECTL_DIFF, Sample((40.0, 42.0, 41.0)), faster=True)
    flux = Beside(wanted.FLUX_SSA, Sample((6.1,)), faster=True)
    others = (
        Figure(wanted.DIFF, 1_000, "s", Sample((0.9,)), diff, Target("ratio", 20, at_most=False)),
        Figure(wanted.FLUX, 1_000, "s", Sample((0.9,)), flux),
        Figure(wanted.MEMORY, 1_000, "MiB", Sample((99.0,))),
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
    assert [text.text for text in svg.iter(f"{SVG}text")][-2:] == ["a < b", "single"]


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
