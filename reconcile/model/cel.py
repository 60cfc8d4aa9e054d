"""What the CRD checks beyond JSON schema, as rules in CEL.

`spec` decides the same in Python; the rows of tests/contracts/spec_rows.py hold the two together.
"""

from collections.abc import Iterator
from typing import Any

from reconcile.model import rules


def validations(*rules_and_messages: tuple[str, str]) -> dict[str, Any]:
    """The part of a schema that has these rules; each message goes on from the path of the value."""
    return {
        "x-kubernetes-validations": [{"rule": rule, "message": says} for rule, says in rules_and_messages]
    }


def keeps(value: str, rule: rules.Text) -> str:
    """A rule for a string, where JSON schema has no place for it."""
    never = (f" && !{value}.matches(r'{found}')" for found, _ in rule.never)
    return f"size({value}) <= {rule.max_length} && {value}.matches(r'^(?:{rule.pattern})$')" + "".join(never)


def exactly_one(*names: str) -> tuple[str, str]:
    given = ", ".join(f"has(self.{name})" for name in names)
    return f"[{given}].filter(given, given).size() == 1", f"must have exactly one of {', '.join(names)}"


def not_both(one: str, other: str) -> tuple[str, str]:
    return f"!(has(self.{one}) && has(self.{other}))", f"has both {one} and {other}; one of them must go"


def runs_something() -> tuple[str, str]:
    """For a setup: an image alone will do, and so will a command or args that are not empty."""
    run = (f"(has(self.{name}) && self.{name}.size() > 0)" for name in ("command", "args"))
    return " || ".join(("has(self.image)", *run)), rules.NO_SETUP


def is_not_too_long() -> tuple[str, str]:
    """For a whole spec: the names and values of env, and what is run."""
    env = "self.env.map(e, size(e.name) + (has(e.value) ? size(e.value) : 0))"
    lengths = [f"(has(self.env) ? {env} : [])"]
    for of, there in (("self", ""), ("self.setup", "has(self.setup) && ")):
        for name in ("command", "args"):
            lengths.append(f"({there}has({of}.{name}) ? {of}.{name}.map(text, size(text)) : [])")
    return f"({' + '.join(lengths)}).sum() <= {rules.MAX_TEXT}", rules.TOO_MUCH_TEXT


def is_no_longer_than_ten_years() -> tuple[str, str]:
    """For a duration. A unit that is not there is found as '', and counts as 0."""
    seconds = " + ".join(
        f"int(('0' + self.find('[0-9]+{unit}')).replace('{unit}', '')) * {length}"
        for unit, length in rules.DURATION_UNITS.items()
    )
    most = rules.MAX_DURATION_DAYS * rules.DURATION_UNITS["d"]
    return f"{seconds} <= {most}", f"the value {rules.TOO_LONG}"


def names_resources() -> tuple[str, str]:
    """For quantities by name."""
    says = "has a name that is no resource of a container, such as cpu, memory or example.com/gpu"
    return f"self.all(name, {keeps('name', rules.RESOURCE_NAME)})", says


_EXCLUSIVE = f"(n.startsWith('{rules.HUGE_PAGES}') || (n.contains('/') && !n.contains('{rules.NATIVE}')))"
"""Whether Kubernetes lets nobody have more than was requested: extended resources and huge pages."""


def resources_go_together() -> Iterator[tuple[str, str]]:
    """For limits and requests: the rules of `container_resources`."""
    limited = "has(self.limits) && n in self.limits"
    compared = "quantity(string(self.requests[n])).compareTo(quantity(string(self.limits[n])))"
    yield (
        f"!has(self.requests) || self.requests.all(n, !({limited}) || {_EXCLUSIVE} || {compared} <= 0)",
        "has a request that is above its limit; lower the request or raise the limit",
    )
    yield (
        f"!has(self.requests) || self.requests.all(n, !{_EXCLUSIVE} || ({limited} && {compared} == 0))",
        "has a request of an extended resource or of huge pages without an equal limit; set them equal",
    )
    yield from _amount_rules("limits")
    yield from _amount_rules("requests")
    given = " + ".join(f"(has(self.{side}) ? self.{side}.map(n, n) : [])" for side in ("limits", "requests"))
    yield (
        f"!({given}).exists(n, n.startsWith('{rules.HUGE_PAGES}')) "
        f"|| ({given}).exists(n, n in ['cpu', 'memory'])",
        f"has a size of huge pages that {rules.ALONE}",
    )


def _amount_rules(side: str) -> Iterator[tuple[str, str]]:
    whole = f"string(self.{side}[n]).matches('^(?:{rules.WHOLE_AMOUNT})$')"
    amount = f"quantity(string(self.{side}[n])).asInteger()"
    page = f"quantity(n.substring({len(rules.HUGE_PAGES)})).asInteger()"
    yield (
        f"!has(self.{side}) || self.{side}.all(n, !{_EXCLUSIVE} || {whole})",
        f"has an amount of an extended resource or of huge pages that is {rules.NOT_WHOLE}",
    )
    yield (
        f"!has(self.{side}) || self.{side}.all(n, !n.startsWith('{rules.HUGE_PAGES}') || !{whole} "
        f"|| {amount} % {page} == 0)",
        "has an amount of huge pages that is not a multiple of their size",
    )
