"""Where in a child a text may stand that the author of a preview has a part in, whatever document takes it there."""

import pytest

from reconcile.desire.desire import desire
from reconcile.model.scope import Scope
from tests.desire.test_further import PODS, problems
from tests.given import a_read_preview
from tests.templates import NAME, document, further, loaded, templated, with_templates

PREVIEW = a_read_preview()
APPS, NETWORKING, GATEWAY = "apps/v1", "networking.k8s.io/v1", "gateway.networking.k8s.io/v1"
LABEL, HOST = "${preview.metadata.labels['x']}", "${preview.spec.fqdn}"
TEXTS = (LABEL, "${preview.spec.image}", "${preview.spec.revision}", f"a-{NAME}")
SECRET = "an author may not choose the name of a Secret; write it out, or pass --allow-secret"
KEY = "an author may not choose what is read of a Secret; write it out"
TARGET = "an author may not choose where traffic is sent to; use ${preview.metadata.name}"
A_HOSTNAME = "a hostname is ${preview.spec.fqdn} alone"


def never(field: str) -> str:
    return f"an author may not choose {field}; write it out"


def pod(body: str) -> str:
    return f"spec: {{template: {{spec: {body}}}}}"


def app(body: str) -> str:
    """A document of the pods of the app."""
    return document("Deployment", pod(body))


def annotated(annotation: str) -> str:
    return document("Ingress", metadata=f"annotations: {{{annotation}: X}}")


REFUSED = [
    (app("{containers: [{name: app, env: [{name: A, valueFrom: {secretKeyRef: {name: X, key: a}}}]}]}"), SECRET),
    (app("{containers: [{name: app, env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: X}}}]}]}"), KEY),
    (app("{containers: [{name: app, envFrom: [{secretRef: {name: X}}]}]}"), SECRET),
    (app("{volumes: [{name: a, secret: {secretName: X}}]}"), SECRET),
    (app("{volumes: [{name: a, projected: {sources: [{secret: {name: X}}]}}]}"), SECRET),
    (app("{volumes: [{name: a, projected: {sources: [{serviceAccountToken: {path: a, audience: X}}]}}]}"), never("audience")),
    (app("{volumes: [{name: a, csi: {driver: a, volumeAttributes: {share: X}}}]}"), never("share")),
    (app("{volumes: [{name: a, hostPath: {path: X}}]}"), never("path")),
    (app("{volumes: [{name: a, nfs: {server: X, path: /}}]}"), never("server")),
    (app("{volumes: [{name: a, persistentVolumeClaim: {claimName: X}}]}"), never("claimName")),
    (app("{volumes: [{name: a, gitRepo: {repository: X}}]}"), never("repository")),
    (app("{volumes: [{name: a, ephemeral: {volumeClaimTemplate: {spec: {dataSource: {kind: PersistentVolumeClaim, name: X}}}}}]}"), never("name")),
    (app("{resourceClaims: [{name: a, resourceClaimName: X}]}"), never("resourceClaimName")),
    (app("{imagePullSecrets: [{name: X}]}"), SECRET),
    (app("{serviceAccountName: X}"), never("serviceAccountName")),
    (app("{nodeName: X}"), never("nodeName")),
    (app("{priorityClassName: X}"), never("priorityClassName")),
    (app("{runtimeClassName: X}"), never("runtimeClassName")),
    (app("{securityContext: {seLinuxOptions: {type: X}}}"), never("type")),
    (document("Job", pod("{serviceAccountName: X}")), never("serviceAccountName")),
    (document("Service", "spec: {externalName: X}"), never("externalName")),
    (document("Service", "spec: {externalIPs: [X]}"), never("externalIPs")),
    (document("Ingress", "spec: {tls: [{hosts: [X]}]}"), A_HOSTNAME),
    (document("Ingress", "spec: {rules: [{host: X}]}"), A_HOSTNAME),
    (document("Ingress", "spec: {tls: [{secretName: X}]}"), SECRET),
    (document("HTTPRoute", "spec: {hostnames: [X]}"), A_HOSTNAME),
    (document("Mapping", "spec: {hostname: X}"), A_HOSTNAME),
    (document("Mapping", "spec: {headers: {':authority': X}}"), A_HOSTNAME),
    (app("{nodeSelector: {pool: X}}"), never("pool")),
    (app("{nodeSelector: {secretName: X}}"), never("secretName")),
    (app("{schedulerName: X}"), never("schedulerName")),
    (app("{tolerations: [{key: a, value: X}]}"), never("value")),
    (app("{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [X]}]}]}}}}"), never("values")),
    (app("{hostAliases: [{ip: X, hostnames: [login.example.com]}]}"), never("ip")),
    (app("{dnsConfig: {nameservers: [X]}}"), never("nameservers")),
    (app("{containers: [{name: X, image: proxy}]}"), never("name")),
    (app("{initContainers: [{name: X, image: proxy}]}"), never("name")),
    (app("{containers: [{name: app, env: [{name: X, value: a}]}]}"), never("name")),
    (app("{containers: [{name: app, command: [X]}]}"), never("command")),
    (app("{containers: [{name: app, readinessProbe: {exec: {command: [X]}}}]}"), never("command")),
    (app("{containers: [{name: app, imagePullPolicy: X}]}"), never("imagePullPolicy")),
    (app("{containers: [{name: proxy, volumeMounts: [{name: a, mountPath: X}]}]}"), never("mountPath")),
    (app("{containers: [{name: proxy, volumeMounts: [{name: X, mountPath: /a}]}]}"), never("name")),
    (app("{containers: [{name: proxy, volumeMounts: [{name: a, mountPath: /a, subPath: X}]}]}"), never("subPath")),
    (document("Service", "spec: {type: X}"), never("type")),
    (document("Service", "spec: {loadBalancerClass: X}"), never("loadBalancerClass")),
    (document("Service", "spec: {loadBalancerSourceRanges: [X]}"), never("loadBalancerSourceRanges")),
    (document("Ingress", "spec: {ingressClassName: X}"), never("ingressClassName")),
    (document("Mapping", "spec: {ambassador_id: [X]}"), never("ambassador_id")),
    (document("Mapping", "spec: {tls: X}"), never("tls")),
    (document("Mapping", "spec: {host_rewrite: X}"), never("host_rewrite")),
    (app("{volumes: [{name: a, csi: {driver: a, nodePublishSecretRef: {name: X}}}]}"), never("name")),
    (app("{hostname: X}"), A_HOSTNAME),
    (app("{containers: [{name: app, workingDir: X}]}"), never("workingDir")),
    # annotations that controllers obey
    (annotated("external-dns.alpha.kubernetes.io/hostname"), A_HOSTNAME),
    (annotated("nginx.ingress.kubernetes.io/server-alias"), A_HOSTNAME),
    (annotated("nginx.ingress.kubernetes.io/auth-secret"), KEY),
    *(
        (annotated(annotation), never(annotation))
        for annotation in (
            "nginx.ingress.kubernetes.io/auth-url",
            "nginx.ingress.kubernetes.io/configuration-snippet",
            "getambassador.io/config",
            "iam.amazonaws.com/role",
            "sidecar.istio.io/proxyImage",
        )
    ),
    # of further children
    (further("policy/v1", "PodDisruptionBudget", "-x", "spec: {selector: {matchExpressions: [{key: a, operator: In, values: [X]}]}}"), never("values")),
    (further(NETWORKING, "NetworkPolicy", "-x", "spec: {egress: [{to: [{ipBlock: {cidr: X}}]}]}"), never("cidr")),
    (further("networking.istio.io/v1", "VirtualService", "-x", "spec: {hosts: [X]}"), A_HOSTNAME),
    (further(APPS, "StatefulSet", "-x", "spec: {serviceName: X}"), never("serviceName")),
    (further("v1", "PersistentVolumeClaim", "-x", "spec: {storageClassName: X}"), never("storageClassName")),
    (further("v1", "PersistentVolumeClaim", "-x", "spec: {volumeName: X}"), never("volumeName")),
    (further("v1", "PersistentVolumeClaim", "-x", "spec: {dataSource: {kind: PersistentVolumeClaim, name: X}}"), never("name")),
    (further("v1", "Secret", "-x", "type: X"), never("type")),
    (further("v1", "Secret", metadata="annotations: {kubernetes.io/service-account.name: X}"), never("kubernetes.io/service-account.name")),
    (further("v1", "ServiceAccount", "-x", "imagePullSecrets: [{name: X}]"), SECRET),
    (further("v1", "ServiceAccount", metadata="annotations: {eks.amazonaws.com/role-arn: X}"), never("eks.amazonaws.com/role-arn")),
    (further("batch/v1", "CronJob", "-x", "spec: {schedule: X}"), never("schedule")),
    (further("example.com/v1", "Redis", "-x", "spec: {data: X}"), never("data")),
    (further("example.com/v1", "Redis", "-x", "spec: {a: [X]}"), never("a")),
    (further("example.com/v1", "Redis", "-x", "data: {url: X}"), never("url")),
    (further("example.com/v1", "Redis", "-x", "data: {secretName: X}"), SECRET),
    (further("external-secrets.io/v1", "ExternalSecret", "-x", "spec: {data: [{remoteRef: {key: X}}]}"), never("key")),
    (further("v1", "ServiceAccount", "-x", "secrets: [{name: X}]"), SECRET),
    (further("external-secrets.io/v1", "ExternalSecret", "-x", "spec: {target: {name: X}}"), never("name")),
]  # fmt: skip
"""A document with X in the place of such a text."""


@pytest.mark.parametrize(("written", "problem"), REFUSED)
def test_no_text_of_an_author_reaches_what_only_operators_choose(written: str, problem: str) -> None:
    for text in TEXTS:
        (found,) = problems(written.replace("X", f'"{text}"'))
        assert found.endswith(f": {problem}")


TARGETS = [
    document("Mapping", "spec: {service: X}"),
    document("HTTPRoute", "spec: {rules: [{backendRefs: [{name: X, port: 80}]}]}"),
    document("HTTPRoute", "spec: {rules: [{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: X}}}]}]}"),
    document("HTTPRoute", "spec: {parentRefs: [{name: gateway, namespace: X}]}"),
    document("Ingress", "spec: {rules: [{host: '${preview.spec.fqdn}', http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: X, port: {number: 80}}}}]}}]}"),
    further("v1", "Service", "-x", "spec: {selector: {app: X}}"),
    further("autoscaling/v2", "HorizontalPodAutoscaler", "-x", "spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: X}}"),
    further("networking.istio.io/v1", "VirtualService", "-x", "spec: {http: [{route: [{destination: {host: X}}]}]}"),
    further("traefik.io/v1alpha1", "IngressRoute", "-x", "spec: {routes: [{services: [{name: X}]}]}"),
]  # fmt: skip


@pytest.mark.parametrize("written", TARGETS)
def test_no_text_of_an_author_chooses_where_traffic_goes(written: str) -> None:
    for text in TEXTS[:3]:
        (found,) = problems(written.replace("X", f'"{text}"'))
        assert found.endswith(f": {TARGET}")
    assert not problems(written.replace("X", f"'{NAME}'"))


@pytest.mark.parametrize(
    ("written", "text", "problem"),
    [
        (further("v1", "Service", "-x", "spec: {type: ExternalName, externalName: X}"), HOST, never("externalName")),
        (further("getambassador.io/v3alpha1", "Mapping", "-x", "spec: {hostname: X, prefix: /}"), f"x-{HOST}", A_HOSTNAME),
        (further("cilium.io/v2", "CiliumNetworkPolicy", "-x", "spec: {endpointSelector: {matchLabels: {a: X}}}"), LABEL, never("a")),
        (further("v1", "PersistentVolumeClaim", "-x", "spec: {selector: {matchLabels: {of: X}}}"), LABEL, never("of")),
    ],
)  # fmt: skip
def test_not_each_text_may_stand_where_one_may(written: str, text: str, problem: str) -> None:
    (found,) = problems(written.replace("X", f'"{text}"'))
    assert found.endswith(f": {problem}")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (app("{containers: [{name: app, env: [{name: A, value: X}]}]}"), LABEL),
        (app("{containers: [{name: app, command: [serve, X], args: [X]}]}"), LABEL),
        (app("{containers: [{name: app, envFrom: [{configMapRef: {name: X}}]}]}"), LABEL),
        (app("{volumes: [{name: a, configMap: {name: X}}]}"), LABEL),
        (document("Deployment", "spec: {template: {metadata: {labels: {example.com/a: X, service: X}, annotations: {a: X}}}}"), LABEL),
        (app("{topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: X}}}]}"), LABEL),
        (document("Mapping", "spec: {rewrite: X}"), LABEL),
        (document("Ingress", "spec: {tls: [{hosts: [X], secretName: wildcard}]}"), HOST),
        (further("v1", "ConfigMap", "-x", "data: {a: X}"), LABEL),
        (further("v1", "Secret", "-x", "stringData: {a: X}"), LABEL),
        (further("networking.istio.io/v1", "VirtualService", "-x", "spec: {hosts: [X]}"), HOST),
        (further("policy/v1", "PodDisruptionBudget", "-x", "spec: {selector: {matchLabels: {team: X}}}"), LABEL),
        (further(NETWORKING, "NetworkPolicy", "-x", "spec: {ingress: [{from: [{podSelector: {matchLabels: {team: X}}}]}]}"), LABEL),
        (further(APPS, "Deployment", "-x", pod("{containers: [{name: db, image: X}]}")), "registry.example.com/db:${preview.spec.revision}"),
        (further(APPS, "StatefulSet", "-x", pod("{containers: [{name: db, image: 'registry.example.com/db', env: [{name: A, value: X}]}]}")), LABEL),
        (further("example.com/v1", "Redis", "-x", "spec: {replicas: X}"), "${preview.spec.replicas}"),
        (further("example.com/v1", "Redis", "-x", "spec: {id: X}"), "${preview.metadata.uid}"),
        (further("example.com/v1", "Redis", "-x", "spec: {config: X}"), "${hash}"),
        (further("example.com/v1", "Redis", metadata="labels: {team: X}"), LABEL),
        (further("cilium.io/v2", "CiliumNetworkPolicy", "-x", "spec: {endpointSelector: {matchLabels: {a: X}}}"), NAME),
    ],
)  # fmt: skip
def test_where_a_text_of_an_author_may_stand(written: str, text: str) -> None:
    assert problems(written.replace("X", f'"{text}"')) == []


def test_a_number_of_the_preview_may_stand_in_an_annotation_that_controllers_obey() -> None:
    text = document("Service", metadata="annotations: {prometheus.io/port: '${preview.spec.port}'}")
    assert templated(PREVIEW, text)["Service"]["metadata"]["annotations"]["prometheus.io/port"] == "80"


@pytest.mark.parametrize(
    "annotation", ["nginx.ingress.kubernetes.io/server-alias", "external-dns.alpha.kubernetes.io/hostname"]
)
def test_no_annotation_adds_a_hostname_that_nobody_claims(annotation: str) -> None:
    text = document("Ingress", metadata=f"annotations: {{{annotation}: b.example.com}}")
    assert loaded(text)[1] == (f"app.yaml:4: metadata.annotations[{annotation}]: {A_HOSTNAME}",)
    assert loaded(text.replace("b.example.com", "'${preview.spec.fqdn}'"))[1] == ()


@pytest.mark.parametrize(
    ("name", "refused"),
    [("shop", ""), ("prod", "app.yaml:5: spec.template.spec.imagePullSecrets[0].name: Secret prod-db is not allowed; --allow-secret is shop-*")],
)  # fmt: skip
def test_a_secret_that_an_author_names_must_be_allowed(name: str, refused: str) -> None:
    text = app("{imagePullSecrets: [{name: '${preview.metadata.name}-db'}]}")
    settings = with_templates(text, allow_secret=("shop-*",))
    (found,) = desire([a_read_preview(name)], settings, Scope())
    assert (found.reason, found.message) == ("Refused" if refused else "", refused)


@pytest.mark.parametrize("field", ["image: X", "volumes: [{name: a, image: {reference: X}}]"])
def test_an_image_that_an_author_names_must_be_allowed(field: str) -> None:
    body = f"{{containers: [{{name: a, {field}}}]}}" if field.startswith("image") else f"{{{field}}}"
    image = "\"registry.example.com/${preview.metadata.labels['x']}:1\""
    settings = with_templates(
        document("Deployment", pod(body.replace("X", image))), allow_image=("registry.example.com/shop",)
    )
    shop, other = (a_read_preview(name, labels={"x": name}) for name in ("shop", "other"))
    refused, fine = desire([shop, other], settings, Scope())
    assert (refused.reason, fine.reason) == ("Refused", "")
    assert refused.message.endswith(
        ": registry.example.com/other:1 is not allowed; --allow-image is registry.example.com/shop"
    )


# what the preview has itself


OWN = f'"{NAME}-db"'
REFERENCES = {
    "PersistentVolumeClaim": f"{{volumes: [{{name: a, persistentVolumeClaim: {{claimName: {OWN}}}}}]}}",
    "ServiceAccount": f"{{serviceAccountName: {OWN}}}",
    "Secret": f"{{volumes: [{{name: a, secret: {{secretName: {OWN}}}}}], containers: [{{name: app, envFrom: [{{secretRef: {{name: {OWN}}}}}], env: [{{name: A, valueFrom: {{secretKeyRef: {{name: {OWN}, key: a}}}}}}]}}]}}",
}  # fmt: skip
"""Of which kind the child is that a pod names."""


@pytest.mark.parametrize("kind", REFERENCES)
def test_what_the_preview_has_itself_may_be_named_by_its_name(kind: str) -> None:
    text = document("Deployment", f"spec: {{template: {{spec: {REFERENCES[kind]}}}}}")
    assert problems(text + further("v1", kind, "-db"), allow_secret=("other-*",)) == []
    (found,) = desire(
        [PREVIEW], with_templates(text + further("v1", kind, "-db"), allow_secret=("o",)), Scope()
    )
    assert found.reason == ""
    others = [one for one in REFERENCES if one != kind]
    for other in (further("v1", one, "-db") for one in others):
        assert problems(text + other), "another kind of this name"
    assert problems(text + further("v1", kind, "-db2")), "another name"


def test_the_service_of_a_stateful_set_may_be_its_own() -> None:
    text = further(APPS, "StatefulSet", "-db", f"spec: {{serviceName: {OWN}, {PODS}}}")
    assert problems(text + further("v1", "Service", "-db")) == []


@pytest.mark.parametrize(
    ("when", "of_it", "fine"),
    [
        ("", "", True),
        ("team=shop", "", True),
        ("team=shop", "team=shop", True),
        ("", "team=shop", False),
        ("team=shop", "team=shop,!lean", False),
    ],
)
def test_only_what_every_preview_has_that_has_the_one_may_be_named_by_the_other(
    when: str, of_it: str, *, fine: bool
) -> None:
    spec = f"spec: {{template: {{spec: {{serviceAccountName: {OWN}}}}}}}"
    text = document("Deployment", spec, when=when) + further("v1", "ServiceAccount", "-db", when=of_it)
    assert problems(text) == (
        [] if fine else [f"spec.template.spec.serviceAccountName: {never('serviceAccountName')}"]
    )
