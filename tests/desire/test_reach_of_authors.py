"""Who may write previews and their labels reaches nothing of others through a document, whatever it uses of them."""

import pytest

from tests.templates import loaded

NAME = "${preview.metadata.name}"
TEAM = "${preview.metadata.labels['team']}"
HOST = "${preview.spec.fqdn}"
IMAGE = "${preview.spec.image}"
REVISION = "${preview.spec.revision}"


def document(api_version: str, kind: str, name: str, body: str) -> str:
    """A document of five lines: the fourth has the metadata, the fifth the rest."""
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: '{NAME}{name}'}}\n{body}\n"


def pods(body: str) -> str:
    """A further Deployment's document with this of its pods."""
    return document("apps/v1", "Deployment", "-x", f"spec: {{template: {{spec: {{{body}}}}}}}")


def container(body: str) -> str:
    return pods(f"containers: [{{name: a, image: 'a:1', {body}}}]")


REFUSED = {
    # a Secret
    "variable": (container(f"env: [{{name: A, valueFrom: {{secretKeyRef: {{name: \"{TEAM}\", key: k}}}}}}]"), "Secret"),
    "key of a Secret": (container(f"env: [{{name: A, valueFrom: {{secretKeyRef: {{name: s, key: \"{TEAM}\"}}}}}}]"),
                        "what is read of a Secret"),
    "variables": (container(f"envFrom: [{{secretRef: {{name: \"{NAME}-db\"}}}}]"), "Secret"),
    "volume": (pods(f"volumes: [{{name: v, secret: {{secretName: \"{TEAM}\"}}}}]"), "Secret"),
    "projected": (pods(f"volumes: [{{name: v, projected: {{sources: [{{secret: {{name: \"{TEAM}\"}}}}]}}}}]"), "Secret"),
    "pull secret": (pods(f"imagePullSecrets: [{{name: \"{TEAM}\"}}]"), "Secret"),
    "csi": (pods(f"volumes: [{{name: v, csi: {{driver: d, nodePublishSecretRef: {{name: \"{TEAM}\"}}}}}}]"), "csi"),
    "certificate": (document("networking.k8s.io/v1", "Ingress", "-x",
                             f"spec: {{tls: [{{hosts: [\"{HOST}\"], secretName: \"{TEAM}\"}}], rules: [{{host: \"{HOST}\"}}]}}"),
                    "Secret"),
    "account's Secret": (document("v1", "ServiceAccount", "-x", f"secrets: [{{name: \"{TEAM}\"}}]"), "Secret"),
    # an account, a node, a priority, a runtime
    **{field: (pods(f"{field}: \"{TEAM}\""), field) for field in
       ("serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName", "schedulerName", "hostname")},
    "another's account": (pods(f"serviceAccountName: \"{NAME}-admin\""), "serviceAccountName"),
    "node selector": (pods(f"nodeSelector: {{pool: \"{TEAM}\"}}"), "pool"),
    # the host, a claim of somebody else
    "host path": (pods(f"volumes: [{{name: v, hostPath: {{path: \"/srv/{TEAM}\"}}}}]"), "path"),
    "claim": (pods(f"volumes: [{{name: v, persistentVolumeClaim: {{claimName: \"{TEAM}\"}}}}]"), "claimName"),
    "another's claim": (pods(f"volumes: [{{name: v, persistentVolumeClaim: {{claimName: \"{NAME}-data\"}}}}]"), "claimName"),
    "source of a claim": (document("v1", "PersistentVolumeClaim", "-x",
                                   f"spec: {{dataSource: {{kind: PersistentVolumeClaim, name: \"{TEAM}\"}}}}"), "name"),
    "volume of a claim": (document("v1", "PersistentVolumeClaim", "-x", f"spec: {{volumeName: \"{TEAM}\"}}"), "volumeName"),
    "nfs": (pods(f"volumes: [{{name: v, nfs: {{server: \"{TEAM}\", path: /}}}}]"), "server"),
    # a shell
    "program": (container(f"command: [\"{TEAM}\"]"), "command"),
    "probe": (container(f"livenessProbe: {{exec: {{command: [\"{REVISION}\"]}}}}"), "command"),
    "name of a container": (pods(f"containers: [{{name: \"{TEAM}\", image: 'a:1'}}]"), "name"),
    "working folder": (container(f"workingDir: \"/{TEAM}\""), "workingDir"),
    "sub-path": (container(f"volumeMounts: [{{name: v, mountPath: /x, subPath: \"{TEAM}\"}}]"), "subPath"),
    # another preview's pods and Service, another's hostname
    "external name": (document("v1", "Service", "-x", f"spec: {{type: ExternalName, externalName: \"{HOST}\"}}"), "externalName"),
    "external address": (document("v1", "Service", "-x", f"spec: {{externalIPs: [\"{TEAM}\"], ports: [{{port: 80}}]}}"),
                         "externalIPs"),
    "backend": (document("networking.k8s.io/v1", "Ingress", "-x",
                         f"spec: {{rules: [{{host: \"{HOST}\", http: {{paths: [{{path: /, pathType: Prefix, backend: "
                         f"{{service: {{name: \"{TEAM}\", port: {{number: 80}}}}}}}}]}}}}]}}"), "where traffic is sent to"),
    "scaler": (document("autoscaling/v2", "HorizontalPodAutoscaler", "-x",
                        f"spec: {{maxReplicas: 2, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: \"{TEAM}\"}}}}"),
               "where traffic is sent to"),
    "mapping": (document("getambassador.io/v3alpha1", "Mapping", "-x",
                         f"spec: {{hostname: \"{HOST}\", prefix: /x/, service: \"{TEAM}:80\"}}"), "where traffic is sent to"),
    "hostname": (document("networking.k8s.io/v1", "Ingress", "-x", f"spec: {{rules: [{{host: \"{TEAM}.example.com\"}}]}}"),
                 "hostname"),
    "part of a hostname": (document("getambassador.io/v3alpha1", "Mapping", "-x",
                                    f"spec: {{hostname: \"x-{HOST}\", prefix: /, service: a}}"), "hostname"),
    "annotation": (document("networking.k8s.io/v1", "Ingress", "-x", f"spec: {{rules: [{{host: \"{HOST}\"}}]}}").replace(
        "-x'}", f"-x', annotations: {{nginx.ingress.kubernetes.io/server-alias: \"{TEAM}\"}}}}"), "hostname"),
    "snippet": (document("networking.k8s.io/v1", "Ingress", "-x", f"spec: {{rules: [{{host: \"{HOST}\"}}]}}").replace(
        "-x'}", f"-x', annotations: {{nginx.ingress.kubernetes.io/configuration-snippet: \"{TEAM}\"}}}}"),
        "configuration-snippet"),
    # a kind that nobody knows
    "custom": (document("external-secrets.io/v1", "ExternalSecret", "-x", f"spec: {{dataFrom: [{{extract: {{key: \"{TEAM}\"}}}}]}}"),
               "key"),
    "custom target": (document("external-secrets.io/v1", "ExternalSecret", "-x", f"spec: {{target: {{name: \"{TEAM}\"}}}}"), "name"),
    "data of a custom kind": (document("example.com/v1", "Copy", "-x", f"data: {{from: \"{TEAM}\"}}"), "choose from"),
    "pods of others by a custom kind": (document("cilium.io/v2", "CiliumNetworkPolicy", "-x",
                                                 f"spec: {{endpointSelector: {{matchLabels: {{preview: \"{TEAM}\"}}}}}}"), "choose preview"),
    "volumes of others": (document("v1", "PersistentVolumeClaim", "-x", f"spec: {{selector: {{matchLabels: {{of: \"{TEAM}\"}}}}}}"),
                          "choose of"),
    "rights": (document("rbac.authorization.k8s.io/v1", "RoleBinding", "-x", ""), "gives no rights"),
    "name": (document("v1", "ConfigMap", "-${preview.spec.revision}", "data: {}"), "NAME"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_no_document_gives_authors_what_is_of_others(case: str) -> None:
    text, why = REFUSED[case]
    (sentence,) = loaded(text)[1]
    assert sentence.startswith("app.yaml:")
    assert why in sentence


SELECTED = document(
    "cilium.io/v2",
    "CiliumNetworkPolicy",
    "-x",
    f"spec: {{endpointSelector: {{matchLabels: {{a: '{NAME}'}}}}}}",
)


def test_a_custom_kind_may_select_by_the_previews_name() -> None:
    assert loaded(SELECTED)[1] == ()
