"""The chart: wall against the number of previews, both axes by powers of ten, for light and for dark."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

Points = Sequence[tuple[int, float]]
"""Previews and seconds."""

TITLE = "Wall time of a run over an unchanged cluster"
WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 48, 60
LEGEND, MARGIN = 20, 12

# Okabe and Ito's colours, which the colour-blind can tell apart; each in a light and in a dark tone.
COLOURS = (
    ("#0072b2", "#56b4e9"),
    ("#8a8a8a", "#a8a8a8"),
    ("#009e73", "#2fcf9f"),
    ("#d55e00", "#ff8a3c"),
    ("#b0588e", "#e39ac6"),
    ("#b07a00", "#f0c040"),
)


@dataclass(frozen=True)
class Axis:
    """Values from one power of ten to another, along so many pixels from `start` to `end`."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float) -> "Axis":
        """The powers of ten that hold all values; two at least."""
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        """Where a value lies."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def chart(series: Mapping[str, Points]) -> str:
    """One line for each name, with a mark at each point; names without points are left out."""
    drawn = {name: sorted(points) for name, points in series.items() if points}
    if not drawn:
        raise ValueError("a chart has at least one point")
    everything = [point for points in drawn.values() for point in points]
    height = HEIGHT + LEGEND * len(drawn) + MARGIN
    across = Axis.around([previews for previews, _ in everything], LEFT, WIDTH - RIGHT)
    up = Axis.around([seconds for _, seconds in everything], HEIGHT - BOTTOM, TOP)
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{TITLE}</title>",
        f"<style>{_style(len(drawn))}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="{LEFT}" y="28">{TITLE}</text>',
        *_grid(across, up),
        *(line for place, points in enumerate(drawn.values()) for line in _series(place, points, across, up)),
        *(line for place, name in enumerate(drawn) for line in _legend(place, name)),
        "</svg>",
    )
    return "".join(f"{line}\n" for line in lines)


def _style(number: int) -> str:
    def colours(tone: int) -> str:
        taken = (COLOURS[place % len(COLOURS)][tone] for place in range(number))
        return "".join(f".s{place}{{stroke:{tint};fill:{tint}}}" for place, tint in enumerate(taken))

    text = "text{font:12px sans-serif;fill:#24292f}.title{font:600 16px sans-serif}"
    light = f"{text}.paper{{fill:#fff}}.grid{{stroke:#d0d7de}}"
    dark = "text{fill:#e6edf3}.paper{fill:#0d1117}.grid{stroke:#30363d}"
    line = ".line{fill:none;stroke-width:2}"
    return f"{light}{colours(0)}@media(prefers-color-scheme:dark){{{dark}{colours(1)}}}{line}"


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for tick in across.ticks:
        x = across.at(tick)
        yield f'<line class="grid" x1="{x:.1f}" y1="{up.start:.1f}" x2="{x:.1f}" y2="{up.end:.1f}"/>'
        yield f'<text x="{x:.1f}" y="{up.start + 18:.1f}" text-anchor="middle">{tick:,.0f}</text>'
    for tick in up.ticks:
        y = up.at(tick)
        yield f'<line class="grid" x1="{across.start:.1f}" y1="{y:.1f}" x2="{across.end:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{across.start - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{tick:g} s</text>'
    middle = (across.start + across.end) / 2
    unit = "previews, each with three children"
    yield f'<text x="{middle:.1f}" y="{up.start + 38:.1f}" text-anchor="middle">{unit}</text>'


def _series(place: int, points: Points, across: Axis, up: Axis) -> Iterator[str]:
    places = [(across.at(previews), up.at(seconds)) for previews, seconds in points]
    if len(places) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline class="s{place} line" points="{path}"/>'
    for (x, y), (previews, seconds) in zip(places, points, strict=True):
        told = f"{seconds:.3g} s at {previews:,}"
        yield f'<circle class="s{place}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{told}</title></circle>'


def _legend(place: int, name: str) -> Iterator[str]:
    y = HEIGHT + LEGEND * place + MARGIN / 2
    yield f'<line class="s{place} line" x1="{LEFT}" y1="{y}" x2="{LEFT + 24}" y2="{y}"/>'
    yield f'<text x="{LEFT + 32}" y="{y + 4}">{escape(name)}</text>'
