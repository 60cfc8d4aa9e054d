"""A server that breaks off, trickles or says nothing, at a real socket."""

import json
import socket
import struct
import threading
import time as real_time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.kubernetes.retry import ATTEMPTS, Pacing
from reconcile.errors import AnswerLost, Unreachable
from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.conftest import PROMPT, Step, Wire, connected, deployment, sends, silent

LIST = json.dumps({"metadata": {"resourceVersion": "7"}, "items": [deployment()]}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"

Serve = Callable[..., Wire]


whole = sends(HEAD % len(LIST) + b"Connection: close\r\n\r\n" + LIST)
truncated = sends(HEAD % len(LIST) + b"\r\n" + LIST[:20])
hung_up = sends()
garbage = sends(b"220 mail.example.com ESMTP\r\n")


def reset(connection: socket.socket) -> None:
    connection.sendall(HEAD % len(LIST) + b"\r\n" + LIST[:20])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def trickle(text: bytes) -> Step:
    return sends(*(bytes([byte]) for byte in text), pause=0.05)


def alert(description: int) -> Step:
    """A handshake that the server ends: https://www.rfc-editor.org/rfc/rfc8446#section-6"""
    return sends(bytes([0x15, 3, 3, 0, 2, 2, description]))


@pytest.mark.parametrize(
    ("description", "times"),
    [pytest.param(50, ATTEMPTS, id="decode_error"), pytest.param(48, 1, id="unknown_ca")],
)
def test_a_handshake_is_retried_where_its_bytes_were_garbled_and_not_where_it_was_refused(
    tmp_path: Path, wire: Serve, description: int, times: int
) -> None:
    server = wire(alert(description))
    cluster = connected(tmp_path, server.url.replace("http:", "https:"), pacing=PROMPT)
    with pytest.raises(Unreachable):
        cluster.list(DEPLOYMENT)
    assert len(server.requests) == times


@pytest.mark.parametrize("step", [truncated, reset, hung_up, garbage])
def test_a_list_that_breaks_off_is_requested_again(tmp_path: Path, wire: Serve, step: Step) -> None:
    server = wire(step, step, whole)
    cluster = connected(tmp_path, server.url, pacing=PROMPT)
    assert cluster.list(DEPLOYMENT).items == (deployment(),)
    assert server.requests == ["GET /apis/apps/v1/deployments?limit=500 HTTP/1.1"] * 3
    cluster.close()


@pytest.mark.parametrize("step", [truncated, reset, hung_up])
def test_a_create_that_breaks_off_is_never_sent_again(tmp_path: Path, wire: Serve, step: Step) -> None:
    server = wire(step)
    cluster = connected(tmp_path, server.url, pacing=PROMPT)
    with pytest.raises(AnswerLost, match="patch Deployment shop/pr-1: no whole answer"):
        cluster.apply(DEPLOYMENT, deployment(), manager="m", force=False)
    assert len(server.requests) == 1
    cluster.close()


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(silent, id="nothing at all"),
        pytest.param(trickle(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000), id="the headers byte by byte"),
        pytest.param(trickle(HEAD % 1000 + b"\r\n" + b" " * 1000), id="the body byte by byte"),
    ],
)
def test_the_deadline_holds_however_slow_the_server_is(tmp_path: Path, wire: Serve, step: Step) -> None:
    server = wire(step)
    begun = real_time.monotonic()
    cluster = connected(tmp_path, server.url, seconds=0.5, pacing=PROMPT)
    with pytest.raises(Unreachable, match=r"the 0.5 s for the whole run are over \(--timeout\)"):
        cluster.list(DEPLOYMENT)
    assert real_time.monotonic() - begun < 10  # the server would take minutes
    cluster.close()


def test_a_write_that_the_deadline_cuts_may_have_been_done(tmp_path: Path, wire: Serve) -> None:
    cluster = connected(tmp_path, wire(silent).url, seconds=0.3, pacing=PROMPT)
    with pytest.raises(AnswerLost, match=r"the 0\.3 s for the whole run are over"):
        cluster.apply(DEPLOYMENT, deployment(uid="u-1", resourceVersion="7"), manager="m", force=True)
    cluster.close()


def test_a_restarted_deadline_counts_for_what_is_under_way(tmp_path: Path, wire: Serve) -> None:
    cluster = connected(tmp_path, wire(silent).url, seconds=300.0, pacing=PROMPT)
    begun = real_time.monotonic()
    cluster.restart_clock(0.5, "--wait-timeout")
    with pytest.raises(Unreachable, match=r"the 0\.5 s of --wait-timeout are over"):
        cluster.list(DEPLOYMENT)
    assert real_time.monotonic() - begun < 60  # not the five minutes from before
    cluster.close()


def test_an_expired_deadline_can_be_restarted(tmp_path: Path, wire: Serve) -> None:
    is_over = threading.Event()

    def step(connection: socket.socket) -> None:
        # Not the first silent and the second whole: on a busy machine the first may never get here.
        (whole if is_over.is_set() else silent)(connection)

    cluster = connected(tmp_path, wire(step).url, seconds=0.3, pacing=PROMPT)
    with pytest.raises(Unreachable):
        cluster.list(DEPLOYMENT)
    is_over.set()
    cluster.restart_clock(30.0, "--wait-timeout")
    assert cluster.list(DEPLOYMENT).items == (deployment(),)
    cluster.close()


def test_a_port_where_nobody_listens_is_unreachable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    cluster = connected(tmp_path, f"http://127.0.0.1:{port}", pacing=PROMPT)
    with pytest.raises(
        Unreachable, match=rf"no connection to the API server http://127.0.0.1:{port}: .*refused"
    ):
        cluster.list(DEPLOYMENT)


@pytest.mark.parametrize("named_by", ["proxy-url", "HTTPS_PROXY"])
def test_the_proxy_that_was_tried_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named_by: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"127.0.0.1:{listener.getsockname()[1]}"
    server, url = "https://ann:canary@api.example.com:6443/k8s", f"http://ben:canary@{proxy}"
    monkeypatch.delenv("https_proxy", raising=False)
    if named_by == "HTTPS_PROXY":
        monkeypatch.setenv("HTTPS_PROXY", url)
    named: dict[str, Any] = {"proxy_url": url} if named_by == "proxy-url" else {}
    with pytest.raises(Unreachable) as caught:
        connected(tmp_path, server, pacing=PROMPT, **named).list(DEPLOYMENT)
    assert str(caught.value) == (
        "list deployments.apps in all namespaces: no connection to the API server "
        f"https://api.example.com:6443/k8s through the proxy http://{proxy} ({named_by}): "
        "[Errno 111] Connection refused"
    )


def test_a_server_that_gives_no_answer_is_named(tmp_path: Path, wire: Serve) -> None:
    server = wire(hung_up)
    with pytest.raises(Unreachable, match=f"no answer from the API server {server.url}: "):
        connected(tmp_path, server.url, pacing=PROMPT).list(DEPLOYMENT)


def test_a_server_without_tls_is_found_out_at_once(tmp_path: Path, wire: Serve) -> None:
    slept: list[float] = []
    server = wire(garbage)
    url = server.url.replace("http://", "https://")
    cluster = connected(tmp_path, url, pacing=Pacing(sleep=slept.append))
    with pytest.raises(Unreachable, match="no connection to the API server"):
        cluster.list(DEPLOYMENT)
    assert slept == []
    cluster.close()


def test_an_unknown_host_name_is_not_retried(tmp_path: Path) -> None:
    slept: list[float] = []
    cluster = connected(tmp_path, "http://nowhere.invalid", pacing=Pacing(sleep=slept.append))
    with pytest.raises(Unreachable):
        cluster.list(DEPLOYMENT)
    assert len(slept) in (0, 6)  # 6 where there is no resolver at all, which may come back


def test_threads_share_one_cluster(tmp_path: Path, wire: Serve) -> None:
    cluster = connected(tmp_path, wire(whole).url, pacing=PROMPT)
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda _: cluster.list(DEPLOYMENT).items, range(40)))
    assert lists == [(deployment(),)] * 40
    cluster.close()
