"""What authors may ask for: globs over hostnames, images and Secrets; pure.

An image without a registry is Docker Hub's, in a pattern too: `nginx` is `docker.io/library/nginx`.
"""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from reconcile.model.globs import matches, matches_any
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings

DOCKER_HUB = "docker.io"
_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


def refusals(preview: PreviewEnvironment, settings: Settings) -> Iterator[str]:
    """What of this preview is not allowed, each as a sentence that names the field and the option.

    No pattern for hostnames or images allows all of them; none for Secrets allows none: whoever may write
    previews in a namespace could otherwise read every Secret there through an image of their choice.
    A pull policy that a preview leaves open is never refused: its children get one that is allowed.
    """
    spec = preview.spec
    if settings.allow_fqdn and not matches_any(spec.fqdn.split("."), settings.allow_fqdn, "."):
        yield f"spec.fqdn: {spec.fqdn} is not allowed; {said('--allow-fqdn', settings.allow_fqdn)}"
    for path, image in images_of(preview):
        if settings.allow_image and not image_allowed(image, settings.allow_image):
            yield f"{path}: {image} is not allowed; {said('--allow-image', settings.allow_image)}"
    policy, policies = spec.image_pull_policy, settings.allow_pull_policy
    if policy is not None and policies and policy not in policies:
        yield f"spec.imagePullPolicy: {policy} is not allowed; --allow-pull-policy is {', '.join(policies)}"
    for path, secret in secrets_of(preview):
        if not any(fnmatchcase(secret, pattern) for pattern in settings.allow_secret):
            patterns = settings.allow_secret
            remedy = said("--allow-secret", patterns) if patterns else "pass --allow-secret"
            yield f"{path}: Secret {secret} is not allowed; {remedy}"


def said(option: str, patterns: Sequence[str]) -> str:
    """What the option is; a pattern that is empty allows nothing."""
    return f"{option} is {', '.join(filter(None, patterns)) or 'empty'}"


def images_of(preview: PreviewEnvironment) -> Iterator[tuple[str, str]]:
    """The images that a preview asks for, with where it does."""
    yield "spec.image", preview.spec.image
    if preview.spec.setup is not None and preview.spec.setup.image is not None:
        yield "spec.setup.image", preview.spec.setup.image


def secrets_of(preview: PreviewEnvironment) -> Iterator[tuple[str, str]]:
    """The Secrets whose content a preview asks for, with where it does; pull secrets reach no container."""
    for variable in preview.spec.env:
        if variable.value_from is not None and variable.value_from.secret_key_ref is not None:
            yield f"spec.env[{variable.name}]", variable.value_from.secret_key_ref.name
    for number, source in enumerate(preview.spec.env_from):
        if source.secret_ref is not None:
            yield f"spec.envFrom[{number}]", source.secret_ref.name


def image_allowed(image: str, patterns: Iterable[str]) -> bool:
    """Whether an image's repository is covered; tag and digest are not looked at."""
    return any(matches(repository(image), repository(pattern)) for pattern in patterns)


def repository(image: str) -> list[str]:
    """The registry and the path of an image, spelled out; tag and digest are left out."""
    path = image.partition("@")[0]
    first, slash, rest = path.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first):
        first, rest = DOCKER_HUB, path
    rest = (
        rest.rpartition("/")[0] + rest[rest.rfind("/") :].partition(":")[0]
        if "/" in rest
        else rest.partition(":")[0]
    )
    if first in _HUB_NAMES:
        first, rest = DOCKER_HUB, rest if "/" in rest or rest in ("*", "**") else f"library/{rest}"
    return [first, *rest.split("/")]
