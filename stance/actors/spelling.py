"""Spelling variants of transliterated names: Khafter, Hafter, Haftar."""

import re
from functools import lru_cache

from rapidfuzz.distance import Hamming

#: Least share of equal letters, in the sounds of two words, that counts as one name.
VARIANT_SIMILARITY = 0.83
#: The same for long words with many consonants, which say more: "Hemedti" and "Hamidti".
LONG_SIMILARITY = 0.7
LONG_LETTERS = 7
LONG_CONSONANTS = 4
#: Shorter words are compared exactly: too many short surnames differ by one vowel.
VARIANT_LETTERS = 5
#: Letters, in their sounds, from which on two words may differ in "s" and "z": "Teplogas", but not "Peres" and "Perez".
SIBILANT_LETTERS = 7
#: "of" in Persian and Urdu names: "Lashkar-e-Orla", "Lashkar i Orla".
IZAFAT = frozenset({"e", "i"})
#: Letters that a given name must share with its longer form.
GIVEN_LETTERS = 4


def _compiled(rules: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), letters) for pattern, letters in rules.items())


# What transliterations of one name from Arabic, Cyrillic or Persian write differently, in this order.
_RULES = _compiled(
    {
        "(?<=[a-z])[aou]llah?$": "ala",
        "ou(?=[aeiou])": "v",
        "^abd[aeou]l(?=.)": "abdul",
        "^ts(?=i)": "t",
        "ousk": "ovsk",
        r"([bcdfghjklmnpqrtvwxz])\1+": r"\1",
        "^ye|^ae": "e",
        "nce$": "nse",
        "tre$": "ter",
        "tch": "ch",
        "sch": "sh",
        "dzh|dj|gj|zh": "j",
        "kh": "h",
        "(?<=[aeiou])h$": "",
        "gh": "g",
        "ph": "f",
        "th": "t",
        "dh": "d",
        "(?<=o)ff?$|(?<=e)ff$": "v",
        "ck|q": "k",
        "ou|oo": "u",
        "(?:iy|i|y)ev(?=a?$)": "ev",
        "ee|ei|ey|ie|iy|ij|yi|y": "i",
        "ai": "i",
        "w": "v",
        "x": "ks",
        "tz": "ts",
        "c(?!h)": "k",
        r"(.)\1+": r"\1",
    }
)
# Vowels fall out of skeletons; "s" and "z" are one letter in them.
_VOWELS = str.maketrans("z", "s", "aeiou")
# Vowels that transliterators take for each other; "Maduro" is not "Madero", nor "Hariri" "Harari".
_SWAPS = frozenset({"ae", "ea", "ei", "ie", "ou", "uo", "ao", "oa"})
_SIBILANTS = frozenset({"sz", "zs"})
# "Hansen" and "Hanson" are two families.
_PATRONYMICS = ("son", "sen")


@lru_cache(maxsize=65536)
def sound(key: str) -> str:
    """A folded word with the letters made equal that transliterations of one name differ in."""
    for pattern, letters in _RULES:
        key = pattern.sub(letters, key)
    return key


@lru_cache(maxsize=65536)
def skeleton(key: str) -> str:
    """The consonants of a word's sound: variants of one name share them."""
    return sound(key).translate(_VOWELS)


def variant_key(key: str) -> tuple[str, str, int]:
    """What two spellings of one name of `VARIANT_LETTERS` or more have in common, see `same_spelling`."""
    heard = sound(key)
    return skeleton(key), heard[:1], len(heard)


def same_spelling(one: str, other: str) -> bool:
    """Whether two folded words look like two spellings of one name.

    The sounds must have the same consonants, first letter and length, `VARIANT_SIMILARITY` of their letters equal
    and the others vowels that are often taken for each other: "Ivanov" is not "Ivanova". Words shorter than
    `VARIANT_LETTERS` must be equal.
    """
    if one == other or {one, other} == IZAFAT:
        return True
    if min(len(one), len(other)) < VARIANT_LETTERS or skeleton(one) != skeleton(other):
        return False
    if one[-3:] != other[-3:] and one.endswith(_PATRONYMICS) and other.endswith(_PATRONYMICS):
        return False
    first, second = sound(one), sound(other)
    if len(first) != len(second) or first[0] != second[0]:
        return False
    differing = {a + b for a, b in zip(first, second, strict=True) if a != b}
    hissing = not differing.isdisjoint(_SIBILANTS)
    if not differing <= _SWAPS | _SIBILANTS or (hissing and len(first) < SIBILANT_LETTERS):
        return False
    long = len(first) >= LONG_LETTERS and len(skeleton(one)) >= LONG_CONSONANTS and not hissing
    return Hamming.normalized_similarity(first, second) >= (LONG_SIMILARITY if long else VARIANT_SIMILARITY)


def same_given_name(one: str, other: str) -> bool:
    """Whether two folded given names look like one: "Yerbol" and "Erbol", "Rahmat" and "Rahmatullo".

    The longer one must not look like the other's feminine: "Daniel" is not "Daniela", nor "Henri" "Henriette".
    """
    if same_spelling(one, other):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= GIVEN_LETTERS and long.startswith(short) and long[-1] not in "ae"


# Consonants that transliterators take for each other, a letter for each kind; "j" and "y" count as the vowel "i".
_KINDS = _compiled(
    {
        "^(?:dzh|[dg]j)": "t",
        "ou(?=[aeiou])": "f",
        "sch|sh|ts|tz|zh|c(?=[eiy])|ch(?=[eiy])": "s",
        "kh|gh|ck|ch": "k",
        "ph": "f",
        "[td]h": "t",
        "(?<=n)g$": "",
        "[gqhc]": "k",
        "x": "ks",
        "z": "s",
        "[wv]": "f",
        "b": "p",
        "d": "t",
        "m": "n",
        "[jy]": "i",
    }
)
_BETWEEN = re.compile("([^aeiou])\\1*")
#: Consonants from which on a word may differ in the vowels of two places.
SURE_CONSONANTS = 4


@lru_cache(maxsize=65536)
def _kinds(key: str) -> tuple[str, tuple[str, ...]]:
    """The kinds of a folded word's consonants, and the vowels before, between and behind them."""
    for pattern, letters in _KINDS:
        key = pattern.sub(letters, key)
    parts = _BETWEEN.split(key)
    return "".join(parts[1::2]), tuple(parts[::2])


def consonant_kinds(key: str) -> str:
    """What the consonants of two words that are `loosely_same` share."""
    return _kinds(key)[0]


def loosely_same(one: str, other: str) -> bool:
    """Whether two folded words may be one for two translators: "Bachir" and "Bechir", "Lahsen" and "Lehcen".

    Looser than `same_spelling`, so of use only where all words of a full name agree. Short words must sound alike, but
    for "o" and "u".
    Vowels may differ in one place, in words of `SURE_CONSONANTS` in two, but not at the end: "Mario" is not "Maria",
    nor "Hassan" "Hossein".
    """
    if same_spelling(one, other):
        return True
    if min(len(one), len(other)) < VARIANT_LETTERS:
        # "Shouk" and "Shok"
        return sound(one).replace("u", "o") == sound(other).replace("u", "o")
    (consonants, first), (others, second) = _kinds(one), _kinds(other)
    if consonants != others or not consonants:
        return False
    differing = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    if len(differing) > 1 + (len(consonants) >= SURE_CONSONANTS) or sum(not (a and b) for a, b in differing) > 1:
        return False
    if first[-1] != second[-1] and {first[-1][-1:], second[-1][-1:]} not in ({"e", "i"}, {"o", "u"}):
        return False
    return all(not (a and b) or not _SWAPS.isdisjoint(x + y for x in a for y in b) for a, b in differing)
