"""Where in a child a text may not come from a preview's author, or must be one that the operator allows.

    below a Secret's field        the name: as `--allow-secret` says; anything else: never
    an image                      as `--allow-image` says
    a hostname                    exactly `${preview.spec.fqdn}`
    where traffic is sent to      the preview's name, and no text that is chosen freely
    an account, a node            never
    a volume                      of those that reach nothing but what the above says; any other never

A preview's name is its author's text too: who names a preview `prod` would read the Secret `prod-db`, where a
document mounts `${preview.metadata.name}-db`.
"""

from fnmatch import fnmatchcase

from reconcile.desire.allow import image_allowed, said
from reconcile.desire.templates.expressions import uses
from reconcile.model.settings import Settings
from reconcile.model.template import Location

FQDN = "${preview.spec.fqdn}"

_NEVER = frozenset(
    {
        *("serviceAccountName", "serviceAccount", "serviceAccountToken", "podCertificate"),
        *("securityContext", "nodeName", "priorityClassName", "runtimeClassName", "resourceClaims"),
        *("hostPort", "nodePort"),
        *("externalName", "externalIPs", "loadBalancerIP", "clusterIP", "clusterIPs"),
    }
)
_VOLUMES = frozenset({"name", "configMap", "downwardAPI", "emptyDir", "image", "projected", "secret"})
_HOSTNAMES = frozenset({"host", "hosts", "hostname", "hostnames", "headers", "regex_headers"})
_TARGETS = frozenset(
    {"service", "backend", "backendRef", "backendRefs", "extensionRef", "parentRefs", "namespace"}
)
_OF_SECRETS = frozenset({"name", "secretName"})


def misplaced(path: Location, text: str, settings: Settings) -> str:
    """Why this text, of which an author decides a part, may not stand at this path; "" where it may."""
    names = _names(path)
    if _is_of_secret(names):
        if names[-1] not in _OF_SECRETS:
            return "an author may not choose what is read of a Secret; write it out"
        if not any(settings.allow_secret):
            return "an author may not choose the name of a Secret; write it out, or pass --allow-secret"
    if found := _NEVER.intersection(names) | _other_volume(names):
        return f"an author may not choose {min(found)}; write it out"
    if _is_hostname(names) and text != FQDN:
        return f"a hostname is {FQDN} alone, or written out"
    if _TARGETS.intersection(names) and uses(text).free:
        return "an author may not choose where traffic is sent to; use ${preview.metadata.name}"
    return ""


def not_allowed(path: Location, value: str, settings: Settings) -> str:
    """Why what came of such a text is not allowed; "" where it is."""
    names = _names(path)
    if _is_of_secret(names) and not any(fnmatchcase(value, glob) for glob in settings.allow_secret):
        return f"Secret {value} is not allowed; {said('--allow-secret', settings.allow_secret)}"
    is_image = names[-1] == "image" or names[-2:] == ("image", "reference")
    if is_image and settings.allow_image and not image_allowed(value, settings.allow_image):
        return f"{value} is not allowed; {said('--allow-image', settings.allow_image)}"
    return ""


def _names(path: Location) -> tuple[str, ...]:
    """The names on the way to a field, without the places in lists."""
    return tuple(step for step in path if isinstance(step, str))


def _other_volume(names: tuple[str, ...]) -> set[str]:
    """The kind of volume that it is a part of, where that may reach a disk, a host or a network."""
    kind = names[names.index("volumes") + 1 :][:1] if "volumes" in names else ()
    return set(kind) - _VOLUMES


def _is_of_secret(names: tuple[str, ...]) -> bool:
    """Whether it is, or lies below, what names a Secret: secretKeyRef, imagePullSecrets, `…/auth-secret`."""
    return any("secret" in name.lower() for name in names)


def _is_hostname(names: tuple[str, ...]) -> bool:
    """Whether it is a hostname, or an annotation or a header in which a controller looks for one."""
    last = names[-1].rpartition("/")[2].lower()
    return bool(_HOSTNAMES.intersection(names)) or last.endswith(("hostname", "server-alias"))
