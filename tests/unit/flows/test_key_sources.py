import pytest

from flows.key_sources import key_of
from schemas.errors import UsageFault, ZoneFault


def test_a_block_is_never_looked_for_in_a_users_own_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    key = key_of("prefect:zone-key")
    with pytest.raises(ZoneFault, match="prefect:zone-key: the Prefect server") as fault:
        key.resolve()
    assert fault.value.code == "key_server"


@pytest.mark.parametrize("text", ["prefect:", "prefect:Zone Key", "prefect:../x", "secret:zone-key"])
def test_what_names_no_block_is_refused(text: str) -> None:
    with pytest.raises(UsageFault, match="key source is not understood"):
        key_of(text)
