"""What is asked over HTTP where the machine has no more threads: done one after the other, or a sentence."""

import logging
import os
import socket

import pytest

from reconcile.cli.metrics import push
from reconcile.cluster.pool import Stop
from reconcile.errors import BadKubeconfig
from reconcile.kube.objects import DEPLOYMENT
from reconcile.report.summary import failure
from reconcile.run.probe import NO_THREAD, probe_all
from tests.cluster_adapters.conftest import DEPLOYMENTS, Api, deployment, page
from tests.cluster_adapters.test_adapter_credentials import Person, credential, person, read
from tests.threads import no_more_threads_than

__all__ = ["person"]


def test_every_page_of_a_list_is_read_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [page("pr-1", **{"continue": "one"}), page("pr-2", **{"continue": "two"}), page("pr-3")]
    route = api.says("GET", DEPLOYMENTS, *pages)
    no_more_threads_than(0, monkeypatch)
    assert api.cluster.list(DEPLOYMENT).items == tuple(deployment(f"pr-{n}") for n in (1, 2, 3))
    assert route.call_count == 3


def test_a_plugin_that_cannot_be_listened_to_is_a_sentence(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = person.has_plugin(f"echo '{credential(token='t')}'")
    no_more_threads_than(0, monkeypatch)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BadKubeconfig, match=r"exec plugin .*: cannot be run: can't start new thread"):
        read(cluster)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("threads", [0, 1])
def test_a_probe_without_a_thread_is_reported(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread asks, and has none for its clock."""
    no_more_threads_than(threads, monkeypatch)
    url, (ours, theirs) = "http://pr-1.example.com", socket.socketpair()
    with ours, theirs:
        found = probe_all([url], 20, concurrency=4, stop=Stop(), connect=lambda *_: ours)
    assert found == {url: NO_THREAD}


def test_metrics_that_cannot_be_pushed_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    no_more_threads_than(0, monkeypatch)
    push("http://127.0.0.1:9", failure(5, "no connection", 0.5), {})
    assert caplog.record_tuples == [
        (
            "reconcile.cli.metrics",
            logging.WARNING,
            "--pushgateway http://127.0.0.1:9: the metrics were not pushed: can't start new thread",
        )
    ]
