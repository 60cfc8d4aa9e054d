"""The command: its options and variables, what does not go together, what is printed where."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from reconcile import __version__
from reconcile.cli.console import wants_color
from reconcile.cli.main import command
from reconcile.cluster.files.yaml import dump
from tests.builders import a_preview
from tests.shop import Shell, Shop

PLAN_ONLY = ("--from", "previews", "--dry-run")
EMPTY = "Plan: 0 to create, 0 to update, 0 to delete, 0 unchanged."


# what cannot be combined


def sessions(name: str) -> list[str]:
    """Command lines, each with all that it prints but for click's `Usage`."""
    return (Path(__file__).parent / "golden" / name).read_text().strip().split("\n\n")


NOT_TOGETHER = sessions("usage-errors.txt")


def typed(session: str) -> tuple[list[str], dict[str, str]]:
    """The arguments and the variables of a command line."""
    words = shlex.split(session.splitlines()[0].removeprefix("$ "))
    at = words.index("reconcile")
    return words[at + 1 :], dict(word.split("=", 1) for word in words[:at])


@pytest.mark.parametrize("session", [*NOT_TOGETHER, *sessions("invalid-values.txt")])
def test_what_cannot_be_meant_is_a_usage_error(shop: Shop, session: str) -> None:
    Path("a-file").touch()
    arguments, variables = typed(session)
    ended = shop.shell(*arguments, **variables)
    code = f"exit code {ended.code}\n" if ended.code != 2 else ""
    printed = ended.out + ended.err.removeprefix(ended.err.partition("Error: ")[0]) + code
    assert printed.strip() == session.partition("\n")[2]


# the variables


def option_names() -> list[str]:
    return [max(option.opts, key=len) for option in command.params if isinstance(option, click.Option)]


def variable_of(option: str) -> str:
    return "RECONCILE_" + option.removeprefix("--").replace("-", "_").upper()


NO_VARIABLE = {"--print-crd", "--print-fqdn", "--print-name", "--print-rights", "--version", "--help"}


@pytest.mark.parametrize("option", sorted(set(option_names()) - NO_VARIABLE))
def test_every_option_is_a_variable_too(option: str) -> None:
    """Each with a value that is wrong, or that can be seen in what was parsed."""
    parameter = next(p for p in command.params if option in p.opts)
    values = {
        **dict.fromkeys(("interval", "timeout", "wait_timeout"), "9s"),
        **dict.fromkeys(("concurrency", "max_deletes", "max_previews"), "7"),
        **dict.fromkeys(("default_ttl", "max_ttl"), "72h"),
        **dict.fromkeys(("route_label", "route_annotation", "node_selector"), "a=b"),
        **dict.fromkeys(("log_format", "output"), "json"),
        **dict.fromkeys(("gateway", "allow_protect"), "a/b"),
        "awake": "Sat UTC",
        "allow_pull_policy": "Never",
        "default_resources": "limits.cpu=1",
        "pod_security": "restricted",
        "pushgateway": "http://gateway:9091",
        "report": "json=x",
        "route": "none",
        "route_kind": "ingress",
        "toleration": "a",
        "url_scheme": "http",
        "verbose": "1",
    }
    assert parameter.name
    value = values.get(parameter.name, "1" if getattr(parameter, "is_flag", False) else "x")
    context = _parsed({variable_of(option): value})
    source = context.get_parameter_source(parameter.name)
    assert source is click.core.ParameterSource.ENVIRONMENT, f"{variable_of(option)} is not read"


def _parsed(variables: dict[str, str]) -> click.Context:
    with pytest.MonkeyPatch.context() as during:
        for name in [name for name in os.environ if name.startswith("RECONCILE_")]:
            during.delenv(name)
        for name, value in variables.items():
            during.setenv(name, value)
        return command.make_context("reconcile", [], auto_envvar_prefix="RECONCILE")


@pytest.mark.parametrize("option", sorted(NO_VARIABLE))
def test_an_option_that_is_not_a_setting_has_no_variable(shop: Shop, option: str) -> None:
    """`RECONCILE_VERSION=v1` in an image must not break every run."""
    ended = shop.shell(*PLAN_ONLY, **{variable_of(option): "1"})
    assert (ended.code, ended.lines) == (0, [EMPTY])


def test_a_repeatable_option_takes_one_value_a_line_and_a_value_may_hold_spaces(shop: Shop) -> None:
    shop.write()
    annotations = "example.com/note=a b  c\n\n  example.com/other=x\n"
    shop.shell("--from", "previews", "--to", "children", RECONCILE_ROUTE_ANNOTATION=annotations)
    found = shop.child("Mapping")["metadata"]["annotations"]
    assert (found["example.com/note"], found["example.com/other"]) == ("a b  c", "x")


def test_the_pull_policies_that_are_allowed_bound_previews_and_are_their_default(shop: Shop) -> None:
    shop.write("pr-1")
    shop.write("pr-2", imagePullPolicy="Never")
    shop.write("pr-3", imagePullPolicy="Always")
    shop.options = ["--allow-pull-policy", "Never", "--allow-pull-policy", "IfNotPresent"]
    ended = shop.reconcile(code=1)
    problem = "spec.imagePullPolicy: Always is not allowed; --allow-pull-policy is Never, IfNotPresent"
    assert [line for line in ended.lines if line.startswith("!")] == [f"! Preview shop/pr-3 {problem}"]
    pods = (shop.child("Deployment", name)["spec"]["template"]["spec"] for name in ("pr-1", "pr-2"))
    assert [pod["containers"][0]["imagePullPolicy"] for pod in pods] == ["IfNotPresent", "Never"]
    shop.is_silent(code=1)


def test_several_folders_come_from_a_variable_one_a_line(shop: Shop) -> None:
    shop.write()
    Path("more here").mkdir()
    Path("more here/pr-2.yaml").write_text(dump(a_preview("pr-2")))
    ended = shop.shell("--dry-run", RECONCILE_FROM="previews\nmore here")
    assert ended.lines[-1] == "Plan: 6 to create, 0 to update, 0 to delete, 0 unchanged."


def test_the_command_line_overrides_the_variable(shop: Shop) -> None:
    shop.write()
    ended = shop.shell(*PLAN_ONLY, RECONCILE_ROUTE="ingress")
    assert ended.lines[-2] == "+ Ingress shop/pr-1 new preview"
    ended = shop.shell(*PLAN_ONLY, "--route", "none", RECONCILE_ROUTE="ingress")
    assert ended.lines[-1].startswith("Plan: 2 to create")


def as_variables(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """The same without an option: the NAMEs, and a variable for each option."""
    parsed, _, given = command.make_parser(click.Context(command, **command.context_settings)).parse_args(
        list(arguments)
    )
    variables = {}
    for option in given:
        if isinstance(option, click.Option) and option.name:
            value = parsed[option.name]
            text = "\n".join(value) if isinstance(value, list) else "1" if value is True else str(value)
            variables[variable_of(max(option.opts, key=len))] = text
    names = parsed["names"]
    return list(names) if isinstance(names, tuple) else [], variables


@pytest.mark.parametrize("session", NOT_TOGETHER)
def test_an_option_that_nobody_typed_is_named_by_its_variable(shop: Shop, session: str) -> None:
    Path("a-file").touch()
    names, variables = as_variables(typed(session)[0])
    error = shop.shell(*names, **variables).err.removeprefix("Error: ").splitlines()[0]
    wrong, _, remedy = re.split("( needs |: |$)", error, maxsplit=1)
    assert not re.findall(r"(?<![\w(-])--?[a-z]", wrong), f"an option that nobody typed in {error!r}"
    assert set(re.findall("RECONCILE_[A-Z_]+", wrong)) <= set(variables)
    assert session.splitlines()[1].endswith(remedy), "a remedy is an option: it overrides a variable"


JSON = {"RECONCILE_LOG_FORMAT": "json"}


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (["--log-format", "json", "--nonsense"], {}, "No such option '--nonsense'."),
        (["--nonsense", "--log-format=json"], {}, "No such option '--nonsense'."),
        (["--timeout"], JSON, "Option '--timeout' requires an argument."),
        (["-o", "xml"], JSON, "Invalid value for '-o' / '--output': 'xml' is not one of "),
        ([], {**JSON, "RECONCILE_TIMEOUT": "abc"}, "Invalid value for RECONCILE_TIMEOUT (--timeout): "),
        (["--exit-code"], JSON, "--exit-code needs --dry-run"),
        (["--print-crd", "--api-group", "Example"], JSON, "API group 'Example' "),
    ],
)
def test_where_the_log_is_json_a_usage_error_is_one_record(
    shell: Shell, arguments: list[str], variables: dict[str, str], told: str
) -> None:
    ended = shell(*arguments, **variables)
    (line,) = ended.err.splitlines()
    record = json.loads(line)
    assert (ended.code, ended.out, record["level"]) == (2, "", "ERROR")
    assert record["message"].startswith(told)
    assert "--help" not in record["message"], "a record is for programs"


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--log-format", "text"], JSON),
        (["--log-format=json", "--log-format=text"], {}),
        (["--", "--log-format=json"], {}),
        (["--log-format"], {}),
        (["--log-format=xml"], JSON),
    ],
)
def test_where_the_log_is_text_a_usage_error_is_text(
    shell: Shell, arguments: list[str], variables: dict[str, str]
) -> None:
    assert "\nError: " in shell("--nonsense", *arguments, **variables).err


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_a_flag_that_is_off_in_its_variable_is_off(shop: Shop, value: str) -> None:
    shop.write()
    shop.shell("--from", "previews", "--to", "children", RECONCILE_DRY_RUN=value)
    assert len(shop.children()) == 3


# what reaches the children


def test_the_operators_options_reach_the_children(shop: Shop) -> None:
    shop.write()
    shop.reconcile(
        "--route", "ingress", "--ingress-class", "web", "--tls-secret", "wildcard",
        "--route-label", "team=shop", "--pod-security", "restricted",
        "--default-resources", "limits.memory=512Mi", "--default-resources", "requests.cpu=100m",
        "--node-selector", "pool=previews", "--toleration", "previews:NoSchedule",
        "--priority-class", "low",
    )  # fmt: skip
    ingress, pod = shop.child("Ingress"), shop.child("Deployment")["spec"]["template"]["spec"]
    assert ingress["metadata"]["labels"]["team"] == "shop"
    assert ingress["spec"]["ingressClassName"] == "web"
    assert ingress["spec"]["tls"][0]["secretName"] == "wildcard"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["nodeSelector"] == {"pool": "previews"}
    assert pod["tolerations"] == [{"key": "previews", "operator": "Exists", "effect": "NoSchedule"}]
    assert pod["priorityClassName"] == "low"
    resources = {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m"}}
    assert pod["containers"][0]["resources"] == resources


def test_another_api_group_has_previews_and_children_of_its_own(shop: Shop) -> None:
    shop.write("pr-1")
    shop.write("pr-2", group="previews.example.com")
    shop.reconcile()
    group = ("--api-group", "previews.example.com", "--max-deletes", "100%")
    ended = shop.shell("--from", "previews", "--to", "other", *group)
    assert ended.lines[-1] == "Done: 3 created, 0 updated, 0 deleted."
    assert shop.children() == ["Deployment shop/pr-1", "Service shop/pr-1", "Mapping shop/pr-1"]
    files = [f"shop.{kind}.pr-2.yaml" for kind in ("deployment", "mapping", "service")]
    assert sorted(os.listdir("other")) == files


# what is printed where


def test_the_scope_is_printed_first(shop: Shop) -> None:
    shop.write()
    ended = shop.shell(*PLAN_ONLY, "-n", "shop", "pr-1")
    assert ended.out.startswith("Previews shop/pr-1 in namespace shop, in the files in previews/\n\n+ ")


def test_quiet_prints_only_what_needs_attention(shop: Shop) -> None:
    shop.write("pr-1")
    shop.write("pr-2", fqdn="Foo")
    ended = shop.reconcile("-q", code=1)
    assert ended.lines == [
        next(line for line in ended.lines if line.startswith("! Preview shop/pr-2 ")),
        "Plan: 3 to create, 0 to update, 0 to delete, 1 blocked, 0 unchanged.",
        "Done: 3 created, 0 updated, 0 deleted.",
    ]
    assert ended.err == ""


def test_json_is_all_that_is_on_stdout(shop: Shop) -> None:
    shop.write()
    ended = shop.reconcile("-o", "json", "shop/pr-1", "shop/pr-9")
    assert ended.report["exit_code"] == 0
    assert ended.report["absent"] == ["shop/pr-9"]
    assert ended.report["passes"][0]["outcomes"]["summary"]["created"] == 3
    assert ended.err == "shop/pr-9: not found\n"


def test_an_unknown_name_is_reported_on_stderr_and_an_absent_one_on_stdout(shop: Shop) -> None:
    shop.write()
    unknown = shop.reconcile("pr-9", code=1)
    assert "pr-9: no such preview, and no children of one" in unknown.err
    absent = shop.reconcile("shop/pr-9")
    assert "shop/pr-9: not found" in absent.lines


VERBS = {
    "delete": "run kubectl delete previewenvironments.platform9.com NAME",
    "get": "run kubectl get previewenvironments.platform9.com NAME",
    "apply": "run kubectl apply -f FILE",
    "logs": "run kubectl logs with deployment/NAME",
    "plan": "pass --dry-run NAME",
    "explain": "pass --explain NAME",
}


@pytest.mark.parametrize("namespace", [[], ["-n", "shop"]])
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_is_no_preview_reconciles_nothing_and_shows_what_to_type(
    shop: Shop, verb: str, namespace: list[str]
) -> None:
    shop.write()
    ended = shop.reconcile(*namespace, verb, "pr-1", code=2)
    place = "shop/" * bool(namespace) + verb
    said = f"Error: {place}: no such preview, and no such verb: {VERBS[verb]}\n"
    assert (ended.out, shop.children(), ended.err.startswith(said)) == ("", [], True)


def test_a_preview_may_have_the_name_of_a_verb(shop: Shop) -> None:
    shop.write("delete")
    shop.write("pr-1")
    shop.reconcile("delete")
    assert shop.children() == [f"{kind} shop/delete" for kind in ("Deployment", "Service", "Mapping")]
    shop.remove("delete")
    assert "3 deleted" in shop.reconcile("delete", "--max-deletes", "100%").lines[-1]
    assert "shop/get: not found" in shop.reconcile("shop/get").lines


def test_h_is_help(shell: Shell) -> None:
    assert shell("-h") == shell("--help")


# the question


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code", "made"), [(True, 0, 3), (False, 3, 0)])
def test_at_a_terminal_a_plan_with_changes_is_confirmed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, answer: bool, code: int, made: int
) -> None:
    asked: list[str] = []

    def confirm(text: str, **_: Any) -> bool:
        asked.append(text)
        return answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(click, "confirm", confirm)
    shop.write()
    ended = shop.reconcile(code=code)
    assert asked == ["Apply these changes?"]
    assert len(shop.children()) == made
    assert ended.lines[-1] == ("Done: 3 created, 0 updated, 0 deleted." if answer else "Nothing was changed.")
    shop.reconcile("--yes")
    shop.reconcile()
    assert asked == ["Apply these changes?"], "not with --yes, nor where nothing is to be done"


# colour


@pytest.mark.parametrize(
    ("arguments", "variables", "colored"),
    [
        ([], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": ""}, False),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color"], {}, True),
        (["--color"], {"NO_COLOR": "1"}, True),
        (["--no-color"], {"FORCE_COLOR": "1"}, False),
        ([], {"RECONCILE_COLOR": "1"}, True),
    ],
)
def test_colour_is_used_where_requested(
    shop: Shop, arguments: list[str], variables: dict[str, str], colored: bool
) -> None:
    shop.write()
    ended = shop.shell(*PLAN_ONLY, *arguments, **variables)
    assert ("\x1b[32m+ Deployment" in ended.out) is colored
    report = shop.shell(*PLAN_ONLY, *arguments, "-o", "json", **variables)
    assert "\x1b" not in report.out


def test_colour_is_on_by_default_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert wants_color(None)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(None)


# what needs no cluster


def test_the_crd_is_printed_for_the_given_group(shell: Shell) -> None:
    ended = shell("--print-crd", "--api-group", "previews.example.com")
    crd = yaml.safe_load(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert crd["metadata"]["name"] == "previewenvironments.previews.example.com"
    assert crd["spec"]["group"] == "previews.example.com"
    assert "platform9.com" not in ended.out


def test_the_version_is_that_of_the_package_also_where_a_variable_has_another(shell: Shell) -> None:
    ended = shell("--version", RECONCILE_VERSION="v9")
    assert (ended.code, ended.out) == (0, f"reconcile, version {__version__}\n")


def test_without_a_cluster_there_is_no_answer_and_no_traceback(shell: Shell, tmp_path: Path) -> None:
    ended = shell("--kubeconfig", str(tmp_path / "nothing"))
    assert (ended.code, ended.out, ended.err[:7], "Traceback" in ended.err) == (5, "", "Error: ", False)


def imported(*arguments: str) -> set[str]:
    """What a process imports, of that which takes time, to run the command."""
    program = (
        "import sys\nfrom reconcile.cli.main import exit_code_of\n"
        f"exit_code_of({list(arguments)!r})\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"lightkube", "pydantic", "yaml", "httpx2", "msgspec", "jinja2"}
    return heavy & set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("argument", ["--help", "--version", "--nonsense"])
def test_what_a_command_does_not_need_is_not_imported(argument: str) -> None:
    assert imported(argument) == set()


@pytest.mark.parametrize(
    ("formats", "needed"), [(("text", "json", "markdown", "dotenv"), set()), (("html",), {"jinja2"})]
)
def test_a_folder_needs_no_client_of_an_api_server_and_only_a_page_its_template(
    shop: Shop, formats: tuple[str, ...], needed: set[str]
) -> None:
    shop.write()
    found = imported(*PLAN_ONLY, *(f"--report={name}={name}.out" for name in formats))
    assert all(Path(f"{name}.out").exists() for name in formats)
    assert found & {"lightkube", "httpx2", "jinja2"} == needed


def test_a_branch_has_a_name_and_a_hostname_without_any_cluster(shell: Shell) -> None:
    name = "feature-abc-123-new-thing-d73bf284"
    branch = "feature/ABC-123_new.thing"
    assert shell("--print-name", branch).out == f"{name}\n"
    assert shell("--print-fqdn", branch, "preview.example.com").out == f"{name}.preview.example.com\n"
    refused = shell("--print-fqdn", branch, "-")
    assert (refused.code, refused.out) == (2, "")
