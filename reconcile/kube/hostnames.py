"""The hostnames that routes of each kind ask for, in whatever spelling; pure."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from reconcile.kube.listeners import Listeners, of_listeners
from reconcile.kube.live import Live
from reconcile.kube.objects import HTTPROUTE, INGRESS, MAPPING, Manifest, map_in, maps_in
from reconcile.kube.patterns import fixed_ends, matches

GRPCROUTE_KIND = "GRPCRoute"
"""No built-in child is one."""

_PORT = re.compile(r":\d+$")
_GLOB = re.compile(r"[*?[]")

# What begins like this matches no path as short as `/`.
_LONGER = re.compile(r"\^?/(?:[\w.~%-]|\\[.~-])(?![*?{])")


class Asked(NamedTuple):
    """A hostname that a route asks for, as it is written there: exact, a glob, or a regular expression.

    `whole` is False where the route takes other paths than `/` alone, such as a login proxy's `/oauth2`.
    """

    written: Any
    is_regex: bool = False
    whole: bool = True


def hostnames(live: Live) -> frozenset[str]:
    """The hostnames that a route of any kind asks for, in lower case, without a port or a last dot."""
    return frozenset(_normalized(asked.written) for asked in _asked(live) if not asked.is_regex)


def asks_for_more(live: Live, wanted: Manifest) -> bool:
    """Whether a route asks for a hostname, in whatever spelling, that it is not to have."""
    return not set(_asked(live)) <= set(_asked(Live(wanted)))


def takes_all(live: Live) -> bool:
    """Whether an Ingress takes every hostname: by a rule without one, or by a default backend."""
    rules = maps_in(live.spec.get("rules"))
    without = any(not rule.get("host") for rule in rules) or bool(live.spec.get("defaultBackend"))
    return live.key.kind == INGRESS.kind and without


def asks_only_for(live: Live, hostname: str) -> bool:
    """Whether a route asks for this hostname, and for no other in any way."""
    asked = list(_asked(live))
    only = all(not one.is_regex and one.written == hostname for one in asked)
    return bool(asked) and only and not takes_all(live)


def _normalized(name: str) -> str:
    return _PORT.sub("", name.lower()).removesuffix(".")


def _asked(live: Live) -> Iterator[Asked]:
    found = _ASKED.get(live.key.kind, _nothing)(live.spec)
    return (asked for asked in found if isinstance(asked.written, str) and asked.written)


def _nothing(spec: Mapping[str, Any]) -> Iterator[Asked]:
    return iter(())


def _of_mapping(spec: Mapping[str, Any]) -> Iterator[Asked]:
    """Ours has `hostname` alone. `host` is its older name, and both are a match of `:authority`."""
    whole = not _is_elsewhere(spec.get("prefix"), is_regex=spec.get("prefix_regex") is True)
    yield Asked(spec.get("hostname"), whole=whole)
    yield Asked(spec.get("host"), spec.get("host_regex") is True, whole)
    for field, is_regex in (("headers", False), ("regex_headers", True)):
        for header, value in map_in(spec.get(field)).items():
            if str(header).lower() in (":authority", "host"):
                yield Asked(value, is_regex, whole)


def _of_ingress(spec: Mapping[str, Any]) -> Iterator[Asked]:
    """A default backend, or a rule without paths, takes whatever no path takes."""
    for rule in maps_in(spec.get("rules")):
        paths = maps_in(map_in(rule.get("http")).get("paths"))
        other = paths and all(
            _is_elsewhere(path.get("path"), is_regex=path.get("pathType") == "ImplementationSpecific")
            for path in paths
        )
        yield Asked(rule.get("host"), whole=bool(spec.get("defaultBackend")) or not other)


def _of_httproute(spec: Mapping[str, Any]) -> Iterator[Asked]:
    """A rule without matches takes every path, and so does a match without a path."""
    matches_of_rules = [maps_in(rule.get("matches")) for rule in maps_in(spec.get("rules"))]
    paths = [map_in(match.get("path")) for matches in matches_of_rules for match in matches]
    other = (
        paths
        and all(matches_of_rules)
        and all(
            _is_elsewhere(path.get("value"), is_regex=path.get("type") == "RegularExpression")
            for path in paths
        )
    )
    names = spec.get("hostnames")
    for name in names if isinstance(names, list | tuple) else ():
        yield Asked(name, whole=not other)


def _is_elsewhere(path: Any, *, is_regex: bool) -> bool:
    """Whether a path, exact or a prefix, surely leaves `/` to others."""
    if not isinstance(path, str) or not path.startswith(("/", "^/")):
        return False
    if not is_regex:
        return path.strip("/") != ""
    path = path.replace("(/|$)", "")
    return bool(_LONGER.match(path)) and "|" not in path


_ASKED = {
    MAPPING.kind: _of_mapping,
    INGRESS.kind: _of_ingress,
    HTTPROUTE.kind: _of_httproute,
    GRPCROUTE_KIND: _of_httproute,
}


def covered(live: Live, claimed: Iterable[str], gateways: Listeners | None = None) -> frozenset[str]:
    """The claimed hostnames that this route would have, a wildcard's among them where it would win.

    One that takes only other paths than `/`, such as cert-manager's solver, leaves a hostname to others. An
    exact name wins over every wildcard of an Ingress or an HTTPRoute, so theirs take nothing, nor does one of
    a listener that an HTTPRoute without hostnames hangs on:
    https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
    Mappings are weighed by precedence, length of the prefix, and length of the hostname as it is written
    (`IRHTTPMapping` in Emissary's sources); ours has precedence 0 and prefix `/`.
    """
    claimed = frozenset(claimed)
    whole = [asked for asked in _asked(live) if asked.whole]
    written = [asked.written for asked in whole if not asked.is_regex]
    found = claimed & {_normalized(name) for name in (*written, *of_listeners(live, gateways or {}))}
    if live.key.kind != MAPPING.kind:
        return found
    before = (_number(live.spec.get("precedence")), len(_text(live.spec.get("prefix"))))
    wide = [asked for asked in whole if asked.is_regex or "*" in asked.written]
    won = [_won(_fitting(claimed, asked), before, len(asked.written)) for asked in wide]
    # Many routes may take all hostnames: then these are one set, and not a copy for each route.
    return won[0] if len(won) == 1 and not found else found.union(*won)


def _won(fitting: frozenset[str], before: tuple[int, int], length: int) -> frozenset[str]:
    """Those of the hostnames that are won from a route of ours, which has precedence 0 and prefix `/`."""
    ours = (0, len("/"))
    if before > ours:
        return fitting
    return frozenset(name for name in fitting if before == ours and length >= len(name))


@lru_cache(maxsize=64)
def _fitting(claimed: frozenset[str], asked: Asked) -> frozenset[str]:
    """The hostnames that a wildcard or a pattern takes; tried are those that begin or end like it."""
    if asked.is_regex:
        ends = fixed_ends(asked.written)
        if ends is None:
            return frozenset()
        return frozenset(name for name in _near(claimed, *ends) if matches(asked.written, name))
    glob = _normalized(asked.written)
    first, last = _GLOB.split(glob)[0], _GLOB.split(glob)[-1]
    return frozenset(name for name in _near(claimed, first, last) if fnmatchcase(name, glob))


def _near(claimed: frozenset[str], first: str, last: str) -> Sequence[str]:
    """The claimed hostnames that begin like this, or those that end like that, whichever are fewer."""
    forwards, backwards = _sorted(claimed)
    ahead, behind = _beginning(forwards, first), _beginning(backwards, last[::-1])
    if len(ahead) <= len(behind):
        return [forwards[at] for at in ahead]
    return [backwards[at][::-1] for at in behind]


@lru_cache(maxsize=4)
def _sorted(claimed: frozenset[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The hostnames in order, and each of them backwards in order."""
    return sorted(claimed), sorted(name[::-1] for name in claimed)


def _beginning(hosts: Sequence[str], first: str) -> range:
    """Where those stand that begin like this."""
    start = bisect_left(hosts, first)
    return range(start, bisect_left(hosts, f"{first}\U0010ffff", start))


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
