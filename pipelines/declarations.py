"""The loader of survey.yaml and policy.yaml: frozen models, or faults that name file, line and field."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pipelines.declaration_checks import problems_together
from pipelines.declaration_faults import faults_of
from pipelines.theme_dictionaries import with_dictionaries
from pipelines.yaml_lines import YamlFile, read_yaml
from schemas.attributes import Attribute, attributes_of
from schemas.canonical import digest
from schemas.errors import DeclarationFault
from schemas.policy import Policy
from schemas.survey import Survey

SURVEY_FILE = "survey.yaml"
POLICY_FILE = "policy.yaml"

Model = TypeVar("Model", bound=BaseModel)


class DeclarationFaults(DeclarationFault):
    """Several faults found in one reading. It shows as its first one; `all` holds every one, in the files' order."""

    def __init__(self, found: Sequence[DeclarationFault]) -> None:
        first = found[0]
        super().__init__(first.code, first.what, where=first.where, do=first.do)
        self.all = tuple(found)

    @property
    def others(self) -> tuple[DeclarationFault, ...]:
        """The faults after the first."""
        return self.all[1:]


@dataclass(frozen=True)
class Declarations:
    """A survey and its policy, checked against each other. Digests are of the models, not of the files' bytes.

    `learned_interaction`: of the release that `prior.from_release` names, once it was looked up
    (`pipelines.prior_release`).
    """

    directory: Path
    survey: Survey
    policy: Policy
    survey_digest: str
    policy_digest: str
    attributes: tuple[Attribute, ...]
    learned_interaction: float | None = None

    def for_planning(self, policy: Policy | None = None) -> Policy:
        """The policy, or another one tried out, with what its earlier release learned as its belief."""
        wanted = self.policy if policy is None else policy
        if wanted.prior.from_release is None or wanted.prior != self.policy.prior:
            return wanted
        prior = wanted.prior.model_copy(update={"interaction": self.learned_interaction})
        return wanted.model_copy(update={"prior": prior})


def load_declarations(directory: Path, policy_file: Path | None = None) -> Declarations:
    """Read and check `survey.yaml` and `policy.yaml` of a directory (`policy_file` replaces the latter).

    Raises: DeclarationFault: of its `code`, the first problem; DeclarationFaults where there are more.
    """
    if not directory.is_dir():
        raise DeclarationFault(
            "directory_missing",
            "there is no such directory",
            where=str(directory),
            do="Name the directory that holds survey.yaml and policy.yaml",
        )
    found: list[DeclarationFault] = []
    survey_yaml, survey = _model(directory / SURVEY_FILE, Survey, found)
    policy_yaml, policy = _model(policy_file or directory / POLICY_FILE, Policy, found)
    if survey is None or policy is None or survey_yaml is None or policy_yaml is None:
        raise _together(found)
    attributes = attributes_of(survey)
    found.extend(problems_together(survey_yaml, survey, policy_yaml, policy, attributes))
    if found:
        raise _together(found)
    return Declarations(directory, survey, policy, digest(survey), digest(policy), attributes)


def _model(path: Path, kind: type[Model], found: list[DeclarationFault]) -> tuple[YamlFile | None, Model | None]:
    """The file and its model; what is wrong with them is added to `found`."""
    try:
        file = read_yaml(path)
    except DeclarationFault as fault:
        found.append(fault)
        return None, None
    try:
        plain = with_dictionaries(file, path.parent, found) if kind is Survey else file.root.plain
        return file, kind.model_validate(plain)
    except ValidationError as error:
        found.extend(faults_of(file, kind, error))
    return file, None


def _together(found: Iterable[DeclarationFault]) -> DeclarationFault:
    every = list(found)
    return every[0] if len(every) == 1 else DeclarationFaults(every)
