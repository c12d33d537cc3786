"""What a scheduler may show of a release: released figures, the loss that the card states, and where the report is."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from pipelines.outlet.charts import about, epsilon_words
from pipelines.outlet.figures import Figures, bar, scale_of, statistic_name
from pipelines.outlet.language import date_words
from schemas.card import Card, ScopeLoss

_KEY = re.compile(r"[^a-z0-9]+")
_SCOPES = {"release": "this release", "wave": "this wave", "year": "this year", "lifetime": "all time"}


def artifact_key(*parts: str) -> str:
    """A scheduler's key for an artifact: lower-case letters, digits and dashes.

    >>> artifact_key("headlines", "Riverbend_Community")
    'headlines-riverbend-community'
    """
    return _KEY.sub("-", "-".join(parts).lower()).strip("-")


def headline_rows(card: Card, summary: pa.Table) -> list[dict[str, str]]:
    """One row a question or index: its headline figure with its margin, or why it may not be quoted."""
    figures = Figures(summary)
    attributes = {attribute.id: attribute for attribute in card.instrument.attributes}
    rows: list[dict[str, str]] = []
    for attribute in card.instrument.attributes:
        lead = figures.headline_of(attribute.id) if attribute.origin in ("question", "index") else None
        if lead is None:
            continue
        shown = bar("", lead, scale_of(lead, attributes))
        rows.append(
            {
                "question": attribute.label,
                "figure": statistic_name(lead.statistic),
                "value": shown.value,
                "margin": shown.margin,
                "quotable": "yes" if lead.publishable else f"no: {shown.note}",
            }
        )
    return rows


def share_spent(scope: ScopeLoss) -> float:
    """Loss of a scope as a share of its cap, in ρ, which adds up."""
    return scope.spent_nano_rho / scope.cap_nano_rho if scope.cap_nano_rho else 1.0


def nearly_used(card: Card, share: float) -> list[tuple[str, float]]:
    """(scope, share spent) of the year and the lifetime, where at least `share` of the cap is spent."""
    spent = card.expert.privacy_loss.spent
    found = [(scope.scope, share_spent(scope)) for scope in (spent.year, spent.lifetime)]
    return [(scope, part) for scope, part in found if part >= share]


def story(card: Card, summary: pa.Table, folder: str) -> str:
    """What happened in this run, for a person, in Markdown: only what the release itself says."""
    flags = summary.column("publishable").to_pylist()
    loss = card.expert.privacy_loss
    scopes: Sequence[Mapping[str, str]] = [
        {
            "counted over": _SCOPES[scope.scope],
            "spent (ε)": epsilon_words(scope.spent_epsilon),
            "cap (ε)": epsilon_words(scope.cap_epsilon),
            "of the cap": f"{100 * share_spent(scope):.0f} %",
        }
        for scope in loss.spent.scopes()
    ]
    names = list(scopes[0])
    table = [names, ["---"] * len(names), *([row[name] for name in names] for row in scopes)]
    return "\n".join(
        [
            f"## {_escaped(card.title)}, wave {card.wave}",
            "",
            f"Release `{card.release_id}` of {date_words(card.time)} is published and verified.",
            "",
            f"- About {about(card.expert.participation.estimated_respondents)} responses counted (a noisy estimate)",
            f"- {sum(flags):,} of {len(flags):,} figures precise enough to quote",
            f"- Privacy loss ε {epsilon_words(loss.privacy_parameters.epsilon)} at δ {loss.privacy_parameters.delta:g}",
            f"- {card.expert.governance.approvals_statement}",
            f"- Folder: `{folder}`",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
            "",
            f"> {card.resident.odds}",
        ]
    )


def _escaped(text: str) -> str:
    return "".join(f"&#{ord(c)};" if c in "<>&|*_`[]\\" else c for c in text)
