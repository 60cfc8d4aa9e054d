"""A variable that was meant as a setting is not ignored: empty, misspelled or unknown."""

import json

import pytest

from reconcile.cli.environment import RESTRICTING
from reconcile.cli.main import command
from reconcile.cli.monitor import PATH_VARIABLE
from tests.cli.test_main import variable_of
from tests.shop import Shop

PLAN = ("--from", "previews", "--dry-run")
BLANKS = ["", " ", "\n", " \n\t\n"]
SECRET = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "a"}}}]
VALUED = sorted(
    variable_of(max(option.opts, key=len))
    for option in command.params
    if hasattr(option, "allow_from_autoenv")
    and option.allow_from_autoenv
    and not (getattr(option, "is_flag", False) or getattr(option, "count", False))
)
ALLOWING = {
    "--allow-fqdn": "*.preview.example.com",
    "--allow-image": "registry.example.com/**",
    "--allow-secret": "*",
}
GLOBS = ["RECONCILE_ALLOW_FQDN", "RECONCILE_ALLOW_IMAGE", "RECONCILE_ALLOW_SECRET"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("option", sorted(ALLOWING))
def test_an_allow_list_that_is_blank_allows_nothing_as_on_the_command_line(
    shop: Shop, option: str, blank: str
) -> None:
    shop.write(env=SECRET)
    others = [f"{name}={glob}" for name, glob in ALLOWING.items() if name != option]
    variable = variable_of(option)
    assert shop.shell(*PLAN, *others, **{variable: ALLOWING[option]}).code == 0
    from_variable = shop.shell(*PLAN, *others, **{variable: blank})
    typed = shop.shell(*PLAN, *others, option, "")
    assert (from_variable.code, from_variable.out) == (typed.code, typed.out)
    assert from_variable.code == 1
    assert f"is not allowed; {option} is empty" in from_variable.out


@pytest.mark.parametrize("variable", sorted(set(VALUED) - set(GLOBS)))
def test_a_blank_variable_refuses_the_run_and_an_empty_one_is_not_taken_for_unset(
    shop: Shop, variable: str
) -> None:
    for blank in BLANKS:
        ended = shop.shell(**{variable: blank})
        assert (ended.code, ended.out, variable in ended.err) == (2, "", True)
        if not blank:
            assert ended.err.startswith(f"Error: {variable} (--")
            assert " is set and empty: unset it, or set it to a value\n" in ended.err


def test_what_is_typed_wins_over_an_empty_variable(shop: Shop) -> None:
    shop.write()
    typed = (*PLAN, "--max-ttl", "7d", "--allow-fqdn", ALLOWING["--allow-fqdn"])
    ended = shop.shell(*typed, RECONCILE_MAX_TTL="", RECONCILE_ALLOW_FQDN="")
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("spelled", "meant", "value"),
    [
        ("ALOW_FQDN", "ALLOW_FQDN", ALLOWING["--allow-fqdn"]),
        ("ALLOW_FQDNS", "ALLOW_FQDN", ALLOWING["--allow-fqdn"]),
        ("ALLOWED_IMAGES", "ALLOW_IMAGE", ALLOWING["--allow-image"]),
        ("ALLOW_SECRETS", "ALLOW_SECRET", "*"),
        ("ALLOW_PULLPOLICY", "ALLOW_PULL_POLICY", "Always"),
        ("MAXTTL", "MAX_TTL", "0"),
        ("MAX_PREVIEW", "MAX_PREVIEWS", "1"),
        ("MAX_DELETE", "MAX_DELETES", "1"),
        ("PODSECURITY", "POD_SECURITY", "baseline"),
        ("DRYRUN", "DRY_RUN", "1"),
        ("TEMPLATE", "TEMPLATES", "none"),
        ("NAMESPCE", "NAMESPACE", "shop"),
    ],
)
def test_a_misspelled_restriction_refuses_the_run_unless_the_right_one_is_set(
    shop: Shop, spelled: str, meant: str, value: str
) -> None:
    shop.write()
    said = f"RECONCILE_{spelled}: is not the variable of any option; did you mean RECONCILE_{meant}?"
    wrong = {f"RECONCILE_{spelled}": "1"}
    ended = shop.shell("--from", "previews", "--to", "children", **wrong)
    assert (ended.code, ended.out, shop.children()) == (2, "", [])
    assert ended.err.startswith(f"Error: {said}\n")
    ended = shop.shell(*PLAN, **wrong, **{f"RECONCILE_{meant}": value})
    assert (ended.code, ended.err) == (0, f"WARNING reconcile: {said}\n")


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("RECONCILE_COLOUR", "did you mean RECONCILE_COLOR?"),
        ("RECONCILE_TIME_OUT", "did you mean RECONCILE_TIMEOUT?"),
        ("RECONCILE_SHOE_SIZE", "unset it"),
        ("RECONCILE_PRINT_CRD", "unset it"),
        ("RECONCILE_route", "did you mean RECONCILE_ROUTE?"),
    ],
)
def test_any_other_variable_of_no_option_is_warned_of_and_refused_by_strict_env(
    shop: Shop, variable: str, hint: str
) -> None:
    shop.write()
    said, wrong = f"{variable}: is not the variable of any option; {hint}", {variable: "1"}
    ended = shop.shell(*PLAN, **wrong)
    assert (ended.code, ended.err) == (0, f"WARNING reconcile: {said}\n")
    assert shop.shell(*PLAN, "-q", **wrong).err == ""
    (record,) = shop.shell(*PLAN, "--log-format=json", **wrong).err.splitlines()[:1]
    assert json.loads(record)["message"] == said
    for ended in (
        shop.shell(*PLAN, "--strict-env", **wrong),
        shop.shell(*PLAN, RECONCILE_STRICT_ENV="1", **wrong),
    ):
        assert (ended.code, ended.out, ended.err.splitlines()[0]) == (2, "", f"Error: {said}")


OF_KUBERNETES = [
    f"{name}_{part}"
    for name in ("RECONCILE", "RECONCILE_ALLOW_FQDNS", "RECONCILE_MAX_TTLS")
    for part in (
        *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_PROTO"),
        *("PORT_80_TCP_PORT", "PORT_80_TCP_ADDR", "PORT_53_UDP", "PORT_9_SCTP_ADDR"),
    )
]
OF_THE_TESTS = ["TEST_CLUSTER", "TEST_NODE", "REQUIRE_CLUSTER", "REQUIRE_PROGRAMS", "FAULTS", "FUZZ_EXAMPLES"]


def test_what_kubernetes_images_and_tests_set_is_ignored(shop: Shop) -> None:
    shop.write()
    of_tests = [f"RECONCILE_{name}" for name in OF_THE_TESTS]
    others = ("RECONCILE_VERSION", PATH_VARIABLE, "_RECONCILE_COMPLETE_SECONDS", "RECONCILER")
    ended = shop.shell(*PLAN, "--strict-env", **dict.fromkeys([*OF_KUBERNETES, *of_tests, *others], "1"))
    assert (ended.code, ended.err) == (0, "")


def test_every_option_that_restricts_is_one() -> None:
    assert {option.name for option in command.params} >= RESTRICTING
