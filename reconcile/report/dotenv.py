"""The one preview of a run as NAME=value lines, for `$GITHUB_OUTPUT` and for GitLab's dotenv reports."""

import re

from reconcile.report.states import states
from reconcile.status.result import Run

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
