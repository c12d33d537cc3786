"""Columns by their buffers are those that PyArrow builds itself."""

import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.outlet.columns import column_of

KINDS = {
    pa.string(): st.text(),
    pa.bool_(): st.booleans(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(allow_nan=False),
}


@given(st.data())
def test_they_equal_pyarrows(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(KINDS)))
    values = data.draw(st.lists(st.none() | KINDS[kind]))
    found = column_of(values, kind)
    found.validate(full=True)
    assert found.equals(pa.array(values, type=kind))
    assert found.to_pylist() == values


def test_another_type_is_refused() -> None:
    with pytest.raises(TypeError):
        column_of([1], pa.int32())


def test_pandas_stays_out() -> None:
    code = (
        "import sys, pyarrow as pa; from pipelines.outlet.columns import column_of; "
        "column_of(['a', None], pa.string()); sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
