"""The faults a user can meet: what is wrong, where, what to do, and the exit code of each kind (DESIGN, exit codes).

A fault never carries a respondent's value: `what`, `where` and `do` are written by us from declared names, line
numbers and file names only.
"""

from typing import ClassVar


class Fault(Exception):
    """Base of every expected failure. One line: what is wrong, where, what to do.

    Args:
        code: stable machine name of the fault, such as `column_missing`.
        what: what is wrong, without a final full stop.
        where: file, line or field; empty where there is none.
        do: what the user can do about it.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, code: str, what: str, *, where: str = "", do: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.what = what
        self.where = where
        self.do = do

    def line(self) -> str:
        """The single line shown to a person."""
        place = f"{self.where}: " if self.where else ""
        advice = f". {self.do}" if self.do else ""
        return f"{place}{self.what}{advice}".replace("\n", " ")

    def __str__(self) -> str:
        return self.line()

    def as_dict(self) -> dict[str, str | int]:
        """The same, for `--json`."""
        return {"error": self.code, "what": self.what, "where": self.where, "do": self.do, "exit_code": self.exit_code}


class UsageFault(Fault):
    """A command was called wrongly."""

    exit_code = 2


class DeclarationFault(Fault):
    """survey.yaml or policy.yaml is wrong; `where` is `file:line: field`."""

    exit_code = 3


class InputRefused(Fault):
    """A source or contact file cannot be taken: header, encoding, format or digest."""

    exit_code = 4


class ZoneFault(Fault):
    """A key or the zone itself: missing, wrong, damaged, locked."""

    exit_code = 5


class BudgetRefused(Fault):
    """A cap, an approval or a freeze forbids the charge."""

    exit_code = 6


class IntegrityFault(Fault):
    """The ledger or a release was tampered with, is damaged or is behind a witness."""

    exit_code = 7


class InternalFault(Fault):
    """A fault of ours. Shows a code and nothing else."""

    exit_code = 70


FAULT_KINDS: dict[str, type[Fault]] = {
    kind.__name__: kind
    for kind in (UsageFault, DeclarationFault, InputRefused, ZoneFault, BudgetRefused, IntegrityFault, InternalFault)
}
