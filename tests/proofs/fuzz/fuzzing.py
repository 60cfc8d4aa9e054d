"""How the fuzz tests draw: how many examples, how long each may take, and what hostile input is made of."""

import copy
import functools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
from hypothesis import strategies as st

# Set by `make fuzz`: that many examples of each test, other ones each time. Else a few, always the same.
EXAMPLES = "RECONCILE_FUZZ_EXAMPLES"
FEW = 25
# So long takes no example, however busy the machine is: it hangs.
HANGS_AFTER_SECONDS = 20.0


class Hangs(AssertionError):
    """An example took longer than any may."""


Test = Callable[..., None]


def fuzz(share: float = 1.0, **strategies: st.SearchStrategy[Any]) -> Callable[[Test], Test]:
    """Draw the arguments of a test: a few, always the same; many, other ones each time, in `make fuzz`.

    Each example is ended if it hangs; `share` is for tests that are slow.
    """
    many = int(os.environ.get(EXAMPLES, "0"))
    settings = hypothesis.settings(
        max_examples=max(1, int((many or FEW) * share)),
        derandomize=not many,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )

    def fuzzed(test: Test) -> Test:
        @functools.wraps(test)
        def one(**drawn: Any) -> None:
            with _ends_in_time():
                test(**drawn)

        return settings(hypothesis.given(**strategies)(one))

    return fuzzed


@contextmanager
def _ends_in_time() -> Iterator[None]:
    def end(number: int, frame: object) -> None:
        raise Hangs(f"more than {HANGS_AFTER_SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def said_of(do: Callable[[], object], error: type[Exception]) -> str:
    """What this error says, where `do` raises it; "" where it does not. Any other one is a finding."""
    try:
        do()
    except error as found:
        return str(found)
    return ""


# Text that means something to YAML, to JSON, to a path, a header, a terminal or a parser of ours.
TOKENS = (
    *("", " ", "\n", "\n  ", "- ", ": ", "? ", "{", "}", "[", "]", ",", "#", "---\n", "...\n", "%YAML 1.1\n"),
    *("&a ", "*a", "<<: *a", "!!bool x", "!!int ''", "!!timestamp x", "!!binary x", "!!set {a}", "!!float x"),
    *("!!python/none", "|\n ", ">-\n ", '"', "'", "\t", "\0", "\x1b[2J", "\u2028", "\ufeff", '"\\ud800"'),
    *('"\\0"', "null", "~", "true", "yes", "0", "-1", "1e999", "0x1F", "1_000", "08", ".inf", ".nan"),
    *("9" * 400, "2001-99-99", "kind: List\nitems: ", "apiVersion: v1\n", "metadata: {name: a}\n"),
    *("k:{}", "f:a", "[[" * 60),
)
NASTY_TEXTS = st.one_of(
    st.sampled_from(TOKENS),
    st.text(max_size=30),
    st.text(st.characters(categories=("Cs", "Cc", "Cf", "Zl")), max_size=4),
    st.lists(st.sampled_from(TOKENS), max_size=6).map("".join),
)
_SCALARS = st.one_of(st.none(), st.integers(), NASTY_TEXTS)
NASTY_VALUES: st.SearchStrategy[Any] = st.one_of(
    *(_SCALARS, st.booleans(), st.floats(), st.just([]), st.just({})),
    *(st.lists(_SCALARS, max_size=3), st.dictionaries(NASTY_TEXTS, _SCALARS, max_size=3)),
)
JSON_TEXTS = st.one_of(
    st.sampled_from([token for token in TOKENS if "\0" not in token]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False), JSON_TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(JSON_TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def damaged_text(draw: Callable[[Any], Any], whole: str) -> str:
    """A text with one to four pieces cut out, doubled, or put in."""
    text = whole
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 80)))
        what = draw(st.sampled_from(("cut", "double", "put")))
        middle = {"cut": "", "double": text[start:end] * 2, "put": draw(NASTY_TEXTS)}[what]
        text = text[:start] + middle + text[end:]
    return text


def paths_of(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of a JSON tree but its root."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in items:
        yield (*path, step)
        yield from paths_of(value, (*path, step))


@st.composite
def damaged_tree(draw: Callable[[Any], Any], whole: Any, values: st.SearchStrategy[Any]) -> Any:
    """A JSON tree with one to three of its values replaced, or taken away."""
    tree = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        paths = list(paths_of(tree))
        if not paths:
            break
        *above, last = draw(st.sampled_from(paths))
        place = tree
        for step in above:
            place = place[step]
        if draw(st.integers(0, 5)):
            place[last] = draw(values)
        else:
            del place[last]
    return tree
