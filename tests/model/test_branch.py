"""The names of branches, as names and hostnames of previews."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import UsageError
from reconcile.model import rules
from reconcile.model.branch import LONGEST, fqdn_of_branch, name_of_branch
from tests.whole import drawn

BRANCHES = st.text(st.sampled_from(string.ascii_letters + string.digits + "-_./#@ é\u0130ß"), min_size=1)


@pytest.mark.parametrize(
    ("branch", "name"),
    [
("pr-42", "pr-42"),
        ("feature/ABC-123_new.thing", "feature-abc-123-new-thing-d73bf284"),
        ("Feature", "feature-3d377ae9"),
        ("42", "branch-42-73475cb4"),
        ("dependabot/npm_and_yarn/" + "x" * 80, "dependabot-npm-and-yarn-xxxxxxxxxxxxxxxxx-41adedcf"),
        ("a--b", "a--b"),
        ("main-", "main-fa5bafac"),
        ("日本", "branch-cf2abf0c"),
        ("a" * LONGEST, "a" * LONGEST),
        ("a" * (LONGEST + 1), "a" * 41 + "-bfc5fe0e"),
    ],
)  # fmt: skip
def test_a_branch_name_matches_its_row(branch: str, name: str) -> None:
    assert name_of_branch(branch) == name


@drawn()
@given(BRANCHES)
def test_every_branch_has_a_name_and_the_same_one_each_time(branch: str) -> None:
    name = name_of_branch(branch)
    assert rules.NAME.problem(name) is None
    assert len(name) <= LONGEST
    assert name == name_of_branch(branch) == name_of_branch(name)


@drawn()
@given(BRANCHES, BRANCHES)
def test_no_two_branches_have_one_name(one: str, other: str) -> None:
    assert one == other or name_of_branch(one) != name_of_branch(other)


@drawn()
@given(BRANCHES, st.sampled_from(["upper", "lower", "swapcase"]), st.sampled_from("-_./"))
def test_nor_have_those_that_only_look_the_same(branch: str, case: str, mark: str) -> None:
    alike = getattr(branch, case)().replace("/", mark)
    assert branch == alike or name_of_branch(branch) != name_of_branch(alike)


def test_a_hostname_is_the_name_below_a_domain() -> None:
    assert fqdn_of_branch("pr-42", ".preview.example.com") == "pr-42.preview.example.com"


@pytest.mark.parametrize("domain", ["", "-", "exam ple.com", "a" * 64 + ".com", ".".join(["a" * 60] * 5)])
def test_a_domain_that_can_be_none_is_refused(domain: str) -> None:
    with pytest.raises(UsageError):
        fqdn_of_branch("pr-42", domain)


def test_an_empty_branch_is_refused() -> None:
    with pytest.raises(UsageError, match="feature/login"):
        name_of_branch("")
