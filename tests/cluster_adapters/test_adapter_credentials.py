"""Who we say that we are: tokens, files that change, exec plugins that are real programs, impersonation."""

import json
import os
import pty
import stat
import time as real_time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from reconcile.cluster.kubernetes import Impersonation, KubernetesCluster
from reconcile.cluster.kubernetes.execplugin import Plugin
from reconcile.cluster.kubernetes.kubeconfig import find_connection
from reconcile.errors import BadKubeconfig, Unauthorized
from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.conftest import (
    IN_SHOP,
    SERVER,
    FakeTime,
    connected,
    deployment,
    status,
    write_kubeconfig,
)

PR_1 = f"{IN_SHOP}/pr-1"
V1 = "client.authentication.k8s.io/v1"
BETA = "client.authentication.k8s.io/v1beta1"


def accepting(*tokens: str) -> Callable[[httpx.Request], httpx.Response]:
    """A server that knows these tokens alone."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers.get("Authorization") in [f"Bearer {token}" for token in tokens]:
            return httpx.Response(200, json=deployment())
        return status(401, "Unauthorized", "Unauthorized")

    return answer


def credential(version: str = V1, **fields: str) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": fields})


def program(folder: Path, body: str) -> Path:
    file = folder / "plugin.sh"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def plugin(command: Path | str, version: str = V1, **fields: Any) -> str:
    """The user of a kubeconfig, as YAML."""
    return json.dumps({"exec": {"apiVersion": version, "command": str(command), **fields}})


def read(cluster: KubernetesCluster) -> Any:
    return cluster.get(DEPLOYMENT, "shop", "pr-1")


class Person:
    """Somebody with a kubeconfig, and a server that knows some tokens alone."""

    def __init__(self, folder: Path, server: respx.Router, time: FakeTime) -> None:
        self.folder, self._server, self._time = folder, server, time

    def is_known_by(self, *tokens: str) -> respx.Route:
        return self._server.get(PR_1).mock(side_effect=accepting(*tokens))

    def signs_in(self, user: str, seconds: float = 300) -> KubernetesCluster:
        """As this user of a kubeconfig, which is YAML."""
        return connected(self.folder, user=user, seconds=seconds, pacing=self._time.pacing)

    def has_plugin(self, script: str, version: str = V1, **fields: Any) -> KubernetesCluster:
        return self.signs_in(plugin(program(self.folder, script), version, **fields))


@pytest.fixture
def person(tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime) -> Person:
    return Person(tmp_path, httpx2_mock, time)


def test_a_token_is_sent_and_not_tried_twice(person: Person) -> None:
    route = person.is_known_by("other")
    with pytest.raises(Unauthorized) as caught:
        read(person.signs_in("{token: secret-1}"))
    assert str(caught.value) == (
        "get Deployment shop/pr-1: the API server does not know who we are (401); log in again, "
        "or give --context"
    )
    assert [call.request.headers["Authorization"] for call in route.calls] == ["Bearer secret-1"]


def test_a_token_file_is_read_again_once_when_the_token_is_refused(person: Person, tmp_path: Path) -> None:
    route = person.is_known_by("new")
    (tmp_path / "token").write_text("new\n")
    cluster = person.signs_in("{tokenFile: token, token: ignored}")
    assert read(cluster) == deployment()
    (tmp_path / "token").write_text("newer")
    assert read(cluster) == deployment()
    person.is_known_by("newer")
    assert read(cluster) == deployment()
    person.is_known_by()
    with pytest.raises(Unauthorized):
        read(cluster)
    assert route.call_count == 1 + 1 + 2 + 2


@pytest.mark.parametrize(
    ("content", "words"), [("", "is empty"), ("a\nb", "no header may have"), (None, "No such")]
)
def test_a_token_file_that_cannot_be_used_is_named(person: Person, content: str | None, words: str) -> None:
    if content is not None:
        (person.folder / "token").write_text(content)
    with pytest.raises(BadKubeconfig, match=f"{person.folder}/token.*{words}"):
        read(person.signs_in("{tokenFile: token}"))


PASSWORD = "{username: ann, password: pass}"
AS_ANN = "{as: ann, as-uid: '7', as-groups: [dev, ops], as-user-extra: {example.com/team: [blue]}}"


@pytest.mark.parametrize(
    ("user", "headers"),
    [
        (PASSWORD, {"authorization": ["Basic YW5uOnBhc3M="]}),
        (
            AS_ANN,
            {
                "impersonate-user": ["ann"],
                "impersonate-uid": ["7"],
                "impersonate-group": ["dev", "ops"],
                "impersonate-extra-example.com%2fteam": ["blue"],
            },
        ),
    ],
)
def test_a_password_and_who_we_act_as_are_sent_in_headers(
    person: Person, httpx2_mock: respx.Router, user: str, headers: dict[str, list[str]]
) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=httpx.Response(200, json=deployment()))
    read(person.signs_in(user))
    sent = route.calls.last.request.headers
    names = {name for name in sent if name.startswith(("impersonate", "authorization"))}
    assert {name: sent.get_list(name) for name in names} == headers
    assert sent["User-Agent"] == "preview-reconcile/test"


@pytest.mark.parametrize(
    ("given", "after"),
    [
        (Impersonation(), ("ann", "7", ["dev", "ops"])),
        (Impersonation("bob"), ("bob", "7", ["dev", "ops"])),
        (Impersonation("bob", "8", ("qa",)), ("bob", "8", ["qa"])),
    ],
)
def test_what_is_set_takes_the_place_of_the_kubeconfigs_impersonation(
    tmp_path: Path, given: Impersonation, after: tuple[str, str, list[str]]
) -> None:
    """As kubectl merges its flags: what is not set stays."""
    file = write_kubeconfig(tmp_path, SERVER, AS_ANN)
    user = given.applied_to(find_connection(file, None, {})).user
    assert (user.impersonate, user.impersonate_uid, user.impersonate_groups) == after


def test_a_user_to_impersonate_that_no_header_can_have_is_named_by_its_option(tmp_path: Path) -> None:
    connection = find_connection(write_kubeconfig(tmp_path, SERVER), None, {})
    with pytest.raises(BadKubeconfig, match=r"^--as has characters"):
        Impersonation("ann\n").applied_to(connection)


@pytest.mark.parametrize(("disabled", "encoding"), [(False, "gzip"), (True, "identity")])
def test_answers_are_compressed_if_the_kubeconfig_allows_it(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime, disabled: bool, encoding: str
) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=httpx.Response(200, json=deployment()))
    read(connected(tmp_path, disable_compression=disabled, pacing=time.pacing))
    assert route.calls.last.request.headers["Accept-Encoding"] == encoding


@pytest.mark.parametrize("version", [V1, BETA])
def test_a_plugins_token_is_used_until_it_is_refused(person: Person, version: str) -> None:
    log = person.folder / "log"
    answer = credential(version, token="t-$n").replace('"', '\\"')
    script = f'echo run >> "$LOG"; n=$(wc -l < "$LOG" | tr -d " "); echo "{answer}"'
    env = [{"name": "LOG", "value": str(log)}]
    cluster = person.has_plugin(script, version, env=env, interactiveMode="Never")
    person.is_known_by("t-1")
    assert [read(cluster), read(cluster), log.read_text()] == [deployment(), deployment(), "run\n"]
    person.is_known_by("t-2")
    assert [read(cluster), log.read_text()] == [deployment(), "run\nrun\n"]
    person.is_known_by()
    with pytest.raises(Unauthorized):
        read(cluster)
    assert log.read_text() == "run\nrun\nrun\n"


def test_threads_whose_token_is_refused_run_the_plugin_once(person: Person) -> None:
    person.is_known_by("t")
    cluster = person.has_plugin(f"echo run >> {person.folder}/log; echo '{credential(token='t')}'")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: read(cluster), range(16))) == [deployment()] * 16
    assert (person.folder / "log").read_text() == "run\n"


@pytest.mark.parametrize("provide", [False, True])
def test_a_plugin_gets_the_cluster_only_when_it_asks(person: Person, provide: bool) -> None:
    person.is_known_by("t")
    script = f"""echo "$KUBERNETES_EXEC_INFO" > {person.folder}/info; cat > {person.folder}/stdin
echo '{credential(token="t")}'"""
    read(person.has_plugin(script, provideClusterInfo=provide))
    told = {"server": SERVER, "insecure-skip-tls-verify": True}
    cluster = {"cluster": told} if provide else {}
    assert json.loads((person.folder / "info").read_text()) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {"interactive": False, **cluster},
    }
    assert (person.folder / "stdin").read_text() == ""


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "echo first >&2; echo 'run: aws sso login' >&2; exit 3",
            "exit code 3: run: aws sso login; get it at",
        ),
        ("exit 1", "exit code 1: it did not say why"),
        ("echo hello", "no ExecCredential with a status"),
        ("echo '[]'", "no ExecCredential with a status"),
        ("printf '\\377'", "no ExecCredential with a status"),
        (f"echo '{credential(BETA, token='t')}'", f"no ExecCredential of {V1}"),
        (f"echo '{credential()}'", "neither a token nor a client certificate; get it at"),
        (f"echo '{credential(clientKeyData='k')}'", "a client certificate or a key, but not both"),
        (
            f"echo '{credential(clientCertificateData='c', clientKeyData='k')}'",
            "is no PEM, or does not fit",
        ),
        (f"echo '{credential(token='a b ')}'", "characters that no header may have"),
    ],
)
def test_a_plugin_that_fails_is_a_sentence(person: Person, script: str, words: str) -> None:
    cluster, folder = person.has_plugin(script, installHint="get it at\nhttps://example.com"), person.folder
    with pytest.raises(BadKubeconfig, match=words) as caught:
        read(cluster)
    assert str(caught.value).startswith(f"kubeconfig {folder}/kubeconfig: exec plugin {folder}/plugin.sh: ")


def test_a_plugin_that_is_not_installed_shows_its_hint(person: Person) -> None:
    with pytest.raises(BadKubeconfig) as caught:
        read(person.signs_in(plugin("no-such-program", installHint="get it at https://example.com")))
    assert str(caught.value) == (
        f"kubeconfig {person.folder}/kubeconfig: exec plugin no-such-program: cannot be run: "
        "No such file or directory; get it at https://example.com"
    )


DEVICE_CODE = "To sign in, open https://example.com/device and enter the code ABCD-EFGH."


def test_what_a_plugin_prints_for_a_person_is_shown_while_it_runs(
    person: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    person.is_known_by("t")
    script = f"""echo '{DEVICE_CODE}' >&2
while ! test -e {tmp_path}/entered; do sleep 0.02; done
echo '{credential(token="t")}'"""
    cluster = person.has_plugin(script)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read, cluster)
        until = real_time.monotonic() + 10
        while DEVICE_CODE not in caplog.text and real_time.monotonic() < until:
            real_time.sleep(0.02)
        (tmp_path / "entered").touch()
        assert reading.result() == deployment()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().endswith(f"exec plugin {tmp_path}/plugin.sh: {DEVICE_CODE}")


def test_what_a_plugin_has_started_holds_up_nobody(person: Person) -> None:
    person.is_known_by("t")
    begun = real_time.monotonic()
    assert read(person.has_plugin(f"sleep 20 >/dev/null & echo '{credential(token='t')}'"))
    assert real_time.monotonic() - begun < 10


@contextmanager
def at(terminal: int) -> Iterator[None]:
    """Standard input and standard error are this terminal."""
    before = {number: os.dup(number) for number in (0, 2)}
    try:
        for number in before:
            os.dup2(terminal, number)
        yield
    finally:
        for number, kept in before.items():
            os.dup2(kept, number)
            os.close(kept)


@pytest.mark.parametrize(
    ("mode", "asked"), [("IfAvailable", True), ("Always", True), ("Never", False), (None, True)]
)
def test_at_a_terminal_a_plugin_may_ask(tmp_path: Path, mode: str | None, asked: bool) -> None:
    script = f"""test -t 0 && {{ printf 'Code: ' >&2; read code; }}
echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info
echo '{credential(token="'$code't")}'"""
    user = plugin(program(tmp_path, script), **({"interactiveMode": mode} if mode else {}))
    connection = find_connection(write_kubeconfig(tmp_path, SERVER, user), None)
    person, terminal = pty.openpty()
    os.write(person, b"ABCD\n")
    with at(terminal):
        found = Plugin.of(connection)
        assert found is not None
        token = found.run(20).token
    os.close(terminal)
    shown = b""
    with suppress(OSError):  # nobody has the terminal any more
        while more := os.read(person, 4096):
            shown += more
    os.close(person)
    assert token == ("ABCDt" if asked else "t")
    assert (b"Code: " in shown) == asked
    assert json.loads((tmp_path / "info").read_text())["spec"]["interactive"] is asked


def test_a_plugin_that_hangs_is_ended_with_all_it_started(person: Person, tmp_path: Path) -> None:
    hangs = program(tmp_path, f"(sleep 2; echo alive > {tmp_path}/alive) & sleep 100")
    cluster = person.signs_in(plugin(hangs), seconds=0.5)
    begun = real_time.monotonic()
    with pytest.raises(BadKubeconfig, match="no answer within"):
        read(cluster)
    assert real_time.monotonic() - begun < 1.5
    real_time.sleep(2)
    assert not (tmp_path / "alive").exists()


@pytest.mark.parametrize(
    ("version", "fields", "words"),
    [
        ("client.authentication.k8s.io/v1alpha1", {}, "its apiVersion must be one of"),
        (V1, {"interactiveMode": "Always"}, "run it at one, or use a token"),
    ],
)
def test_a_plugin_that_cannot_be_run_here_is_refused_before_anything_is_sent(
    person: Person, version: str, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(BadKubeconfig, match=words):
        person.signs_in(plugin("plugin", version, **fields))
