"""The README's picture is what the command prints today."""

import re
from xml.etree import ElementTree

from tools.picture import PICTURE, ROOT, picture


def test_the_picture_is_what_the_command_prints_today() -> None:
    assert picture() == PICTURE.read_text(), "make picture"


def test_it_is_an_image_that_fetches_nothing_and_the_readme_shows_it() -> None:
    text = PICTURE.read_text()
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in text
    assert "](docs/picture.svg)" in (ROOT / "README.md").read_text()
