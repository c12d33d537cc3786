# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The analyst's app: questions, groups and waves of released files, with what may be concluded. Logic: pipelines.exploring."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="hearsafe: explore releases", css_file="notebook.css")


@app.cell
def _():
    from pathlib import Path

    import marimo as mo

    from pipelines.exploring import charts
    from pipelines.exploring.conclusions import may_be_concluded, may_not_be_concluded
    from pipelines.exploring.releases import found_releases, groupings, opened, options, selected, statistics, subjects
    from pipelines.tuning.words import attempt, markdown_table

    return (
        Path, attempt, charts, found_releases, groupings, markdown_table, may_be_concluded, may_not_be_concluded, mo,
        opened, options, selected, statistics, subjects,
    )  # fmt: skip


@app.cell
def _(Path, mo):
    place = Path(mo.cli_args().get("releases") or "hearsafe-workspace")
    return (place,)


@app.cell
def _(attempt, found_releases, mo, opened, place):
    _tried = [attempt(lambda folder=folder: opened(folder)) for folder in found_releases(place)]
    every = {release.name: release for release, _ in _tried if release is not None}
    refused = [fault for _, fault in _tried if fault]
    mo.stop(not every, mo.md(f"# No release here\n\nName a release folder or a workspace: `-- --releases FOLDER`. {' '.join(refused)}"))
    waves = mo.ui.multiselect(list(every), value=list(every)[-1:], label="Waves", full_width=True)
    return every, refused, waves


@app.cell
def _(every, mo, subjects, waves):
    releases = [every[name] for name in waves.value]
    mo.stop(not releases, mo.vstack([waves, mo.md("Choose at least one wave.")]))
    _subjects = subjects(releases)
    subject = mo.ui.dropdown(_subjects, value=next(iter(_subjects)), label="Question", searchable=True, full_width=True)
    return releases, subject


@app.cell
def _(groupings, mo, options, releases, statistics, subject):
    _statistics = statistics(releases, subject.value)
    statistic = mo.ui.dropdown(_statistics, value=next(iter(_statistics)), label="Statistic")
    _groups = {"everybody together": None} | groupings(releases, subject.value)
    group = mo.ui.dropdown(_groups, value=next(iter(_groups)), label="By")
    _options = options(releases, subject.value)
    option = mo.ui.dropdown(_options, value=next(iter(_options), None), label="Answer (for shares)")
    return group, option, statistic


@app.cell
def _(group, option, releases, selected, statistic, subject):
    rows = selected(releases, subject.value, statistic.value, group.value, option.value)
    return (rows,)


@app.cell
def _(charts, group, may_be_concluded, may_not_be_concluded, mo, option, refused, releases, rows, statistic, subject, waves):
    _known = [row for row in rows if row.value is not None and row.reason not in ("no_information", "undefined")]
    _by_answer = group.value is not None and any(row.option is not None for row in rows)
    _picture = (
        mo.ui.altair_chart(charts.figure_chart(rows), chart_selection=False, legend_selection=False)
        if _known else mo.md("**Nothing is known here beyond the overall result.**")
    )
    mo.Html("<main>" + mo.vstack(
        [
            mo.md("# Explore releases\n\nEvery figure is read from signed, released files. Dots are estimates, whiskers their "
                  "95 % margins: sampling, privacy noise and shrinkage together. Pale ones are not precise enough to quote."),
            mo.callout(mo.md("Not opened: " + "; ".join(refused)), kind="warn") if refused else mo.md(""),
            waves,
            subject,
            mo.hstack([statistic, group, option] if _by_answer else [statistic, group], justify="start", wrap=True),
            _picture,
            mo.md("## What may be concluded\n\n" + "\n".join(f"- {line}" for line in may_be_concluded(rows))),
            mo.md("## What may not\n\n" + "\n".join(f"- {line}" for line in may_not_be_concluded(rows))),
            mo.accordion({"Where the margins come from": mo.ui.altair_chart(
                charts.parts_chart(rows), chart_selection=False, legend_selection=False)}) if _known else mo.md(""),
            mo.md("Signed by " + ", ".join(sorted({f"`{release.fingerprint[:16]}`" for release in releases}))
                  + ": compare it with what the survey's owner publishes."),
        ],
        gap=1,
    ).text + "</main>")  # fmt: skip
    return


if __name__ == "__main__":
    app.run()
