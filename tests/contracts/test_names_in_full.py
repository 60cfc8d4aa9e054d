"""What deletes, writes or waits names previews in full: a short name means one API group of several."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile.model.names import DEFAULT_GROUP, KIND, PLURAL, SHORT_NAMES, SINGULAR

ROOT = Path(__file__).parents[2]
IN_FULL = f"{PLURAL}.{DEFAULT_GROUP}"
SHORT = {*SHORT_NAMES, PLURAL, SINGULAR, KIND.lower()}
READING = {"get", "describe", "explain"}
VERBS = READING | {"annotate", "delete", "edit", "label", "patch", "replace", "scale", "wait"}
FIRST_STEPS = ("README.md", "docs/previews.md", "crds/example.yaml")
"""Where a read may be short: it is for people who begin, and a wrong answer does nothing."""

# What people read, run or are told; the changelog has what was.
READ = ("*.md", "docs/**/*.md", "crds/*", "cronjob/**/*", "examples/**/*", "kit/*", "reconcile/**/*.py")
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in {path for pattern in READ for path in ROOT.glob(pattern)}
    if path.suffix in {".md", ".yaml", ".txt", ".sh", ".py"} and path.name != "CHANGELOG.md"
)
COMMAND = re.compile(r"(?<!`)`kubectl ([^`]+)`|\bkubectl ([^`\n|;&]+)")


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of kubectl, behind its name."""
    for quoted, plain in COMMAND.findall(re.sub(r"\\\n\s*", " ", text)):
        yield re.sub(r"(?:-n|--namespace)[ =]\S+", "", quoted or plain).split()


def verb_and_objects(words: list[str]) -> tuple[str, list[str]]:
    """What a command does, and to which: `delete`, [`pe`]; no verb where it is none of VERBS."""
    at = next((i for i, word in enumerate(words[:3]) if word in VERBS), None)
    if at is None:
        return "", []
    first, *rest = [word for word in words[at + 1 :] if not word.startswith("-")] or [""]
    return words[at], [first, *(word for word in rest if "/" in word)]


def is_short(word: str) -> bool:
    """Whether a word such as `pe,svc`, `pe/pr-1` or `pe.spec` has a name of the previews without their group."""
    resources = word.strip("\"'").split("/")[0].lower().split(",")
    return any(
        resource.split(".")[0] in SHORT and not f"{resource}.".startswith(f"{IN_FULL}.")
        for resource in resources
    )


def faults(text: str, where: str = "docs/upgrade.md") -> list[str]:
    """The commands that have to name the previews in full, and do not."""
    found = []
    for words in commands(text):
        verb, objects = verb_and_objects(words)
        if where in FIRST_STEPS and verb in READING:
            continue
        if any(is_short(word) for word in objects):
            found.append(" ".join(words))
    return found


def test_a_command_names_previews_in_full() -> None:
    found = {where: faults((ROOT / where).read_text(), where) for where in FILES}
    assert {where: short for where, short in found.items() if short} == {}, f"name them {IN_FULL}"


@pytest.mark.parametrize(
    ("short", "command"),
    [
        (True, "kubectl delete pe --all"),
        (True, "kubectl -n shop delete pe pr-1"),
        (True, "kubectl delete --namespace shop pe/pr-1"),
        (True, f"kubectl delete {PLURAL} --all --all-namespaces"),
        (True, f"kubectl delete -n shop \\\n  svc,{SINGULAR} pr-1"),
        (True, f"`kubectl patch\n {KIND} pr-1`"),
        (True, "kubectl wait --for=condition=Ready --timeout=5m preview/pr-1"),
        (True, "kubectl auth can-i delete pe -A"),
        (True, "kubectl get pe"),
        (False, f"kubectl delete {IN_FULL} --all"),
        (False, f"kubectl wait --for=condition=Ready {IN_FULL}/pr-1"),
        (False, f"kubectl explain {IN_FULL}.spec"),
        (True, f"kubectl get {IN_FULL}x"),
        (False, "kubectl preview delete"),
        (False, "`kubectl delete` of a preview"),
        (False, "kubectl delete job pr-1-setup"),
        (False, "kubectl label namespace preview-reconcile a=b"),
    ],
)
def test_a_short_name_is_found_and_a_full_one_and_other_kinds_pass(short: bool, command: str) -> None:
    assert bool(faults(f"so:\n{command}\n")) is short


def test_the_first_steps_may_read_by_a_short_name_and_not_delete_by_one() -> None:
    assert faults("kubectl get pe", "README.md") == []
    assert faults("kubectl delete pe hello", "README.md") == ["delete pe hello"]
