"""Paths that cert-manager adds to an Ingress of ours while it proves who has the hostname; pure.

A list of rules has one owner. While such a path is in it, it is cert-manager's, and what we apply leaves the
list out; without the path it is put back into our hands.
https://cert-manager.io/docs/usage/ingress/#supported-annotations
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconcile.kube.live import Live
from reconcile.kube.managedfields import Path, node_at
from reconcile.kube.objects import INGRESS, Manifest, map_in, maps_in
from reconcile.kube.same import same_value

EDIT_IN_PLACE = "acme.cert-manager.io/http01-edit-in-place"
CHALLENGES = "/.well-known/acme-challenge/"
RULES: Path = ("f:spec", "f:rules")


def solvers(live: Live, wanted: Manifest, manager: str) -> tuple[str, ...]:
    """Who beside this manager has added paths for challenges to the wanted rules, and changed nothing else.

    Nobody, unless the operator has asked for edits in place, and the rules are in the hands of others.
    """
    if live.key.kind != INGRESS.kind or wanted["metadata"]["annotations"].get(EDIT_IN_PLACE) != "true":
        return ()
    rules, without = live.spec.get("rules"), list(_without_challenges(live))
    node = node_at(wanted, RULES)
    if same_value(rules, without, node) or not same_value(wanted["spec"]["rules"], without, node):
        return ()
    if RULES in (live.applied_by(manager) or ()):
        return ()
    return tuple(sorted({entry.manager for entry in live.others(manager) if RULES in entry.fields}))


def _without_challenges(live: Live) -> Iterator[Mapping[str, Any]]:
    for rule in maps_in(live.spec.get("rules")):
        http = map_in(rule.get("http"))
        paths = [path for path in maps_in(http.get("paths")) if not _is_challenge(path)]
        yield {**rule, "http": {**http, "paths": paths}}


def _is_challenge(path: Mapping[str, Any]) -> bool:
    return str(path.get("path")).startswith(CHALLENGES)


def without_rules(wanted: Manifest) -> Manifest:
    """The manifest with its hash, and without the list of rules; an empty spec is left out too."""
    spec = {name: value for name, value in wanted["spec"].items() if name != "rules"}
    rest = {name: value for name, value in wanted.items() if name != "spec"}
    return {**rest, "spec": spec} if spec else rest
