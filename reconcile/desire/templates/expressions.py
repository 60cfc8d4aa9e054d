"""`${preview.spec.port}`: what a document of `--templates` takes from a preview.

The paths are a closed list. Each value has a charset that the API server or our model enforces: none of them
can end a quoted text, begin an option, or be read as a command by a shell. Free text (env, args, command,
annotations) is not among them.

    port: ${preview.spec.port}     a whole scalar keeps its type; without a value, the field is left out
    url: http://${…}:${…}          inside a text; without a value, the preview is refused
    script: echo $${HOME}          the text `${HOME}`
"""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from reconcile.kube.check import Location
from reconcile.kube.schema import Node
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.problems import shown
from reconcile.model.rules import LABEL_KEY, LABEL_VALUE

Scalar = str | int | None
Check = Callable[[Location, str, str], None]
"""Is given each text that an author has a part in: its path, as it is written, and as it is."""

FQDN = "${preview.spec.fqdn}"
HASH = "${hash}"


class Source(NamedTuple):
    """What expressions are taken from: a preview, and the `hash` of its further ConfigMaps and Secrets."""

    preview: PreviewEnvironment
    hash: str = ""


_PATHS: Mapping[str, Callable[[Source], Scalar]] = {
    "preview.metadata.name": lambda source: source.preview.name,
    "preview.metadata.namespace": lambda source: source.preview.namespace,
    "preview.metadata.uid": lambda source: source.preview.uid,
    "preview.spec.image": lambda source: source.preview.spec.image,
    "preview.spec.fqdn": lambda source: source.preview.spec.fqdn,
    "preview.spec.port": lambda source: source.preview.spec.port,
    "preview.spec.replicas": lambda source: source.preview.spec.replicas,
    "preview.spec.revision": lambda source: source.preview.spec.revision,
    "hash": lambda source: source.hash,
}
_LABEL = re.compile(rf"preview\.metadata\.labels\['(?P<key>{LABEL_KEY.pattern})'\]")
_NOT_THE_AUTHORS = frozenset({"preview.metadata.namespace", "preview.metadata.uid", "hash"})
_CHOSEN_WITHIN_A_RULE = frozenset(
    {"preview.metadata.name", "preview.spec.port", "preview.spec.replicas", *_NOT_THE_AUTHORS}
)

_NUMBERS = frozenset({"${preview.spec.port}", "${preview.spec.replicas}"})

_TOKEN = re.compile(r"\$(?P<literal>\$\{)|\$\{(?P<path>[^{}]*)\}|(?P<open>\$\{)")


class Missing(Exception):
    """A preview has nothing that a text takes from it in its middle; `str()` names that."""

    def __init__(self, location: Location, what: str) -> None:
        super().__init__(what)
        self.location = location


class _Absent:
    """Stands for a field whose whole value the preview does not have."""


ABSENT = _Absent()


class Uses(NamedTuple):
    """What a text takes from a preview: whether its author decides any of it, and any of it freely."""

    authors: bool
    free: bool


def has_expression(text: str) -> bool:
    """Whether anything of this text is taken from a preview, or would be."""
    return any(not match["literal"] for match in _TOKEN.finditer(text))


def uses(text: str) -> Uses:
    """What a text takes from a preview."""
    paths = {match["path"] for match in _TOKEN.finditer(text) if match["path"] is not None}
    return Uses(bool(paths - _NOT_THE_AUTHORS), bool(paths - _CHOSEN_WITHIN_A_RULE))


def takes_hash(text: str) -> bool:
    """Whether `${hash}` is in a text, and not its literal."""
    return any(match["path"] == "hash" for match in _TOKEN.finditer(text))


def is_number(text: str) -> bool:
    """Whether a text is one expression alone, whose value is a number."""
    return text in _NUMBERS


def problems_in(text: str) -> Iterator[str]:
    """What is wrong with the expressions in a text, each as a sentence."""
    for match in _TOKEN.finditer(text):
        if match["open"]:
            yield "has a ${ without its }; for the text itself, write $${"
        elif match["path"] is not None and not _is_known(match["path"]):
            unknown, literal = shown(match[0]), shown("$" + match[0])
            yield f"{unknown} is nothing of a preview{_meant(match[0])}; for the text, write {literal}"


def labels_in(text: str) -> Iterator[str]:
    """The keys of the labels that a text names."""
    for match in _TOKEN.finditer(text):
        if match["path"] is not None and (label := _LABEL.fullmatch(match["path"])):
            yield label["key"]


def _meant(expression: str) -> str:
    known = [f"${{{path}}}" for path in (*_PATHS, "preview.metadata.labels['KEY']")]
    close = get_close_matches(expression, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _is_known(path: str) -> bool:
    return path in _PATHS or _LABEL.fullmatch(path) is not None


def substituted(value: Any, source: Source, node: Node | None, check: Check, path: Location = ()) -> Any:
    """The value with all expressions replaced; a field whose whole value is absent is left out.

    A number becomes text where the schema wants text. Raises `Missing`, and what `check` raises.
    """
    if isinstance(value, str):
        return _text(value, source, node, check, path)
    node = node.of(value) if node is not None else None
    if isinstance(value, Mapping):
        found = {
            name: substituted(below, source, node and node.child(name), check, (*path, name))
            for name, below in value.items()
        }
        return {name: below for name, below in found.items() if below is not ABSENT}
    if isinstance(value, list):
        element = node and node.element
        items = [substituted(item, source, element, check, (*path, at)) for at, item in enumerate(value)]
        return [item for item in items if item is not ABSENT]
    return value


def _text(text: str, source: Source, node: Node | None, check: Check, path: Location) -> Any:
    if "${" not in text:
        return text
    whole = _TOKEN.fullmatch(text)
    if whole and whole["path"] is not None:
        value = _value(whole["path"], source)
        if value is None:
            return ABSENT
        made: Any = str(value) if node is not None and node.type == "string" else value
    else:
        made = _TOKEN.sub(lambda match: _part(match, source, path), text)
    if uses(text).authors:
        check(path, text, str(made))
    return made


def _part(match: re.Match[str], source: Source, path: Location) -> str:
    if match["literal"]:
        return "${"
    value = _value(match["path"], source)
    if value is None:
        raise Missing(path, match["path"].removeprefix("preview."))
    return str(value)


def _value(path: str, source: Source) -> Scalar:
    if path in _PATHS:
        return _PATHS[path](source)
    label = _LABEL.fullmatch(path)
    value = source.preview.labels.get(label["key"]) if label else None
    # An API server has checked the labels of what it holds; nobody has those of a file.
    return None if value is None or LABEL_VALUE.problem(value) else value
