"""Parts two names that stand side by side: an office or a state, and the person who speaks for it."""

from collections.abc import Iterable, Iterator

from stance.actors.joining import JOINING
from stance.actors.lexicon import load_lexicon
from stance.actors.lines import Line
from stance.actors.spelling import same_spelling, skeleton
from stance.actors.tokens import HYPHENS


def is_connector(line: Line, position: int) -> bool:
    """Whether a small word can stand inside a name: "of", "van", "al" with a hyphen behind."""
    token, lexicon = line.tokens[position], load_lexicon()
    following = line.tokens[position + 1 : position + 2]
    if token.key in lexicon.hyphen_particles and following and following[0].gap in HYPHENS:
        return True
    return not token.capital and (token.key in JOINING or token.key in lexicon.particles)


# Who rules a place and nothing else, so that a place is what "of" brings: "mayor of Orla", not "lawyer of Ada Brel".
_RULERS = frozenset({"governor", "mayor", "prefect", "emir", "sultan", "king", "queen"})
# Begin the names of places of several words: "San Orlo Brelane", "Baja California Sur".
_OPENER_LIST = """
san santa santo sao são st saint rio río baja alta nova nueva nuevo new puerto porto port ciudad villa monte mont grand
grande bad tel ras wadi beni kuala addis nizhny veliky upper lower greater
"""
_OPENERS = frozenset(_OPENER_LIST.split())


class KnownNames:
    """The candidate names of a document, as folded words."""

    def __init__(self, names: Iterable[tuple[str, ...]]) -> None:
        """Index the names; those of one word also by their consonants."""
        self._names = frozenset(names)
        self._alone: dict[str, list[str]] = {}
        articles = load_lexicon().hyphen_particles
        for words in self._names:
            if len(words) == 1 or (len(words) == 2 and words[0] in articles):
                self._alone.setdefault(skeleton(words[-1]), []).append(words[-1])

    def __contains__(self, words: tuple[str, ...]) -> bool:
        """Whether these words are a name."""
        return words in self._names

    def alone(self, word: str) -> bool:
        """Whether a word, in any spelling, is a name by itself."""
        return any(same_spelling(word, other) for other in self._alone.get(skeleton(word), []))


def parted(line: Line, first: int, last: int, known: KnownNames) -> Iterator[tuple[int, int]]:
    """The names in `[first, last)`: two where the document knows one of them by itself, else one.

    "Government of Accord Fathi Orlo" where "Fathi Orlo" stands elsewhere, "Orla Ada Brel" where "Orla" does.
    """
    behind = (i for i in range(first + 2, last - 1) if _behind_office(line, first, i, last, known))
    articled = last - first > 3 and line.tokens[last - 2].key in load_lexicon().hyphen_particles
    person = last - (3 if articled else 2)
    cut = next(behind, person if _behind_known(line, first, person, last, known) else None)
    if cut is None:
        yield first, last
    else:
        yield first, cut
        yield cut, last


def _keys(line: Line, first: int, last: int) -> tuple[str, ...]:
    return tuple(token.key for token in line.tokens[first:last])


def _behind_office(line: Line, first: int, cut: int, last: int, known: KnownNames) -> bool:
    """Whether an office is followed, from `cut` on, by a name that the document knows."""
    if line.tokens[cut - 1].key in JOINING or _keys(line, cut, last) not in known:
        return False
    return bool(load_lexicon().organization_heads.intersection(_keys(line, first, cut)))


def _behind_known(line: Line, first: int, cut: int, last: int, known: KnownNames) -> bool:
    """Whether a known name of one word, or an office of it, is followed from `cut` on by a person of two words."""
    if cut <= first:
        return False
    lexicon, tokens = load_lexicon(), line.tokens
    before, person = tokens[cut - 1], [t for t in tokens[cut:last] if t.key not in lexicon.hyphen_particles]
    if any(not t.capital or lexicon.ordinary(t.key) for t in person) or any(t.gap.strip() for t in person[:1]):
        return False
    if cut - first > 1 and _keys(line, first, cut) in known and not lexicon.ordinary(before.key):
        return known.alone(person[-1].key)
    if lexicon.ordinary(before.key):
        return False
    if (before.key,) not in known:
        return _ruled(line, first, cut)
    if cut - 1 > first:
        heads = lexicon.organization_heads.intersection(_keys(line, first, cut - 1))
        return bool(heads) and tokens[cut - 2].key in JOINING
    # "Orla" may also shorten "Orla Nazionale Brelane": so only an acronym, a title or the surname alone will do.
    of_title = first > 1 and tokens[first - 1].key in JOINING and tokens[first - 2].key in _headed()
    return before.all_capitals or of_title or known.alone(person[-1].key)


def _headed() -> frozenset[str]:
    """The words before "of" that bring what somebody heads: titles and the bodies of a state."""
    return load_lexicon().titles | load_lexicon().government_heads


def _ruled(line: Line, first: int, cut: int) -> bool:
    """Whether the one word before `cut` can only be the place that its ruler is named after: "governor of Orla"."""
    tokens = line.tokens
    if cut - first > 1 or first < 2 or tokens[first].key in _OPENERS | load_lexicon().particles:
        return False
    return tokens[first - 1].key == "of" and tokens[first - 2].key in _RULERS
