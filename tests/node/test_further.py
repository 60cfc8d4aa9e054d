"""Further children of a preview on a node: a second program behind a path of its own, and a ConfigMap of both.

The whole story, with Redis, Postgres, a worker and a sidecar, is `make stack`.
"""

from pathlib import Path

from tests.controlplane import eventually
from tests.node.story import COLLECTED, Story

TEMPLATES = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: ${preview.metadata.name}-config
data:
  GREETING: first
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${preview.metadata.name}-api
spec:
  template:
    metadata:
      annotations: {config: "${hash}"}
    spec:
      containers:
        - name: api
          image: ${preview.spec.image}
          args: [serve, "8080"]
          envFrom: [{configMapRef: {name: "${preview.metadata.name}-config"}}]
---
apiVersion: v1
kind: Service
metadata:
  name: ${preview.metadata.name}-api
spec:
  selector: {app.kubernetes.io/component: api}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${preview.metadata.name}-api
spec:
  rules:
    - host: ${preview.spec.fqdn}
      http:
        paths:
          - path: /api
            pathType: Prefix
            backend: {service: {name: "${preview.metadata.name}-api", port: {number: 80}}}
"""


def test_further_children_answer_beside_the_app_change_with_their_document_and_end_with_the_preview(
    story: Story, tmp_path: Path
) -> None:
    documents = tmp_path / "api.yaml"
    documents.write_text(TEMPLATES)

    def api(greeting: str) -> bool:
        """The further program answers, with this of the ConfigMap."""
        page = story.visit(path="/api").text
        return page.startswith("hello from pr-1-api-") and greeting in page

    story.apply()
    story.reconcile("--templates", str(tmp_path), "--wait")
    assert story.condition() == ("True", "Available")
    eventually(lambda: api("first"), "the API answers", pause=0.2)
    assert story.answers().text.startswith("hello from pr-1-"), "and the app at every other path"
    assert not story.visit().text.startswith("hello from pr-1-api-")

    documents.write_text(TEMPLATES.replace("first", "second"))
    story.reconcile("--templates", str(tmp_path), "--wait")
    eventually(lambda: api("second"), "another ConfigMap rolls it", pause=0.2)
    assert "0 to create, 0 to update, 0 to delete" in story.reconcile("--templates", str(tmp_path)).stdout

    story.delete()
    story.childless()
    only_the_clusters = ["configmap/kube-root-ca.crt"]
    eventually(lambda: story.names("configmaps") == only_the_clusters, "the ConfigMap goes too", COLLECTED)
