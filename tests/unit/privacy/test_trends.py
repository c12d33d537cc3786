"""Changes since an earlier wave: what the answers of both waves say, under other ids and codes, with honest margins."""

from collections.abc import Mapping
from math import hypot

import numpy as np
import pytest

from pipelines.outlet.instrument import instrument_of
from privacy.summary import summarise
from privacy.trends import EarlierTopline, discoveries, trend_rows, unmapped
from schemas.released import SummaryRow
from schemas.survey import EarlierWave, Survey
from tests.unit.privacy.estimating import RATING, by_id, estimated, policy, riverbend, simulate

Data = dict[str, np.ndarray]
OLD_SCALE = {"A": {"label": "Excellent", "score": 1}, "B": "Good", "C": "Only fair", "D": "Poor", "E": "Very poor",
             "X": {"label": "Don't know", "role": "no_opinion"}}  # fmt: skip
THEN = riverbend(
    questions=[
        {"id": "q1a", "column": "a", "type": "rating", "options": RATING, "positive": ["1", "2"], "text": "Old wording"},
        {"id": "q1b", "column": "b", "type": "rating", "options": OLD_SCALE, "positive": ["A", "B", "C"]},
        {"id": "use", "column": "c", "type": "multi", "at_most": 2, "options": {"p": "Parks", "l": "Library", "z": "Zoo"}},
        {"id": "lived", "column": "d", "type": "numeric", "bounds": [0, 90], "bins": [0, 5, 20, 90]},
        {"id": "nps", "column": "e", "type": "nps"},
    ],
    indices=[{"id": "life", "items": ["q1a"]}],
)  # fmt: skip
NOW = riverbend(
    questions=[
        {"id": "quality", "column": "q1", "type": "rating", "options": RATING, "positive": ["1", "2"]},
        {"id": "safety", "column": "q2", "type": "rating", "options": RATING, "positive": ["1", "2"]},
        {"id": "services", "column": "q3", "type": "multi", "at_most": 2, "options": {"a": "Parks", "b": "Library", "c": "Pool"}},
        {"id": "years", "column": "q4", "type": "numeric", "bounds": [0, 90], "bins": [0, 5, 20, 90]},
        {"id": "recommend", "column": "q5", "type": "nps"},
    ],
    indices=[{"id": "living", "items": ["quality"]}],
    trends={
        "quality": {"2023": "q1a"},
        "safety": {"2023": {"question": "q1b", "codes": {"A": "1", "B": "2", "C": "3", "D": "4", "E": "4", "X": "5"}}},
        "services": {"2023": {"question": "use", "codes": {"p": "a", "l": "b"}}},
        "years": {"2023": "lived"},
        "recommend": {"2023": "nps"},
        "living": {"2023": "life"},
    },
)  # fmt: skip
GROUPS = ("age", "district")


def released(survey: Survey, scale: float, seed: int, people: int = 800) -> tuple[Data, list[SummaryRow]]:
    attributes, rng = by_id(survey), np.random.default_rng(seed)
    data = simulate(attributes, people, rng)
    tables = [(n,) for n in attributes] + [(g, n) for n in attributes if n not in (*GROUPS, "tenure") for g in GROUPS]
    tables += [("age", "district")]
    plan, estimates = estimated(attributes, data, dict.fromkeys(tables, scale), tables, rng)
    return data, summarise(survey, policy(), plan, attributes, estimates)


def earlier_of(rows: list[SummaryRow], now: Survey = NOW) -> Mapping[tuple[str, str], EarlierTopline]:
    then = {a.id: a for a in instrument_of(THEN, tuple(by_id(THEN).values())).attributes}
    found: dict[tuple[str, str], EarlierTopline] = {}
    for name, waves in now.trends.items():
        for wave, declared in waves.items():
            figures = {
                (r.statistic, r.option, r.weighted): r for r in rows if r.subject == declared.question and not r.group
            }
            found[name, wave] = EarlierTopline("0" * 32, then[declared.question], figures)
    return found


def changes(
    scale: float, seed: int = 1, people: int = 800, now: Survey = NOW
) -> tuple[Data, Data, list[SummaryRow], list[SummaryRow], list[SummaryRow]]:
    """Data of both waves, rows of both, and the changes."""
    before, old = released(THEN, scale, seed, people)
    after, new = released(now, scale, seed + 1000, people)
    found = trend_rows(now, by_id(now), new, earlier_of(old, now), 10.0)
    return before, after, old, new, found


def one(rows: list[SummaryRow], subject: str, statistic: str, option: str | None = None, *, weighted: bool = False) -> SummaryRow:  # fmt: skip
    (row,) = [
        r
        for r in rows
        if (r.subject, r.statistic, r.option, r.weighted, r.group) == (subject, statistic, option, weighted, None)
    ]
    return row


def share(data: Data, name: str, chosen: list[int], base: int) -> float:
    counts = data[name].sum(axis=0)
    return 100 * counts[chosen].sum() / counts[:base].sum()


def test_at_vanishing_noise_changes_are_those_of_the_answers() -> None:
    before, after, _, _, found = changes(1e-6)

    def change(subject: str, statistic: str, option: str | None = None) -> float | None:
        return one(found, subject, f"{statistic}_change", option).value

    good = share(after, "quality", [0, 1], 4) - share(before, "q1a", [0, 1], 4)
    assert change("quality", "pct_positive") == pytest.approx(good)
    assert change("quality", "pct", "3") == pytest.approx(
        share(after, "quality", [2], 4) - share(before, "q1a", [2], 4)
    )
    # the old scale had five points, three of them favourable: today's definition counts
    assert change("safety", "pct_positive") == pytest.approx(
        share(after, "safety", [0, 1], 4) - share(before, "q1b", [0, 1], 5)
    )
    assert change("safety", "pct", "4") == pytest.approx(
        share(after, "safety", [3], 4) - share(before, "q1b", [3, 4], 5)
    )
    then, now = before["q1b"].sum(axis=0)[:5], after["safety"].sum(axis=0)[:4]
    assert change("safety", "mean") == pytest.approx(
        now @ [1, 2, 3, 4] / now.sum() - then @ [1, 2, 3, 4, 4] / then.sum()
    )
    ticked, ticking = after["services"], before["use"]
    for cell, option in enumerate("ab"):
        asked_now, asked_then = (d.shape[0] - d[:, 4:].sum() for d in (ticked, ticking))
        assert change("services", "pct", option) == pytest.approx(
            100 * ticked[:, cell].sum() / asked_now - 100 * ticking[:, cell].sum() / asked_then
        )
    assert not [r for r in found if (r.subject, r.option) == ("services", "c")], "the pool is new"
    new, old = after["years__mean"].sum(axis=0), before["lived__mean"].sum(axis=0)
    assert change("years", "mean") == pytest.approx(90 * new[0] / new[:2].sum() - 90 * old[0] / old[:2].sum())
    new, old = after["recommend"].sum(axis=0)[:11], before["nps"].sum(axis=0)[:11]
    nets = [100 * (x[9:].sum() - x[:7].sum()) / x.sum() for x in (new, old)]
    assert change("recommend", "nps") == pytest.approx(nets[0] - nets[1])
    new, old = after["living"].sum(axis=0), before["life"].sum(axis=0)
    assert change("living", "index") == pytest.approx(100 * new[0] / new[:2].sum() - 100 * old[0] / old[:2].sum())


@pytest.mark.parametrize("scale", [1.0, 9.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_margins_of_both_waves_add_in_quadrature(scale: float, weighted: bool) -> None:
    _, _, old, new, found = changes(scale)
    for subject, then, statistic in (
        ("quality", "q1a", "pct_positive"),
        ("years", "lived", "mean"),
        ("recommend", "nps", "nps"),
    ):
        row = one(found, subject, f"{statistic}_change", weighted=weighted)
        now, before = one(new, subject, statistic, weighted=weighted), one(old, then, statistic, weighted=weighted)
        assert row.compared_with == "2023"
        assert row.value == pytest.approx((now.value or 0) - (before.value or 0))
        assert row.sampling_moe == pytest.approx(hypot(now.sampling_moe or 0, before.sampling_moe or 0))
        assert row.noise_moe == pytest.approx(hypot(now.noise_moe or 0, before.noise_moe or 0))
        assert row.moe == pytest.approx(hypot(row.sampling_moe or 0, row.noise_moe or 0) + (row.bias_moe or 0))  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1e-6, 5.0, 40.0])
def test_a_figure_made_again_has_errors_that_were_enough(scale: float, weighted: bool) -> None:
    """Where the definition is the same, making it again gives the value and the sampling error that were released; noise
    is what holds however the shares' errors go together: with merged options that were all the favourable ones.
    """
    merged = NOW.model_copy(
        update={"trends": {"quality": {"2023": EarlierWave(question="q1a", codes={"1": "2"})}}}
    )  # fmt: skip
    _, _, old, new, found = changes(scale, now=merged)
    row = one(found, "quality", "pct_change", "2", weighted=weighted)
    now = one(new, "quality", "pct", "2", weighted=weighted)
    then = one(old, "q1a", "pct_positive", weighted=weighted)
    assert row.value == pytest.approx((now.value or 0) - (then.value or 0), abs=1e-6)
    assert row.sampling_moe == pytest.approx(hypot(now.sampling_moe or 0, then.sampling_moe or 0), rel=1e-3)
    least = hypot(now.noise_moe or 0, then.noise_moe or 0)
    assert least * 0.999 <= (row.noise_moe or 0) <= 3 * least + 1e-6
    positive = one(found, "quality", "pct_positive_change", weighted=weighted)
    assert positive.value == pytest.approx(
        (one(new, "quality", "pct_positive", weighted=weighted).value or 0) - (then.value or 0), abs=1e-6
    )


def test_noise_of_a_figure_made_again_is_a_bound() -> None:
    """Over many draws of noise on one set of answers, the spread of a merged share stays below what is published."""
    attributes, rng = by_id(THEN), np.random.default_rng(3)
    data = simulate(attributes, 700, rng)
    values, published = [], []
    merged = NOW.model_copy(update={"trends": {"safety": NOW.trends["safety"]}})
    for _ in range(60):
        plan, own = estimated(attributes, data, {("q1b",): 9.0}, [("q1b",)], rng)
        rows = summarise(THEN, policy(), plan, attributes, own)
        now = SummaryRow(
            "safety", "mean", None, None, None, "score", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e6, False, False, True, ""
        )  # fmt: skip
        (row,) = trend_rows(merged, by_id(NOW), [now], earlier_of(rows, merged), 100.0)
        values.append(row.value or 0.0)
        published.append(row.noise_moe or 0.0)
    assert 1.96 * np.std(values) <= np.mean(published)


def test_substantive_codes_without_a_counterpart_are_named() -> None:
    then = {a.id: a for a in instrument_of(THEN, tuple(by_id(THEN).values())).attributes}
    now = by_id(NOW)["safety"]
    assert unmapped(EarlierWave(question="q1b", codes={"A": "1", "B": "2", "C": "3"}), then["q1b"], now) == ["D", "E"]
    known = EarlierWave(question="q1b", codes={"A": "1", "B": "2", "C": "3", "D": "4", "E": "4", "X": "4"})
    assert unmapped(known, then["q1b"], now) == ["X"], "don't know was no answer"
    assert unmapped(NOW.trends["safety"]["2023"], then["q1b"], now) == []


def test_the_row_set_does_not_depend_on_the_answers() -> None:
    sets = [
        [(r.subject, r.statistic, r.option, r.weighted, r.compared_with) for r in changes(scale, seed, people)[4]]
        for scale, seed, people in ((1e-6, 1, 800), (1e8, 2, 40), (30.0, 3, 100))
    ]
    assert sets[0] == sets[1] == sets[2]
    assert len(set(sets[0])) == len(sets[0])


@pytest.mark.parametrize("scale", [1e-6, 50.0, 1e5])
def test_rows_are_sane(scale: float) -> None:
    for row in changes(scale)[4]:
        assert row.publishable == (row.reason == "") and row.significant in (True, False)
        assert not (row.significant and not row.publishable)
        if row.value is not None:
            assert row.low is not None and row.high is not None
            assert row.low <= row.value <= row.high


def test_discoveries_are_the_step_up_rule() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        p_values = np.concatenate([rng.random(12), rng.random(5) / 200]).tolist()
        ordered = np.sort(p_values)
        passed = [k for k in range(1, 18) if ordered[k - 1] <= 0.05 * k / 17]
        assert sum(discoveries(p_values)) == (max(passed) if passed else 0)
    assert discoveries([]) == []


@pytest.mark.statistical
def test_intervals_hold_no_change_where_there_is_none_and_few_are_called_significant() -> None:
    """Both waves ask the same people-generating city: `simulate` draws its answer weights by seed, so one is shared."""
    hits: list[bool] = []
    false = families = 0
    before, _ = released(THEN, 6.0, 5, 900)
    rows = {name: before[then] for name, then in (("quality", "q1a"), ("years", "lived"), ("recommend", "nps"))}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        survey = NOW.model_copy(update={"trends": {k: v for k, v in NOW.trends.items() if k in rows}})
        attributes = by_id(survey)
        sampled = [rng.integers(0, 900, 900) for _ in range(2)]
        found = []
        for again in sampled:
            data = {name: cells[again] for name, cells in rows.items()}
            data["years__mean"] = before["lived__mean"][again]
            tables = [(name,) for name in data]
            plan, own = estimated(attributes, data, dict.fromkeys(tables, 6.0), tables, rng)
            found.append((own, summarise(survey, policy(), plan, attributes, own)))
        then_rows = [
            SummaryRow(**{**vars(r), "subject": survey.trends[r.subject]["2023"].question})
            for r in found[0][1]
            if r.subject in rows
        ]
        earlier = earlier_of(then_rows, survey)
        for row in trend_rows(survey, attributes, found[1][1], earlier, 100.0):
            assert row.low is not None and row.high is not None
            hits.append(row.low <= 0 <= row.high)
            false += bool(row.significant)
        families += 1
    assert 0.93 <= np.mean(hits) <= 0.99, np.mean(hits)
    assert false <= 0.1 * families, (false, families)
