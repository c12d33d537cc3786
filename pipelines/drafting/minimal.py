"""The draft without an export: one question of each common kind, to be replaced by those of the questionnaire."""

from pipelines.drafting.codebook import choices_in
from pipelines.drafting.draft import Draft, Item
from pipelines.drafting.export import Export
from pipelines.drafting.survey_text import OPEN

_RATING = choices_in("1 = Excellent | 2 = Good | 3 = Fair | 4 = Poor | 5 = Don't know")
_SERVICES = choices_in("library = Library | parks = Parks | bus = Buses")
_DISTRICTS = choices_in("N = North | S = South")


def minimal_draft() -> Draft:
    """An example to write over."""
    exports: tuple[Export, ...] = ()
    return Draft(
        exports=exports,
        groups=(
            Item("district", "choice", "District", text="District", options=_DISTRICTS, note=f"{OPEN} an example"),
        ),
        questions=(
            Item(
                "quality_of_life",
                "rating",
                "Q1",
                text="Overall quality of life",
                options=_RATING,
                positive=("1", "2"),
                note=f"{OPEN} an example, like the others",
            ),
            Item("services_used", "multi", "Q2", text="Services used", options=_SERVICES, separator=","),
            Item("years_here", "numeric", "Q3", text="Years lived here", bounds=(0, 90)),
            Item("recommend", "nps", "Q4", text="Would recommend living here"),
        ),
        indices={},
        drop=("First Name", "Last Name"),
        keys=(("Email", "email"),),
        is_key_declared=False,
        response_ids=(),
        left_out=(),
        twice=(),
    )
