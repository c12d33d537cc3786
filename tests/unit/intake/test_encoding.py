from pathlib import Path

import pyarrow as pa

from pipelines.intake.assemble import encoded_batches
from pipelines.intake.batch import SourceFile
from schemas.attributes import MICRO, attributes_of, zone_columns
from tests.intake_sample import KEY, keyless, rating, survey_with, take_text, written

ITEMS = [rating("a", "A"), rating("b", "B"), rating("c", "C")]


def index(folder: Path, rows: str, score: str = "positive", items=("a", "b", "c"), questions=None):
    survey = keyless(questions or ITEMS, indices=[{"id": "i", "items": list(items), "score": score}])
    return take_text(survey, folder, "A,B,C\n" + rows).cells("i")


def test_index_of_positive_answers(tmp_path: Path) -> None:
    rows = "1,2,3\n1,,5\n4,x,\n5,5,5\n,,\n1,1,1\n"
    assert index(tmp_path, rows) == [666_667, MICRO, 0, -2, -2, MICRO]


def test_index_of_means(tmp_path: Path) -> None:
    assert index(tmp_path, "1,4,\n2,,5\n1,2,4\n,x,\n", "mean") == [500_000, 333_333, 444_444, -2]


def test_index_of_items_with_one_score(tmp_path: Path) -> None:
    one = {"id": "a", "column": "A", "type": "choice", "options": {"1": "only"}}
    assert index(tmp_path, "1,1,1\n", "mean", ["a"], [one, *ITEMS[1:]]) == [0]


def test_schema_is_the_zone_s(tmp_path: Path) -> None:
    survey = survey_with(
        [
            *ITEMS,
            {"id": "m", "column": "M", "type": "multi", "at_most": 1, "options": {"x": "X", "y": "Y"}},
            {"id": "n", "column": "N", "type": "numeric", "bounds": [0, 9], "bins": [0, 5, 9]},
            {"id": "p", "column": "P", "type": "nps"},
        ],
        demographics=[{"id": "d", "column": "D", "categories": {"1": "one"}}],
        indices=[{"id": "i", "items": ["a", "b"]}],
    )
    path = written(tmp_path, "Email,Name,A,B,C,M,N,P,D\na@b,Ana,1,2,3,x,7,10,1\n,Ben,1,2,3,x,7,10,1\n")
    [batch] = encoded_batches(survey, [SourceFile("web", path)], KEY, None)
    attributes = attributes_of(survey)
    names = [name for i, attribute in enumerate(attributes) for name in zone_columns(i, attribute)]
    scores = {zone_columns(i, a)[0] for i, a in enumerate(attributes) if a.kind == "score"}
    wanted = [("pseudonym", pa.binary(16)), ("tie", pa.binary(16)), ("seen_at", pa.int64()), ("complete", pa.bool_())]
    wanted += [(name, pa.int32() if name in scores else pa.uint8()) for name in names]
    assert batch.rows.schema == pa.schema(wanted)
    assert sum(column.null_count for column in batch.rows.columns) == 0
    assert (batch.read, batch.excluded, len(batch.quarantined)) == (2, 0, 1)


def test_a_batch_of_unreadable_records_only_has_the_same_schema(tmp_path: Path) -> None:
    survey = keyless(ITEMS)
    good = list(encoded_batches(survey, [SourceFile("web", written(tmp_path, "A,B,C\n1,2,3\n"))], KEY, None))
    bad = list(encoded_batches(survey, [SourceFile("web", written(tmp_path, "A,B,C\n1\n"))], KEY, None))
    assert [batch.rows.schema for batch in bad] == [good[0].rows.schema]
    assert (bad[0].rows.num_rows, bad[0].read) == (0, 1)


def test_sources_of_one_survey(tmp_path: Path) -> None:
    survey = keyless(
        ITEMS,
        sources=[
            {"id": "web", "format": "delimited"},
            {"id": "mail", "format": "delimited", "columns": {"A": "q1"}, "absent": ["B"]},
        ],
    )
    files = [
        SourceFile("web", written(tmp_path, "A,B,C\n1,2,3\n", name="web.csv")),
        SourceFile("mail", written(tmp_path, "q1;C\n4;x\n7\n", name="mail.csv")),
    ]
    batches = list(encoded_batches(survey, files, KEY, None))
    assert [b.rows.column("a0").to_pylist() for b in batches] == [[0], [3]]
    assert batches[1].rows.column("a1").to_pylist() == [attributes_of(survey)[1].index_of("_not_asked")]
    assert [(q.source_id, q.row) for q in batches[1].quarantined] == [("mail", 2)]


def test_importing_the_batch_module_is_cheap() -> None:
    """The launcher imports it for SourceFile, and must not pay for readers."""
    import subprocess
    import sys

    code = "import sys, pipelines.intake.batch; print(any(m in sys.modules for m in ('pyarrow', 'polars', 'numpy')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
