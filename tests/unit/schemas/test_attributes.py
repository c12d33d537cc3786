"""Attributes follow from the declaration alone."""

from schemas.attributes import attributes_of
from tests.intake_sample import keyless


def test_half_steps_between_favourable_points_are_favourable() -> None:
    question = {
        "id": "happy", "column": "H", "type": "rating", "half_steps": True, "positive": ["1", "2"],
        "options": {"1": "Very", "2": "Rather", "3": "Little", "9": {"label": "Don't know", "role": "no_opinion"}},
    }  # fmt: skip
    (attribute,) = attributes_of(keyless([question]))
    assert [cell.code for cell in attribute.cells][:5] == ["1", "1.5", "2", "2.5", "3"]
    assert attribute.positive == ("1", "1.5", "2")
    (plain,) = attributes_of(keyless([question | {"half_steps": False}]))
    assert plain.positive == ("1", "2")
