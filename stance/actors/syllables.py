"""Given names of two syllables with a hyphen between them: "Moon Jae-in", "Wong Kwok-kin", "Zhi-xin"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stance.actors.lexicon import load_lexicon
from stance.actors.tokens import HYPHENS, Token

if TYPE_CHECKING:  # lines count such surnames
    from stance.actors.lines import Line

#: Letters up to which a word beside a hyphen can be a syllable.
LONGEST_SYLLABLE = 6
# As Mandarin (in either romanisation), Cantonese and Korean have them; few English words look so.
_ONSET = "[bcdfghjklmnpqrstvwxyz]|ch|sh|zh|ts|tz|hs|ng|[bghkmr]y|[ghk]w|"
_SOUND = rf"(?:{_ONSET})[aeiou]{{1,3}}(?:ng|h|k|l|m|n|p|t|r)?"
_SYLLABLE = re.compile(_SOUND)
_GIVEN_NAME = re.compile(rf"(?:{_SOUND}){{1,2}}")


def ends_given_name(line: Line, first: int, position: int) -> bool:
    """Whether the small word at `position` ends the name that began at `first`: "in" of "Moon Jae-in", not "drive-in".

    Beside a surname that is used with such names any two syllables will do, else none that are English words.
    """
    token, before = line.tokens[position], line.tokens[position - 1]
    if token.gap not in HYPHENS or token.capital or position - 1 in line.inside or not token.text.isalpha():
        return False
    if _beside_surname(line, first, position):
        return _syllables(before.key, token.key)
    if max(len(token.text), len(before.text)) > LONGEST_SYLLABLE:
        return False
    return not load_lexicon().common(before.key) and not _english(token.key)


def leading_surnames(tokens: Sequence[Token]) -> list[str]:
    """What stands for a surname in a full name that begins with it: "Moon" in "Moon Jae-in".

    Of two words that may be either, "Xi Jinping" and "Lee Harper", both stand for it; empty for other names.
    """
    listed = bool(tokens) and tokens[0].key in load_lexicon().syllable_surnames
    if len(tokens) == 3 and _syllables(tokens[1].key, tokens[2].key):
        small = tokens[2].gap in HYPHENS and not tokens[2].capital
        return [tokens[0].text] if listed or small else []
    if len(tokens) == 2 and listed and _GIVEN_NAME.fullmatch(tokens[1].key):
        return [tokens[0].text, tokens[1].text]
    return []


def _syllables(*words: str) -> bool:
    return all(len(word) <= LONGEST_SYLLABLE and _SYLLABLE.fullmatch(word) for word in words)


def _beside_surname(line: Line, first: int, position: int) -> bool:
    """Whether a surname stands before or behind the two syllables that end at `position`."""
    around = []
    if position - 2 >= first and line.tokens[position - 1].gap.isspace():
        around.append(line.tokens[position - 2])
    if position + 1 < len(line.tokens) and line.tokens[position + 1].gap == " ":
        around.append(line.tokens[position + 1])
    surnames = load_lexicon().syllable_surnames
    return any(word.capital and word.key in surnames and not word.possessive for word in around)


def _english(key: str) -> bool:
    lexicon = load_lexicon()
    # "ching" is a syllable, though "che" with "-ing" would be English.
    inflected = len(key.removesuffix("ing")) > 2 and lexicon.ordinary(key)
    return inflected or key in lexicon.common_words or key in lexicon.particles
