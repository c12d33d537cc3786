"""Releases on disk, opened as anybody can: verified, with the labels of their cards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.outlet.figures import DIFFERENCE, HEADLINES
from pipelines.outlet.folders import release_folders
from pipelines.outlet.further import statistic_words
from pipelines.outlet.verify import verify
from schemas.card import Card, CardAttribute
from schemas.manifest import MANIFEST_FILE

_MEAN = "__mean"
EVERYBODY = "Everybody"
_GROUPS = ("demographic", "verified")


@dataclass(frozen=True)
class FigureRow:
    """One figure with its labels. Numbers are in `unit`; None where the release says nothing."""

    wave: str
    subject: str
    statistic: str
    option: str | None
    group_attribute: str | None
    group: str | None
    name: str
    """Who or what it is of: the group, else the answer, else everybody."""
    unit: str
    value: float | None
    low: float | None
    high: float | None
    sampling_moe: float | None
    noise_moe: float | None
    bias_moe: float | None
    base: float | None
    weighted: bool
    publishable: bool
    reason: str


@dataclass(frozen=True)
class OpenRelease:
    """A release that holds together: its card, its figures, and whose signature it bears."""

    folder: Path
    card: Card
    fingerprint: str
    rows: tuple[FigureRow, ...]

    @property
    def name(self) -> str:
        return f"{self.card.title} · {self.card.wave} · {self.card.release_id[:8]}"


def found_releases(place: Path) -> tuple[Path, ...]:
    """Release folders at a place: the folder itself, or the finished ones of a workspace, or below it."""
    if (place / MANIFEST_FILE).is_file():
        return (place,)
    below = {folder for root in (place / "releases", place) for folder in release_folders(root)}
    return tuple(sorted(folder for folder in below if (folder / MANIFEST_FILE).is_file()))


def opened(folder: Path) -> OpenRelease:
    """Raises: IntegrityFault: it does not hold together."""
    found = verify(folder, None)
    attributes = {attribute.id: attribute for attribute in found.card.instrument.attributes}
    return OpenRelease(
        folder,
        found.card,
        found.fingerprint,
        tuple(_row(plain, attributes) for plain in found.summary.to_pylist()),
    )


def _row(plain: "dict[str, object]", attributes: dict[str, CardAttribute]) -> FigureRow:
    fields = {name: plain[name] for name in FigureRow.__dataclass_fields__ if name in plain}
    attribute = attributes.get(str(plain["group_attribute"]))
    subject = attributes.get(str(plain["subject"]).removesuffix(_MEAN))
    name = EVERYBODY
    if plain["group"] is not None:
        name = _label(attribute, str(plain["group"]))
    elif plain["option"] is not None:
        name = _label(subject, str(plain["option"]))
    return FigureRow(**{**fields, "name": name})  # pyright: ignore[reportArgumentType]


def _label(attribute: CardAttribute | None, code: str) -> str:
    cells = {} if attribute is None else {cell.code: cell.label for cell in attribute.cells}
    return cells.get(code, code)


def subjects(releases: Sequence[OpenRelease]) -> dict[str, str]:
    """Questions and indices, then demographics, that have figures: label → id, in the order of the survey."""
    found: dict[str, str] = {}
    for release in releases:
        present = {row.subject.removesuffix(_MEAN) for row in release.rows}
        for attribute in release.card.instrument.attributes:
            if attribute.id in present and attribute.origin != "numeric_mean":
                found.setdefault(attribute.label, attribute.id)
    groups = {a.id for release in releases for a in release.card.instrument.attributes if a.origin in _GROUPS}
    return dict(sorted(found.items(), key=lambda item: item[1] in groups))


def statistics(releases: Iterable[OpenRelease], subject: str) -> dict[str, str]:
    """Statistics of a subject for everybody or by group: words → name."""
    names = dict.fromkeys(
        row.statistic
        for release in releases
        for row in release.rows
        if row.subject.removesuffix(_MEAN) == subject and not row.statistic.endswith(DIFFERENCE)
    )
    rank = {name: place for place, name in enumerate((*HEADLINES, "pct"))}
    order = sorted(names, key=lambda name: rank.get(name, len(rank)))
    return {statistic_words(name): name for name in order}


def groupings(releases: Iterable[OpenRelease], subject: str) -> dict[str, str]:
    """Demographics a subject is broken down by: label → id."""
    found: dict[str, str] = {}
    for release in releases:
        labels = {attribute.id: attribute.label for attribute in release.card.instrument.attributes}
        for row in release.rows:
            if row.subject.removesuffix(_MEAN) == subject and row.group_attribute in labels:
                found.setdefault(labels[row.group_attribute], row.group_attribute)
    return found


def options(releases: Iterable[OpenRelease], subject: str) -> dict[str, str]:
    """Answer options of a subject: label → code."""
    found: dict[str, str] = {}
    for release in releases:
        for attribute in release.card.instrument.attributes:
            if attribute.id == subject:
                found |= {cell.label: cell.code for cell in attribute.cells if not cell.code.startswith("_")}
    return found


def selected(
    releases: Sequence[OpenRelease], subject: str, statistic: str, group_attribute: str | None, option: str | None
) -> list[FigureRow]:
    """The figures to look at, wave by wave. Without groups: everybody's, weighted where that is given, every answer.
    With groups: everybody's and theirs, unweighted, of one answer.
    """
    rows: list[FigureRow] = []
    for release in releases:
        of_it = [
            row for row in release.rows if row.subject.removesuffix(_MEAN) == subject and row.statistic == statistic
        ]
        everybody = [row for row in of_it if row.group is None]
        if group_attribute is None:
            weighted = {row.option for row in everybody if row.weighted}
            rows += [row for row in everybody if row.weighted or row.option not in weighted]
            continue
        groups = [row for row in of_it if row.group_attribute == group_attribute]
        plain = [replace(row, name=EVERYBODY) for row in everybody if not row.weighted]
        rows += [row for row in (*plain, *groups) if row.option in (None, option)]
    return rows
