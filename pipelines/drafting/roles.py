"""What names and labels say about themselves: who answered, open text, groups, scales, answers without an opinion."""

import re

from schemas.questions import OptionRole

_WORD_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+")


def _any_of(patterns: str, ending: str = r"\b") -> re.Pattern[str]:
    """One expression for whole words; the parts stand one after the other, separated by `;`."""
    parts = [part.strip() for part in patterns.replace("\n", " ").split(";") if part.strip()]
    return re.compile(rf"\b(?:{'|'.join(parts)}){ending}")


_IDENTITY = _any_of("""
    e ?mail; phone; telephone; mobile; cell ?phone number; first ?name; last ?name; full ?name; surname; family ?name;
    your name; user ?name; ip; ip ?address; ip ?addr; street; home address; mailing address; postal address; latitude;
    longitude; gps; geo ?point; birth ?date; date of birth; dob; ssn; passport; licen[cs]e number; account number;
    voter id; respondent id; response id; resp id; device id; submitter id; panel id; external reference; token;
    access code
""")
_WHOLE_IDENTITY = frozenset(
    "name,address,id,uuid,guid,phone,email,x,y,login,rid,pid,combined id,kantarid,respid,caseid,panelid".split(",")
)
_ASKING = re.compile(r"^(what is|please enter|enter|please give us|please provide) |\b(your|the|respondent) | number$")
_ABOUT_YOU = re.compile(r"\b(you|your|do you|household)\b")
_DESIGN = frozenset("wt,weight,weights,wgt,final weight,mode".split(","))
_TIME = _any_of(
    "submitted; received; completed; recorded; timestamp; submit ?date; (?:end|response|completion) (?:date|time)"
)
_OPEN_TEXT = _any_of(r"""
    verbatim; verb; [a-z]*[0-9]+verb; comments?; specify; open ended; open end; free text; explain; describe why;
    suggestions?; feedback; tell us; other text; text$
""")
_GROUP = _any_of("""
    age; ages; gender; sex; race; ethnicity; ethnic; hispanic; income; hh ?income; education; district; ward; precinct;
    council area; neighbou?rhood do you live; zip; zip ?code; post ?code; tenure; rent or own; own or rent; own;
    ownership; housing status; marital; employment; occupation; household size; live in the city;
    how long have you lived; years in; years lived; years resident; length of residence; language
""")
_KEY = {
    "email": _any_of("e ?mail; e ?mail address"),
    "code": _any_of("token; access code; invitation code; voter id; account number"),
    "phone": _any_of("phone; telephone; mobile; phone number"),
}
_RESPONSE = re.compile(r"\b(id|uuid|guid|key|object ?id|global ?id|instance id|record)$")
_SCALE = _any_of(
    """
    excellent; poor; fair; good; satisf; dissatisf; agree; disagree; likely; unlikely; safe; unsafe; important;
    essential; support; oppose; often; never; always; sometimes; priority; concern; problem; challenge; source; true;
    better; worse; more than; less than; too
    """,
    r"\w*",
)
_POSITIVE = re.compile(
    r"((very|somewhat|strongly|extremely|completely|mostly|quite) )?"
    r"(excellent|good|satisfied|agree|likely|safe|important|essential|support|favou?rable|true)"
)
_ROLES = (
    (OptionRole.NO_OPINION, re.compile(r"\b(don.?t know|do not know|not sure|unsure|no opinion|undecided|can.?t say)")),
    (OptionRole.NOT_APPLICABLE, re.compile(r"\b(not applicable|does not apply|do(es)? not use)\b|^n/?a$")),
    (OptionRole.REFUSED, re.compile(r"\b(refused|prefer not|decline[sd]? to|rather not)\b")),
)  # fmt: skip


def words(name: str) -> str:
    """A column name or label as lower-case words.

    >>> words("RecipientEmail"), words("HHINCOME"), words("Q2_6_TEXT")
    ('recipient email', 'hhincome', 'q2 6 text')
    """
    return " ".join(part for part in _WORD_BREAK.split(name) if part).lower()


def is_identity(name: str, label: str = "") -> bool:
    """Whether a column looks as if it said who answered."""
    spoken = words(name)
    if spoken in _WHOLE_IDENTITY or (" " not in name.strip() and _IDENTITY.search(spoken)):
        return True
    asked = _ASKING.sub("", words(label or name))
    return asked in _WHOLE_IDENTITY or _IDENTITY.fullmatch(asked) is not None


def is_open_text(name: str, label: str = "") -> bool:
    """Whether a column looks as if it held what people wrote."""
    return any(_OPEN_TEXT.search(words(text)) for text in (name, label))


def is_design(name: str) -> bool:
    """Whether a column is of the survey's design: a weight, the mode. No weight is ever read."""
    return words(name) in _DESIGN


def is_time(name: str) -> bool:
    """Whether a column seems to hold when a response was given."""
    return _TIME.search(words(name)) is not None


def is_group(name: str, label: str = "") -> bool:
    """Whether a column looks like a demographic."""
    spoken = words(name).replace("hhincome", "income")
    if " " not in name.strip() and _GROUP.search(spoken):
        return True
    asked = words(label or name)
    return _GROUP.fullmatch(asked) is not None or bool(_ABOUT_YOU.search(asked) and _GROUP.search(asked))


def key_normalisation(name: str) -> str | None:
    """How a resident key of this name is normalised; None for a name that is no key."""
    spoken = words(name)
    return next((kind for kind, pattern in _KEY.items() if pattern.search(spoken)), None)


def numbers_responses(name: str) -> bool:
    """Whether a column seems to number responses: it tells two of them apart, and not whose they are."""
    return bool(_RESPONSE.search(words(name)))


def role_of(label: str) -> OptionRole:
    """The role of an answer option by its label."""
    spoken = label.lower().replace("\u2019", "'")
    return next((role for role, pattern in _ROLES if pattern.search(spoken)), OptionRole.SUBSTANTIVE)


def is_scale(labels: list[str]) -> bool:
    """Whether options look like points of an ordered scale: most speak of degrees, or are numbers."""
    asked = [label for label in labels if role_of(label) is OptionRole.SUBSTANTIVE]
    degrees = sum(bool(_SCALE.search(label.lower())) or label.strip().isdigit() for label in asked)
    return len(asked) >= 3 and 2 * degrees >= len(asked)


def is_positive(label: str) -> bool:
    """Whether an option is favourable beyond doubt."""
    return _POSITIVE.fullmatch(label.strip().lower()) is not None
