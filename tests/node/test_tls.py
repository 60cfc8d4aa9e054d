"""An Ingress with a certificate of its own, and `--probe`, which requests the link as a browser would."""

from dataclasses import replace
from pathlib import Path

from tests.node import certificates
from tests.node.node import NO_ANSWER
from tests.node.story import INGRESS, PROBE, Story

TLS = (*INGRESS, "--tls-secret", "preview-tls")


def test_a_preview_answers_with_the_certificate_of_the_tls_secret_and_only_who_trusts_it_is_content(
    story: Story, tmp_path: Path
) -> None:
    authority = certificates.authority(tmp_path)
    made = certificates.signed(authority, story.host(), tmp_path)
    story.kubectl("create", "secret", "tls", "preview-tls", f"--cert={made.certificate}", f"--key={made.key}")
    story = replace(story, route=TLS, scheme="https")
    story.apply()
    story.reconcile("--wait")
    assert "hello from pr-1-" in story.answers(authority=authority.certificate).text
    assert story.visit().code == NO_ANSWER, "nobody else trusts that authority"
    story.silent()
    if story.node.is_named:  # `--probe` resolves the hostname itself
        return
    trusting = {"SSL_CERT_FILE": str(authority.certificate)}
    assert story.reconcile(*PROBE, env=trusting).lines[-1] == f"ready {story.namespace}/pr-1 {story.url()}"
    last = story.reconcile(*PROBE, "--wait-timeout", "5s", code=1).lines[-1]
    assert f"{story.namespace}/pr-1" in last
    assert "certificate" in last
