"""A synthetic survey of any size for the benches: declarations and a raw export. No row of it is a real person's.

Answers follow a drifting share by question and group, some are blank, a few cannot be read, so that every cell of
every table is met. Seeded: the same size gives the same file.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

ROWS_AT_ONCE = 500_000
CATEGORIES = {"age": 6, "district": 4, "gender": 3, "tenure": 2, "income": 5, "children": 2, "language": 3, "work": 4}
TIME_PATTERN = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Size:
    """Residents, five-point questions and demographics (at most eight) of a synthetic survey."""

    residents: int
    questions: int = 40
    demographics: int = 5

    @property
    def tables(self) -> int:
        """One-way tables and every question × demographic."""
        return self.questions + self.demographics + self.questions * self.demographics

    @property
    def groups(self) -> dict[str, int]:
        return dict(list(CATEGORIES.items())[: self.demographics])


def declare(folder: Path, size: Size, *, crosstabs: str = "all") -> None:
    """Write survey.yaml and policy.yaml: every one-way table, and the crosstabs by `others: crosstabs`."""
    folder.mkdir(parents=True, exist_ok=True)
    demographics = "".join(
        f"  - {{id: {name}, column: {name.title()}, categories: "
        f"{{{', '.join(f'{quoted(i)}: {name} {i}' for i in range(1, count + 1))}}}}}\n"
        for name, count in size.groups.items()
    )
    options = ", ".join(f"{quoted(i)}: Option {i}" for i in range(1, 6))
    questions = "".join(
        f'  - {{id: q{i:03d}, column: Q{i}, type: rating, positive: ["1", "2"], options: {{{options}}}}}\n'
        for i in range(1, size.questions + 1)
    )
    (folder / "survey.yaml").write_text(
        "survey: synthetic\ntitle: Synthetic survey\npopulation: synthetic-adults\n"
        'wave: {id: "2026", year: 2026}\n'
        f"expected: {{responses: {size.residents}, invited: {size.residents * 2}}}\n"
        "residents: {key: [Email], normalise: email}\n"
        f'sources:\n  - {{id: web, format: delimited, time: {{column: When, pattern: "{TIME_PATTERN}"}}}}\n'
        f"demographics:\n{demographics}questions:\n{questions}",
        encoding="utf-8",
    )
    (folder / "policy.yaml").write_text(
        "population: synthetic-adults\nunit: {protects: resident}\ndelta: 1.0e-6\n"
        "caps: {release: {epsilon: 2}, wave: {epsilon: 2}, year: {epsilon: 4}, lifetime: {epsilon: 10}}\n"
        "spend: {epsilon: 2, noise: gaussian}\n"
        f"workload: {{toplines: all, crosstabs: {{others: {crosstabs}}}, demographics: single}}\n"
        "precision: {publish_margin_points: 10, min_expected_base: 40}\nprior: {interaction: 3}\n",
        encoding="utf-8",
    )


def quoted(number: int) -> str:
    return f'"{number}"'


def write_export(path: Path, size: Size) -> None:
    """Write the raw export: e-mail address, time stamp, demographics and answers, one row a resident."""
    rng = np.random.default_rng(size.residents)
    with pacsv.CSVWriter(path, _schema(size), write_options=pacsv.WriteOptions(quoting_style="none")) as writer:
        for start in range(0, size.residents, ROWS_AT_ONCE):
            writer.write_table(_rows(rng, start, min(ROWS_AT_ONCE, size.residents - start), size))


def _schema(size: Size) -> pa.Schema:
    names = ["When", "Email", *(name.title() for name in size.groups), *(f"Q{i}" for i in range(1, size.questions + 1))]
    return pa.schema([(name, pa.string()) for name in names])


def _rows(rng: np.random.Generator, start: int, count: int, size: Size) -> pa.Table:
    numbers = pa.array(np.arange(start, start + count)).cast(pa.string())
    days = np.datetime64("2026-03-01T10:00:00") + rng.integers(0, 30 * 86_400, count).astype("timedelta64[s]")
    columns: list[pa.Array] = [
        pa.compute.replace_substring(pa.array(days).cast(pa.string()), "T", " "),
        pa.compute.binary_join_element_wise("resident", numbers, "@city.example", ""),
    ]
    columns += [_choices(rng, count, categories, 0.01) for categories in size.groups.values()]
    columns += [_choices(rng, count, 5, 0.03) for _ in range(size.questions)]
    return pa.Table.from_arrays(columns, schema=_schema(size))


def _choices(rng: np.random.Generator, count: int, categories: int, blank: float) -> pa.Array:
    """Codes "1"…, a share of blanks, and one in a thousand that matches no option."""
    edges = np.cumsum([*rng.dirichlet(np.full(categories, 4.0)) * (1 - blank - 0.001), blank])
    drawn = np.searchsorted(edges, rng.random(count, dtype=np.float32)).astype(np.int8)
    texts = pa.array([*(str(i) for i in range(1, categories + 1)), "", "?"])
    return pa.DictionaryArray.from_arrays(pa.array(np.minimum(drawn, categories + 1)), texts).cast(pa.string())
