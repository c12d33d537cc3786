"""What `check` says of sources and spends: every problem at once, with its line, before any file is named."""

import pytest

from pipelines.declarations import DeclarationFaults, load_declarations
from schemas.errors import DeclarationFault
from tests.unit.declarations.conftest import Declare

SOURCE = "{id: web, format: delimited}"


@pytest.mark.parametrize(
    ("source", "code", "field"),
    [
        ("{id: web, format: delimited, encoding: utf-9}", "encoding_unknown", "sources.0.encoding"),
        ("{id: web, format: delimited, encoding: rot13}", "encoding_unknown", "sources.0.encoding"),
        ("{id: web, format: delimited, separator: '::'}", "separator_unusable", "sources.0.separator"),
        ("{id: web, format: xlsx, time: {column: T, pattern: '%Q'}}", "time_pattern", "sources.0.time.pattern"),
        ("{id: web, format: xlsx, time: {column: T, pattern: '%d %d'}}", "time_pattern", "sources.0.time.pattern"),
        ("{id: web, format: odk, absent: [Email]}", "key_absent", "sources.0.absent.0"),
    ],
)
def test_a_source_that_could_not_be_read(declare: Declare, source: str, code: str, field: str) -> None:
    with pytest.raises(DeclarationFault) as caught:
        load_declarations(declare({SOURCE: source}))
    assert caught.value.code == code
    assert caught.value.where == f"survey.yaml:10: {field}"


def test_the_forms_that_are_read(declare: Declare) -> None:
    for source in ("separator: tab", "separator: '|'", "encoding: UTF-16", "time: {column: T, pattern: '%d.%m.%Y %z'}"):
        load_declarations(declare({SOURCE: f"{{id: web, format: delimited, {source}}}"}))


def test_a_contact_list_has_one_column_to_match(declare: Declare) -> None:
    changed = {"key: [Email]": "key: [Email, Name]\n  verified_by: {format: generic, match: Email}"}
    with pytest.raises(DeclarationFault) as caught:
        load_declarations(declare(changed))
    assert caught.value.code == "verified_key_parts"


@pytest.mark.parametrize(
    ("caps", "spend", "is_beyond"),
    [
        ("{epsilon: 2}", "{epsilon: 3, noise: auto}", True),
        ("{epsilon: 2}", "{epsilon: 2, noise: auto}", False),
        ("{rho: 1}", "{rho: 1.5, noise: gaussian}", True),
        ("{epsilon: 2}", "{rho: 0.01, noise: gaussian}", False),
        ("{epsilon: 2}", "{epsilon: 3, noise: laplace}", False),
    ],
)
def test_a_spend_beyond_a_cap_is_seen_before_planning(declare: Declare, caps: str, spend: str, is_beyond: bool) -> None:
    folder = declare(policy={"release: {epsilon: 2}": f"release: {caps}", "{epsilon: 2, noise: gaussian}": spend})
    if not is_beyond:
        load_declarations(folder)
        return
    with pytest.raises(DeclarationFault) as caught:
        load_declarations(folder)
    fault = caught.value.all[0] if isinstance(caught.value, DeclarationFaults) else caught.value
    assert (fault.code, fault.where.partition(": ")[2]) == ("spend_beyond_cap", f"spend.{spend[1:].partition(':')[0]}")


def test_all_of_them_at_once_with_what_is_not_filled_in(declare: Declare) -> None:
    folder = declare(
        {SOURCE: "{id: web, format: delimited, encoding: utf-9, separator: ''}"}, {"[[quality, district]]": "[[q, d]]"}
    )
    with pytest.raises(DeclarationFaults) as caught:
        load_declarations(folder)
    assert [fault.code for fault in caught.value.all] == ["encoding_unknown", "separator_unusable", "name_unknown"]
    folder = declare(
        {"{N: North, S: South}, targets: {N: 0.5, S: 0.5}": "{}", "{responses: 3000}": "{responses: null}"}
    )
    with pytest.raises(DeclarationFaults) as caught:
        load_declarations(folder)
    said = [fault.line() for fault in caught.value.all]
    options = "there is no answer option. Copy them from the questionnaire, here or into a codebook for init --codebook"
    assert said == [
        "survey.yaml:5: expected.responses: is not filled in, and needs a whole number",
        f"survey.yaml:13: demographics.0.categories: {options}",
    ]
