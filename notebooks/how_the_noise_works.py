# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""How the noise works, to turn and see: real draws over an invented question. Logic: pipelines.exploring.lesson."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="hearsafe: how the noise works", css_file="notebook.css")


@app.cell
def _():
    import marimo as mo

    from pipelines.exploring import charts
    from pipelines.exploring.lesson import INVENTED, draws, group_margins, law_of, worlds

    return INVENTED, charts, draws, group_margins, law_of, mo, worlds


@app.cell
def _(mo):
    epsilon = mo.ui.slider(steps=[0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8], value=0.5, show_value=True, label="Privacy loss ε")
    family = mo.ui.radio(["laplace", "gaussian"], value="gaussian", label="Noise", inline=True)
    times = mo.ui.slider(1, 40, value=12, show_value=True, label="Number of draws")
    again = mo.ui.button(label="Draw again", value=0, on_click=lambda count: count + 1)
    return again, epsilon, family, times


@app.cell
def _(epsilon, family, law_of):
    law = law_of(family.value, float(epsilon.value), 1e-6)
    return (law,)


@app.cell
def _(again, draws, law, times):
    again.value
    drawn = draws(law, int(times.value))
    return (drawn,)


@app.cell
def _(INVENTED, law, worlds):
    two = worlds(law, INVENTED["Poor"])
    return (two,)


@app.cell
def _(again, charts, drawn, epsilon, family, group_margins, law, mo, times, two):
    def _chart(chart):
        return mo.ui.altair_chart(chart, chart_selection=False, legend_selection=False)

    mo.Html("<main>" + mo.vstack(
        [
            mo.md("# How the noise works\n\nEight hundred invented residents answered one question. Before a count is published, a random "
                  "whole number is added to it. Turn the loss, and draw."),
            epsilon, family, times, again,
            mo.md(f"## What is published\n\nBars are the invented truth; each dot is a count that could have been published. The "
                  f"noise has a standard deviation of **{law.sd:.1f} people**, whether 23 or 407 answered so. Negative counts can "
                  "come out, and are kept: cutting them off would bend every sum."),
            _chart(charts.draws_chart(drawn)),
            mo.md("## With you and without you\n\nHere are the chances of each published number for the smallest answer, if you are among "
                  f"those who gave it, and if you are not. No published number favours one of the two by more than "
                  f"**{two.most:.2f} to 1** in this picture. That is the promise: whoever reads the result learns almost the same either way."),
            _chart(charts.worlds_chart(two)),
            mo.md("## Why small groups are hard\n\nThe noise of a count is the same in a small group and a large one, so as a share of the group it "
                  "grows much faster than sampling error does. Below the crossing, privacy is what limits the answer; above, the "
                  "number of people is."),
            _chart(charts.margins_chart(group_margins(law))),
            mo.md("## Why hiding small cells is not enough\n\nPublish 212 in the city and 190 outside the centre, and the hidden 22 in the centre "
                  "follow by subtraction. With noise on every count the difference carries noise too, and no amount of arithmetic "
                  "removes it. What does add up is the loss: each release spends more of a fixed total, and the ledger counts it."),
        ],
        gap=1,
    ).text + "</main>")  # fmt: skip
    return


if __name__ == "__main__":
    app.run()
