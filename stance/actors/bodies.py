"""Bodies of a state written in small letters: "the Orlan foreign ministry" names a ministry, not the state."""

from collections.abc import Iterable, Iterator

from stance.actors.lexicon import load_lexicon
from stance.actors.lines import Line

_BODIES = frozenset("ministry army embassy consulate parliament navy police".split())  # noqa: SIM905
_TWO_WORD_BODIES = frozenset({"coast guard", "air force", "central bank", "border guard", "foreign office"})
_POSSESSIVE = frozenset({"'s", "’s", "'", "’"})
#: Words of the field between: "defence", "state intelligence".
_FIELD_WORDS = 2


def with_bodies(line: Line, names: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The names as token ranges `[first, last)`, each state's with the body of its that follows.

    "Orlan police" and "Orla's police" are one, "in Orla police came" is none.
    """
    for first, last in names:
        form = line.forms[first][1] if first in line.forms and line.forms[first][0] == last else None
        owner = form is not None and (form.kind == "demonym" or form.acronym or line.tokens[last - 1].possessive)
        yield first, (_past_body(line, last) if owner and form and form.entry.type == "state" else last)


def _past_body(line: Line, last: int) -> int:
    """Behind the body that follows at `last`, or `last` where none does."""
    tokens, lexicon = line.tokens, load_lexicon()
    for position in range(last, min(len(tokens), last + _FIELD_WORDS + 1)):
        token = tokens[position]
        joint = line.glued(position) or (position == last and token.gap.strip() in _POSSESSIVE)
        if token.capital or not joint or token.key in lexicon.function_words:
            return last
        if token.key in _BODIES:
            return position + 1
        ahead = tokens[position + 1] if position + 1 < len(tokens) and line.glued(position + 1) else None
        if ahead and f"{token.key} {ahead.key}" in _TWO_WORD_BODIES:
            return position + 2
    return last
