"""What the officer's app offers to choose from: declarations, policies, crosstabs and steps of a slider."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.declarations import POLICY_FILE, SURVEY_FILE
from pipelines.tuning.forecasts import label_of
from pipelines.tuning.knobs import Pair
from schemas.attributes import Attribute


def candidates(start: Path) -> dict[str, str]:
    """Folders with a survey: the one named, and its neighbours. Path as shown → path."""
    named = start.absolute()
    beside = sorted(path.parent for path in named.parent.glob(f"*/{SURVEY_FILE}"))
    return {str(start): str(named)} | {str(path): str(path) for path in beside if path != named}


def policies(directory: Path, named: str | None) -> dict[str, str]:
    """Policies of a survey: the one named, policy.yaml, then other files of that name."""
    found = [*([Path(named)] if named else []), directory / POLICY_FILE, *sorted(directory.glob("policy*.yaml"))]
    return {path.name: str(path) for path in dict.fromkeys(found) if path.is_file()}


def crosstab_choices(attributes: Sequence[Attribute], held: Sequence[Pair]) -> dict[str, Pair]:
    """Every subject × demographic, by name, and what the policy holds beside them (other pairs, three-way tables)."""
    labels = {attribute.id: attribute.title() for attribute in attributes}
    groups = [a for a in attributes if a.is_group]
    subjects = [a for a in attributes if a.origin in ("index", "question")]
    pairs: list[Pair] = [(subject.id, group.id) for subject in subjects for group in groups]
    same = {frozenset(pair): pair for pair in held}
    every = [same.get(frozenset(pair), pair) for pair in pairs]
    every += [pair for pair in held if pair not in every]
    return {label_of(tuple(reversed(pair)), labels): pair for pair in every}


def in_order(chosen: Sequence[Pair], held: Sequence[Pair]) -> tuple[Pair, ...]:
    """What is chosen, in the order of the policy, what is new after it: choosing again changes nothing."""
    return (*(pair for pair in held if pair in chosen), *(pair for pair in chosen if pair not in held))


def steps_with(steps: Sequence[float], held: float) -> list[float]:
    """Steps of a slider, the policy's own value among them."""
    return sorted({*steps, held})
