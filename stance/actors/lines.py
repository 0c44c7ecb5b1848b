"""Sentences as words, and what a document's running text tells about each word."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from stance.actors.catalogue import Form, load_catalogue
from stance.actors.lexicon import load_lexicon
from stance.actors.syllables import leading_surnames
from stance.actors.tokens import APOSTROPHES, Token, joined, tokenize
from stance.text import Sentence

#: Share of capitalised words from which a sentence counts as a heading, and the words that it needs for that.
HEADING_SHARE = 0.7
HEADING_WORDS = 3
#: Most words of a dateline, and letters that its place has at least one more than: "NATO - the alliance" is none.
DATELINE_WORDS, DATELINE_LETTERS = 10, 4


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence's words; the catalogue's forms in it by their first word, with the word after the last.

    `inside` holds the positions of all words that belong to a form, `tail` what stands behind the last word.
    """

    tokens: list[Token]
    heading: bool
    forms: dict[int, tuple[int, Form]] = field(default_factory=dict)
    inside: set[int] = field(default_factory=set)
    tail: str = ""

    def glued(self, position: int) -> bool:
        """Whether a word is joined to the one before it: by white space, a hyphen, or an initial's full stop."""
        gap, before = self.tokens[position].gap, self.tokens[position - 1]
        if self._nicknamed(position):
            return True
        if gap.strip() in {".", ".-"}:
            company = before.key == "co" and self.tokens[position].key in {"ltd", "inc", "llc"}
            return len(before.text) == 1 or before.key in ABBREVIATED or company
        if before.text[-1] == "." and position - 1 not in self.inside:
            # "He left D.C. Orlo stayed": a sentence may end at the acronym.
            behind = self.tokens[position]
            initials = len(before.key) == 2 and before.key not in _DOTTED and not load_lexicon().ordinary(behind.key)
            headed = behind.key in load_lexicon().organization_heads
            return joined(gap) and (headed or (initials and behind.capital))
        return joined(gap) or (gap == " & " and before.capital and self.tokens[position].capital)

    def _nicknamed(self, position: int) -> bool:
        """Whether a quotation mark before or behind a nickname is all that parts a word: `Ada "Tuto" Brel`."""
        return any(nick > 0 and is_nickname(self.tokens[nick - 1 : nick + 2]) for nick in (position - 1, position))

    def before(self, position: int) -> int:
        """The position of the word before, or before the "the" that stands there; -1 where there is none."""
        return position - 2 if position > 1 and self.tokens[position - 1].key == "the" else position - 1

    def past(self, position: int) -> int:
        """The position behind a word, or behind the catalogue's form that begins there."""
        return self.forms[position][0] if position in self.forms else position + 1

    def opens(self, position: int) -> bool:
        """Whether a word's capital may be owed to its place: at the beginning, behind a quote, colon, dash or "a)"."""
        gap = self.tokens[position].gap
        listed = gap.startswith(")") and len(self.tokens[position - 1].text) == 1
        return position == 0 or ". " in gap or listed or gap.endswith(" - ") or any(mark in _OPENING for mark in gap)


def is_nickname(tokens: Sequence[Token]) -> bool:
    """Whether the second of three words is a nickname between a first name and a surname: `Ada "Tuto" Brel`."""
    if len(tokens) < 3 or (tokens[1].gap, tokens[2].gap) not in _QUOTED or not all(token.capital for token in tokens):
        return False
    lexicon = load_lexicon()
    return not (lexicon.ordinary(tokens[0].key) or lexicon.ordinary(tokens[2].key) or tokens[0].possessive)


#: Titles and the like whose full stop does not end a sentence.
ABBREVIATED = frozenset(
    "mr mrs ms dr prof gen lt col maj capt sgt adm brig sen rep gov st rev hon pres amb cmdr".split()  # noqa: SIM905
)
# Two letters with full stops that are no first names: "D.Y. Brel", but "in D.C. Orlo stayed".
_DOTTED = frozenset({"dc", "la", "ny", "uk", "us", "un", "eu", "am", "pm", "ad", "bc", "no", "ie", "eg"})
_DASHED = re.compile(r"\s[-–—]\s+$")
_QUOTED = frozenset({(' "', '" '), (" “", "” "), (" '", "' "), (" ‘", "’ "), (" «", "» ")})
_OPENING = frozenset(':"“„«‘•*—–?!…')


@dataclass(frozen=True, slots=True)
class Usage:
    """How often running text capitalises a word where it need not, and how often it does not."""

    capitals: Counter[str] = field(default_factory=Counter)
    lowers: Counter[str] = field(default_factory=Counter)
    #: Those of the capitals with no capital behind them: "New" of "New Union" says nothing of "New" by itself.
    alone: Counter[str] = field(default_factory=Counter)
    #: Words that the document has as surnames: "Theresa May", "Ada King", "Ban Ki-moon".
    people: set[str] = field(default_factory=set)

    def named(self, key: str) -> bool:
        """Whether the document treats the folded word as a name or a part of one."""
        return self.capitals[key] > self.lowers[key]

    def named_alone(self, key: str) -> bool:
        """Whether the document treats the folded word by itself, or as the last of several, as a name."""
        return self.alone[key] > self.lowers[key]


def read_lines(text: str, sentences: Sequence[Sentence]) -> list[Line]:
    """Each sentence's words with the catalogue's forms among them."""
    lines = []
    for sentence in sentences:
        tokens = tokenize(text, sentence.start, sentence.end)
        shouted = len(tokens) > 1 and all(token.all_capitals for token in tokens if token.text[0].isalpha())
        heading = shouted or _is_heading(tokens, text[sentence.end - 1])
        line = Line(tokens, heading, tail=text[tokens[-1].end : sentence.end] if tokens else "")
        line.forms.update(_forms(line, shouted))
        line.inside.update(i for first, (last, _) in line.forms.items() for i in range(first, last))
        lines.append(line)
    return lines


def _forms(line: Line, shouted: bool) -> Iterator[tuple[int, tuple[int, Form]]]:
    """The catalogue's forms, without the homonyms "US" in "LET US GO" and "Amnesty" in "Amnesty was granted"."""
    lexicon = load_lexicon()
    for first, last, form in load_catalogue().scan(line.tokens):
        key, single = form.keys[0], last == first + 1
        if single and form.acronym and shouted and key in lexicon.function_words:
            continue
        placed = line.opens(first) and lexicon.common(key) and not form.acronym
        if not (single and placed and form.entry.type != "state"):
            yield first, (last, form)


def dateline_end(line: Line) -> int:
    """How many words tell where a report was written, when and by whom: "ORLA CITY, May 5 (XYZ) - The ...".

    The place stands in capitals, unless an agency follows in brackets. 0 where the line does not begin so. Agencies
    that write "ORLA CITY, May 5. /XYZ/." or "ORLA CITY, May 5 (XYZ)." make sentences of them, which are all dateline.
    """
    if _is_dateline(line):
        return len(line.tokens)
    tokens = line.tokens[: DATELINE_WORDS + 1]
    end = next((i for i, token in enumerate(tokens) if i and _DASHED.search(token.gap)), 0)
    known = 0 in line.forms and line.forms[0][1].kind != "seat"
    if not end or known or any(not (t.capital or t.text[0].isdigit()) for t in tokens[:end]):
        return 0
    if tokens[end].all_capitals and len(tokens[end].text) > 1:
        return 0
    place = list(takewhile(lambda t: t is tokens[0] or not t.gap.strip(), tokens[:end]))
    capitals = all(t.all_capitals for t in place) and sum(len(t.text) for t in place) > DATELINE_LETTERS
    return end if capitals or ")" in tokens[end].gap else 0


def _is_dateline(line: Line) -> bool:
    """Whether a whole sentence is a place in capitals with a date, or an agency between strokes."""
    tokens = line.tokens
    if not tokens or len(tokens) > DATELINE_WORDS or any(not (t.capital or t.text[0].isdigit()) for t in tokens):
        return False
    if tokens[0].gap.endswith("/"):
        return line.tail.startswith("/")
    known = 0 in line.forms and line.forms[0][1].kind != "seat"
    dated = any(token.key in load_lexicon().calendar for token in tokens[1:])
    return dated and not known and tokens[0].all_capitals and len(tokens[0].text) > 2


def _is_heading(tokens: Sequence[Token], closing: str) -> bool:
    """Whether most words are capitalised, ordinary ones among them; a closed sentence must capitalise all."""
    lexicon = load_lexicon()
    words = [t for t in tokens if t.key not in lexicon.function_words and t.text[0].isalpha()]
    share = 1.0 if closing in '.”";' else HEADING_SHARE
    if len(words) < HEADING_WORDS + (share == 1.0) or sum(t.capital for t in words) < share * len(words):
        return False
    return any(t.capital and lexicon.common(t.key) and not _official(t.key) for t in words[1:])


def _official(key: str) -> bool:
    lexicon = load_lexicon()
    known = (lexicon.titles, lexicon.title_modifiers, lexicon.organization_heads, lexicon.organization_words)
    return any(key in words for words in known)


def read_usage(lines: Sequence[Line]) -> Usage:
    """Count capitals in running text, where a capital tells a name."""
    usage, lexicon = Usage(), load_lexicon()
    for line in lines:
        for position, token in enumerate(line.tokens):
            if token.capital and len(leading_surnames(line.tokens[position : position + 3])) == 1:
                usage.people.add(token.key)
            if line.heading or (token.capital and line.opens(position)):
                continue
            (usage.capitals if token.capital else usage.lowers)[token.key] += 1
            if token.capital and not _goes_on(line, position):
                usage.alone[token.key] += 1
            double = token.key in lexicon.calendar or token.key in lexicon.surname_titles
            if double and token.capital and _surname(line, position):
                usage.people.add(token.key)
    return usage


def _goes_on(line: Line, position: int) -> bool:
    """Whether a word is followed by a capital of the same name: "Workers' Party", "New Union"."""
    behind = line.tokens[position + 1 : position + 2]
    return bool(behind) and behind[0].capital and (line.glued(position + 1) or behind[0].gap.strip() in APOSTROPHES)


def _surname(line: Line, position: int) -> bool:
    """Whether a word stands behind a first name: "Theresa May", "Ada King", not "Sochi May 5", "Saudi King Orlo"."""
    lexicon, before = load_lexicon(), line.tokens[position - 1] if position else None
    if before is None or not before.capital or before.possessive or not line.glued(position):
        return False
    after = line.tokens[position + 1 : position + 2]
    followed = bool(after) and (after[0].text[0].isdigit() or (after[0].capital and line.glued(position + 1)))
    followed = followed or position - 1 in line.inside
    return not (followed or lexicon.ordinary(before.key) or before.key in lexicon.calendar)
