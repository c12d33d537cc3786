import pytest

from pipelines.outlet.object_store import require_store_url
from schemas.errors import UsageFault


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://bucket/a/b", "s3://bucket/a?endpoint_override=127.0.0.1:9000&scheme=http&region=eu"]
)
def test_an_address_is_kept_as_it_was_given(url: str) -> None:
    assert require_store_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bucket/a",
        "https://bucket/a",
        "s3:///a",
        "s3://key:secret@bucket/a",
        "s3://bucket/a?access_key=x",
        "s3://b#x",
        "s3://bucket/a?scheme=ftp",
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageFault) as refused:
        require_store_url(url)
    assert refused.value.code == "store_address"
    assert "secret" not in refused.value.line().replace("credentials", "")
