"""A whole run of the bench: as JSON, as a chart, and inside a document."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import wanted
from bench.chart import Points, chart
from bench.figure import Figure
from bench.machine import Machine
from bench.sample import Sample
from bench.table import markdown_table, profile_table

BEGIN, END = "<!-- make bench: begin -->\n", "<!-- make bench: end -->\n"


@dataclass(frozen=True)
class Report:
    """What one run measured; `profiles` has the medians of each phase, by number of previews."""

    command: str
    rounds: int
    machine: Machine
    figures: tuple[Figure, ...]
    profiles: Mapping[int, Mapping[str, float]]


def write(report: Report, folder: Path) -> None:
    """`last.json` and `chart.svg` into `folder/performance`, and all of it into `folder/performance.md`."""
    files = folder / "performance"
    files.mkdir(parents=True, exist_ok=True)
    (files / "last.json").write_text(json.dumps(as_json(report), indent=2, ensure_ascii=False) + "\n")
    (files / "chart.svg").write_text(chart(series_of(report.figures)))
    document = folder / "performance.md"
    before = document.read_text() if document.exists() else f"# Performance\n\n{BEGIN}{END}"
    document.write_text(embedded(before, as_markdown(report)))


def embedded(document: str, content: str, begin_mark: str = BEGIN, end_mark: str = END) -> str:
    """The document with new content between its markers. ValueError where it has none."""
    head, begin, rest = document.partition(begin_mark)
    _, end, tail = rest.partition(end_mark)
    if not begin or not end:
        raise ValueError(f"the document has no {begin_mark.strip()} and {end_mark.strip()} to write between")
    return f"{head}{begin}\n{content}\n{end}{tail}"


def as_markdown(report: Report) -> str:
    """What stands between the markers."""
    return (
        f"`{report.command}`, each figure measured {report.rounds} times or more, "
        "in turn with its counterpart.\n"
        f"{report.machine}\n\n{markdown_table(report.figures)}\n"
        "![Wall time against the number of previews](performance/chart.svg)\n\n"
        f"Where the time of an unchanged run goes, medians:\n\n{profile_table(report.profiles)}"
    )


def series_of(figures: tuple[Figure, ...]) -> dict[str, Points]:
    """What the chart shows: wall times of an unchanged cluster."""
    ours = {
        "reconcile, whole process": wanted.WHOLE,
        "reconcile, first request to plan": wanted.TO_PLAN,
    }
    shown = {title: [_point(f, f.ours) for f in figures if f.name == name] for title, name in ours.items()}
    # The lists of further kinds are others, though they stand beside a run by the same name.
    others = [figure for figure in figures if figure.name != wanted.FURTHER]
    for name in (wanted.RAW, wanted.KUBECTL_DIFF, wanted.KUBECTL_APPLY, wanted.FLUX_SSA):
        shown[name] = [_point(f, f.beside.sample) for f in others if f.beside and f.beside.name == name]
    return {name: points for name, points in shown.items() if points}


def _point(figure: Figure, sample: Sample) -> tuple[int, float]:
    return figure.previews, sample.median


def as_json(report: Report) -> dict[str, Any]:
    """Every value that was measured, and what was made of it."""
    return {
        "format_version": 1,
        "command": report.command,
        "rounds": report.rounds,
        "machine": asdict(report.machine),
        "figures": [_figure(figure) for figure in report.figures],
        "phases": {str(previews): dict(profile) for previews, profile in report.profiles.items()},
    }


def _figure(figure: Figure) -> dict[str, Any]:
    beside = figure.beside
    return {
        "name": figure.name,
        "previews": figure.previews,
        "unit": figure.unit,
        "ours": _sample(figure.ours),
        "beside": {"name": beside.name, **_sample(beside.sample)} if beside else None,
        "ratio": asdict(figure.ratio) if figure.ratio else None,
        "target": asdict(figure.target) if figure.target else None,
        "met": figure.met,
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "median": sample.median,
        "least": sample.least,
        "most": sample.most,
        "values": list(sample.values),
    }
