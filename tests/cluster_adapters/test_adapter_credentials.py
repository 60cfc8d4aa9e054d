"""Who we say that we are: tokens, files that change, exec plugins that are real programs, impersonation."""

import json
import os
import pty
import stat
import subprocess
import sys
import time as real_time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from reconcile.cluster.kubernetes import KubernetesCluster
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


def test_a_token_is_sent_and_not_tried_twice(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    route = httpx2_mock.get(PR_1).mock(side_effect=accepting("other"))
    cluster = connected(tmp_path, user="{token: secret-1}", pacing=time.pacing)
    with pytest.raises(Unauthorized) as caught:
        read(cluster)
    assert str(caught.value) == (
        "get Deployment shop/pr-1: the API server does not know who we are (401); log in again, "
        "or give --context"
    )
    assert [call.request.headers["Authorization"] for call in route.calls] == ["Bearer secret-1"]


def test_a_token_file_is_read_again_once_when_the_token_is_refused(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    route = httpx2_mock.get(PR_1).mock(side_effect=accepting("new"))
    (tmp_path / "token").write_text("new\n")
    cluster = connected(tmp_path, user="{tokenFile: token, token: ignored}", pacing=time.pacing)
    assert read(cluster) == deployment()
    (tmp_path / "token").write_text("newer")
    assert read(cluster) == deployment()
    httpx2_mock.get(PR_1).mock(side_effect=accepting("newer"))
    assert read(cluster) == deployment()
    httpx2_mock.get(PR_1).mock(side_effect=accepting())
    with pytest.raises(Unauthorized):
        read(cluster)
    assert route.call_count == 1 + 1 + 2 + 2


@pytest.mark.parametrize(
    ("content", "words"), [("", "is empty"), ("a\nb", "no header may have"), (None, "No such")]
)
def test_a_token_file_that_cannot_be_used_is_named(
    tmp_path: Path, time: FakeTime, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    cluster = connected(tmp_path, user="{tokenFile: token}", pacing=time.pacing)
    with pytest.raises(BadKubeconfig, match=f"{tmp_path}/token.*{words}"):
        read(cluster)


def test_a_password_is_sent_as_basic_auth(tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=httpx.Response(200, json=deployment()))
    read(connected(tmp_path, user="{username: ann, password: pass}", pacing=time.pacing))
    assert route.calls.last.request.headers["Authorization"] == "Basic YW5uOnBhc3M="


def test_who_we_act_as_is_said_in_headers(tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=httpx.Response(200, json=deployment()))
    user = "{as: ann, as-uid: '7', as-groups: [dev, ops], as-user-extra: {example.com/team: [blue]}}"
    read(connected(tmp_path, user=user, pacing=time.pacing))
    headers = route.calls.last.request.headers
    assert {name: value for name, value in headers.multi_items() if name.startswith("impersonate")} == {
        "impersonate-user": "ann",
        "impersonate-uid": "7",
        "impersonate-group": "ops",
        "impersonate-extra-example.com%2fteam": "blue",
    }
    assert headers.get_list("Impersonate-Group") == ["dev", "ops"]
    assert headers["User-Agent"] == "preview-reconcile/test"


@pytest.mark.parametrize(("disabled", "encoding"), [(False, "gzip"), (True, "identity")])
def test_answers_are_compressed_unless_the_kubeconfig_says_no(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime, disabled: bool, encoding: str
) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=httpx.Response(200, json=deployment()))
    read(connected(tmp_path, disable_compression=disabled, pacing=time.pacing))
    assert route.calls.last.request.headers["Accept-Encoding"] == encoding


@pytest.mark.parametrize("version", [V1, BETA])
def test_a_plugins_token_is_used_until_it_is_refused(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime, version: str
) -> None:
    httpx2_mock.get(PR_1).mock(side_effect=accepting("t-1"))
    answer = credential(version, token="t-$n").replace('"', '\\"')
    script = f'echo run >> "$LOG"; n=$(wc -l < "$LOG" | tr -d " "); echo "{answer}"'
    env = [{"name": "LOG", "value": str(tmp_path / "log")}]
    user = plugin(program(tmp_path, script), version, env=env, interactiveMode="Never")
    cluster = connected(tmp_path, user=user, pacing=time.pacing)
    read(cluster)
    read(cluster)
    assert (tmp_path / "log").read_text() == "run\n"
    httpx2_mock.get(PR_1).mock(side_effect=accepting("t-2"))
    assert read(cluster) == deployment()
    assert (tmp_path / "log").read_text() == "run\nrun\n"
    httpx2_mock.get(PR_1).mock(side_effect=accepting())
    with pytest.raises(Unauthorized):
        read(cluster)
    assert (tmp_path / "log").read_text() == "run\nrun\nrun\n"


def test_threads_whose_token_is_refused_run_the_plugin_once(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    httpx2_mock.get(PR_1).mock(side_effect=accepting("t"))
    answer = credential(token="t")
    script = f"echo run >> {tmp_path}/log; echo '{answer}'"
    cluster = connected(tmp_path, user=plugin(program(tmp_path, script)), pacing=time.pacing)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: read(cluster), range(16))) == [deployment()] * 16
    assert (tmp_path / "log").read_text() == "run\n"


def test_a_plugin_is_told_about_the_cluster_only_when_it_asks(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    httpx2_mock.get(PR_1).mock(side_effect=accepting("t"))
    script = f"""echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info; cat > {tmp_path}/stdin
echo '{credential(token="t")}'"""
    told: list[Any] = []
    for provide in (False, True):
        user = plugin(program(tmp_path, script), provideClusterInfo=provide)
        read(connected(tmp_path, user=user, pacing=time.pacing))
        told.append(json.loads((tmp_path / "info").read_text()))
    plain: dict[str, Any] = {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}}
    assert told[0] == plain
    plain["spec"]["cluster"] = {"server": "http://api.example.com:8001"}
    assert told[1] == plain
    assert (tmp_path / "stdin").read_text() == ""


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
def test_a_plugin_that_fails_is_a_sentence(tmp_path: Path, time: FakeTime, script: str, words: str) -> None:
    file = program(tmp_path, script)
    user = plugin(file, installHint="get it at\nhttps://example.com")
    cluster = connected(tmp_path, user=user, pacing=time.pacing)
    with pytest.raises(BadKubeconfig, match=words) as caught:
        read(cluster)
    assert str(caught.value).startswith(f"kubeconfig {tmp_path}/kubeconfig: exec plugin {file}: ")


def test_a_plugin_that_is_not_installed_shows_its_hint(tmp_path: Path, time: FakeTime) -> None:
    user = plugin("no-such-program", installHint="get it at https://example.com")
    with pytest.raises(BadKubeconfig) as caught:
        read(connected(tmp_path, user=user, pacing=time.pacing))
    assert str(caught.value) == (
        f"kubeconfig {tmp_path}/kubeconfig: exec plugin no-such-program: cannot be run: "
        "No such file or directory; get it at https://example.com"
    )


DEVICE_CODE = "To sign in, open https://example.com/device and enter the code ABCD-EFGH."


def test_what_a_plugin_has_to_say_to_a_person_is_shown_while_it_runs(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    httpx2_mock.get(PR_1).mock(side_effect=accepting("t"))
    script = f"""echo '{DEVICE_CODE}' >&2
while ! test -e {tmp_path}/entered; do sleep 0.02; done
echo '{credential(token="t")}'"""
    cluster = connected(tmp_path, user=plugin(program(tmp_path, script)), pacing=time.pacing)
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


def test_what_a_plugin_has_started_holds_up_nobody(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    httpx2_mock.get(PR_1).mock(side_effect=accepting("t"))
    script = f"sleep 20 >/dev/null & echo '{credential(token='t')}'"
    begun = real_time.monotonic()
    assert read(connected(tmp_path, user=plugin(program(tmp_path, script)), pacing=time.pacing))
    assert real_time.monotonic() - begun < 10


RUN_PLUGIN = """
import sys
from reconcile.cluster.kubernetes.execplugin import Plugin
from reconcile.cluster.kubernetes.kubeconfig import find_connection
print(Plugin.of(find_connection(sys.argv[1], None)).run(20))
"""


@pytest.mark.parametrize(
    ("mode", "asked"), [("IfAvailable", True), ("Always", True), ("Never", False), (None, True)]
)
def test_at_a_terminal_a_plugin_may_ask(tmp_path: Path, mode: str | None, asked: bool) -> None:
    script = f"""test -t 0 && {{ printf 'Code: ' >&2; read code; }}
echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info
echo '{credential(token="'$code't")}'"""
    user = plugin(program(tmp_path, script), **({"interactiveMode": mode} if mode else {}))
    person, terminal = pty.openpty()
    os.write(person, b"ABCD\n")
    command = [sys.executable, "-c", RUN_PLUGIN, write_kubeconfig(tmp_path, SERVER, user)]
    ended = subprocess.run(command, stdin=terminal, stderr=terminal, stdout=subprocess.PIPE, timeout=30)
    os.close(terminal)
    shown = os.read(person, 4096)
    os.close(person)
    assert (b"token='ABCDt'" in ended.stdout) == asked
    assert (b"Code: " in shown) == asked
    assert json.loads((tmp_path / "info").read_text())["spec"]["interactive"] is asked


def test_a_plugin_that_hangs_is_ended_with_all_it_started(tmp_path: Path, time: FakeTime) -> None:
    script = f"(sleep 2; echo alive > {tmp_path}/alive) & sleep 100"
    cluster = connected(tmp_path, user=plugin(program(tmp_path, script)), seconds=0.5, pacing=time.pacing)
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
    tmp_path: Path, time: FakeTime, version: str, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(BadKubeconfig, match=words):
        connected(tmp_path, user=plugin("plugin", version, **fields), pacing=time.pacing)
