"""An Ingress with a certificate of its own, and `--probe`, which requests the link as a browser would."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.node import certificates
from tests.node.node import DOMAIN, NO_ANSWER, Node
from tests.node.story import HTTPROUTE, INGRESS, Story

TLS = (*INGRESS, "--tls-secret", "preview-tls")
PROBE = ("--wait", "--probe", "--allow-fqdn", f"*.{DOMAIN}")


@pytest.fixture
def resolved(node: Node) -> None:
    """`--probe` resolves the hostname itself."""
    if node.is_named:
        pytest.skip(f"names of {DOMAIN} do not resolve in the cluster of NODE_KUBECONFIG")


@pytest.fixture
def authority(tmp_path: Path) -> certificates.Certificate:
    return certificates.authority(tmp_path)


@pytest.fixture
def secured(story: Story, authority: certificates.Certificate, tmp_path: Path) -> Story:
    """A namespace whose Secret `preview-tls` has a certificate for `pr-1`; its previews have Ingresses with TLS."""
    made = certificates.signed(authority, story.host(), tmp_path)
    story.kubectl("create", "secret", "tls", "preview-tls", f"--cert={made.certificate}", f"--key={made.key}")
    return replace(story, route=TLS, scheme="https")


def test_a_preview_answers_with_the_certificate_of_the_tls_secret(
    secured: Story, authority: certificates.Certificate
) -> None:
    secured.apply()
    secured.reconcile("--wait")
    assert "hello from pr-1-" in secured.answers(authority=authority.certificate).text
    assert secured.visit().code == NO_ANSWER, "nobody else trusts that authority"
    secured.silent()


@pytest.mark.usefixtures("resolved")
def test_a_probe_trusts_the_authority_that_ssl_cert_file_names(
    secured: Story, authority: certificates.Certificate
) -> None:
    secured.apply()
    result = secured.reconcile(*PROBE, env={"SSL_CERT_FILE": str(authority.certificate)})
    assert result.stdout.splitlines()[-1] == f"ready  {secured.namespace}/pr-1  {secured.url()}"


@pytest.mark.usefixtures("resolved")
def test_a_probe_refuses_a_certificate_of_an_unknown_authority(secured: Story) -> None:
    secured.apply()
    result = secured.reconcile(*PROBE, "--wait-timeout", "10s", code=1)
    assert f"{secured.namespace}/pr-1" in result.stdout.splitlines()[-1]
    assert "certificate" in result.stdout.splitlines()[-1]


@pytest.mark.usefixtures("resolved")
@pytest.mark.parametrize("route", [INGRESS, HTTPROUTE], ids=["Ingress", "HTTPRoute"])
def test_a_probe_over_http_ends_with_ready(story: Story, route: tuple[str, ...]) -> None:
    story = replace(story, route=route)
    story.apply()
    result = story.reconcile(*PROBE)
    assert result.stdout.splitlines()[-1] == f"ready  {story.namespace}/pr-1  {story.url()}"
