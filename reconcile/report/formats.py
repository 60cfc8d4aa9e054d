"""Every format of the report by its name."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconcile.report.json import run_json
from reconcile.report.states import states
from reconcile.report.text import run_text
from reconcile.status.result import Run


class ReportContext(NamedTuple):
    """What a report tells beside the run."""

    cluster: str
    scope: str
    exit_code: int


Format = Callable[[Run, ReportContext], str]


def _html(done: Run, context: ReportContext) -> str:
    from reconcile.report.html import run_html  # of what it imports no other format needs anything

    page: str = run_html(done, cluster=context.cluster, scope=context.scope)
    return page


def _markdown(done: Run, context: ReportContext) -> str:
    from reconcile.report.markdown import run_markdown

    comment: str = run_markdown(done, cluster=context.cluster, scope=context.scope)
    return comment


def _yaml(done: Run, context: ReportContext) -> str:
    from reconcile.report.yaml import run_yaml

    manifests: str = run_yaml(done, cluster=context.cluster, scope=context.scope)
    return manifests


FORMATS: Mapping[str, Format] = {
    "text": lambda done, context: run_text(done, cluster=context.cluster, scope=context.scope),
    "json": lambda done, context: run_json(done, **context._asdict()),
    "markdown": _markdown,
    "html": _html,
    "yaml": _yaml,
    "dotenv": lambda done, context: run_dotenv(done),
}


# Neither a quote nor a space: what reads these lines agrees about nothing else.
_OTHERS = re.compile(r"[^A-Za-z0-9_./:-]")


def run_dotenv(done: Run) -> str:
    """How many previews the scope has, and of a single one its name, link, state and reason.

    What there is not is left out: GitLab takes no empty value.
    """
    found = states(done)
    values = {"PREVIEW_COUNT": str(len(found))}
    if len(found) == 1:
        (one,) = found
        values |= {"PREVIEW_NAME": one.name, "PREVIEW_URL": one.url}
        values |= {"PREVIEW_STATE": one.state, "PREVIEW_REASON": one.reason}
    return "".join(f"{name}={_OTHERS.sub('', value)}\n" for name, value in values.items() if value)
