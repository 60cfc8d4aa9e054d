"""`--report FORMAT=PATH` and `-o`: every format on stdout and in files, whole or not at all."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from reconcile.cli.files import write_text
from reconcile.cli.main import command
from reconcile.cli.types import REPORT_FORMATS
from reconcile.model.snapshot import Preview
from reconcile.report.formats import FORMATS, ReportContext
from reconcile.report.markdown import MARK
from reconcile.status.result import Run
from tests.report.test_json import VALIDATOR
from tests.shop import Shop

ARGUMENTS = ("--from", "previews", "--to", "out", "--yes")


def test_the_option_knows_the_formats_that_there_are() -> None:
    assert set(REPORT_FORMATS) == {*FORMATS, "metrics"}
    (output,) = (parameter for parameter in command.params if parameter.name == "output")
    assert {*output.to_info_dict()["type"]["choices"]} == {*FORMATS, "none"} - {"dotenv", "html"}


@pytest.mark.parametrize("format_name", ["text", "json", "markdown"])
def test_a_file_holds_what_stdout_would_have_been(shop: Shop, format_name: str) -> None:
    """One run each on a folder of its own; the plan has creates, a block and a name that is not there."""
    shop.write("pr-1")
    shop.write("pr-2", fqdn="Foo")
    arguments = ("shop/pr-1", "shop/pr-2", "shop/pr-3", "--from", "previews")
    for options in ((), ("--route", "ingress")):  # then in two passes
        printed = shop.shell(*arguments, *options, "--to", "a", "-o", format_name)
        report = ("--report", f"{format_name}=report", "-o", "json")
        ended = shop.shell(*arguments, *options, "--to", "b", *report, RECONCILE_COLOR="1")
        assert (printed.code, ended.code) == (1, 1)
        assert Path("report").read_text() == printed.out


def test_several_reports_are_written_at_once(shop: Shop) -> None:
    shop.write(status={"expiresAt": "2026-01-05T00:00:00Z"}, dumped=True)
    reports = [f"--report={name}={name}.out" for name in REPORT_FORMATS if name != "yaml"]
    shop.reconcile(*reports)
    found = json.loads(Path("json.out").read_text())
    VALIDATOR.validate(found)
    (preview,) = found["previews"]
    assert (preview["state"], preview["expires"]) == ("Changed", "2026-01-05T00:00:00Z")
    assert Path("markdown.out").read_text().startswith(MARK)
    assert "PREVIEW_URL=https://pr-1.preview.example.com\n" in Path("dotenv.out").read_text()
    assert Path("text.out").read_text().startswith("Every preview, ")


def test_manifests_are_printed_and_written_for_the_scope_of_a_dry_run(shop: Shop) -> None:
    for name in ("pr-1", "pr-2"):
        shop.write(name, env=[{"name": "A", "value": "a: value"}])
    ended = shop.reconcile("shop/pr-2", "--dry-run", "-o", "yaml", "--report", "yaml=manifests")
    assert Path("manifests").read_text() == ended.out
    head, *found = ended.out.split("---\n")
    assert "# Plan: 3 to create" in head
    assert [yaml.safe_load(text)["kind"] for text in found] == ["Deployment", "Service", "Mapping"]
    assert 'value: "a: value"' in ended.out
    assert "pr-1" not in ended.out


def test_previews_outside_the_scope_are_not_reported(shop: Shop) -> None:
    shop.write("pr-1")
    shop.write("pr-2")
    ended = shop.reconcile("shop/pr-2", "--dry-run", "-o", "json", "--report", "dotenv=p.env")
    states = [(preview["name"], preview["state"]) for preview in ended.report["previews"]]
    assert states == [("pr-2", "Pending")]
    assert "PREVIEW_NAME=pr-2\n" in Path("p.env").read_text()


# whole, or not at all


@pytest.mark.parametrize(
    ("path", "why"), [("nowhere/x", "No such file or directory"), (".", "Is a directory")]
)
def test_a_report_that_cannot_be_written_is_exit_1_with_the_reason(shop: Shop, path: str, why: str) -> None:
    shop.write()
    ended = shop.reconcile("--report", f"text={path}", "--report", "json=report", code=1)
    assert ended.err == f"ERROR reconcile: --report text={path}: cannot be written: {why}\n"
    assert ended.lines[-1] == "Done: 3 created, 0 updated, 0 deleted."
    assert json.loads(Path("report").read_text())["exit_code"] == 1
    assert len(shop.children()) == 3


def test_skipped_deletes_decide_the_exit_code_before_a_report_that_cannot_be_written(shop: Shop) -> None:
    shop.write()
    shop.reconcile()
    shop.remove()
    ended = shop.reconcile("--report", "text=nowhere/x", code=4)
    assert "cannot be written" in ended.err


def test_an_existing_report_is_replaced_completely_and_nothing_is_left_beside_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write()
    Path("report").write_text("old")
    os.link("report", "as it was")
    shop.reconcile("--dry-run", "--report", "text=report")
    assert Path("report").read_text().startswith("Every preview")
    assert Path("as it was").read_text() == "old", "another file took its place"
    assert stat.S_IMODE(Path("report").stat().st_mode) == 0o666 & ~_umask()
    monkeypatch.setattr(os, "replace", _no_room)
    ended = shop.reconcile("--dry-run", "--report", "text=report", code=1)
    assert "--report text=report: cannot be written: No space left on device" in ended.err
    assert Path("report").read_text().startswith("Every preview")
    assert sorted(os.listdir()) == ["as it was", "previews", "report"]


def _no_room(*_: object) -> None:
    raise OSError(28, os.strerror(28))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_link_stays_one_and_its_target_is_written(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to("target")
    target.touch()
    write_text(str(link), "report")
    assert (link.is_symlink(), target.read_text()) == (True, "report")


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        write_text(str(pipe), "report")
        assert read.result(10) == "report"


def test_a_report_with_a_defect_keeps_no_other_from_being_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(done: Run, context: ReportContext) -> str:
        raise ValueError("a secret")

    shop.write()
    monkeypatch.setitem(FORMATS, "html", broken)
    ended = shop.shell(*ARGUMENTS, "--report=html=page", "--report=json=found", "--report=markdown=comment")
    assert ended.code == 1
    assert "--report html=page: cannot be made (ValueError): this is a bug" in ended.err
    assert "a secret" not in ended.err
    assert json.loads(Path("found").read_text())["exit_code"] == 1
    assert Path("comment").read_text().startswith(MARK)


def test_a_preview_with_a_defect_keeps_no_other_from_being_reported(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(preview: Preview, scheme: str) -> str:
        if preview.name == "pr-1":
            raise ValueError("a secret")
        return "https://other.example.com"

    monkeypatch.setattr("reconcile.report.states._url", broken)
    for name in ("pr-1", "pr-2"):
        shop.write(name)
    ended = shop.shell(*ARGUMENTS, "--dry-run", *(f"--report={name}={name}.out" for name in FORMATS))
    assert ended.code == 0
    first, second = json.loads(Path("json.out").read_text())["previews"]
    assert first["message"] == "how it stands cannot be reported (ValueError): this is a bug"
    assert second["url"] == "https://other.example.com"
    for name in ("html", "markdown"):
        assert "other.example.com" in Path(f"{name}.out").read_text()
