"""Metrics of a run: in a file, and pushed to a gateway that answers, refuses or hangs."""

import base64
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconcile.cli.metrics import LAST_SUCCESS, push, write_metrics
from reconcile.report.summary import Summary, failure
from tests.shop import Shop

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
GOOD = Summary(
    0,
    2.5,
    success=True,
    now=NOW,
    writes={("create", "done"): 3, ("delete", "canceled"): 1},
    previews={"Available": 2, "RolloutFailed": 1},
)
BAD = Summary(4, 1.5, success=False, now=datetime(2026, 1, 10, 13, tzinfo=UTC), deletes_skipped=12)


def samples(path: str | Path = "m.prom") -> dict[str, float]:
    """Such as `previews{Available}`, without the prefix, and without the zeros of writes."""
    families = text_string_to_metric_families(Path(path).read_text())
    found = {}
    for sample in (sample for family in families for sample in family.samples):
        labels = f"{{{','.join(sample.labels.values())}}}" if sample.labels else ""
        if sample.value or not labels:
            found[f"{sample.name.removeprefix('preview_reconcile_')}{labels}"] = sample.value
    return found


def test_a_run_as_metrics(tmp_path: Path) -> None:
    write_metrics(str(tmp_path / "m.prom"), GOOD)
    text = (tmp_path / "m.prom").read_text()
    assert text.count("preview_reconcile_writes{") == 18, "every action and outcome, so that a rule can ask"
    assert samples(tmp_path / "m.prom") == {
        "last_success_timestamp_seconds": NOW.timestamp(),
        "last_run_timestamp_seconds": NOW.timestamp(),
        "duration_seconds": 2.5,
        "exit_code": 0,
        "deletes_skipped": 0,
        "writes{create,done}": 3,
        "writes{delete,canceled}": 1,
        "previews{Available}": 2,
        "previews{RolloutFailed}": 1,
    }


def test_a_run_that_fails_leaves_the_last_success_as_it_was(tmp_path: Path) -> None:
    path = str(tmp_path / "m.prom")
    write_metrics(path, GOOD)
    write_metrics(path, BAD)
    write_metrics(path, failure(5, "no connection", 0.5))
    assert samples(path) == {
        "last_success_timestamp_seconds": NOW.timestamp(),
        "duration_seconds": 0.5,
        "exit_code": 5,
        "deletes_skipped": 0,
    }


@pytest.mark.parametrize("text", ["", "{", "other_metric 1\n", "\udcff"])
def test_a_file_of_another_program_has_no_last_success(tmp_path: Path, text: str) -> None:
    file = tmp_path / "m.prom"
    file.write_bytes(text.encode(errors="surrogateescape"))
    write_metrics(str(file), BAD)
    assert "last_success_timestamp_seconds" not in samples(file)
    assert samples(file)["exit_code"] == 4


# the command


def test_the_command_writes_them_beside_its_report(shop: Shop) -> None:
    shop.write("pr-1")
    shop.write("pr-2", fqdn="pr-1.preview.example.com")
    ended = shop.reconcile("--report", "metrics=m.prom", code=1)
    assert "Done: 5 created" in ended.out
    found = samples()
    assert (found["exit_code"], found["writes{create,done}"]) == (1, 5)
    assert "last_success_timestamp_seconds" in found, "a blocked preview makes no run stale"


def test_a_usage_error_that_is_found_late_is_in_them_and_a_file_that_cannot_be_written_fails(
    shop: Shop,
) -> None:
    shop.write("pr-1")
    shop.reconcile("--report", "metrics=m.prom")
    before = samples()["last_success_timestamp_seconds"]
    ended = shop.shell("--from", "nowhere", "--dry-run", "--report", "metrics=m.prom")
    assert (ended.code, samples()["exit_code"]) == (2, 2)
    assert samples()["last_success_timestamp_seconds"] == before
    ended = shop.reconcile("--report", "metrics=nowhere/m.prom", code=1)
    assert "--report metrics=nowhere/m.prom: cannot be written: No such file or directory" in ended.err


def test_without_the_extra_the_error_names_what_to_install(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile.cli.validate.find_spec", lambda name: None)
    complaint = "metrics need prometheus_client: pip install 'preview-reconcile[metrics]'"
    for option in (("--report", "metrics=m.prom"), ("--pushgateway", "http://gateway:9091")):
        assert complaint in shop.reconcile(*option, code=2).err


@pytest.mark.parametrize(
    "url",
    ["gateway", "ftp://u:swordfish@gateway", "http://", "http://u:swordfish@gateway:x", "http://g?swordfish"],
)
def test_an_invalid_url_is_refused_without_being_quoted(shop: Shop, url: str) -> None:
    ended = shop.reconcile("--pushgateway", url, code=2)
    assert "must be http://HOST[:PORT]" in ended.err
    assert "swordfish" not in ended.err


# a gateway


@dataclass
class Gateway:
    """Answers with this code, or byte by byte until `hang` is set, and keeps what it was sent."""

    code: int = 200
    hang: threading.Event | None = None
    trickles: int = 0
    sent: list[tuple[str, str, str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    given = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            given.sent.append((self.command, self.path, self.headers.get("Authorization", ""), body))
            while given.hang and not given.hang.wait(0.05):
                self.wfile.write(b"HTTP/1.1 200 OK" if given.trickles == 0 else b" ")
                given.trickles += 1
            self.send_response(given.code)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: stderr is the command's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    given.url = f"http://127.0.0.1:{server.server_port}"
    yield given
    if given.hang:
        given.hang.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_metrics_are_pushed_to_a_group_of_the_installation(shop: Shop, gateway: Gateway) -> None:
    shop.write("pr-1")
    shop.reconcile("--pushgateway", gateway.url, "-n", "shop")
    ((method, path, authorization, body),) = gateway.sent
    assert (method, authorization) == ("POST", "")
    assert path == "/metrics/job/preview-reconcile/api_group/platform9.com/scope/shop"
    assert 'preview_reconcile_writes{action="create",outcome="done"} 3.0\n' in body
    assert f"{LAST_SUCCESS} " in body


def test_a_run_that_fails_pushes_no_last_success_so_that_the_gateway_keeps_the_old_one(
    gateway: Gateway,
) -> None:
    push(gateway.url, BAD, {"scope": "all"})
    assert "preview_reconcile_exit_code 4.0\n" in gateway.sent[0][3]
    assert LAST_SUCCESS not in gateway.sent[0][3]


def test_user_and_password_are_sent_and_never_printed(
    shop: Shop, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.code = 401
    url = gateway.url.replace("//", "//ci:sword%20fish@")
    ended = shop.shell("--from", "previews", "--dry-run", "-vv", RECONCILE_PUSHGATEWAY=url)
    assert gateway.sent[0][2] == "Basic " + base64.b64encode(b"ci:sword fish").decode()
    assert f"--pushgateway {gateway.url}: the metrics were not pushed: HTTP Error 401" in ended.err
    assert "sword" not in ended.err + ended.out
    assert ended.code == 0, "the run did its work"


def test_a_gateway_that_is_not_there_is_a_warning(shop: Shop) -> None:
    ended = shop.reconcile("--pushgateway", "http://127.0.0.1:9")
    said = "WARNING reconcile.cli.metrics: --pushgateway http://127.0.0.1:9: the metrics were not pushed: "
    assert said in ended.err


def test_a_gateway_that_hangs_is_given_up(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.hang = threading.Event()
    began = time.monotonic()
    push(gateway.url, GOOD, {}, seconds=0.5)
    assert time.monotonic() - began < 3
    assert gateway.trickles > 1, "each byte came in time"
    assert f"--pushgateway {gateway.url}: the metrics were not pushed: no answer within 0.5 s" in caplog.text
