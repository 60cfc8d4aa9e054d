"""`kubectl preview`: the command as a plugin of kubectl, and what kubectl asks when somebody presses Tab.

kubectl finds both by their names on the PATH: `kubectl-preview`, and `kubectl_complete-preview`
(https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/).
"""

import sys

from reconcile.cli import features
from reconcile.cli.main import COMPLETE, PREFIX, command
from reconcile.cli.main import main as run

NAME = "kubectl preview"
# What kubectl's own completion is told to do besides: https://pkg.go.dev/github.com/spf13/cobra#ShellCompDirective
_NO_FILES, _FILES, _FOLDERS = 4, 0, 16


def main() -> None:
    """The command under the plugin's name."""
    run(program=NAME)


def complete() -> None:
    """Print what the last argument may become, one a line, its help behind a tab; then what to do besides."""
    from click.shell_completion import ShellComplete

    if features.offered("completion"):
        from reconcile.cli.complete import quietly

        quietly()
    *words, incomplete = sys.argv[1:] or [""]
    asked = ShellComplete(command, {"auto_envvar_prefix": PREFIX}, NAME, COMPLETE)
    found = asked.get_completions(words, incomplete)
    lines = [f"{item.value}\t{item.help or ''}".rstrip() for item in found if item.type == "plain"]
    kinds = {item.type for item in found}
    directive = _FILES if "file" in kinds else _FOLDERS if "dir" in kinds else _NO_FILES
    print(*lines, f":{directive}", sep="\n")
