"""Which cluster is meant, and as whom; every mistake in a kubeconfig is a sentence with a remedy."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.cluster.kubernetes import connect
from reconcile.cluster.kubernetes.connect import find_proxy
from reconcile.cluster.kubernetes.kubeconfig import Cluster, Connection, User, find_connection
from reconcile.errors import BadKubeconfig

PEM_OF_NOTHING = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----").decode()
HALF_A_PAIR = chr(0xD800)
LOCKED_KEY = base64.b64encode(b"-----BEGIN ENCRYPTED PRIVATE KEY-----").decode()


def config(name: str = "dev", *, cluster: object = None, user: object = None, **more: Any) -> dict[str, Any]:
    """A kubeconfig whose context, cluster and user have one name."""
    return {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": cluster or {"server": f"https://{name}"}}],
        "users": [{"name": name, "user": user or {"token": name}}],
        **more,
    }


def write(file: Path, document: object) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(document))
    return str(file)


def find(
    kubeconfig: str | None = None, context: str | None = None, env: Mapping[str, str] | None = None
) -> Connection:
    return find_connection(kubeconfig, context, env or {}, Path("/nonexistent"))


def refused(kubeconfig: str | None = None, context: str | None = None, **env: str) -> str:
    with pytest.raises(BadKubeconfig) as caught:
        connect(kubeconfig, context, deadline_seconds=1, concurrency=1, user_agent="test", env=env)
    return str(caught.value)


def test_a_file_leads_to_a_cluster_and_a_user(tmp_path: Path) -> None:
    file = write(tmp_path / "config", config())
    assert find(file) == Connection(
        "context dev",
        f"kubeconfig {file}",
        Cluster(server="https://dev"),
        User(token="dev"),
        files=(str(file),),
        context="dev",
    )


def test_another_context_can_be_chosen(tmp_path: Path) -> None:
    document = config()
    document["contexts"].append({"name": "as-nobody", "context": {"cluster": "dev"}})
    found = find(write(tmp_path / "config", document), "as-nobody")
    assert (found.title, found.user) == ("context as-nobody", User())


def test_what_is_not_set_may_be_null_or_empty(tmp_path: Path) -> None:
    document = config(cluster={"server": "https://dev", "insecure-skip-tls-verify": None})
    document["contexts"].append({"name": "bare", "context": {"cluster": "dev", "user": ""}})
    document.update({"users": None, "preferences": None, "current-context": "bare"})
    assert find(write(tmp_path / "config", document)).user == User()


def test_the_variable_may_name_several_files_and_the_first_entry_is_not_merged(tmp_path: Path) -> None:
    first = write(tmp_path / "1", config("dev", user={"username": "ann"}) | {"current-context": ""})
    second = write(tmp_path / "2", config("dev", user={"token": "t"}, cluster={"server": "https://other"}))
    third = write(tmp_path / "3", config("prod"))
    env = {"KUBECONFIG": os.pathsep.join(["", first, str(tmp_path / "missing"), second, third, ""])}
    found = find(env=env)
    assert found.title == "context dev"
    assert found.cluster == Cluster(server="https://dev")
    assert found.user == User(username="ann")
    assert find(context="prod", env=env).user == User(token="prod")


def test_relative_paths_start_at_their_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = {"server": "https://dev", "certificate-authority": "pki/ca.crt"}
    user = {
        "client-certificate": "../me.crt",
        "client-key": "/keys/me.key",
        "tokenFile": "token",
        "exec": {"apiVersion": "v", "command": "./bin/login"},
    }
    write(tmp_path / "here" / "clusters", config(cluster=cluster, users=[]))
    write(tmp_path / "there" / "users", config(user=user, clusters=[]))
    monkeypatch.chdir(tmp_path)
    found = find(env={"KUBECONFIG": os.pathsep.join(["here/clusters", "there/users"])})
    assert found.cluster.certificate_auth == f"{tmp_path}/here/pki/ca.crt"
    assert found.user.client_cert == f"{tmp_path}/there/../me.crt"
    assert found.user.client_key == "/keys/me.key"
    assert found.user.token_file == f"{tmp_path}/there/token"
    assert found.user.exec is not None
    assert found.user.exec.command == f"{tmp_path}/there/bin/login"


def test_a_program_without_a_folder_is_left_to_the_path(tmp_path: Path) -> None:
    file = write(tmp_path / "config", config(user={"exec": {"apiVersion": "v", "command": "login"}}))
    user = find(file).user
    assert user.exec is not None
    assert user.exec.command == "login"


IN_A_POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def service_account(tmp_path: Path) -> Path:
    for name in ("token", "ca.crt"):
        (tmp_path / "account" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "account" / name).write_text(name)
    return tmp_path / "account"


@pytest.mark.parametrize(
    ("host", "server", "namespace"),
    [("10.0.0.1", "https://10.0.0.1:443", ""), ("fd00::1", "https://[fd00::1]:443", "previews")],
)
def test_without_a_word_from_the_user_a_pod_uses_its_service_account(
    service_account: Path, host: str, server: str, namespace: str
) -> None:
    if namespace:
        (service_account / "namespace").write_text(f"{namespace}\n")
    env = IN_A_POD | {"KUBERNETES_SERVICE_HOST": host}
    assert find_connection(None, None, env, service_account) == Connection(
        "the pod's service account",
        "the pod's service account",
        Cluster(server=server, certificate_auth=f"{service_account}/ca.crt"),
        User(token_file=f"{service_account}/token"),
        namespace,
    )


def test_what_the_user_sets_wins_over_the_pod(tmp_path: Path, service_account: Path) -> None:
    file = write(tmp_path / "home" / ".kube" / "config", config())
    for option, env in (
        (file, {}),
        (None, {"KUBECONFIG": file}),
        (None, {"HOME": str(tmp_path / "home")}),
        (None, {"HOME": str(tmp_path / "home"), "KUBECONFIG": ""}),
    ):
        assert find_connection(option, None, IN_A_POD | env, service_account).title == "context dev"
    with pytest.raises(BadKubeconfig, match="KUBECONFIG=/nowhere: no such file"):
        find_connection(None, None, IN_A_POD | {"KUBECONFIG": "/nowhere"}, service_account)
    with pytest.raises(BadKubeconfig, match="--context dev: there is no kubeconfig"):
        find_connection(None, "dev", IN_A_POD, service_account)


def test_a_pod_without_a_token_shows_why(tmp_path: Path) -> None:
    with pytest.raises(BadKubeconfig, match=r"pod without .*/token; set automountServiceAccountToken: true"):
        find_connection(None, None, IN_A_POD, tmp_path)


def test_no_cluster_at_all_shows_what_to_pass() -> None:
    assert refused() == (
        "no cluster: neither --kubeconfig nor KUBECONFIG is given, there is no ~/.kube/config, "
        "and this is no pod; give --kubeconfig, or --from for a folder of manifests"
    )


def cluster(**fields: object) -> dict[str, Any]:
    """One whose cluster has these fields, with _ for -."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return config(cluster={"server": "https://dev", **named})


def user(**fields: object) -> dict[str, Any]:
    return config(user={name.replace("_", "-"): value for name, value in fields.items()})


MISTAKES: dict[str, tuple[object, str]] = {
    "no mapping": (["a"], "this is no kubeconfig"),
    "empty": (None, "no current-context; give --context: none at all"),
    "no current context": (config() | {"current-context": None}, "no current-context; give --context: dev"),
    "current context no name": (config() | {"current-context": {"a": "b"}}, "current-context is no name"),
    "contexts a mapping": (config(contexts={"a": 1}), "contexts is no list"),
    "an entry a text": (config(contexts=["a"]), "contexts[0] has no name"),
    "a name a number": (config(users=[{"name": 1}]), "users[0] has no name"),
    "context unknown": (config(contexts=[]), 'there is no context "dev", only: none at all'),
    "context a text": (config(contexts=[{"name": "dev", "context": "x"}]), 'context "dev" has no fields'),
    "context without cluster": (config(contexts=[{"name": "dev"}]), 'context "dev" names no cluster'),
    "cluster unknown": (config(clusters=None), 'there is no cluster "dev", only: none at all'),
    "user unknown": (config(users=[]), 'there is no user "dev", only: none at all'),
    "server missing": (cluster(server=None), "server must begin with https://"),
    "server without scheme": (cluster(server="dev:6443"), "server must begin with https://"),
    "server no URL": (cluster(server="https://dev:port"), "server is no URL"),
    "token a number": (user(token=12345), "got `int` - at `$.token`"),
    "token with a newline": (user(token="a\n"), "the token has characters that no header may have"),
    "password no Unicode": (user(username="a", password=HALF_A_PAIR), "username or password is no Unicode"),
    "auth-provider": (user(auth_provider={"name": "gcp"}), "gone from Kubernetes since 1.26"),
    "exec without command": (user(exec={}), "missing required field"),
    "exec no Unicode": (user(exec=HALF_A_PAIR), "a text in it is no Unicode"),
    "CA no base64": (cluster(certificate_authority_data="ä!"), "certificate-authority-data is no base64"),
    "CA no certificate": (
        cluster(certificate_authority_data=PEM_OF_NOTHING),
        "certificate-authority is no PEM certificate",
    ),
    "CA file missing": (
        cluster(certificate_authority="ca.crt"),
        "/ca.crt: No such file or directory; correct",
    ),
    "CA no path": (cluster(certificate_authority="a\0b"), "is no path"),
    "CA and insecure": (
        cluster(certificate_authority_data=PEM_OF_NOTHING, insecure_skip_tls_verify=True),
        "exclude each other",
    ),
    "certificate without key": (user(client_certificate_data=PEM_OF_NOTHING), "but not both; add the other"),
    "key without certificate": (user(client_key_data=PEM_OF_NOTHING), "but not both; add the other"),
    "key with a password": (
        user(client_certificate_data=PEM_OF_NOTHING, client_key_data=LOCKED_KEY),
        "the key of the client certificate has a password",
    ),
    "certificate no PEM": (
        user(client_certificate_data=PEM_OF_NOTHING, client_key_data=PEM_OF_NOTHING),
        "is no PEM, or does not fit its key",
    ),
    "key file missing": (
        user(client_certificate_data=PEM_OF_NOTHING, client_key="me.key"),
        "/me.key: No such file or directory",
    ),
    "proxy of another kind": (
        cluster(proxy_url="socks4://proxy:1080"),
        "only proxies of http://, https:// and socks5:// can be used",
    ),
    "proxy no URL": (cluster(proxy_url="http://proxy:port"), "proxy-url is no URL"),
    "impersonation no header": (config(user={"as": "a\tb"}), "Impersonate-User has characters"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_a_sentence_that_names_the_file(tmp_path: Path, case: str) -> None:
    document, words = MISTAKES[case]
    said = refused(write(tmp_path / "config", document))
    assert said.startswith(f"kubeconfig {tmp_path}/config")
    assert words in said


def test_broken_yaml_is_named_by_its_line_and_never_quoted(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("users:\n- name: dev\n  user: {token: canary\n")
    said = refused(str(file))
    assert said == (
        f"kubeconfig {file}, line 4: this is no YAML; correct the file, or choose another with --kubeconfig"
    )


BROKEN_TAGS = (b"a: !!bool x", b"a: !!int ''", b"a: !!timestamp x")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"a: \x00", b"[" * 1000, b"a: 2026-99-99", *BROKEN_TAGS]
)
def test_what_is_no_yaml_at_all_is_a_sentence_too(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config").write_bytes(content)
    assert "this is no YAML" in refused(str(tmp_path / "config"))


@pytest.mark.parametrize("field", ["current-context", "user"])
def test_aliases_that_stand_for_more_than_any_memory_holds_do_no_harm(tmp_path: Path, field: str) -> None:
    steps = ", ".join(f"x{n}: &x{n} {{a: *x{n - 1}, b: *x{n - 1}}}" for n in range(1, 60))
    bomb = f"{{x0: &x0 {{a: a}}, {steps}, x60: &x60 {{a: *x59, b: {{c: *x59}}}}}}"
    file = tmp_path / "config"
    text = yaml.safe_dump(config()).replace("token: dev", "token: dev\n    exec: BOMB")
    if field == "current-context":
        file.write_text(
            text.replace("current-context: dev", f"current-context: {bomb}").replace("BOMB", "null")
        )
    else:
        file.write_text(text.replace("BOMB", bomb))
    assert str(file) in refused(str(file))


def test_an_alias_within_itself_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config()).replace("token: dev", "token: dev\n    more: &a {x: *a}"))
    assert find(str(file)).user == User(token="dev")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert refused(str(tmp_path)) == (
        f"kubeconfig {tmp_path}: Is a directory; give another with --kubeconfig"
    )
    assert "No such file or directory; give another" in refused(str(tmp_path / "none"))


def test_the_password_in_a_url_is_shown_to_nobody(tmp_path: Path) -> None:
    file = write(tmp_path / "config", config(cluster={"server": "http://ann:canary@dev:1/k8s/"}))
    cluster = connect(file, None, deadline_seconds=1, concurrency=1, user_agent="test", env={})
    assert cluster.description == "context dev (http://dev:1/k8s)"


@pytest.mark.parametrize(
    ("server", "no_proxy", "expected"),
    [
        ("https://dev", "", "http://proxy:3128 (HTTPS_PROXY)"),
        ("http://dev", "", None),
        ("https://dev", "dev", None),
        ("https://api.dev:6443", ".dev", None),
        ("https://10.1.2.3:6443", "10.0.0.0/8", None),
        ("https://10.1.2.3:6443", "10.2.0.0/16,nonsense", "http://proxy:3128 (HTTPS_PROXY)"),
        ("https://127.0.0.1:6443", "", None),
        ("https://localhost:6443", "", None),
        ("https://dev", "*", None),
    ],
)
def test_the_environments_proxy_is_used_as_kubectl_does(
    monkeypatch: pytest.MonkeyPatch, server: str, no_proxy: str, expected: str | None
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    found = find_proxy(Connection("c", "f", Cluster(server=server), User()))
    assert (str(found) if found else None) == expected


def test_the_kubeconfigs_proxy_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other:3128")
    cluster = Cluster(server="https://127.0.0.1", proxy_url="http://proxy:3128")
    assert str(find_proxy(Connection("c", "f", cluster, User()))) == "http://proxy:3128 (proxy-url)"


@pytest.mark.parametrize(("context", "namespace"), [({"namespace": "team-a"}, "team-a"), ({}, "")])
def test_the_namespace_of_the_context_is_known(
    tmp_path: Path, context: dict[str, str], namespace: str
) -> None:
    document = config(contexts=[{"name": "dev", "context": {"cluster": "dev", **context}}])
    file = write(tmp_path / "config", document)
    assert find_connection(file, None, {}).namespace == namespace
    cluster = connect(file, None, deadline_seconds=1, concurrency=1, user_agent="test", env={})
    assert cluster.namespace == namespace
