"""What operators write into `--templates`: each case with what it makes of a child, by the names of items."""

from typing import Any, NamedTuple

from tests.templates import document


class Case(NamedTuple):
    """`sets` has the value of each field that the document changes; None where it is gone."""

    name: str
    kind: str
    body: str
    sets: dict[str, Any]

    @property
    def document(self) -> str:
        return document(self.kind, self.body)


def _pod(body: str) -> str:
    return f"spec: {{template: {{spec: {body}}}}}"


def _app(body: str) -> str:
    return _pod(f"{{containers: [{{name: app, {body}}}]}}")


POD = "spec.template.spec"
APP = f"{POD}.containers[app]"
PROXY = "{name: proxy, image: 'registry.example.com/proxy:1', ports: [{containerPort: 9901}]}"

ACCEPTED = (
    Case(
        "sidecar",
        "Deployment",
        _pod(f"{{containers: [{PROXY}]}}"),
        {
            f"{POD}.containers[proxy].image": "registry.example.com/proxy:1",
            f"{APP}.imagePullPolicy": "Always",
        },
    ),
    Case(
        "native sidecar",
        "Deployment",
        _pod("{initContainers: [{name: tunnel, image: 'registry.example.com/t:1', restartPolicy: Always}]}"),
        {f"{POD}.initContainers[tunnel].restartPolicy": "Always"},
    ),
    Case(
        "pull policy",
        "Deployment",
        _app("imagePullPolicy: IfNotPresent"),
        {f"{APP}.imagePullPolicy": "IfNotPresent"},
    ),
    Case(
        "volume and mount",
        "Deployment",
        _pod(
            "{containers: [{name: app, volumeMounts: [{name: tmp, mountPath: /tmp}]}], "
            "volumes: [{name: tmp, emptyDir: {sizeLimit: 64Mi}}]}"
        ),
        {f"{POD}.volumes[tmp].emptyDir": {"sizeLimit": "64Mi"}, f"{APP}.volumeMounts[tmp].mountPath": "/tmp"},
    ),
    Case("no probe", "Deployment", _app("readinessProbe: null"), {f"{APP}.readinessProbe": None}),
    Case(
        "grpc probe",
        "Deployment",
        _app("readinessProbe: {grpc: {port: 9000}}"),
        {f"{APP}.readinessProbe": {"grpc": {"port": 9000}, "periodSeconds": 5, "timeoutSeconds": 5}},
    ),
    Case(
        "annotations and labels of pods",
        "Deployment",
        "spec: {template: {metadata: {annotations: {sidecar.istio.io/inject: 'false'}, labels: {tier: web}}}}",
        {
            "spec.template.metadata.annotations[sidecar.istio.io/inject]": "false",
            "spec.template.metadata.labels[tier]": "web",
        },
    ),
    Case(
        "service account",
        "Deployment",
        _pod("{serviceAccountName: shop, automountServiceAccountToken: true}"),
        {f"{POD}.serviceAccountName": "shop", f"{POD}.automountServiceAccountToken": True},
    ),
    Case(
        "security context of OpenShift",
        "Deployment",
        _pod("{securityContext: {runAsNonRoot: true, fsGroup: 1000650000}}"),
        {
            f"{POD}.securityContext": {
                "runAsNonRoot": True,
                "fsGroup": 1000650000,
                "seccompProfile": {"type": "RuntimeDefault"},
            }
        },
    ),
    Case(
        "nodes",
        "Deployment",
        _pod("{nodeSelector: {pool: previews}}"),
        {f"{POD}.nodeSelector": {"pool": "previews"}},
    ),
    Case(
        "variable by reference",
        "Deployment",
        _app("env: [{name: MODE, valueFrom: {configMapKeyRef: {name: shop, key: mode}}}]"),
        {
            f"{APP}.env[MODE].valueFrom.configMapKeyRef": {"name": "shop", "key": "mode"},
            f"{APP}.env[MODE].value": None,
        },
    ),
    Case(
        "variable removed",
        "Deployment",
        _app("env: [{name: MODE, $patch: delete}]"),
        {f"{APP}.env[MODE]": None},
    ),
    Case(
        "strategy",
        "Deployment",
        "spec: {strategy: {type: Recreate}, progressDeadlineSeconds: 120}",
        {"spec.strategy": {"type": "Recreate"}, "spec.progressDeadlineSeconds": 120},
    ),
    Case(
        "second port of the Service",
        "Service",
        "spec: {ports: [{name: metrics, port: 9090, targetPort: 9090}]}",
        {"spec.ports[metrics].port": 9090, "spec.ports[http].port": 80},
    ),
    Case(
        "another port of the Service",
        "Service",
        "spec: {ports: [{port: 80, $patch: delete}, {name: http, port: 8080, targetPort: http}]}",
        {"spec.ports": [{"name": "http", "port": 8080, "targetPort": "http"}]},
    ),
    Case(
        "sticky sessions",
        "Service",
        "spec: {sessionAffinity: ClientIP}",
        {"spec.sessionAffinity": "ClientIP"},
    ),
    Case(
        "websockets",
        "Mapping",
        "spec: {allow_upgrade: [websocket], timeout_ms: 0}",
        {"spec.allow_upgrade": ["websocket"], "spec.timeout_ms": 0},
    ),
)
"""The preview has a variable `MODE`."""


def at(manifest: Any, path: str) -> Any:
    """What stands at such a path; None where nothing does."""
    value = manifest
    for step in path.replace("[", "\0[").replace("].", "]\0").replace("]\0[", "]\0[").split("\0"):
        if step.startswith("["):
            name = step[1:-1]
            if isinstance(value, list):
                value = next((item for item in value if item.get("name") == name), None)
            else:
                value = (value or {}).get(name)
            continue
        for name in step.split("."):
            value = (value or {}).get(name)
    return value
