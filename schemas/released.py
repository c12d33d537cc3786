"""Arrow schemas of the three released Parquet files, with descriptions and units in the field metadata.

The row set of each depends on the plan only, never on the data.
"""

from dataclasses import dataclass

import pyarrow as pa


def _field(name: str, kind: pa.DataType, description: str, unit: str = "", *, nullable: bool = False) -> pa.Field:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


def _axes() -> list[pa.Field]:
    """The cell a row speaks of, as up to three (attribute, code) pairs in the survey's order."""
    fields: list[pa.Field] = []
    for axis in (1, 2, 3):
        optional = axis > 1
        fields.append(_field(f"attribute_{axis}", pa.string(), f"attribute of axis {axis}", nullable=optional))
        fields.append(_field(f"code_{axis}", pa.string(), f"cell code on axis {axis}", nullable=optional))
    return fields


MEASUREMENTS_SCHEMA = pa.schema(
    [
        _field("table", pa.string(), "measured table: attributes joined by *"),
        *_axes(),
        _field("noisy_units", pa.int64(), "count plus noise, untouched; may be negative", "integer units"),
        _field("unit", pa.int64(), "integer units that one respondent contributes", "units per respondent"),
        _field("mechanism", pa.string(), "discrete_gaussian or discrete_laplace (OpenDP)"),
        _field("sensitivity_l1", pa.int64(), "L1 sensitivity of the table", "integer units"),
        _field("sensitivity_l2_squared", pa.int64(), "squared L2 sensitivity of the table", "integer units squared"),
        _field("scale", pa.float64(), "scale of the mechanism: sigma (Gaussian) or b (Laplace)", "integer units"),
    ]
)

ESTIMATES_SCHEMA = pa.schema(
    [
        _field("table", pa.string(), "published table: attributes joined by *"),
        _field("kind", pa.string(), "topline, index, crosstab, index_crosstab, demographic or demographic_pair"),
        *_axes(),
        _field("estimate_count", pa.float64(), "best consistent estimate of the cell", "respondents"),
        _field("noise_sd", pa.float64(), "standard deviation of the privacy noise in the estimate", "respondents"),
        _field(
            "row_share",
            pa.float64(),
            "cell / its total over the question's substantive cells",
            "share 0 to 1",
            nullable=True,
        ),
        _field("measured", pa.bool_(), "whether this table itself was measured, or follows from other tables"),
        _field("informative", pa.bool_(), "whether the table knows more than its margins"),
    ]
)

SUMMARY_SCHEMA = pa.schema(
    [
        _field("survey", pa.string(), "survey id"),
        _field("wave", pa.string(), "wave id"),
        _field("subject", pa.string(), "question, index or demographic"),
        _field(
            "statistic",
            pa.string(),
            "pct, pct_positive, pct_no_opinion, mean, p10, p25, median, p75, p90, nps, index, pct_first, pct_ranked, "
            "rank_points or population; with _difference: a group's less everybody's; "
            "with _benchmark_gap: less the benchmark; with _change: less an earlier wave; importance_gap, "
            "importance_satisfaction, satisfaction_above_average, importance_above_average",
        ),
        _field("option", pa.string(), "answer option, where the statistic is about one", nullable=True),
        _field("group_attribute", pa.string(), "demographic that forms the group; null for everybody", nullable=True),
        _field("group", pa.string(), "category of the group; null for everybody", nullable=True),
        _field("unit", pa.string(), "unit of value and margins: percent, score, points or respondents"),
        _field("value", pa.float64(), "the estimate", "see unit", nullable=True),
        _field("low", pa.float64(), "lower end of the 95 % interval", "see unit", nullable=True),
        _field("high", pa.float64(), "upper end of the 95 % interval", "see unit", nullable=True),
        _field("moe", pa.float64(), "95 % margin of all errors together", "see unit", nullable=True),
        _field("sampling_moe", pa.float64(), "95 % margin of sampling alone", "see unit", nullable=True),
        _field("noise_moe", pa.float64(), "95 % margin of privacy noise alone", "see unit", nullable=True),
        _field("bias_moe", pa.float64(), "95 % margin of shrinkage and model error alone", "see unit", nullable=True),
        _field(
            "base",
            pa.float64(),
            "estimated (noisy) number of respondents behind the figure",
            "respondents",
            nullable=True,
        ),
        _field("weighted", pa.bool_(), "calibrated to the public margins of the survey file"),
        _field("model_based", pa.bool_(), "rests on a model beyond the measured tables"),
        _field("publishable", pa.bool_(), "meets the policy's margin and base"),
        _field("reason", pa.string(), "why it is not publishable; empty where it is"),
        _field(
            "compared_with",
            pa.string(),
            "what a difference is from: an earlier wave, the source of a benchmark, another question",
            nullable=True,
        ),
        _field(
            "significant",
            pa.bool_(),
            "whether a difference is beyond chance (of groups, at most 5 % of those so marked are expected to have the "
            "wrong sign); null where the figure is no difference",
            nullable=True,
        ),
    ]
)

REASONS = {
    "margin": "the margin is wider than the policy allows",
    "base": "the base may be smaller than the policy allows",
    "belief": "the figure rests more on belief than on what was measured",
    "no_information": "the table knows nothing beyond its margins",
    "undefined": "the estimate has no base",
}
"""Codes of `reason` in summary.parquet and what they say to a reader."""


@dataclass(frozen=True)
class SummaryRow:
    """One figure: a row of summary.parquet (without survey and wave). Field meanings: SUMMARY_SCHEMA."""

    subject: str
    statistic: str
    option: str | None
    group_attribute: str | None
    group: str | None
    unit: str
    value: float | None
    low: float | None
    high: float | None
    moe: float | None
    sampling_moe: float | None
    noise_moe: float | None
    bias_moe: float | None
    base: float | None
    weighted: bool
    model_based: bool
    publishable: bool
    reason: str
    compared_with: str | None = None
    significant: bool | None = None
