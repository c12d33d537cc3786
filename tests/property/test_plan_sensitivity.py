"""Random attributes and residents: no change is larger than declared (10,000 neighbour pairs in the thorough profile)."""

from hypothesis import given
from hypothesis import strategies as st

from privacy.sensitivity import table_sensitivity
from schemas.attributes import MICRO, Attribute
from tests.unit.privacy.residents_sample import Cells, contribution, multi, norms, score, single


@st.composite
def axes_and_residents(draw: st.DrawFn) -> tuple[tuple[Attribute, ...], list[Cells]]:
    """One to three attributes and ten residents with any answers the declaration allows."""
    axes: list[Attribute] = []
    for position in range(draw(st.integers(1, 3))):
        kinds = ["single", "multi"] if any(axis.kind == "score" for axis in axes) else ["single", "multi", "score"]
        match draw(st.sampled_from(kinds)):
            case "single":
                axes.append(single(f"a{position}", draw(st.integers(2, 6))))
            case "multi":
                options = draw(st.integers(1, 6))
                axes.append(multi(f"a{position}", options, draw(st.integers(1, options))))
            case _:
                axes.append(score(f"a{position}", draw(st.integers(1, 3))))
    residents = [contribution([draw(_answer(axis)) for axis in axes]) for _ in range(10)]
    return tuple(axes), residents


@st.composite
def _answer(draw: st.DrawFn, axis: Attribute) -> Cells:
    import numpy as np

    answer = np.zeros(axis.size, dtype=np.int64)
    if axis.kind == "score" and draw(st.booleans()):
        answer[0] = draw(st.integers(0, MICRO))
        answer[1] = MICRO - answer[0]
    elif axis.kind == "multi" and draw(st.booleans()):
        ticks = draw(st.lists(st.integers(0, axis.size - 3), min_size=1, max_size=axis.at_most, unique=True))
        answer[ticks] = 1
    else:
        first = 2 if axis.kind == "score" else axis.size - 2 if axis.kind == "multi" else 0
        answer[draw(st.integers(first, axis.size - 1))] = axis.unit
    return answer


@given(axes_and_residents())
def test_nobody_exceeds_the_sensitivity(case: tuple[tuple[Attribute, ...], list[Cells]]) -> None:
    axes, residents = case
    alone = table_sensitivity(axes, shared_keys=False)
    exchange = table_sensitivity(axes, shared_keys=True)
    for one in residents:
        l1, l2 = norms(one)
        assert l1 <= alone.l1
        assert l2 <= alone.l2_squared
        for two in residents:
            l1, l2 = norms(one - two)
            assert l1 <= exchange.l1
            assert l2 <= exchange.l2_squared
