# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The privacy officer's app: what a policy costs and lets us know, before anything is spent. Logic: pipelines.tuning."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="hearsafe: tune a budget", css_file="notebook.css")


@app.cell
def _():
    from dataclasses import replace
    from pathlib import Path

    import marimo as mo

    from pipelines.tuning import charts, words
    from pipelines.tuning.account import costs, declared, ledger_state, odds_words, sign, standing
    from pipelines.tuning.forecasts import KINDS, moved, table_forecasts
    from pipelines.tuning.knobs import EMPHASES, Knobs, knobs_of, turned
    from pipelines.tuning.places import candidates, crosstab_choices, in_order, policies, steps_with
    from pipelines.tuning.request import write_request
    from pipelines.tuning.save import changes, save_policy, seen
    from pipelines.tuning.trade_offs import epsilon_for, priority_cost, trial_plan

    return (
        EMPHASES, KINDS, Knobs, Path, candidates, changes, charts, costs, crosstab_choices, declared, epsilon_for, in_order,
        knobs_of, ledger_state, mo, moved, odds_words, policies, priority_cost, replace, save_policy, seen, sign,
        standing, steps_with, table_forecasts, trial_plan, turned, words, write_request,
    )  # fmt: skip


@app.cell
def _(Path, mo):
    _places = mo.cli_args()
    start = Path(_places.get("dir") or ".")
    workspace = Path(_places.get("workspace") or "hearsafe-workspace")
    named_policy = _places.get("policy")
    witness = Path(_places.get("witness")) if _places.get("witness") else None
    return named_policy, start, witness, workspace


@app.cell
def _(mo):
    revision, set_revision = mo.state(0)
    said, set_said = mo.state("")
    return revision, said, set_revision, set_said


@app.cell
def _(candidates, mo, start):
    survey_choice = mo.ui.dropdown(candidates(start), value=str(start), label="Survey")
    return (survey_choice,)


@app.cell
def _(Path, mo, named_policy, policies, survey_choice):
    directory = Path(survey_choice.value)
    found_policies = policies(directory, named_policy)
    policy_choice = mo.ui.dropdown(found_policies, value=next(iter(found_policies), None), label="Policy")
    return directory, policy_choice


@app.cell
def _(Path, declared, directory, mo, policy_choice, revision, seen, witness, words, workspace):
    revision()
    policy_file = Path(policy_choice.value) if policy_choice.value else directory / "policy.yaml"
    declarations, _fault = words.attempt(lambda: declared(directory, policy_file, workspace, witness))
    digest_seen = seen(policy_file) if declarations else ""
    _stop = mo.callout(mo.md(f"**These declarations cannot be used.** {_fault}"), kind="danger") if _fault else None
    mo.stop(declarations is None, mo.vstack([policy_choice, _stop]))
    survey, on_disk, attributes = declarations.survey, declarations.policy, declarations.attributes
    return attributes, declarations, digest_seen, on_disk, policy_file, survey


@app.cell
def _(EMPHASES, attributes, crosstab_choices, knobs_of, mo, on_disk, steps_with):
    held = knobs_of(on_disk)
    _loss = [0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]
    _rho = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]
    _families = ["gaussian"] if held.currency == "rho" else ["auto", "gaussian", "laplace"]
    spend = mo.ui.slider(
        steps=steps_with(_loss if held.currency == "epsilon" else _rho, held.spend), value=held.spend, show_value=True,
        label="Loss of one release (ε)" if held.currency == "epsilon" else "Loss of one release (ρ)", full_width=True,
    )  # fmt: skip
    delta = mo.ui.dropdown(
        {f"{value:g}": value for value in steps_with([1e-9, 1e-8, 1e-7, 1e-6, 1e-5], held.delta)},
        value=f"{held.delta:g}", label="δ",
    )  # fmt: skip
    noise = mo.ui.radio(_families, value=held.noise, label="Noise", inline=True)
    margin = mo.ui.slider(
        steps=steps_with([2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20], held.publish_margin_points),
        value=held.publish_margin_points, show_value=True, label="Widest margin to publish (points)", full_width=True,
    )  # fmt: skip
    base = mo.ui.slider(
        steps=steps_with([0, 10, 20, 30, 40, 50, 75, 100, 150, 200], held.min_expected_base),
        value=held.min_expected_base, show_value=True, label="Smallest base to publish (people)", full_width=True,
    )  # fmt: skip
    emphasis = mo.ui.array(
        [
            mo.ui.slider(
                steps=steps_with([0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20], held.emphasis[kind]),
                value=held.emphasis[kind], show_value=True, label=kind, full_width=True,
            )
            for kind in EMPHASES
        ]
    )  # fmt: skip
    _pairs = crosstab_choices(attributes, held.priority)
    priority = mo.ui.multiselect(
        _pairs, value=[name for name, pair in _pairs.items() if pair in held.priority],
        label="Priority crosstabs", full_width=True,
    )  # fmt: skip
    others = mo.ui.radio(["forecast", "all", "none"], value=held.others, label="Other crosstabs", inline=True)
    return base, delta, emphasis, held, margin, noise, others, priority, spend


@app.cell
def _(EMPHASES, Knobs, base, delta, emphasis, held, in_order, margin, noise, others, priority, spend):
    knobs = Knobs(
        currency=held.currency,
        spend=float(spend.value),
        delta=float(delta.value),
        noise=noise.value,
        emphasis=dict(zip(EMPHASES, map(float, emphasis.value), strict=True)),
        priority=in_order(priority.value, held.priority),
        others=others.value,
        publish_margin_points=float(margin.value),
        min_expected_base=int(base.value),
    )
    return (knobs,)


@app.cell
def _(attributes, changes, declarations, knobs, on_disk, survey, table_forecasts, trial_plan, turned, words):
    policy, knob_fault = words.attempt(lambda: turned(on_disk, knobs))
    plan, plan_fault = words.attempt(lambda: trial_plan(survey, declarations.for_planning(policy))) if policy else (None, knob_fault)
    forecasts = table_forecasts(plan, policy, attributes) if plan else ()
    disk_plan, _ = words.attempt(lambda: trial_plan(survey, declarations.for_planning()))
    disk_forecasts = table_forecasts(disk_plan, on_disk, attributes) if disk_plan else ()
    different = changes(on_disk, policy) if policy else ()
    return different, disk_forecasts, forecasts, plan, plan_fault, policy


@app.cell
def _(ledger_state, revision, witness, words, workspace):
    revision()
    state, ledger_fault = words.attempt(lambda: ledger_state(workspace, witness))
    return ledger_fault, state


@app.cell
def _(costs, plan, policy, state):
    scopes = costs(state, plan, policy) if plan and state else ()
    return (scopes,)


@app.cell
def _(KINDS, forecasts, mo):
    _kinds = {KINDS[kind]: kind for kind in KINDS if any(row.kind == kind for row in forecasts)}
    kind_shown = mo.ui.dropdown(_kinds, value=next(iter(_kinds), None), label="Chart of")
    return (kind_shown,)


@app.cell
def _(charts, forecasts, kind_shown, margin, mo, plan, plan_fault, words):
    if plan is None:
        forecast_view = mo.callout(mo.md(f"**This policy makes no plan.** {plan_fault}"), kind="danger")
    else:
        _rows = [row for row in forecasts if row.kind == kind_shown.value]
        _some = f"The {charts.MOST_ROWS} narrowest of {len(_rows)} tables." if len(_rows) > charts.MOST_ROWS else ""
        forecast_view = mo.vstack(
            [
                mo.md("## What would become known"),
                mo.md(words.markdown_table(words.verdict_rows(forecasts))),
                mo.accordion({"What the verdicts mean": mo.md(words.verdict_legend())}),
                kind_shown,
                mo.ui.altair_chart(charts.margin_chart(_rows, float(margin.value)), chart_selection=False,
                                   legend_selection=False),
                mo.md(f"Bars run from mild to harsh public assumptions, dots are the noise alone, the dashed line is "
                      f"the limit of the policy. {_some}"),
                mo.accordion({"Every table": mo.ui.table(words.forecast_rows(forecasts), selection=None, page_size=15,
                                                         show_column_summaries=False, show_data_types=False)}),
            ]
        )  # fmt: skip
    return (forecast_view,)


@app.cell
def _(charts, ledger_fault, mo, odds_words, plan, scopes, state, words):
    if plan is None or state is None:
        cost_view = mo.md(f"**The ledger cannot be read.** {ledger_fault}" if state is None else "")
    else:
        cost_view = mo.vstack(
            [
                mo.md("## What it costs"),
                mo.md(words.cost_line(plan)),
                mo.md(words.markdown_table(words.cost_rows(scopes))),
                mo.ui.altair_chart(charts.cost_chart(scopes), chart_selection=False, legend_selection=False),
                mo.md("\n".join(f"- {sentence}" for sentence in odds_words(state, plan))),
            ]
        )  # fmt: skip
    return (cost_view,)


@app.cell
def _(attributes, crosstab_choices, forecasts, knobs, mo):
    _silent = {row.id for row in forecasts if row.verdict == "nothing known"}
    _open = {
        name: pair for name, pair in crosstab_choices(attributes, ()).items()
        if pair not in knobs.priority and pair[::-1] not in knobs.priority
    }  # fmt: skip
    _known_nothing = {name: pair for name, pair in _open.items() if "*".join(pair[::-1]) in _silent}
    one_more = mo.ui.dropdown(_known_nothing or _open, label="Make one of them a priority", full_width=True)
    silent_count = len(_silent)
    return one_more, silent_count


@app.cell
def _(attributes, declarations, mo, one_more, plan, policy, priority_cost, silent_count, survey, words):
    if one_more.value is None or plan is None:
        _answer = mo.md("Choose one to see what it would buy, and what the others would pay.")
    else:
        _cost, _fault = words.attempt(lambda: priority_cost(survey, declarations.for_planning(policy), attributes, one_more.value))
        _answer = mo.md(words.priority_words(_cost) if _cost else _fault)
    priority_view = mo.vstack(
        [mo.md(f"## Crosstabs that would know nothing: {silent_count}"), one_more, _answer]
    )  # fmt: skip
    return (priority_view,)


@app.cell
def _(forecasts, mo):
    _tables = {row.label: row.id for row in forecasts}
    wanted_table = mo.ui.dropdown(_tables, value=next(iter(_tables), None), label="Table", full_width=True)
    wanted_points = mo.ui.number(start=0.5, stop=50, step=0.5, value=5, label="Margin wanted (points)")
    ask = mo.ui.run_button(label="How much loss does it need?")
    return ask, wanted_points, wanted_table


@app.cell
def _(ask, declarations, epsilon_for, mo, policy, survey, wanted_points, wanted_table, words):
    _answer = mo.md("The other way round: say what must be known, and see what it costs.")
    if ask.value and policy is not None and wanted_table.value:
        _needed, _fault = words.attempt(
            lambda: epsilon_for(survey, declarations.for_planning(policy), wanted_table.value, float(wanted_points.value))
        )
        _answer = mo.md(words.needed_words(_needed, float(wanted_points.value)) if _needed else _fault)
    inverse_view = mo.vstack([mo.md("## What a margin needs"), wanted_table, mo.hstack([wanted_points, ask], wrap=True), _answer])
    return (inverse_view,)


@app.cell
def _(different, mo):
    save = mo.ui.run_button(label="Save policy.yaml", kind="success", disabled=not different)
    officer_key = mo.ui.text(label="Officer's key file", full_width=True)
    request = mo.ui.run_button(label="Write a request for approval", disabled=bool(different))
    approve = mo.ui.run_button(label="Sign the plan", kind="warn", disabled=bool(different))
    return approve, officer_key, request, save


@app.cell
def _(different, disk_forecasts, forecasts, mo, moved, words):
    change_view = mo.vstack(
        [
            mo.md("## Different from the policy on disk"),
            mo.md(words.markdown_table(words.change_rows(different)) if different else "Nothing is different."),
            mo.md(words.moved_words(moved(disk_forecasts, forecasts))) if different else mo.md(""),
        ]
    )  # fmt: skip
    return (change_view,)


@app.cell
def _(digest_seen, directory, on_disk, policy, policy_file, save, save_policy, set_revision, set_said, words):
    if save.value and policy is not None:
        _, _fault = words.attempt(lambda: save_policy(policy_file, on_disk, policy, digest_seen, directory))
        set_said(_fault or f"Saved {policy_file}")
        set_revision(lambda number: number + 1)
    return


@app.cell
def _(Path, approve, declarations, officer_key, set_revision, set_said, sign, witness, words, workspace):
    if approve.value and officer_key.value:
        _done, _fault = words.attempt(lambda: sign(workspace, declarations, Path(officer_key.value), witness))
        set_said(_fault or _done)
        set_revision(lambda number: number + 1)
    elif approve.value:
        set_said("Name the officer's key file first")
    return


@app.cell
def _(declarations, request, scopes, set_said, words, workspace, write_request):
    if request.value:
        _path, _fault = words.attempt(lambda: write_request(declarations, scopes, workspace))
        set_said(_fault or f"Wrote {_path}: give it to an officer")
    return


@app.cell
def _(approve, declarations, different, mo, officer_key, request, said, save, standing, state, words):
    _standing, _fault = words.attempt(lambda: standing(state, declarations)) if state else (None, "")
    approval_view = mo.vstack(
        [
            mo.md("## Save, request, sign"),
            mo.md(words.standing_words(_standing, unsaved=bool(different)) if _standing else _fault),
            mo.hstack([save, request], justify="start", wrap=True),
            officer_key,
            approve,
            mo.callout(mo.md(said()), kind="info") if said() else mo.md(""),
        ]
    )
    return (approval_view,)


@app.cell
def _(base, delta, emphasis, margin, mo, noise, others, policy_choice, priority, spend, survey_choice):
    controls = mo.vstack(
        [
            survey_choice,
            policy_choice,
            mo.md("## Turn"),
            spend,
            delta,
            noise,
            margin,
            base,
            priority,
            others,
            mo.md("**Importance of each kind of table** (1 leaves it as the planner has it)"),
            *emphasis.elements,
        ]
    )
    return (controls,)


@app.cell
def _(approval_view, controls, mo):
    mo.sidebar(mo.vstack([controls, approval_view], gap=1.5), width="25rem")
    return


@app.cell
def _(change_view, cost_view, forecast_view, inverse_view, mo, priority_view, survey, words):
    _page = mo.vstack(
        [
            mo.md(
                f"# Tune the budget of {words.shown_text(survey.title)}, wave {survey.wave.id}\n\nNothing here is spent, and no answer is "
                "read: every number comes from the declarations and the ledger."
            ),
            cost_view,
            forecast_view,
            priority_view,
            inverse_view,
            change_view,
        ],
        gap=1.5,
    )
    mo.Html(f"<main>{_page.text}</main>")
    return


if __name__ == "__main__":
    app.run()
