"""Which previews a run is about: a namespace, names, a label selector; pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconcile.errors import UsageError
from reconcile.kube.objects import NamespacedName
from reconcile.model.rules import LABEL_KEY, LABEL_VALUE

Labels = Mapping[str, str]
Requirement = Callable[[Labels], bool]

_KEY, _VALUE = f"(?P<key>{LABEL_KEY.pattern})", f"(?P<value>{LABEL_VALUE.pattern})"
_EQUALITY = re.compile(rf"{_KEY}\s*(?P<operator>==|=|!=)\s*{_VALUE}")
_SET = re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EXISTS = re.compile(rf"(?P<not>!?)\s*{_KEY}")


@dataclass(frozen=True)
class Scope:
    """Everything, unless something is said. A preview outside the scope is not gone: it is left alone."""

    namespace: str = ""
    names: tuple[NamespacedName, ...] = ()
    selector: str = ""
    requirements: tuple[Requirement, ...] = ()
    namespace_only: bool = False

    def has_place(self, namespace: str, name: str) -> bool:
        """Whether a preview of this name is meant, as far as its name tells."""
        if self.namespace and namespace != self.namespace:
            return False
        return not self.names or any(
            wanted.name == name and wanted.namespace in ("", namespace) for wanted in self.names
        )

    def has(self, namespace: str, name: str, labels: Labels) -> bool:
        """Whether this preview is meant."""
        return self.has_place(namespace, name) and all(holds(labels) for holds in self.requirements)

    def has_gone(self, namespace: str, name: str) -> bool:
        """Whether a preview that is no more was meant: with a selector nobody can tell, so it was not."""
        return not self.selector and self.has_place(namespace, name)

    def __str__(self) -> str:
        parts = ["previews " + ", ".join(map(str, self.names)) if self.names else "every preview"]
        if self.namespace:
            parts.append(f"in namespace {self.namespace}")
        if self.selector:
            parts.append(f"with labels {self.selector}")
        return " ".join(parts)


def make_scope(
    namespace: str | None, wanted: tuple[str, ...], selector: str | None, *, namespace_only: bool = False
) -> Scope:
    """The scope that the command line names. UsageError for a selector or a NAME that makes no sense."""
    if namespace_only and not namespace:
        raise UsageError("--namespace-only needs -n: pass the namespace")
    return Scope(
        namespace=namespace or "",
        names=tuple(_name(text, namespace or "") for text in wanted),
        selector=selector or "",
        requirements=tuple(parse_selector(selector)) if selector else (),
        namespace_only=namespace_only,
    )


def _name(text: str, namespace: str) -> NamespacedName:
    before, slash, name = text.rpartition("/")
    if not name or (slash and not before) or "/" in before:
        raise UsageError(f"{text!r} is not a valid preview: must be NAME or NAMESPACE/NAME")
    if before and namespace and before != namespace:
        raise UsageError(f"-n {namespace} and {text} cannot be combined: leave out one of the two namespaces")
    return NamespacedName(before or namespace, name)


def parse_selector(text: str, called: str = "-l") -> list[Requirement]:
    """A label selector as kubectl takes it; UsageError for what is none, by what it is `called`.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    parts = re.split(r",(?![^()]*\))", text)
    return [_requirement(part.strip(), text, called) for part in parts]


def _requirement(part: str, whole: str, called: str) -> Requirement:
    if match := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in match["values"].split(","))
        return _member(match["key"], values, wanted=match["operator"] == "in")
    if match := _EQUALITY.fullmatch(part):
        return _member(match["key"], frozenset({match["value"]}), wanted=match["operator"] != "!=")
    if match := _EXISTS.fullmatch(part):
        key, wanted = match["key"], not match["not"]
        return lambda labels: (key in labels) is wanted
    raise UsageError(
        f"{called} {whole!r}: {part!r} is not a valid requirement: must be key=value, key!=value, "
        "key in (a,b), key or !key"
    )


def _member(key: str, values: frozenset[str], *, wanted: bool) -> Requirement:
    return lambda labels: (key in labels and labels[key] in values) is wanted
