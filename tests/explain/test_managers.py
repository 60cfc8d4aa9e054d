"""An object field by field, without what may be a secret."""

from reconcile.explain.managers import wanted_fields
from tests.given import MANAGER, edited, live
from tests.plan.test_diff import WIDGET


def test_of_a_custom_resource_no_text_but_its_images_is_shown() -> None:
    there = live(edited(WIDGET, "spec", "password", to="hunter3"))
    found = {field.path: (field.wanted, field.there) for field in wanted_fields(there, WIDGET, MANAGER)}
    assert found["spec.password"] == ("(not shown)", "(not shown)")
    assert found["spec.image"] == ("db:1", "db:1")
    assert found["spec.size"] == ("3", "3")
