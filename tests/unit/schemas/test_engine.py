import pytest
from pydantic import ValidationError

from schemas.canonical import digest
from schemas.engine import Engine
from schemas.policy import Policy
from tests.ledger_sample import a_policy

LOCAL = {"kind": "spark", "address": "sc://127.0.0.1:15002", "rows": "file:///srv/rows"}


@pytest.mark.parametrize(
    "change",
    [
        {"address": "sc://localhost:15002"},
        {"address": "sc://spark.example.org:15002/;use_ssl=true"},
        {"rows": "s3a://bucket/a-folder"},
    ],
)
def test_an_engine_is_a_server_and_a_folder(change: dict[str, str]) -> None:
    assert Engine.model_validate(LOCAL | change).kind == "spark"


@pytest.mark.parametrize(
    "change",
    [
        {"address": "sc://spark.example.org:15002"},
        {"address": "sc://127.0.0.1:15002/;token=secret"},
        {"address": "sc://[::1]:15002"},
        {"address": "spark://127.0.0.1:7077"},
        {"address": "sc://127.0.0.1.example.org:15002"},
        {"rows": "s3a://key:secret@bucket/a"},
        {"rows": "file:///a/../b"},
        {"rows": "file:///a`b"},
        {"rows": "folder"},
        {"kind": "duckdb"},
    ],
)
def test_clear_text_over_a_network_and_secrets_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Engine.model_validate(LOCAL | change)
    assert "secret" not in str(refused.value)


def test_a_policy_without_an_engine_has_the_digest_that_it_had_before_there_were_engines() -> None:
    policy = a_policy()
    assert "engine" not in policy.model_dump(mode="json")
    other = Policy.model_validate(policy.model_dump() | {"engine": LOCAL})
    assert other.model_dump(mode="json")["engine"] == LOCAL
    assert digest(other) != digest(policy)
