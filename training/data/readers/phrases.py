"""From a marked noun phrase with its syntax to the part that is the mention.

Spans here are pairs of token indices, both inclusive.
"""

from training.data.readers.conllu import Token
from training.data.readers.words import CONNECTORS, OF_BODIES, TITLES

Span = tuple[int, int]

POSSESSIVES = frozenset({"'s", "’s"})


def introduced(tokens: list[Token], span: Span, head: int, nested: list[Span]) -> int:
    """The name that a noun stands before, "Brel" of "founder Ada Brel", as its head; else `head`.

    A name that is marked by itself, or stands behind a comma, is none.
    """
    behind = head + 1
    if tokens[head].upos != "NOUN" or behind > span[1] or any(first <= behind <= last for first, last in nested):
        return head
    # "coauthor Ada Brel": the given name may hang on the surname.
    top = behind if tokens[behind].head == head else tokens[behind].head
    named = top <= span[1] and tokens[top].head == head and tokens[top].relation in {"flat", "appos"}
    return top if named and tokens[behind].upos == tokens[top].upos == "PROPN" else head


def name_span(tokens: list[Token], span: Span, head: int, nested: list[Span], person: bool) -> Span | None:
    """Return the run of name words around the head, or None where the head is no proper noun.

    Articles, possessive endings and a person's titles are left out, and so is what belongs to a
    nested mention with a possessive ending. `nested` are the spans marked inside `span`.
    """
    if tokens[head].upos != "PROPN":
        return None
    first = last = head
    # A person is not named by where they belong: "Ada Brel of the Civic Party" is two names.
    connectors = CONNECTORS - OF_BODIES if person else CONNECTORS
    while (step := _step(tokens, first, -1, span[0], nested, connectors)) is not None:
        first = step
    while (step := _step(tokens, last, 1, span[1], nested, connectors)) is not None:
        last = step
    found = _without_titles(tokens, first, last, head, span[1]) if person else (first, last)
    if found and any(character.isupper() for t in tokens[found[0] : found[1] + 1] for character in t.form):
        return found
    return None


def nominal_span(tokens: list[Token], span: Span, head: int) -> Span:
    """Return the phrase up to its first comma, bracket or clause after the head, without a possessive ending."""
    first, last = span
    for index in range(head + 1, last + 1):
        if (tokens[index].upos == "PUNCT" and tokens[index].form not in "-–’'") or _in_clause(tokens, index, head):
            last = index - 1
            break
    while last > head and (tokens[last].upos in {"PART", "PUNCT"} or tokens[last].form in POSSESSIVES):
        last -= 1
    return first, last


def _step(
    tokens: list[Token], index: int, direction: int, limit: int, nested: list[Span], connectors: frozenset[str]
) -> int | None:
    """Return the next name word from `index` on, over at most two connectors; None at the name's end."""
    for distance in (1, 2, 3):
        other = index + direction * distance
        if (limit - other) * direction < 0:
            return None
        if _is_name_word(tokens[other], direction):
            between = tokens[min(index, other) + 1 : max(index, other)]
            coordinated = any(token.form in {"and", "&"} for token in between)
            return None if coordinated and _opens_or_closes(nested, other, direction) else other
        possessive = tokens[other].form in POSSESSIVES and not any(last == other for _, last in nested)
        if not possessive and tokens[other].form not in connectors:
            return None
    return None


def _opens_or_closes(nested: list[Span], index: int, direction: int) -> bool:
    return any(index == (first if direction > 0 else last) for first, last in nested)


def _is_name_word(token: Token, direction: int) -> bool:
    if token.upos == "NUM":  # "Apollo 11", but not "20 Americans"
        return direction > 0
    return token.upos == "PROPN" or (token.form[:1].isupper() and token.upos in {"ADJ", "NOUN", "VERB"})


def _without_titles(tokens: list[Token], first: int, last: int, head: int, limit: int) -> Span | None:
    """Cut the titles before a person's name; None where nothing but a title is left."""
    if _is_title(tokens[head]):
        # "Secretary of State Ada Brel": the name hangs flat on the title.
        names = [i for i in range(head + 1, limit + 1) if tokens[i].relation == "flat" and not _is_title(tokens[i])]
        return (names[0], max(last, names[-1])) if names else None
    titles = [index for index in range(first, head) if _is_title(tokens[index])]
    return (titles[-1] + 1 if titles else first), last


def _is_title(token: Token) -> bool:
    return token.form.rstrip(".").casefold() in TITLES


def _in_clause(tokens: list[Token], index: int, head: int) -> bool:
    while index not in (head, -1):
        if tokens[index].relation.startswith("acl"):
            return True
        index = tokens[index].head
    return False
