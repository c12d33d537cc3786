"""How a chart stands in an app: with words for those who do not see it, and without a menu of the charting library.

Colours are mid-tones: at least 3:1 on the light and on the dark page alike.
"""

from typing import Any

BLUE, GREY, ORANGE, GREEN, VIOLET = "#2e7aa8", "#7d8791", "#b8641f", "#2e8b57", "#9b5fc0"


def embedded(chart: Any, words: str) -> Any:
    """The Altair chart as wide as its place; `words` say what it shows, for a screen reader."""
    return chart.properties(width="container", description=words, usermeta={"embedOptions": {"actions": False}})
