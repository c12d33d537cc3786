"""Laws of the small functions of intake."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.intake.identity import Severer, normaliser
from pipelines.intake.multi import splitter
from pipelines.intake.numeric import number_in
from pipelines.intake.timestamps import UNKNOWN, UNREADABLE, Clock
from pipelines.intake.values import canonical_number, trim
from schemas.survey import KeyNormalisation, Residents

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
FIRST, LAST = datetime(1960, 1, 1), datetime(2999, 12, 31)  # noqa: DTZ001 (what exports hold has no zone)
PATTERNS = ["%d/%m/%Y %H:%M", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S", "%Y%m%d", "%H:%M %d.%m.%Y", "(%Y) %d*%m"]


@pytest.mark.parametrize("kind", list(KeyNormalisation))
@given(value=TEXT)
def test_normalising_twice_changes_nothing(kind: KeyNormalisation, value: str) -> None:
    normalise = normaliser(kind, plus_addresses=True)
    assert normalise(normalise(value)) == normalise(value)


_ADDRESS = st.text(st.sampled_from("aZ9.+-@ _~!?\t\u200b\u00e9\u0301\u00df"), max_size=8)


@given(st.lists(_ADDRESS | TEXT, max_size=8), st.lists(_ADDRESS, max_size=2), st.booleans())
def test_a_column_of_keys_has_the_pseudonyms_of_its_values(values: list[str], missing: list[str], plus: bool) -> None:
    residents = Residents(key=("Email",), normalise=KeyNormalisation.EMAIL, plus_addresses=plus)
    severer = Severer(b"k" * 32, residents, missing)
    found = severer.pseudonyms([pa.array(values, pa.string())])
    alone = [severer.pseudonym((value,)) for value in values]
    assert found.present.tolist() == [pseudonym is not None for pseudonym in alone]
    for row, pseudonym in zip(found.digests, alone, strict=True):
        assert pseudonym is None or row.tobytes() == pseudonym


@given(value=TEXT)
def test_trimming_twice_changes_nothing(value: str) -> None:
    assert trim(trim(value)) == trim(value)


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=3))
def test_canonical_numbers_keep_the_value(number) -> None:
    text = canonical_number(f"{number:f}")
    assert text is not None
    assert number_in(text) == number
    assert canonical_number(text) == text


@given(st.lists(st.sampled_from(["a", "b b", "c/d", "é"]), max_size=6), st.sampled_from([",", ";", ", ", " | "]))
def test_splitting_undoes_joining(parts: list[str], separator: str) -> None:
    assert splitter(["a", "b b", "c/d", "é"], separator)(separator.join(parts)) == parts


@given(TEXT, st.sampled_from([",", ";", " ", "||"]))
def test_splitting_ends_and_gives_no_blank(cell: str, separator: str) -> None:
    parts = splitter(["a", "b,c"], separator)(trim(cell))
    assert "".join(parts) == "" or len(parts) <= len(cell)


def by_strptime(value: str, pattern: str) -> int:
    for candidate in (pattern, "%Y-%m-%d %H:%M:%S"):
        try:
            moment = datetime.strptime(trim(value), candidate).replace(tzinfo=UTC)
        except ValueError:
            continue
        micros = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
        return micros if micros >= 0 else UNREADABLE
    return UNREADABLE if trim(value) else UNKNOWN


@given(
    pattern=st.sampled_from(PATTERNS),
    moments=st.lists(st.datetimes(FIRST, LAST), max_size=5),
    noise=st.lists(st.text("0123456789/:-. ()*", max_size=19), max_size=5),
    unpadded=st.booleans(),
)
def test_clocks_agree_with_strptime(pattern: str, moments: list[datetime], noise: list[str], unpadded: bool) -> None:
    values = [moment.strftime(pattern.replace("%", "%-") if unpadded else pattern) for moment in moments] + noise
    found = Clock(pattern).moments(pa.array(values, pa.string())).tolist()
    assert found == [by_strptime(value, pattern) for value in values]
