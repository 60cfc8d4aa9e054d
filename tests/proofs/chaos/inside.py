"""The campaign, inside the node: `python -m tests.proofs.chaos.inside FOLDER --minutes 10 --seed 7`; exit code 1 where something was wrong."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.controlplane import shipped
from tests.proofs.chaos.api import KINDS, Api
from tests.proofs.chaos.campaign import Campaign
from tests.proofs.chaos.credentials import BY_TOKEN, HOME, RUNS, user_of
from tests.proofs.chaos.users import AUTHOR, NAMESPACES

STORM = 30.0
RBAC = "rbac.authorization.k8s.io"


def main() -> int:
    options = parse()
    end = time.monotonic() + 60 * options.minutes
    install(Api(options.folder / "node"))
    campaign = Campaign(options.folder, options.seed, frozenset(options.without))
    try:
        campaign.begin()
        while time.monotonic() < end:
            campaign.storm(STORM)
            campaign.calm()
    finally:
        campaign.end()
        print(table(campaign, options.seed), flush=True)
    return 1 if campaign.wrong else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.chaos.inside", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--without", action="append", default=[])
    return parser.parse_args()


def install(api: Api) -> None:
    """The accounts of the runs, with the rights that are shipped; those of the users, each in its namespace."""
    named = {"metadata": {"name": HOME}}
    api.ask("POST", "/api/v1/namespaces", named)
    for run in BY_TOKEN:
        api.ask("POST", f"/api/v1/namespaces/{HOME}/serviceaccounts", {"metadata": {"name": run}})
    subjects = [{"apiGroup": RBAC, "kind": "User", "name": user_of(run)} for run in RUNS]
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": HOME}
    api.ask("POST", f"/apis/{RBAC}/v1/clusterroles", {**named, "rules": shipped()})
    binding = {**named, "subjects": subjects, "roleRef": role}
    api.ask("POST", f"/apis/{RBAC}/v1/clusterrolebindings", binding)
    api.ask(
        "POST", f"/apis/{RBAC}/v1/clusterroles", {"metadata": {"name": AUTHOR}, "rules": rules_of_authors()}
    )
    for namespace in NAMESPACES:
        install_author(api, namespace)


def install_author(api: Api, namespace: str) -> None:
    api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    named = {"metadata": {"name": AUTHOR}}
    api.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", named)
    subjects = [{"kind": "ServiceAccount", "namespace": namespace, "name": AUTHOR}]
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": AUTHOR}
    bindings = f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings"
    api.ask("POST", bindings, {**named, "subjects": subjects, "roleRef": role})


def rules_of_authors() -> list[dict[str, list[str]]]:
    """Previews, their children and ConfigMaps, but no status."""
    verbs = ["get", "list", "create", "update", "patch", "delete"]
    kinds = [(kind.group, kind.plural) for kind in KINDS.values()] + [("", "configmaps")]
    return [{"apiGroups": [group], "resources": [plural], "verbs": verbs} for group, plural in kinds]


def table(campaign: Campaign, seed: int) -> str:
    """What happened, and how often; then what was wrong."""
    parts = {
        "The cluster": campaign.decks[0].counts,
        "The runs": campaign.decks[1].counts + sum((run.ends for run in campaign.runs.all), Counter()),
        "The users": sum((ledger.counts for ledger in campaign.ledgers), Counter()),
        "The audit log": campaign.judge.counts,
        "The judge": campaign.counts + Counter({"wrong": len(campaign.wrong)}),
    }
    lines = [line for title, counts in parts.items() for line in _part(title, counts)]
    return "\n".join([*lines, "", *campaign.wrong, f"Seed {seed}: {len(campaign.wrong)} wrong."])


def _part(title: str, counts: Counter[str]) -> Iterator[str]:
    yield f"\n{title} ({counts.total()})"
    for name, count in sorted(counts.items()):
        yield f"  {name:<44} {count:>6}"


if __name__ == "__main__":
    sys.exit(main())
