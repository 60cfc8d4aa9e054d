"""New names for the previews are carried everywhere, and nothing else is changed."""

from kit.rename import changed, names_of, rename
from reconcile.crd import crd

OLD = names_of(crd())
NEW = {
    "DEFAULT_GROUP": "previews.acme.dev",
    "PLURAL": "sandboxes",
    "KIND": "Sandbox",
    "SINGULAR": "sandbox",
}


def test_a_longer_name_is_not_taken_for_the_shorter_that_begins_it() -> None:
    old = "{PLURAL}.{DEFAULT_GROUP} is a list of {KIND}, {KIND}List, in crds/{SINGULAR}.yaml: a preview"
    assert rename(old.format(**OLD), changed(OLD, NEW)) == (
        "sandboxes.previews.acme.dev is a list of Sandbox, SandboxList, in crds/sandbox.yaml: a preview"
    )


def test_names_that_stay_change_nothing_at_all() -> None:
    text = "a {KIND} of {DEFAULT_GROUP}".format(**OLD)
    assert rename(text, changed(OLD, OLD)) == text


def test_one_name_alone_can_be_another() -> None:
    pairs = changed(OLD, {**OLD, "DEFAULT_GROUP": "previews.acme.dev"})
    assert rename("{PLURAL}.{DEFAULT_GROUP}".format(**OLD), pairs) == f"{OLD['PLURAL']}.previews.acme.dev"
