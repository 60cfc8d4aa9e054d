"""Who was waited for, as the reports and the terminal have it."""

import pytest

from reconcile.cli.live import LiveLines
from reconcile.report.formats import run_dotenv
from reconcile.report.markdown import run_markdown
from reconcile.report.states import states
from reconcile.report.text import standing_lines, waited_text
from reconcile.status.result import Run, Standing
from tests.run.test_run import a_cluster, go

URL = "https://pr-1.preview.example.com"
FIVE = (
    Standing("shop", "pr-1", "ready", "Available", "its pods are available", URL),
    Standing("shop", "pr-2", "suspended", "Suspended", "no pods are wanted", URL),
    Standing("shop", "pr-4", "suspended", "Asleep", "asleep until 2026-01-05T06:00:00Z", URL),
    Standing("shop", "pr-3", "failed", "RolloutFailed", "CrashLoopBackOff: exit code 1", URL),
    Standing("blog", "pr-10", "waiting", "Progressing", "0 of 1 pods are available"),
)
NASTY = Standing("shop", "pr-1", "failed", "RolloutFailed", "::x\x1b[2J\n[bold]y[/bold] ##[error]z :smile:")


def test_each_is_one_line_with_the_link_or_what_is_missing() -> None:
    assert waited_text(FIVE).splitlines() == [
        "ready      shop/pr-1   https://pr-1.preview.example.com",
        "suspended  shop/pr-2   no pods are wanted",
        "asleep     shop/pr-4   asleep until 2026-01-05T06:00:00Z",
        "not ready  shop/pr-3   CrashLoopBackOff: exit code 1",
        "not yet    blog/pr-10  0 of 1 pods are available",
    ]
    assert waited_text(()) == ""


def test_during_the_wait_it_waits() -> None:
    assert standing_lines(FIVE[4:], over=False) == ["waits  blog/pr-10  0 of 1 pods are available"]


def test_text_of_an_author_is_nothing_but_text(capsys: pytest.CaptureFixture[str]) -> None:
    harmless = r"not ready  shop/pr-1  ::x\x1b[2J\n[bold]y[/bold] #\#[error]z :smile:"
    assert waited_text([NASTY]) == f"{harmless}\n"
    live = LiveLines(color=False, stays=True)
    live.show([(line, "red") for line in standing_lines([NASTY])])
    live.end()
    assert capsys.readouterr().err.rstrip() == harmless[:80].rstrip()


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        (Standing("shop", "pr-1", "waiting", "Progressing", "0 of 1"), ("NotReady", "Progressing", "0 of 1")),
        (
            Standing("shop", "pr-1", "waiting", "ProbeFailed", "probe: answers 503"),
            ("NotReady", "ProbeFailed", "probe: answers 503"),
        ),
        (
            Standing("shop", "pr-1", "failed", "Gone", "it was deleted"),
            ("NotReady", "Gone", "it was deleted"),
        ),
    ],
)
def test_the_reports_have_what_only_the_wait_knows(standing: Standing, told: tuple[str, str, str]) -> None:
    run = go(a_cluster())
    done = Run(run.passes, previews=run.previews, statuses=run.statuses, waited=(standing,))
    (state,) = states(done)
    assert (state.state, state.reason, state.message) == told
    assert f"PREVIEW_STATE=NotReady\nPREVIEW_REASON={told[1]}\n" in run_dotenv(done)
    assert f"Not ready: <code>{told[1]}</code>" in run_markdown(done, cluster="c", scope="every preview")
