"""Earlier waves of a survey, found in the workspace and verified before they are used. Released files only.

A wave has one release, or the survey file names which one; so what a release compares itself with is declared. It is
found before anything is charged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.outlet.parquet import summary_rows
from pipelines.outlet.verify import Verification, verify
from pipelines.workspace import Workspace
from privacy.headline import headlines
from privacy.trends import EarlierTopline, unmapped
from schemas.attributes import Attribute
from schemas.card import CardAttribute
from schemas.errors import DeclarationFault, IntegrityFault
from schemas.released import SummaryRow
from schemas.survey import EarlierWave, Survey


@dataclass(frozen=True)
class EarlierWaves:
    """`toplines`: by question or index of today, and wave. `releases`: (wave, release id) that they are from."""

    toplines: dict[tuple[str, str], EarlierTopline]
    releases: tuple[tuple[str, str], ...]


def earlier_waves(
    workspace: Workspace, survey: Survey, attributes: tuple[Attribute, ...], fingerprint: str
) -> EarlierWaves:
    """Every topline that `trends` names. `fingerprint`: of the key of this workspace's ledger.

    Raises:
        DeclarationFault: a release, a question or a code is not there.
        IntegrityFault: a release was changed, or is not of this ledger.
    """
    now = {attribute.id: attribute for attribute in attributes}
    verified: dict[Path, Verification] = {}
    found: dict[tuple[str, str], EarlierTopline] = {}
    for name, waves in survey.trends.items():
        for wave, declared in waves.items():
            where = f"survey.yaml: trends.{name}.{wave}"
            folder = _release_of(workspace, survey.survey, wave, declared, where)
            if folder not in verified:
                verified[folder] = verify(folder, fingerprint)
                _check_place(verified[folder], survey.survey, wave, folder)
            found[name, wave] = _topline(verified[folder], declared, _Today(survey, now, name), where)
    used = sorted({(proof.wave, proof.release_id) for proof in verified.values()})
    return EarlierWaves(found, tuple(used))


def _release_of(workspace: Workspace, survey: str, wave: str, declared: EarlierWave, where: str) -> Path:
    folder = workspace.releases / survey / wave
    there = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")) if folder.is_dir() else []
    if declared.release is not None:
        there = [path for path in there if path.name == declared.release]
    if not there:
        raise DeclarationFault(
            "trend_release_missing",
            "this workspace has no such release of that wave",
            where=where,
            do="Release the wave first, or remove it from trends",
        )
    if len(there) > 1:
        raise DeclarationFault(
            "trend_release_ambiguous",
            f"that wave has {len(there)} releases",
            where=where,
            do="Name one: {question: …, release: …}",
        )
    return there[0]


def _check_place(proof: Verification, survey: str, wave: str, folder: Path) -> None:
    if (proof.survey, proof.wave) != (survey, wave):
        raise IntegrityFault(
            "release_misplaced",
            "this is a release of another survey or wave",
            where=folder.name,
            do="Find out who moved it",
        )


def _topline(proof: Verification, declared: EarlierWave, today: "_Today", where: str) -> EarlierTopline:
    then = next((a for a in proof.card.instrument.attributes if a.id == declared.question), None)
    if then is None:
        raise DeclarationFault(
            "name_unknown",
            f"the release of that wave has no question {declared.question!r}",
            where=where,
            do="Correct the id",
        )
    figures = {
        (row.statistic, row.option, row.weighted): row
        for row in summary_rows(proof.summary)
        if row.subject == then.id and row.group is None and row.compared_with is None
    }
    if not figures:
        raise DeclarationFault(
            "trend_not_released", f"that release has no topline of {then.id!r}", where=where, do="Remove it from trends"
        )
    if today.is_of_another_type(proof, then, figures):
        what = f"{then.id!r} was a question of another type in that wave"
        raise DeclarationFault("trend_kind", what, where=where, do="Remove it from trends")
    lost = unmapped(declared, then, today.attribute) if today.has_options else []
    if lost:
        raise DeclarationFault(
            "trend_codes",
            f"option {lost[0]!r} of that wave has no counterpart of its kind today",
            where=where,
            do="Map it under codes: {EARLIER: TODAY}",
        )
    return EarlierTopline(proof.release_id, then, figures)


@dataclass(frozen=True)
class _Today:
    """A question or index as this wave declares it."""

    survey: Survey
    attributes: dict[str, Attribute]
    name: str

    @property
    def attribute(self) -> Attribute:
        return self.attributes[self.name]

    @property
    def has_options(self) -> bool:
        """Whether every substantive option of then must have its counterpart: a base is compared."""
        kind = next((question.type for question in self.survey.questions if question.id == self.name), "index")
        return kind in ("rating", "choice")

    def is_of_another_type(
        self, proof: Verification, then: CardAttribute, figures: Mapping[tuple[str, str | None, bool], SummaryRow]
    ) -> bool:
        known = {attribute.id for attribute in proof.card.instrument.attributes}
        number = (f"{then.id}__mean" in known, f"{self.name}__mean" in self.attributes)
        if (then.kind, then.origin) != (self.attribute.kind, self.attribute.origin) or number[0] != number[1]:
            return True
        headline = None if self.has_options else headlines(self.survey).get(self.name)
        return bool(then.options) or (headline is not None and (headline.statistic, None, False) not in figures)
