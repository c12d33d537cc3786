"""What survey.yaml and policy.yaml must agree on."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from pipelines.comparison_checks import comparison_problems
from pipelines.declaration_sources import source_problems
from pipelines.yaml_lines import YamlFile
from privacy.public_frames import check_frames
from schemas.attributes import Attribute
from schemas.errors import DeclarationFault
from schemas.nets import NET, with_nets
from schemas.officers import officer_hex
from schemas.policy import Policy
from schemas.survey import Survey

MOST_CELLS = 250
"""Cells of one attribute that the zone's one-byte columns can hold, with room for the special ones."""


def problems_together(
    survey_yaml: YamlFile, survey: Survey, policy_yaml: YamlFile, policy: Policy, attributes: tuple[Attribute, ...]
) -> Iterator[DeclarationFault]:
    """Every problem that needs more than one part of the two files to see."""
    return chain(
        _names_and_cells(survey_yaml, with_nets(survey, attributes)),
        source_problems(survey_yaml, survey),
        _population(survey_yaml, survey, policy_yaml, policy),
        _unit(policy_yaml, survey, policy),
        _spend(policy_yaml, policy),
        _workload(policy_yaml, policy, attributes),
        comparison_problems(survey_yaml, survey),
        _officers(policy_yaml, policy),
        _frames(policy_yaml, survey, policy),
    )


def _names_and_cells(file: YamlFile, attributes: tuple[Attribute, ...]) -> Iterator[DeclarationFault]:
    names = Counter(attribute.id for attribute in attributes)
    for attribute in attributes:
        at, line = _declared_at(file, attribute.id)
        if names[attribute.id] > 1 and attribute.origin != "numeric_mean" and attribute.kind != "net":
            taken = "net score of a question" if attribute.id.endswith(NET) else "mean of the numeric question"
            what = f"the {taken} already has this id"
            yield file.fault("id_taken", what, at=at, line=line, do="Choose another id")
        if attribute.size > MOST_CELLS:
            yield file.fault(
                "too_many_cells",
                f"has {attribute.size} cells, and at most {MOST_CELLS} can be counted",
                at=at,
                line=line,
            )
        if len({cell.code for cell in attribute.cells}) < attribute.size:
            yield _same_code(file, at, line, numeric=f"{attribute.id}__mean" in names)


def _same_code(file: YamlFile, at: tuple[str | int, ...], line: int | None, *, numeric: bool) -> DeclarationFault:
    if numeric:
        return file.fault(
            "bins_too_close",
            "two bins begin at the same number to six digits",
            at=at,
            line=line,
            do="Choose wider bins",
        )
    what = "a code that begins with _ is taken by hearsafe"
    return file.fault("code_taken", what, at=at, line=line, do="Choose another code")


def _declared_at(file: YamlFile, identifier: str) -> tuple[tuple[str | int, ...], int | None]:
    """The location of a question, demographic or index by its id."""
    for section in ("demographics", "questions", "indices"):
        _, spot = file.root.follow((section,))
        if spot is file.root:
            continue
        for position, entry in spot.parts.items():
            if entry.parts.get("id") is not None and entry.parts["id"].plain == identifier:
                return (section, position), entry.parts["id"].line
    return (), None


def _population(
    survey_yaml: YamlFile, survey: Survey, policy_yaml: YamlFile, policy: Policy
) -> Iterator[DeclarationFault]:
    if survey.population != policy.population:
        what = f"is {policy.population!r}, but {survey_yaml.name} says {survey.population!r}"
        yield policy_yaml.fault("population_differs", what, at=("population",), do="Both must name the same population")


def _unit(file: YamlFile, survey: Survey, policy: Policy) -> Iterator[DeclarationFault]:
    keyless = survey.residents.key == "none"
    at = ("unit", "protects")
    if keyless and policy.unit.protects != "response":
        what = f"is {policy.unit.protects!r}, but the survey has no resident key"
        yield file.fault("unit_needs_key", what, at=at, do="Write protects: response, or declare residents.key")
    if not keyless and policy.unit.protects == "response":
        yield file.fault(
            "unit_has_key", "is 'response', but the survey has a resident key", at=at, do="Write protects: resident"
        )
    household = survey.residents.household is not None
    if not keyless and household and policy.unit.protects == "resident":
        what = "is 'resident', but the survey declares residents.household"
        do = "Write protects: household, or remove residents.household"
        yield file.fault("unit_household", what, at=at, do=do)
    if policy.unit.protects == "household" and not keyless and not household:
        do = "Declare residents.household: {key: …, at_most: …}, or write protects: resident"
        yield file.fault("unit_needs_household", "is 'household', but the survey declares none", at=at, do=do)
    if keyless and policy.unit.shared_keys:
        yield file.fault(
            "unit_shared_keys",
            "there is no key to share: the survey has none",
            at=("unit", "shared_keys"),
            do="Remove shared_keys",
        )


def _spend(file: YamlFile, policy: Policy) -> Iterator[DeclarationFault]:
    """A spend beyond a cap in the same currency; `privacy.spending` compares ε with ρ, when a plan is made."""
    if policy.spend.noise == "laplace":
        return
    for currency in ("epsilon", "rho"):
        spent = getattr(policy.spend, currency)
        for scope in ("release", "wave", "year", "lifetime"):
            allowed = getattr(getattr(policy.caps, scope), currency)
            if spent is not None and allowed is not None and spent > allowed:
                yield file.fault(
                    "spend_beyond_cap",
                    f"spends more than the cap of one {scope} allows",
                    at=("spend", currency),
                    do="Lower the spend, or raise the cap by an approved change of policy",
                )
                return


def _workload(file: YamlFile, policy: Policy, attributes: tuple[Attribute, ...]) -> Iterator[DeclarationFault]:
    known = {attribute.id: attribute for attribute in attributes}
    for section, origins, kind in (
        ("toplines", ("question", "numeric_mean"), "a question"),
        ("indices", ("index",), "an index"),
    ):
        chosen = getattr(policy.workload, section)
        for position, name in enumerate(chosen if isinstance(chosen, tuple) else ()):
            if name not in known or known[name].origin not in origins:
                yield file.fault(
                    "name_unknown", f"{name!r} is not {kind} of the survey", at=("workload", section, position)
                )
    for position, names in enumerate(policy.workload.crosstabs.priority):
        at = ("workload", "crosstabs", "priority", position)
        unknown = [name for name in names if name not in known]
        if unknown:
            yield file.fault(
                "name_unknown", f"{unknown[0]!r} is not a question, index or demographic of the survey", at=at
            )
        elif len(set(names)) < len(names):
            yield file.fault("name_twice", "names the same attribute twice", at=at)
        elif sum(known[name].kind == "score" for name in names) > 1:
            yield file.fault("scores_crossed", "two means cannot be crossed", at=at, do="Keep one index or mean")


def _officers(file: YamlFile, policy: Policy) -> Iterator[DeclarationFault]:
    named: list[tuple[str, tuple[str | int, ...]]] = [
        (officer, ("approvals", "officers", position)) for position, officer in enumerate(policy.approvals.officers)
    ]
    if policy.approvals.author is not None:
        named.append((policy.approvals.author, ("approvals", "author")))
    for officer, at in named:
        try:
            officer_hex(officer)
        except ValueError:
            what = "is not an Ed25519 public key: 64 hexadecimal digits or 43 characters of base64"
            yield file.fault(
                "officer_key",
                what,
                at=at,
                do="Copy the line that hearsafe officer-key prints",
            )


def _frames(file: YamlFile, survey: Survey, policy: Policy) -> Iterator[DeclarationFault]:
    """Groups that are small in public, where the policy refuses them; `check` and `plan` tell of them elsewhere."""
    if policy.frames is None or policy.frames.below != "refuse":
        return
    found = check_frames(survey, policy)
    for group in found.small:
        do = "Merge categories, or publish fewer groups (workload.demographics, crosstabs.priority)"
        yield file.fault("frame_small", group.line(policy.frames.at_least), at=("frames",), do=do)
    if found.unknown_line is not None:
        do = "Declare expected.frame and the targets of every demographic, or write below: warn"
        yield file.fault("frame_unknown", found.unknown_line, at=("frames",), do=do)
