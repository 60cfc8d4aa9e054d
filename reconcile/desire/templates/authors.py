"""Where in a child a text of a preview's author may stand, or one that the operator allows; elsewhere, none.

    a Secret's name               as `--allow-secret` says; of a Secret, nothing else
    an image                      as `--allow-image` says
    a hostname                    exactly `${preview.spec.fqdn}`
    where traffic is sent to      the preview's name, and no text that is chosen freely
    a number of pods or a port    the preview's, alone
    what a program is given       values of variables, arguments, paths of requests, names of ConfigMaps,
                                  the data of a ConfigMap or a Secret of the preview's own
    labels, annotations           but annotations with a domain, which controllers obey
    what selects pods             the preview's name; by `matchLabels` of native kinds any label
    a further child's name        where the preview has that child itself: a claim, an account, a Secret

A list of what is refused would have to know every field of every version, and every controller. A preview's
name is its author's text too: who names a preview `prod` would read the Secret `prod-db`, where a document
mounts `${preview.metadata.name}-db`; who names one `app` would give a sidecar of this name the command of the
container `app`.
"""

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

from reconcile.desire.allow import image_allowed, said
from reconcile.desire.children.further import CLAIM
from reconcile.desire.templates.expressions import FQDN, is_number, uses
from reconcile.kube.check import Location
from reconcile.kube.objects import is_custom_kind
from reconcile.model.settings import Settings

A_HOSTNAME = f"a hostname is {FQDN} alone"

_REFERENCES: Mapping[tuple[str, ...], str] = {
    ("claimName",): CLAIM,
    ("serviceAccountName",): "ServiceAccount",
    ("secretKeyRef", "name"): "Secret",
    ("secretRef", "name"): "Secret",
    ("secretName",): "Secret",
    ("serviceName",): "Service",
}
"""Of which kind the object is that a field names."""
_GIVEN = frozenset(
    {
        *(("env", "value"), ("httpHeaders", "value"), ("httpGet", "path"), ("spec", "rewrite")),
        *(("configMap", "name"), ("configMapRef", "name"), ("configMapKeyRef", "name")),
    }
)
_FREE_MAPS = frozenset({"nodeSelector", "csi", "flexVolume"})
"""A field of any name may be in these."""
_NUMBERS = frozenset({"replicas", "port", "containerPort", "targetPort", "number"})
_HOSTNAMES = frozenset({"host", "hosts", "hostname", "hostnames", "headers", "regex_headers"})
_TARGETS = frozenset(
    {"service", "backend", "backendRef", "backendRefs", "extensionRef", "parentRefs", "namespace"}
)
_NAMED = frozenset(
    {("destination", "host"), ("to", "name"), ("services", "name"), ("scaleTargetRef", "name")}
)
"""Fields of further children that name one of the preview."""
_OF_SECRETS = frozenset({"name", "secretName"})
_DATA: Mapping[str, tuple[str, ...]] = {"ConfigMap": ("data",), "Secret": ("data", "stringData")}


def refers_to(path: Location, text: str, own: Collection[tuple[str, str]]) -> bool:
    """Whether a field names one of the further children that the preview has itself: it is ours, or the
    preview is blocked."""
    steps = _steps(path)
    kinds = {kind for field, kind in _REFERENCES.items() if steps[-len(field) :] == field}
    return any((kind, text) in own for kind in kinds)


def misplaced(path: Location, text: str, kind: str, settings: Settings) -> str:
    """Why this text, of which an author decides a part, may not stand at this path of a full kind; "" where
    it may."""
    steps = _steps(path)
    if _is_note(steps) or _is_data(steps, kind):
        return ""
    if _FREE_MAPS.intersection(steps):
        return _never(steps)
    if _is_of_secret(steps):
        if steps[-1] not in _OF_SECRETS:
            return "an author may not choose what is read of a Secret; write it out"
        if not any(settings.allow_secret):
            return "an author may not choose the name of a Secret; write it out, or pass --allow-secret"
        return ""
    if _is_hostname(steps) and not _names_a_child(steps):
        return "" if text == FQDN else A_HOSTNAME
    if _TARGETS.intersection(steps) or _names_a_child(steps):
        free = uses(text).free
        return (
            "an author may not choose where traffic is sent to; use ${preview.metadata.name}" if free else ""
        )
    return "" if _is_image(steps) or _may_stand(path, text, kind) else _never(steps)


def _never(steps: tuple[str, ...]) -> str:
    """A name may be anything in a map that takes all."""
    return f"an author may not choose {steps[-1] if steps[-1].isprintable() else 'this'}; write it out"


def adds_hostname(path: Location, text: str) -> bool:
    """Whether it is an annotation that gives a route one more hostname, which no preview would claim."""
    steps = _steps(path)
    obeyed = steps[:2] == ("metadata", "annotations") and not _is_note(steps)
    return obeyed and _is_hostname(steps) and text != FQDN


def not_allowed(path: Location, value: str, kind: str, settings: Settings) -> str:
    """Why what came of such a text is not allowed; "" where it is."""
    steps = _steps(path)
    if _is_note(steps) or _is_data(steps, kind):
        return ""
    if _is_of_secret(steps) and not any(fnmatchcase(value, glob) for glob in settings.allow_secret):
        return f"Secret {value} is not allowed; {said('--allow-secret', settings.allow_secret)}"
    if _is_image(steps) and settings.allow_image and not image_allowed(value, settings.allow_image):
        return f"{value} is not allowed; {said('--allow-image', settings.allow_image)}"
    return ""


def _steps(path: Location) -> tuple[str, ...]:
    """The steps on the way to a field, without the places in lists."""
    return tuple(step for step in path if isinstance(step, str))


def _is_note(steps: tuple[str, ...]) -> bool:
    """Whether it is a label, or an annotation that no controller looks for."""
    plain = steps[-3:-1] == ("metadata", "annotations") and "/" not in steps[-1]
    return plain or steps[-3:-1] == ("metadata", "labels")


def _names_a_child(steps: tuple[str, ...]) -> bool:
    """Whether it is the name of something that the preview has, or a label by which it is selected."""
    return steps[-2:] in _NAMED or steps[-2:-1] == ("selector",)


def _is_data(steps: tuple[str, ...], kind: str) -> bool:
    """Whether it is a value of a ConfigMap or a Secret, which is the preview's own."""
    return len(steps) == 2 and steps[0] in _DATA.get(kind, ())


def _is_image(steps: tuple[str, ...]) -> bool:
    return steps[-1:] == ("image",) or steps[-2:] == ("image", "reference")


def _may_stand(path: Location, text: str, kind: str) -> bool:
    """Whether it is what a program is given, what selects by such labels, or no more than a number."""
    steps = _steps(path)
    if isinstance(path[-1], int):
        return steps[-1] == "args" or (steps[-1] == "command" and path[-1] > 0)
    if steps[-1] in _NUMBERS or steps[-3:-1] == ("metadata", "annotations"):
        return is_number(text)
    return steps[-2:] in _GIVEN or ("matchLabels" in steps and (_selects_own(kind) or not uses(text).free))


def _selects_own(kind: str) -> bool:
    """Whether what is selected is its preview's alone, or nothing but where its pods run: a claim selects
    volumes of everybody, and of what a custom kind selects nobody knows whose it is."""
    return kind != CLAIM and not is_custom_kind(kind)


def _is_of_secret(steps: tuple[str, ...]) -> bool:
    """Whether it is, or lies below, what names a Secret: secretKeyRef, imagePullSecrets, `…/auth-secret`."""
    return any("secret" in name.lower() for name in steps)


def _is_hostname(steps: tuple[str, ...]) -> bool:
    """Whether it is a hostname, or an annotation or a header in which a controller looks for one."""
    last = steps[-1].rpartition("/")[2].lower()
    return bool(_HOSTNAMES.intersection(steps)) or last.endswith(("hostname", "server-alias"))
