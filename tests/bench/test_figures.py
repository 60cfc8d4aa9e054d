"""What the bench makes of its measurements: medians, spreads, ratios, and whether a target is met."""

import pytest

from bench import wanted
from bench.figure import Beside, Figure, Target
from bench.measure import growth
from bench.phaselog import phases_of, to_plan
from bench.process import NotMeasured
from bench.sample import Ratio, Sample, ratio_of
from bench.table import text_table
from reconcile.cluster.port import Traffic
from reconcile.run.phases import Phases


def a_figure(*values: float, beside: Beside | None = None, target: Target | None = None) -> Figure:
    return Figure("unchanged", 1000, "s", Sample(values), beside, target)


def raw(*values: float, faster: bool = False) -> Beside:
    return Beside("raw", Sample(values), faster)


# numbers


def test_a_sample_has_a_median_and_bounds() -> None:
    sample = Sample((3.0, 1.0, 2.0, 10.0))
    assert (sample.median, sample.least, sample.most) == (2.5, 1.0, 10.0)


def test_a_sample_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Sample(())


def test_a_ratio_is_that_of_the_medians_with_the_spread_of_the_pairs() -> None:
    assert ratio_of(Sample((2.0, 3.0, 9.0)), Sample((1.0, 2.0, 3.0))) == Ratio(1.5, 1.5, 3.0)


def test_samples_without_pairs_have_the_spread_that_their_bounds_allow() -> None:
    assert ratio_of(Sample((2.0, 4.0)), Sample((1.0,))) == Ratio(3.0, 2.0, 4.0)


@pytest.mark.parametrize(("over", "expected"), [(0.0, 1.0), (2.0, float("inf"))])
def test_nothing_to_divide_by_is_no_error(over: float, expected: float) -> None:
    assert ratio_of(Sample((over,)), Sample((0.0,))).value == expected


# targets


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (a_figure(3.0, beside=raw(2.0), target=Target("ratio", 1.5)), True),
        (a_figure(3.1, beside=raw(2.0), target=Target("ratio", 1.5)), False),
        (a_figure(0.1, beside=raw(2.0, faster=True), target=Target("ratio", 20, at_most=False)), True),
        (a_figure(0.2, beside=raw(2.0, faster=True), target=Target("ratio", 20, at_most=False)), False),
        (a_figure(1.0, beside=raw(0.1), target=Target("value", 1.0)), True),
        (a_figure(1.1, target=Target("value", 1.0)), False),
        (a_figure(9.0, 1.0, 1.0, target=Target("value", 1.0)), True),
        (a_figure(1.0), None),
    ],
)
def test_a_target_is_a_bound_on_the_median_or_on_the_ratio_of_the_medians(
    figure: Figure, met: bool | None
) -> None:
    assert figure.met is met


def test_a_target_holds_at_the_number_of_previews_that_it_was_set_for() -> None:
    assert wanted.target_of(wanted.MEMORY, 1_000) == Target("value", 75)
    assert wanted.target_of(wanted.MEMORY, 10_000) == Target("value", 210)
    assert wanted.target_of(wanted.MEMORY, 20) is None
    assert wanted.target_of(wanted.WHOLE, 1_000) is None


def test_growth_is_from_each_size_to_the_next() -> None:
    sizes = {100: 0.1, 1_000: 0.5, 10_000: 5.5}
    figures = [Figure(wanted.TO_PLAN, size, "s", Sample((took,))) for size, took in sizes.items()]
    found = growth(figures, list(sizes))
    assert [(figure.previews, figure.met) for figure in found] == [(1_000, None), (10_000, False)]
    assert [figure.ratio and figure.ratio.value for figure in found] == pytest.approx([5.0, 11.0])


# the table

TABLE = """
figure     previews  reconcile                 counterpart   ratio                 target       met
unchanged  1,000     3.100 s (3.000 to 3.500)  raw: 2.000 s  1.55 (1.50 to 1.75)   ratio ≤ 1.5  NO
unchanged  1,000     0.100 s                   raw: 150.0 s  1500.00 times faster  ratio ≥ 20   yes
memory     10,000    100 MiB                                                       ≤ 300 MiB    yes
requests   1         2 (2 to 2.50)                                                 ≤ 3          yes
"""


def test_the_table_has_medians_spreads_ratios_and_targets() -> None:
    slow = a_figure(3.0, 3.5, 3.1, beside=raw(2.0, 2.0, 2.0), target=Target("ratio", 1.5))
    fast = a_figure(0.1, beside=raw(150.0, faster=True), target=Target("ratio", 20, at_most=False))
    memory = Figure("memory", 10_000, "MiB", Sample((99.6,)), target=Target("value", 300))
    requests = Figure("requests", 1, "requests", Sample((2.0, 2.5, 2.0)), target=Target("value", 3))
    assert f"\n{text_table([slow, fast, memory, requests])}" == TABLE


# what the command says of itself


def test_the_logged_phases_are_read_back() -> None:
    moments = iter([0.0, 0.21, 0.24, 0.24, 0.36, 0.37])
    traffic = iter([Traffic(), *[Traffic(13, 10_100_000)] * 5])
    phases = Phases(lambda: next(traffic), lambda: next(moments))
    for name in ("read", "desired", "looked", "planned", "told"):
        phases.done(name)
    found = phases_of(f"WARNING reconcile: slow\nINFO reconcile.run.phases: {phases}\nINFO reconcile: end\n")
    assert found == {"read": 0.21, "desired": 0.03, "looked": 0.0, "planned": 0.12, "told": 0.01}
    assert to_plan(found) == pytest.approx(0.36)


def test_a_log_without_phases_is_an_error_that_shows_it() -> None:
    with pytest.raises(NotMeasured, match="no such option"):
        phases_of("Error: no such option")
