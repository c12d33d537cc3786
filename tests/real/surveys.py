"""The real surveys: which files each declaration reads, as `examples/` declares them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

_SOMERVILLE = "somerville_ma_2011_2017/happiness_2011_2013_2015.csv"


@dataclass(frozen=True)
class RealSurvey:
    """A folder of `examples/`, its raw files by source, and how many responses the publisher says they hold."""

    name: str
    files: tuple[tuple[str, str], ...]
    responses: int

    @property
    def folder(self) -> Path:
        return EXAMPLES / self.name

    def paths(self, shared_data: Path) -> list[tuple[str, Path]]:
        return [(source, shared_data / file) for source, file in self.files]

    def sources(self, shared_data: Path) -> list[str]:
        """The `--source` arguments of the command."""
        return [part for source, path in self.paths(shared_data) for part in ("--source", f"{source}={path}")]


BLOOMINGTON = RealSurvey("bloomington-2017", (("mail", "bloomington_in_2017/community_survey_2017.csv"),), 595)
SOMERVILLE_2011 = RealSurvey("somerville-2011", (("portal", _SOMERVILLE),), 6167)
SOMERVILLE_2013 = RealSurvey("somerville-2013", (("portal", _SOMERVILLE),), 193)
SOMERVILLE_2015 = RealSurvey("somerville-2015", (("portal", _SOMERVILLE),), 185)
SOMERVILLE_2017 = RealSurvey("somerville-2017", (("portal", "somerville_ma_2011_2017/happiness_2017.csv"),), 835)
TAMPA_BAY = RealSurvey(
    "tampa-bay-2024",
    (
        ("web", "tampa_bay_fl_2024/public_web.csv"),
        ("innetwork", "tampa_bay_fl_2024/innetwork.csv"),
        ("mail", "tampa_bay_fl_2024/public_mail.csv"),
    ),
    1072 + 198 + 68,
)
"""One of the 199 in-network rows is a preview; in the mail file previews are keyed paper forms."""

SURVEYS = (BLOOMINGTON, SOMERVILLE_2011, SOMERVILLE_2013, SOMERVILLE_2015, SOMERVILLE_2017, TAMPA_BAY)


def each(*surveys: RealSurvey) -> list[Any]:
    """Parameters of a test over surveys; all tests of one survey run in one process, which releases it once."""
    return [pytest.param(s, id=s.name, marks=pytest.mark.xdist_group(f"real-{s.name}")) for s in surveys]
