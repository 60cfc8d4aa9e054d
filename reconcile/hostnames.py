"""The hostnames that routes of each kind ask for, in whatever spelling; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from reconcile.objects import HTTPROUTE, INGRESS, MAPPING, map_in, maps_in
from reconcile.patterns import matches
from reconcile.snapshot import Live

_PORT = re.compile(r":\d+$")


class Asked(NamedTuple):
    """A hostname that a route asks for, as it is written there: exact, a glob, or a regular expression."""

    written: Any
    is_regex: bool = False


def hostnames(live: Live) -> frozenset[str]:
    """The hostnames that a route of any kind asks for, in lower case, without a port or a last dot."""
    return frozenset(_plain(asked.written) for asked in _asked(live) if not asked.is_regex)


def _plain(name: str) -> str:
    return _PORT.sub("", name.lower()).removesuffix(".")


def _asked(live: Live) -> Iterator[Asked]:
    found = _ASKED.get(live.key.kind, _nothing)(live.spec)
    return (asked for asked in found if isinstance(asked.written, str) and asked.written)


def _nothing(spec: Mapping[str, Any]) -> Iterator[Asked]:
    return iter(())


def _of_mapping(spec: Mapping[str, Any]) -> Iterator[Asked]:
    """Ours has `hostname` alone. `host` is its older name, and both are a match of `:authority`."""
    yield Asked(spec.get("hostname"))
    yield Asked(spec.get("host"), is_regex=spec.get("host_regex") is True)
    for field, is_regex in (("headers", False), ("regex_headers", True)):
        for header, value in map_in(spec.get(field)).items():
            if str(header).lower() in (":authority", "host"):
                yield Asked(value, is_regex)


def _of_ingress(spec: Mapping[str, Any]) -> Iterator[Asked]:
    for rule in maps_in(spec.get("rules")):
        yield Asked(rule.get("host"))


def _of_httproute(spec: Mapping[str, Any]) -> Iterator[Asked]:
    names = spec.get("hostnames")
    for name in names if isinstance(names, list | tuple) else ():
        yield Asked(name)


_ASKED = {MAPPING.kind: _of_mapping, INGRESS.kind: _of_ingress, HTTPROUTE.kind: _of_httproute}


def covered(live: Live, claimed: Iterable[str]) -> frozenset[str]:
    """The claimed hostnames that this route would have, a wildcard's among them where it would win.

    An exact name wins over every wildcard of an Ingress or an HTTPRoute, so theirs take nothing:
    https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
    Mappings are weighed by precedence, length of the prefix, and length of the hostname as it is written
    (`IRHTTPMapping` in Emissary's sources); ours has precedence 0 and prefix `/`.
    """
    claimed = frozenset(claimed)
    found = hostnames(live) & claimed
    if live.key.kind != MAPPING.kind or live.spec.get("prefix") != "/":
        return found
    precedence = _precedence(live.spec)
    wide = [asked for asked in _asked(live) if asked.is_regex or "*" in asked.written]
    return found | frozenset(
        name
        for asked in wide
        for name in claimed
        if (precedence, len(asked.written)) >= (0, len(name)) and _fits(asked, name)
    )


def _fits(asked: Asked, name: str) -> bool:
    if asked.is_regex:
        return matches(asked.written, name)
    return fnmatchcase(name, _plain(asked.written))


def _precedence(spec: Mapping[str, Any]) -> int:
    value = spec.get("precedence")
    return value if isinstance(value, int) else 0
