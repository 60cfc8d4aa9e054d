"""The README's first preview, from `kubectl apply` to its page, by each kind of route."""

import re
from dataclasses import replace

import pytest
import yaml

from tests.e2e.process import REPOSITORY
from tests.node.node import Node
from tests.node.starting import assets
from tests.node.story import HTTPROUTE, INGRESS, PROBE, Story


@pytest.fixture
def nginx(node: Node) -> None:
    """What the example runs; on a node of ours a stand-in, since no public registry is reached."""
    folder = assets()
    if folder and not node.is_named:
        node.push("nginx:1.29", folder / "app-1.tar")


def apply_example(story: Story) -> None:
    """Apply the example, with a hostname of the test's own."""
    example = yaml.safe_load((REPOSITORY / "crds" / "example.yaml").read_text())
    story.apply("hello", **{**example["spec"], "fqdn": story.host("hello")})


@pytest.mark.usefixtures("nginx")
@pytest.mark.parametrize("route", [INGRESS, HTTPROUTE], ids=["Ingress", "HTTPRoute"])
def test_the_first_preview_becomes_ready_and_its_link_answers(story: Story, route: tuple[str, ...]) -> None:
    story = replace(story, route=route)
    apply_example(story)
    # `--probe` resolves the hostname itself.
    result = story.reconcile(*(["--wait"] if story.node.is_named else PROBE))
    assert result.stdout.splitlines()[-1] == f"ready  {story.namespace}/hello  {story.url('hello')}"
    story.kubectl("wait", "--for=condition=Ready", f"{story.kind}/hello", "--timeout=1s")
    columns = story.kubectl("get", "pe", "hello", "--no-headers").split()
    assert columns[:4] == ["hello", story.url("hello"), "True", "Available"]
    assert "hello from hello-" in story.answers(name="hello").text or story.node.is_named
    if route == INGRESS:
        answers_without_a_router_as_the_readme_requests_it(story)
    story.silent()


def answers_without_a_router_as_the_readme_requests_it(story: Story) -> None:
    readme = (REPOSITORY / "README.md").read_text()
    (commands,) = re.findall(r"^```sh\n(kubectl port-forward .*?)^```$", readme, re.MULTILINE | re.DOTALL)
    in_namespace = commands.replace("kubectl ", f"kubectl --namespace {story.namespace} ")
    done = story.node.run("bash", "-c", f"{in_namespace}kill $!")
    assert "HTTP/1.1 200 OK" in done.stdout, done
