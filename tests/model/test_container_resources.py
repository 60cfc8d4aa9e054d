"""How the operator's default resources go together with an author's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.container_resources import Amounts, problem_of, with_defaults
from tests.given import a_read_preview, children_of
from tests.whole import drawn

GPU, PAGES = "example.com/gpu", "hugepages-2Mi"


# The author's, the operator's defaults, and what the container has; written as in --default-resources.
ROWS = f"""
requests.memory=1Gi                     | limits.memory=512Mi                                                  | limits.memory=1Gi requests.memory=1Gi
requests.memory=256Mi                   | limits.memory=512Mi requests.memory=64Mi                             | limits.memory=512Mi requests.memory=256Mi
limits.memory=64Mi                      | limits.cpu=1 requests.memory=100Mi requests.cpu=1                    | limits.memory=64Mi limits.cpu=1 requests.memory=64Mi requests.cpu=1
limits.cpu=1                            | limits.cpu=4 requests.cpu=2                                          | limits.cpu=1 requests.cpu=1
limits.cpu=2                            | requests.cpu=1                                                       | limits.cpu=2 requests.cpu=1
limits.{GPU}=2                          | limits.{GPU}=1 requests.{GPU}=1                                      | limits.{GPU}=2 requests.{GPU}=2
limits.{PAGES}=2Mi limits.memory=1Gi    | limits.{PAGES}=4Mi limits.memory=1Gi requests.{PAGES}=4Mi            | limits.{PAGES}=2Mi limits.memory=1Gi requests.{PAGES}=2Mi
""".strip().splitlines()


def read(amounts: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for written in amounts.split():
        name, _, amount = written.partition("=")
        side, _, resource = name.partition(".")
        found.setdefault(side, {})[resource] = amount
    return found


@pytest.mark.parametrize("setup", [False, True], ids=["application", "setup Job"])
@pytest.mark.parametrize("row", ROWS)
def test_a_default_that_contradicts_the_author_takes_the_authors_amount(row: str, setup: bool) -> None:
    author, default, made = map(read, row.split("|"))
    preview = a_read_preview(resources=author, setup={"args": ["migrate"]} if setup else None)
    defaults = {f"default_{side}": tuple(default.get(side, {}).items()) for side in ("limits", "requests")}
    child = children_of(preview, **defaults)["Job" if setup else "Deployment"]
    assert child["spec"]["template"]["spec"]["containers"][0]["resources"] == made


def amounts_of(names: st.SearchStrategy[str]) -> st.SearchStrategy[Amounts]:
    spelt = st.sampled_from(["0", "1", "2", "1500m", "0.5", "2Mi", "4Mi", "1Gi", "2k"])
    return st.dictionaries(names, spelt, max_size=4).map(lambda found: tuple(sorted(found.items())))


AMOUNTS = amounts_of(st.sampled_from(["cpu", "memory", GPU, PAGES, "a.kubernetes.io/share"]))
TAKEN = st.tuples(AMOUNTS, AMOUNTS).filter(lambda sides: problem_of(*sides) is None)


@drawn(300)
@given(TAKEN, TAKEN)
def test_with_defaults_that_are_taken_what_is_taken_stays_so_and_keeps_the_authors_own(
    author: tuple[Amounts, Amounts], defaults: tuple[Amounts, Amounts]
) -> None:
    limits, requests = with_defaults(*author, default_limits=defaults[0], default_requests=defaults[1])
    assert problem_of(tuple(limits.items()), tuple(requests.items())) is None
    assert dict(author[0]).items() <= limits.items()
    assert dict(author[1]).items() <= requests.items()
    assert limits.keys() == dict(author[0]).keys() | dict(defaults[0]).keys()
    assert requests.keys() == dict(author[1]).keys() | dict(defaults[1]).keys()
