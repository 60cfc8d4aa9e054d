"""cert-manager's edit in place of an Ingress of ours, on a real API server."""

from dataclasses import replace
from typing import Any

from tests.e2e.story import Story

CERT_MANAGER = "cert-manager-challenges"
ASKED = ("--route-annotation", "acme.cert-manager.io/http01-edit-in-place=true")
CHALLENGE = {
    "path": "/.well-known/acme-challenge/Zm9v",
    "pathType": "ImplementationSpecific",
    "backend": {"service": {"name": "cm-acme-http-solver-x7k2p", "port": {"number": 8089}}},
}


def paths(story: Story) -> list[str]:
    return [path["path"] for path in story.live("Ingress")["spec"]["rules"][0]["http"]["paths"]]


def begin(ingress: dict[str, Any]) -> None:
    ingress["spec"]["rules"][0]["http"]["paths"].insert(0, CHALLENGE)


def end(ingress: dict[str, Any]) -> None:
    ingress["spec"]["rules"][0]["http"]["paths"].remove(CHALLENGE)


def test_a_path_for_a_challenge_stays_until_cert_manager_takes_it_out(story: Story) -> None:
    story = replace(story, route="Ingress")
    place = f"{story.namespace}/pr-1"
    story.apply(replicas=0)
    story.reconcile(*ASKED)
    story.edit("Ingress", begin, by=CERT_MANAGER)
    kept = f"= Ingress {place} kept with the path that {CERT_MANAGER} added for a certificate"
    assert story.reconcile(*ASKED).changes == [kept]
    options = (*ASKED, "--route-label", "challenge=now")
    assert story.reconcile(*options).changes[0].startswith(f"~ Ingress {place}")
    assert paths(story) == [CHALLENGE["path"], "/"]
    story.silent(*options)
    story.edit("Ingress", end, by=CERT_MANAGER)
    story.reconcile(*options)
    assert paths(story) == ["/"]
    story.silent(*options)
