"""Words of a text with offsets, and the folding that makes spelling variants of a name equal."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ə": "a", "ħ": "h"}
)
_SILENT = "\u00ad\u200b-\u200d\u2060\ufeff"
APOSTROPHES = "'’‘ʼʻ`´"
# Dotted acronyms ("U.S.") first, then words; a word may hold apostrophes, marks and silent characters inside.
# "++" and "*+" never give letters back, which a word never needs, and are a third faster.
_WORD = re.compile(
    rf"(?:[^\W\d_]\.){{2,}}(?:[^\W\d_](?!\w))?|[^\W_](?:[\w\u0300-\u036f{_SILENT}]++|[{APOSTROPHES}](?=\w))*+(?:\+(?!\w))?"
)
_STRIP = re.compile(rf"[^\w+]|[{_SILENT}]|_")


class Token(NamedTuple):
    """A word `[start, end)` of the text without its possessive ending; `gap` is the text before it.

    `key` is the folded word; `capital` says whether its first letter is a capital.
    """

    text: str
    key: str
    start: int
    end: int
    gap: str
    possessive: bool
    capital: bool

    @property
    def all_capitals(self) -> bool:
        """Whether every letter is a capital."""
        return self.text.isupper()


#: Words and names that each cache keeps: enough for what a corpus repeats, some megabytes.
REMEMBERED = 16_384


@lru_cache(maxsize=65_536)
def fold(word: str) -> str:
    """The word without case, diacritics, apostrophes, full stops and silent characters: "İbrahim" → "ibrahim"."""
    if word.isascii():
        return _STRIP.sub("", word.lower())
    bare = "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))
    return _STRIP.sub("", bare.translate(_LETTERS))


def tokenize(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The words of `text[start:end]`, hyphenated ones apart; offsets count from the start of `text`."""
    stop = len(text) if end is None else end
    tokens: list[Token] = []
    before = start
    for match in _WORD.finditer(text, start, stop):
        word, key, possessive, capital = _word(match.group())
        if key:
            begin = match.start()
            last = begin + len(word)
            tokens.append(Token(word, key, begin, last, text[before:begin], possessive, capital))
            before = last
    return tokens


@lru_cache(maxsize=REMEMBERED)
def _word(word: str) -> tuple[str, str, bool, bool]:
    """A word without its possessive ending, folded, whether it had one, and whether it begins with a capital."""
    possessive = len(word) > 2 and word[-1] in "sS" and word[-2] in APOSTROPHES
    if possessive:
        word = word[:-2]
    return word, fold(word), possessive, word[0].isupper()


@lru_cache(maxsize=REMEMBERED)
def words_of(name: str) -> tuple[Token, ...]:
    """The words of a name; a corpus repeats its names, so they are remembered."""
    return tuple(tokenize(name))


@lru_cache(maxsize=REMEMBERED)
def keys(name: str) -> tuple[str, ...]:
    """The folded words of a name, which is what names are compared by."""
    return tuple(token.key for token in words_of(name))


def joined(gap: str) -> bool:
    """Whether two words with `gap` between them can belong to one name: white space or a hyphen."""
    return gap in _JOINTS or (len(gap) < 8 and not gap.strip(" \t\u00a0\u202f\u2009\u200b\r\n") and gap.count("\n") < 2)


#: What stands between the parts of a hyphenated word; the second one does not break at the end of a line.
HYPHENS = frozenset({"-", "\u2011", "\u2010"})
_JOINTS = HYPHENS | {" ", "\u00a0", ""}


_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def slug(name: str) -> str:
    """An ASCII id for a name: "Recep Tayyip Erdoğan" → "recep_tayyip_erdogan"; "actor" if nothing is left."""
    words = [_NOT_SLUG.sub("", key) for key in keys(name)]
    return "_".join(word for word in words if word) or "actor"
