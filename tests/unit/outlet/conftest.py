"""One synthetic release, made once per session and published once."""

from pathlib import Path

import pytest

from pipelines.outlet.publish import publish
from tests.outlet_sample import Sample, make_sample


@pytest.fixture(scope="session")
def sample() -> Sample:
    return make_sample(ratings=10, people=893, sd=9.0, needed=1)


@pytest.fixture(scope="session")
def published(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("releases") / sample.context.charge.release_id
    publish(folder, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    return folder
