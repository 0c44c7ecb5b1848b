"""Names that an acronym in brackets behind them spells out, whatever stands inside: "National People's Power (NPP)"."""

from collections.abc import Iterator, Sequence

from stance.actors.joining import JOINING
from stance.actors.lines import Line
from stance.actors.tokens import APOSTROPHES, joined

#: Letters of an acronym that tells where a name begins: two may be chance.
SHORTEST, LONGEST = 3, 8
_Range = tuple[int, int]


def spelled_out(line: Line, found: Sequence[_Range]) -> list[_Range]:
    """The names of a line as `[first, last)`, those that an acronym spells out at their full length."""
    whole = [part for part in _spelled(line) if part not in found]
    if not whole:
        return list(found)
    rest = [part for part in found if not any(part[0] < last and first < part[1] for first, last in whole)]
    return sorted([*rest, *whole])


def _spelled(line: Line) -> Iterator[_Range]:
    for position, token in enumerate(line.tokens):
        behind = line.tokens[position + 1].gap if position + 1 < len(line.tokens) else line.tail
        closed = behind.startswith(")")
        letters = token.key if token.gap.endswith("(") and token.all_capitals and closed else ""
        if SHORTEST <= len(letters) <= LONGEST and (first := _beginning(line, position, letters)) is not None:
            yield first, position


def _beginning(line: Line, end: int, letters: str) -> int | None:
    """Where the words begin that end before `end` and have these initials; small words between them have none."""
    tokens, position = line.tokens, end
    for letter in reversed(letters):
        position -= 1
        while position > 0 and position + 1 < end and not tokens[position].capital and tokens[position].key in JOINING:
            position -= 1
        if position < 0 or not tokens[position].capital or tokens[position].key[0] != letter:
            return None
    within = (token.gap for token in tokens[position + 1 : end])
    return position if all(joined(gap) or gap.strip().lstrip("sS" + APOSTROPHES) == "" for gap in within) else None
