"""Which previews are asleep, until when, and what their annotation `awake-until` makes of that."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.model.names import DEFAULT_GROUP, Names
from reconcile.model.preview import LONGEST_METADATA, PreviewEnvironment, parse_preview
from reconcile.model.sleep import Hours, sleep_of
from tests.builders import a_preview
from tests.given import a_read_preview, an_unreadable_preview

WORK = Hours(("Mon-Fri 07:00-20:00 Europe/Berlin",))
FRIDAY, SATURDAY = (datetime(2026, 1, day, 12, tzinfo=UTC) for day in (9, 10))
ANNOTATION = Names().awake_until_annotation
UNTIL = "asleep until 2026-01-12T06:00:00Z (Mon-Fri 07:00-20:00 Europe/Berlin); "
WAKE = "to wake it now: kubectl annotate -n shop previewenvironments.platform9.com pr-1 platform9.com/awake-until="


def set_by(manager: str, time: str | None, *annotations: str) -> dict[str, Any]:
    """An entry of managedFields: these annotations, set by somebody at a time."""
    owned: dict[str, Any] = {f"f:{name}": {} for name in annotations}
    found = {"manager": manager, "operation": "Update", "fieldsV1": {"f:metadata": {"f:annotations": owned}}}
    return found | ({"time": time} if time else {})


def kept_awake(text: str, *history: dict[str, Any]) -> PreviewEnvironment:
    preview = a_preview(annotations={ANNOTATION: text})
    preview["metadata"]["managedFields"] = list(history)
    found = parse_preview(preview, group=DEFAULT_GROUP)
    assert isinstance(found, PreviewEnvironment)
    return found


def at(time: str) -> dict[str, Any]:
    return set_by("kubectl-annotate", time, ANNOTATION)


def test_a_preview_sleeps_out_of_its_hours_and_shows_how_to_wake() -> None:
    assert sleep_of(a_read_preview(), WORK, FRIDAY) == ""
    assert sleep_of(a_read_preview(), WORK, SATURDAY) == f"{UNTIL}{WAKE}4h --overwrite"
    assert sleep_of(an_unreadable_preview(), WORK, SATURDAY) == ""


@pytest.mark.parametrize(
    ("hours", "asleep"),
    [
        (Hours(), False),
        (Hours(WORK.awake, {"other": ()}), True),
        (Hours(WORK.awake, {"shop": ()}), False),
        (Hours(WORK.awake, {"shop": ("Sat UTC",)}), False),
        (Hours((), {"shop": WORK.awake}), True),
        (Hours((), {"other": WORK.awake}), False),
    ],
)
def test_the_hours_of_its_namespace_stand_in_the_place_of_all_others(hours: Hours, asleep: bool) -> None:
    assert bool(sleep_of(a_read_preview(), hours, SATURDAY)) is asleep


@pytest.mark.parametrize(("hours", "now"), [(WORK, None), (Hours(WORK.awake, None), SATURDAY)])
def test_where_nobody_knows_the_time_or_the_hours_it_stays_as_its_status_reports(
    hours: Hours, now: datetime | None
) -> None:
    def reported(reason: str) -> PreviewEnvironment:
        condition = {"type": "Ready", "status": "False", "reason": reason, "message": "asleep until then"}
        return a_read_preview(status={"conditions": [condition]})

    assert sleep_of(reported("Asleep"), hours, now) == "asleep until then"
    assert sleep_of(reported("Suspended"), hours, now) == ""
    assert sleep_of(a_read_preview(), hours, now) == ""


NOT_A_TIME = "must be a time, such as 2026-11-30T22:00:00Z, or a duration, such as 4h"


@pytest.mark.parametrize(
    ("preview", "note"),
    [
        # A time, in any zone.
        (kept_awake("2026-01-10T12:00:01Z"), None),
        (kept_awake("2026-01-10T14:00:00+01:00"), None),
        (kept_awake("2026-01-10T12:00:00Z"), '"2026-01-10T12:00:00Z" ended at 2026-01-10T12:00:00Z'),
        # A duration, from when it was set: by whomever, and by the last who did.
        (kept_awake("4h", at("2026-01-10T08:00:01Z")), None),
        (kept_awake("4h", at("2026-01-10T08:00:00Z")), '"4h" ended at 2026-01-10T12:00:00Z'),
        (
            kept_awake(
                "4h", at("2026-01-09T08:00:00Z"), set_by("argocd", "2026-01-10T09:00:00Z", ANNOTATION)
            ),
            None,
        ),
        (
            kept_awake("4h", at("2026-01-10T07:00:00Z"), set_by("helm", "2026-01-10T11:00:00Z", "other")),
            '"4h" ended at 2026-01-10T11:00:00Z',
        ),
        (kept_awake("0", at("2026-01-10T12:00:00Z")), '"0" ended at 2026-01-10T12:00:00Z'),
        # What tells no time keeps nothing awake.
        *(
            (
                kept_awake("4h", *history),
                'managedFields do not tell when "4h" was set; write a time, such as 2026-11-30T22:00:00Z,',
            )
            for history in (
                (),
                (set_by("kubectl", None, ANNOTATION),),
                (at("now"),),
                (at("9999-12-31T23:00:00Z"),),
            )
        ),
        (kept_awake("", at("2026-01-10T11:00:00Z")), f'"" {NOT_A_TIME}'),
        (kept_awake("tonight"), f'"tonight" {NOT_A_TIME}'),
        (kept_awake("4 hours"), f'"4 hours" {NOT_A_TIME}'),
        (kept_awake("2026-01-11"), f'"2026-01-11" {NOT_A_TIME}'),
        (kept_awake("2026-01-11T12:00:00"), f'"2026-01-11T12:00:00" {NOT_A_TIME}'),
    ],
)
def test_its_annotation_keeps_it_awake_until_a_time_or_for_a_while(
    preview: PreviewEnvironment, note: str | None
) -> None:
    again = "240m" if preview.annotations[ANNOTATION] == "4h" else "4h"
    expected = f"{UNTIL}{ANNOTATION}: {note}; {WAKE}{again} --overwrite"
    assert sleep_of(preview, WORK, SATURDAY) == ("" if note is None else expected)
    assert sleep_of(preview, WORK, FRIDAY) == "", "in its hours it is awake whatever that says"


def test_its_annotation_counts_beside_others_that_are_too_long_to_keep() -> None:
    annotations = {ANNOTATION: "2026-01-10T13:00:00Z", "long": "x" * LONGEST_METADATA}
    assert sleep_of(a_read_preview(annotations=annotations), WORK, SATURDAY) == ""
    longer = {ANNOTATION: "2026-01-10T13:00:00Z" + " " * 100, "long": "x" * LONGEST_METADATA}
    assert sleep_of(a_read_preview(annotations=longer), WORK, SATURDAY) != ""
