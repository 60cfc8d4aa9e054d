"""The seeded defects of `make mutants` fit the code as it is."""

from pathlib import Path

import pytest

from tests.proofs.mutants.table import DEFECTS, Defect

ROOT = Path(__file__).parents[2]


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 25


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_fits_in_one_place(defect: Defect) -> None:
    assert (ROOT / defect.file).read_text().count(defect.snippet) == 1
    assert defect.replacement != defect.snippet
    assert all((ROOT / test).is_file() for test in defect.tests)
