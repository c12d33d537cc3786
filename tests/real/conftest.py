"""Each survey is read once by the oracle, and released once per kind of noise."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.real.command import Release, release_survey
from tests.real.oracle import Oracle, read_declaration, responses
from tests.real.policies import vanishing_policy, write_declarations
from tests.real.surveys import RealSurvey

EVERYTHING = {"toplines": "all", "indices": "all", "crosstabs": {"others": "all"}, "demographics": "pairs"}


@pytest.fixture(scope="session")
def oracle(shared_data: Path) -> Callable[[RealSurvey], Oracle]:
    """The exact answers of a survey."""

    @cache
    def of(survey: RealSurvey) -> Oracle:
        declaration = read_declaration(survey.folder)
        return Oracle(declaration, responses(declaration, survey.paths(shared_data)))

    return of


@pytest.fixture(scope="session")
def vanishing(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[RealSurvey], Release]:
    """A survey's release of every table, with noise that rounds to nothing."""

    @cache
    def of(survey: RealSurvey) -> Release:
        home = tmp_path_factory.mktemp(f"vanishing-{survey.name}")
        policy = vanishing_policy(survey, EVERYTHING)
        folder = write_declarations(home / "declarations", read_declaration(survey.folder), policy)
        return release_survey(survey, folder, shared_data, home)

    return of


@pytest.fixture(scope="session")
def as_declared(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[RealSurvey], Release]:
    """A survey's release under its own policy in `examples/`: ε = 3, δ = 10⁻⁶."""

    @cache
    def of(survey: RealSurvey) -> Release:
        home = tmp_path_factory.mktemp(f"declared-{survey.name}")
        return release_survey(survey, survey.folder, shared_data, home)

    return of
