"""Whoever holds a hostname keeps it, whatever others ask for: the holder's route does not change by a byte.

Each case has previews and hostnames of its own, so that all of them go through the same few runs.
`PROOF=whole` (`make walks`) takes every case; else it is a spread of them, with one kind of route.
"""

import itertools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.controlplane import eventually
from tests.e2e.story import ROUTES, Result, Story, hosts_of
from tests.proofs.model.worlds import STRANGERS
from tests.whole import WHOLE

EVERY = 1 if WHOLE else 9
"""One case of so many is taken."""
KINDS = tuple(ROUTES) if WHOLE else ("HTTPRoute",)
FIRST, BEFORE, AFTER = "is there first", "comes before the rival", "comes after the rival"


@dataclass(frozen=True)
class Case:
    """What a rival does, and where a stranger's route with the same hostname comes from, if there is one."""

    number: int
    event: str
    stranger: str = ""
    when: str = ""

    def __str__(self) -> str:
        return f"{self.number}: {self.event}" + (
            f", a stranger's {self.stranger} {self.when}" if self.when else ""
        )

    def name(self, role: str) -> str:
        return f"{role}-{self.number}"

    @property
    def hostname_of(self) -> str:
        """Whose first hostname it is about: after a swap the holder has the rival's."""
        return "rival" if "swap" in self.event else "holder"

    @property
    def rival(self) -> str:
        """Who asks for the holder's hostname at last."""
        return "renamed" if self.event == "a rival is renamed" else "rival"

    @property
    def place(self) -> str:
        """In which namespace the rival is."""
        return "elsewhere" if self.event == "a rival is new elsewhere" else "here"


def preview(case: Case, story: Story, role: str, hostname_of: str = "") -> None:
    """A preview with its own hostname, or with that of another of the case."""
    story.apply(case.name(role), fqdn=hostname(story, case.name(hostname_of or role)), replicas=0)


def hostname(story: Story, name: str) -> str:
    """The same in all namespaces, and in no other test."""
    return f"{name}.{story.group}"


def is_new(case: Case, story: Story) -> None:
    preview(case, story, "rival", "holder")


def is_renamed(case: Case, story: Story) -> None:
    story.orphan(case.name("rival"))
    preview(case, story, "renamed", "holder")


def is_made_again(case: Case, story: Story) -> None:
    story.orphan(case.name("rival"))
    preview(case, story, "rival", "holder")


def takes_it_back(case: Case, story: Story) -> None:
    preview(case, story, "rival", "rival")


EVENTS: Mapping[str, Callable[[Case, Story], None]] = {
    "a rival is new": is_new,
    "a rival is new elsewhere": is_new,
    "an older rival is edited": is_new,
    "a younger rival is edited": is_new,
    "a rival is renamed": is_renamed,
    "a rival is made again": is_made_again,
    "an older rival takes back what it swapped": takes_it_back,
    "a younger rival takes back what it swapped": takes_it_back,
}


def all_cases() -> list[Case]:
    strangers = [("", ""), *itertools.product(STRANGERS, (FIRST, BEFORE, AFTER))]
    pairs = [
        (event, *stranger)
        for event in EVENTS
        for stranger in strangers
        if not (stranger[1] == FIRST and "swap" in event)
    ]  # then nobody can swap
    return [Case(number, *pair) for number, pair in enumerate(pairs)]


@dataclass
class Cases:
    """Many cases in two namespaces of one API group, which nobody else has previews in."""

    here: Story
    elsewhere: Story
    cases: Sequence[Case]
    holders: dict[str, Any] = field(default_factory=dict)
    strangers: dict[str, Any] = field(default_factory=dict)

    def story(self, case: Case) -> Story:
        return self.elsewhere if case.place == "elsewhere" else self.here

    def run(self) -> Result:
        return self.here.reconcile("--allow-blocked", "--max-deletes", "100%", everywhere=True)

    def rivals_with(self, age: str) -> None:
        for case in self.cases:
            older = "older" in case.event
            if "is new" not in case.event and older == (age == "older"):
                preview(case, self.here, "rival")

    def strangers_come(self, when: str) -> None:
        for case in self.cases:
            if case.when == when:
                wanted = hostname(self.here, case.name(case.hostname_of))
                manifest = STRANGERS[case.stranger](case.name("stranger"), wanted, self.here.namespace)
                self.here.create(manifest)
                key = f"{case.stranger}/{case.name('stranger')}"
                self.strangers[key] = self.here.everything_of(case.stranger)[key]

    def swap(self) -> None:
        for case in self.cases:
            if "swap" in case.event:
                preview(case, self.here, "holder", "rival")
                preview(case, self.here, "rival", "holder")

    def mark(self) -> None:
        """From here on no holder's route may change."""
        routes = self.here.everything_of(self.here.route)
        keys = [f"{self.here.route}/{case.name('holder')}" for case in self.cases if case.when != FIRST]
        self.holders = {key: routes[key] for key in keys}

    def ask(self) -> None:
        for case in self.cases:
            EVENTS[case.event](case, self.story(case))

    def unchanged(self) -> None:
        """Holders and strangers are, byte for byte, what they were; nobody else has a contested hostname."""
        there = self.here.everything_now()
        changed = [key for key, was in {**self.holders, **self.strangers}.items() if there.get(key) != was]
        assert changed == []
        routes = {
            **there,
            **{f"elsewhere {key}": found for key, found in self.elsewhere.everything_now().items()},
        }
        having: dict[str, list[str]] = {}
        for key, found in routes.items():
            if key.split()[-1].partition("/")[0] in ROUTES and key not in self.strangers:
                for host in hosts_of({"kind": key.split()[-1].partition("/")[0], **found}):
                    having.setdefault(host, []).append(key)
        contested = {
            str(case): having.get(hostname(self.here, case.name(case.hostname_of)), []) for case in self.cases
        }
        assert contested == {
            str(case): [] if case.when == FIRST else [f"{self.here.route}/{case.name('holder')}"]
            for case in self.cases
        }

    def told(self, result: Result) -> None:
        """Every rival is told who has the hostname."""
        expected = []
        for case in self.cases:
            owner = f"{self.here.namespace}/{case.name('holder')}"
            if case.when == FIRST:
                owner = f"{case.stranger} {self.here.namespace}/{case.name('stranger')}"
            asks = f"{self.story(case).namespace}/{case.name(case.rival)}"
            expected.append(
                f"! Preview {asks} {hostname(self.here, case.name(case.hostname_of))}: belongs to {owner}; change spec.fqdn"
            )
            if case.when == FIRST:
                asks = f"{self.here.namespace}/{case.name('holder')}"
                expected.append(
                    f"! Preview {asks} {hostname(self.here, case.name('holder'))}: belongs to {owner}; change spec.fqdn"
                )
        assert sorted(line for line in result.changes if line.startswith("! ")) == sorted(expected)


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize("route", KINDS)
def test_the_route_of_a_holder_does_not_change_by_a_byte(alone: Story, elsewhere: Story, route: str) -> None:
    here, there = (replace(story, route=route) for story in (alone, elsewhere))
    cases = Cases(here, there, all_cases()[::EVERY])
    cases.strangers_come(FIRST)
    cases.rivals_with("older")
    second = time.time()
    eventually(lambda: time.time() > second + 1.1, "the next second: timestamps have no parts of one")
    for case in cases.cases:
        preview(case, here, "holder")
    cases.rivals_with("younger")
    cases.run()
    cases.swap()
    cases.run()
    cases.mark()
    cases.strangers_come(BEFORE)
    cases.run()
    cases.unchanged()
    cases.ask()
    cases.run()
    cases.unchanged()
    cases.strangers_come(AFTER)
    cases.run()
    cases.unchanged()
    cases.told(cases.run())
    cases.unchanged()
    sys.stdout.write(f"{len(cases.cases)} cases with a {route}\n")
