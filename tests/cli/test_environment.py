"""A variable that was meant as a setting is not ignored: empty, misspelled or unknown."""

import json

import pytest

from reconcile.cli.environment import RESTRICTING
from reconcile.cli.main import command
from reconcile.cli.monitor import PATH_VARIABLE
from tests.shop import Shop

PLAN = ("--from", "previews", "--dry-run")
BLANK = pytest.mark.parametrize("blank", ["", " ", "\n", " \n\t\n"])
SECRET = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "a"}}}]
VALUED = sorted(
    f"RECONCILE_{max(option.opts, key=len)[2:].replace('-', '_').upper()}"
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


@BLANK
@pytest.mark.parametrize("option", sorted(ALLOWING))
def test_an_allow_list_that_is_blank_allows_nothing_as_on_the_command_line(
    shop: Shop, option: str, blank: str
) -> None:
    shop.write(env=SECRET)
    others = [f"{name}={glob}" for name, glob in ALLOWING.items() if name != option]
    variable = f"RECONCILE_{option[2:].replace('-', '_').upper()}"
    assert shop.shell(*PLAN, *others, **{variable: ALLOWING[option]}).code == 0
    from_variable = shop.shell(*PLAN, *others, **{variable: blank})
    typed = shop.shell(*PLAN, *others, option, "")
    assert (from_variable.code, from_variable.out) == (typed.code, typed.out)
    assert from_variable.code == 1
    assert f"is not allowed; {option} is empty" in from_variable.out


@pytest.mark.parametrize("variable", sorted(set(VALUED) - set(GLOBS)))
def test_an_empty_variable_is_not_taken_for_one_that_is_not_set(shop: Shop, variable: str) -> None:
    ended = shop.shell(**{variable: ""})
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"Error: {variable} (--")
    assert " is set and empty: unset it, or set it to a value\n" in ended.err


@BLANK
@pytest.mark.parametrize("variable", sorted(set(VALUED) - set(GLOBS)))
def test_a_blank_variable_refuses_the_run(shop: Shop, variable: str, blank: str) -> None:
    ended = shop.shell(**{variable: blank})
    assert (ended.code, ended.out) == (2, "")
    assert variable in ended.err


def test_what_is_typed_wins_over_an_empty_variable(shop: Shop) -> None:
    shop.write()
    typed = (*PLAN, "--max-ttl", "7d", "--allow-fqdn", ALLOWING["--allow-fqdn"])
    ended = shop.shell(*typed, RECONCILE_MAX_TTL="", RECONCILE_ALLOW_FQDN="")
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("RECONCILE_ALOW_FQDN", "RECONCILE_ALLOW_FQDN"),
        ("RECONCILE_ALLOW_FQDNS", "RECONCILE_ALLOW_FQDN"),
        ("RECONCILE_ALLOWED_IMAGES", "RECONCILE_ALLOW_IMAGE"),
        ("RECONCILE_ALLOW_SECRETS", "RECONCILE_ALLOW_SECRET"),
        ("RECONCILE_ALLOW_PULLPOLICY", "RECONCILE_ALLOW_PULL_POLICY"),
        ("RECONCILE_MAXTTL", "RECONCILE_MAX_TTL"),
        ("RECONCILE_MAX_PREVIEW", "RECONCILE_MAX_PREVIEWS"),
        ("RECONCILE_MAX_DELETE", "RECONCILE_MAX_DELETES"),
        ("RECONCILE_PODSECURITY", "RECONCILE_POD_SECURITY"),
        ("RECONCILE_DRYRUN", "RECONCILE_DRY_RUN"),
        ("RECONCILE_NAMESPCE", "RECONCILE_NAMESPACE"),
    ],
)
def test_a_misspelled_restriction_refuses_the_run_unless_the_right_one_is_set(
    shop: Shop, variable: str, meant: str
) -> None:
    shop.write()
    said = f"{variable}: is not the variable of any option; did you mean {meant}?"
    ended = shop.shell("--from", "previews", "--to", "children", **{variable: "1"})
    assert (ended.code, ended.out, shop.children()) == (2, "", [])
    assert ended.err.startswith(f"Error: {said}\n")
    values = {
        "RECONCILE_ALLOW_PULL_POLICY": "Always",
        "RECONCILE_MAX_TTL": "0",
        "RECONCILE_NAMESPACE": "shop",
    }
    values["RECONCILE_POD_SECURITY"] = "baseline"
    values |= {f"RECONCILE_{name[2:].replace('-', '_').upper()}": glob for name, glob in ALLOWING.items()}
    ended = shop.shell(*PLAN, **{variable: "1", meant: values.get(meant, "1")})
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
    said = f"{variable}: is not the variable of any option; {hint}"
    ended = shop.shell(*PLAN, **{variable: "1"})
    assert (ended.code, ended.err) == (0, f"WARNING reconcile: {said}\n")
    assert shop.shell(*PLAN, "-q", **{variable: "1"}).err == ""
    (record,) = shop.shell(*PLAN, "--log-format=json", **{variable: "1"}).err.splitlines()[:1]
    assert json.loads(record)["message"] == said
    for strict in (["--strict-env"], []):
        ended = shop.shell(
            *PLAN, *strict, **{variable: "1"}, **({} if strict else {"RECONCILE_STRICT_ENV": "1"})
        )
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"Error: {said}\n")


SERVICES = [
    f"{name}_{part}"
    for name in ("RECONCILE", "RECONCILE_ALLOW_FQDNS", "RECONCILE_MAX_TTLS")
    for part in (
        *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_PROTO"),
        *("PORT_80_TCP_PORT", "PORT_80_TCP_ADDR", "PORT_53_UDP", "PORT_9_SCTP_ADDR"),
    )
]
OF_THE_TESTS = ["TEST_CLUSTER", "TEST_NODE", "REQUIRE_CLUSTER", "REQUIRE_PROGRAMS", "FAULTS", "FUZZ_EXAMPLES"]


@pytest.mark.parametrize(
    "variable",
    [
        *SERVICES,
        *(f"RECONCILE_{name}" for name in OF_THE_TESTS),
        *("RECONCILE_VERSION", PATH_VARIABLE, "_RECONCILE_COMPLETE_SECONDS", "RECONCILER"),
    ],
)
def test_what_kubernetes_images_and_tests_set_is_passed_over(shop: Shop, variable: str) -> None:
    shop.write()
    ended = shop.shell(*PLAN, "--strict-env", **{variable: "1"})
    assert (ended.code, ended.err) == (0, "")


def test_every_option_that_restricts_is_one() -> None:
    assert {option.name for option in command.params} >= RESTRICTING
