"""Open comments, coded by a public dictionary: which themes a comment mentions, at most `at_most` of them.

Plain words only, no patterns of the user's that could run for ever: the work is linear in the comment, and comments are
read up to a bound. Neither the text nor any word of it is kept.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from pipelines.intake.cells import MissingMap, missing_cells
from pipelines.intake.lookup import text_of
from pipelines.intake.multi import MultiCells
from pipelines.intake.records import Records
from pipelines.intake.values import trim
from schemas.attributes import Attribute
from schemas.questions import ThemesQuestion
from schemas.themes import words_of

LONGEST_READ = 20_000
"""Characters of a comment that are read: about ten pages."""


class _Phrase:
    """Words in a row, each whole or, marked by `*`, the beginning of a word."""

    def __init__(self, declared: str, theme: int) -> None:
        self.theme = theme
        self.words: list[str] = []
        self.begins: list[bool] = []
        for part in declared.split():
            inner = words_of(part)
            self.words += inner
            self.begins += [False] * len(inner)
            if inner and part.endswith("*"):
                self.begins[-1] = True

    def follows(self, words: list[str], at: int) -> bool:
        """Whether the phrase's words after the first stand behind position `at`."""
        if at + len(self.words) > len(words):
            return False
        return all(
            words[at + i].startswith(word) if begins else words[at + i] == word
            for i, (word, begins) in enumerate(zip(self.words, self.begins, strict=True))
            if i
        )


class ThemeCoder:
    """Codes the comments of one question."""

    def __init__(self, question: ThemesQuestion, attribute: Attribute, missing: MissingMap) -> None:
        self._column = question.column
        self._cells = MultiCells(attribute)
        self._missing = missing
        self._absent = missing_cells(attribute)
        self._whole: dict[str, list[_Phrase]] = defaultdict(list)
        self._begun: dict[str, list[_Phrase]] = defaultdict(list)
        for position, theme in enumerate(question.themes.values()):
            for word in theme.words:
                phrase = _Phrase(word, position)
                (self._begun if phrase.begins[0] else self._whole)[phrase.words[0]].append(phrase)
        self._lengths = sorted({len(beginning) for beginning in self._begun})

    def encode(self, records: Records) -> NDArray[np.uint8]:
        """Rows × cells of 0/1."""
        column = records.columns.get(self._column)
        if column is None:
            return np.tile(self._cells.one(self._absent["not_asked"]), (records.count, 1))
        encoded = text_of(column).dictionary_encode()
        rows = [self.row(comment) for comment in encoded.dictionary.to_pylist()]
        table = np.array(rows, dtype=np.uint8).reshape(-1, self._cells.size)
        return table[encoded.indices.to_numpy(zero_copy_only=False)]

    def row(self, comment: str) -> NDArray[np.uint8]:
        """The 0/1 cells of one comment. One without a word, such as a dash, is not answered."""
        meaning = self._missing.meaning(trim(comment))
        if meaning is not None:
            return self._cells.one(self._absent[meaning])
        words = words_of(comment[:LONGEST_READ])
        ticks = np.zeros((1, self._cells.size), dtype=np.uint8)
        ticks[0, list(self._mentioned(words))] = 1
        otherwise = self._cells.none if words else self._absent["not_answered"]
        return self._cells.bounded(ticks, np.array([otherwise]))[0]

    def _mentioned(self, words: list[str]) -> set[int]:
        found: set[int] = set()
        for at, word in enumerate(words):
            phrases = list(self._whole.get(word, ()))
            for length in self._lengths:
                if length > len(word):
                    break
                phrases += self._begun.get(word[:length], ())
            found.update(p.theme for p in phrases if p.theme not in found and p.follows(words, at))
        return found
