"""Globs cover whole components: a label, a part of a path, a registry."""

import pytest

from reconcile.desire.allow import image_allowed, refusals, repository
from reconcile.model.globs import matches_any
from reconcile.model.rules import PULL_POLICIES, PullPolicy
from reconcile.model.settings import Settings
from tests.given import a_read_preview


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ["docker.io", "library", "nginx"]),
        ("nginx:1.27", ["docker.io", "library", "nginx"]),
        ("acme/web", ["docker.io", "acme", "web"]),
        ("docker.io/nginx", ["docker.io", "library", "nginx"]),
        ("index.docker.io/acme/web:1", ["docker.io", "acme", "web"]),
        ("ghcr.io/acme/web@sha256:" + "0" * 64, ["ghcr.io", "acme", "web"]),
        ("localhost:5000/a/b:tag@sha256:" + "0" * 64, ["localhost:5000", "a", "b"]),
        ("localhost/a", ["localhost", "a"]),
        ("ghcr.io/**", ["ghcr.io", "**"]),
        ("docker.io/**", ["docker.io", "**"]),
    ],
)
def test_an_image_is_spelled_out(image: str, parts: list[str]) -> None:
    assert repository(image) == parts


@pytest.mark.parametrize(
    ("image", "pattern", "allowed"),
    [
        ("ghcr.io/acme/web:1", "ghcr.io/acme/*", True),
        ("ghcr.io/acme/web/admin:1", "ghcr.io/acme/*", False),
        ("ghcr.io/acme/web/admin:1", "ghcr.io/acme/**", True),
        ("ghcr.io/acme", "ghcr.io/acme/**", False),
        ("ghcr.io.evil.example/acme/web", "ghcr.io/acme/*", False),
        ("ghcr.io:444/acme/web", "ghcr.io/acme/*", False),
        ("evil.example/ghcr.io/acme/web", "ghcr.io/acme/*", False),
        ("ghcr.io/acme-evil/web", "ghcr.io/acme/*", False),
        ("ghcr.io/acme-shop/web", "ghcr.io/acme-*/web", True),
        ("nginx", "nginx", True),
        ("docker.io/library/nginx:2", "nginx", True),
        ("evil.example/nginx", "nginx", False),
        ("acme/nginx", "docker.io/**", True),
        ("localhost:5000/a", "localhost:5000/*", True),
        ("localhost:5001/a", "localhost:5000/*", False),
    ],
)
def test_an_image_is_allowed_by_whole_components(image: str, pattern: str, allowed: bool) -> None:
    assert image_allowed(image, [pattern]) is allowed


@pytest.mark.parametrize(
    ("fqdn", "pattern", "allowed"),
    [
        ("pr-1.preview.example.com", "*.preview.example.com", True),
        ("a.b.preview.example.com", "*.preview.example.com", False),
        ("preview.example.com", "*.preview.example.com", False),
        ("evilpreview.example.com", "*.preview.example.com", False),
        ("pr-1.preview.example.com.evil.example", "*.preview.example.com", False),
        ("a.b.preview.example.com", "**.preview.example.com", True),
        ("pr-1.example.com", "pr-*.example.com", True),
        ("www.example.com", "pr-*.example.com", False),
    ],
)
def test_a_hostname_is_allowed_by_whole_labels(fqdn: str, pattern: str, allowed: bool) -> None:
    assert matches_any(fqdn.split("."), [pattern], ".") is allowed


def test_many_double_stars_and_many_parts_take_no_time() -> None:
    """Tried one way after the other, these are more ways than a run has time for: an author could stop it."""
    pattern = "/".join(["ghcr.io", *["**"] * 20, "web"])
    assert not image_allowed("ghcr.io/" + "a/" * 240 + "app", [pattern])
    assert image_allowed("ghcr.io/" + "a/" * 240 + "web", [pattern])


SECRET_ENV = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}}
SECRET_FROM = {"secretRef": {"name": "database"}}


def test_without_a_pattern_no_secret_may_be_named() -> None:
    asked = a_read_preview(env=[SECRET_ENV], envFrom=[{"configMapRef": {"name": "database"}}, SECRET_FROM])
    assert [*refusals(asked, Settings())] == [
        "spec.env[TOKEN]: Secret database is not allowed; pass --allow-secret",
        "spec.envFrom[1]: Secret database is not allowed; pass --allow-secret",
    ]


def test_a_pattern_allows_the_secrets_that_it_covers() -> None:
    asked = a_read_preview(env=[SECRET_ENV], envFrom=[SECRET_FROM])
    assert [*refusals(asked, Settings(allow_secret=("data*",)))] == []
    assert [*refusals(asked, Settings(allow_secret=("preview-*", "base")))] == [
        "spec.env[TOKEN]: Secret database is not allowed; --allow-secret is preview-*, base",
        "spec.envFrom[0]: Secret database is not allowed; --allow-secret is preview-*, base",
    ]


def test_pull_secrets_and_config_maps_may_always_be_named() -> None:
    asked = a_read_preview(
        imagePullSecrets=[{"name": "registry"}], envFrom=[{"configMapRef": {"name": "database"}}]
    )
    assert [*refusals(asked, Settings())] == []


def test_a_pull_policy_outside_those_that_are_allowed_is_refused_by_name() -> None:
    asked = a_read_preview(imagePullPolicy="Never")
    assert [*refusals(asked, Settings())] == []
    assert [*refusals(asked, Settings(allow_pull_policy=("IfNotPresent", "Never")))] == []
    assert [*refusals(asked, Settings(allow_pull_policy=("Always", "IfNotPresent")))] == [
        "spec.imagePullPolicy: Never is not allowed; --allow-pull-policy is Always, IfNotPresent"
    ]


@pytest.mark.parametrize("policy", PULL_POLICIES)
@pytest.mark.parametrize("image", ["nginx:1", "nginx@sha256:" + "0" * 64])
def test_a_pull_policy_that_is_left_open_is_never_refused(policy: PullPolicy, image: str) -> None:
    asked = a_read_preview(image=image, setup={"image": "nginx:1"}, imagePullPolicy=None)
    assert [*refusals(asked, Settings(allow_pull_policy=(policy,)))] == []


def test_hostname_and_images_are_refused_by_name() -> None:
    asked = a_read_preview(image="nginx", fqdn="www.example.com", setup={"image": "evil.example/x:1"})
    allowed = Settings(allow_fqdn=("*.preview.example.com",), allow_image=("ghcr.io/acme/**",))
    assert [*refusals(asked, allowed)] == [
        "spec.fqdn: www.example.com is not allowed; --allow-fqdn is *.preview.example.com",
        "spec.image: nginx is not allowed; --allow-image is ghcr.io/acme/**",
        "spec.setup.image: evil.example/x:1 is not allowed; --allow-image is ghcr.io/acme/**",
    ]
