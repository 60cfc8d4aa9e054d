"""The figures as a table: for a terminal, and for a document."""

from collections.abc import Iterable, Mapping, Sequence

from bench.figure import Figure, Target, Unit
from bench.sample import Ratio, Sample

HEAD = ("figure", "previews", "reconcile", "counterpart", "ratio", "target", "met")
DECIMALS: Mapping[Unit, int] = {"s": 3, "MiB": 0, "requests": 2}


def number(value: float, unit: Unit) -> str:
    """With so many decimals as tell something; seconds of many digits need none after a thousandth."""
    if unit == "requests" and value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.{1 if unit == 's' and value >= 100 else DECIMALS[unit]}f}"


def spread(sample: Sample, unit: Unit) -> str:
    """The median, and in brackets least and most where they differ: `0.210 s (0.200 to 0.260)`."""
    least, middle, most = (number(value, unit) for value in (sample.least, sample.median, sample.most))
    bounds = f" ({least} to {most})" if least != most else ""
    return f"{middle}{'' if unit == 'requests' else f' {unit}'}{bounds}"


def ratio_text(ratio: Ratio | None) -> str:
    """`1.16 (1.02 to 1.31)`: that of the medians, and the spread among the pairs."""
    if ratio is None:
        return ""
    bounds = (
        f" ({ratio.least:.2f} to {ratio.most:.2f})" if f"{ratio.least:.2f}" != f"{ratio.most:.2f}" else ""
    )
    return f"{ratio.value:.2f}{bounds}"


def target_text(target: Target | None, unit: Unit) -> str:
    """`ratio ≤ 1.5`, `≤ 128 MiB`."""
    if target is None:
        return ""
    sign = "≤" if target.at_most else "≥"
    if target.of == "ratio":
        return f"ratio {sign} {target.bound:g}"
    return f"{sign} {target.bound:g}{'' if unit == 'requests' else f' {unit}'}"


def row(figure: Figure) -> tuple[str, ...]:
    """A figure's line, as `HEAD` names its columns."""
    beside = figure.beside
    return (
        figure.name,
        f"{figure.previews:,}",
        spread(figure.ours, figure.unit),
        f"{beside.name}: {spread(beside.sample, figure.unit)}" if beside else "",
        ratio_text(figure.ratio) + (" times faster" if beside and beside.faster else ""),
        target_text(figure.target, figure.unit),
        {None: "", True: "yes", False: "NO"}[figure.met],
    )


def text_table(figures: Iterable[Figure]) -> str:
    """For a terminal: columns one under the other."""
    return _aligned([HEAD, *map(row, figures)])


def markdown_table(figures: Iterable[Figure]) -> str:
    """For a document."""
    return _markdown([HEAD, *map(row, figures)])


def profile_table(profiles: Mapping[int, Mapping[str, float]]) -> str:
    """Where the time of an unchanged run goes: a line for each number of previews, for a document."""
    names = list(dict.fromkeys(name for profile in profiles.values() for name in profile))
    lines = [
        (f"{previews:,}", *(f"{profile.get(name, 0):.3f} s" for name in names))
        for previews, profile in profiles.items()
    ]
    return _markdown([("previews", *names), *lines])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *lines = rows
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *lines))
