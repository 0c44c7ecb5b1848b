"""What the table and the page share: whom to show, and under which name."""

from __future__ import annotations

from stance.schema import AUTHOR, DocumentResult

AUTHOR_NAME = "the author"


def actor_names(result: DocumentResult) -> dict[str, str]:
    """The name of each actor by its id, and of the text's author as a holder."""
    return {AUTHOR: AUTHOR_NAME} | {actor.id: actor.name for actor in result.actors}


def portrayed(result: DocumentResult) -> list[str]:
    """The ids of the actors that some sentence portrays, the most mentioned first."""
    seen = dict.fromkeys(row.actor for sentence in result.sentences for row in sentence.sentiment)
    mentions = {actor.id: actor.mentions for actor in result.actors}
    return sorted(seen, key=lambda actor: -mentions.get(actor, 0))


def unmentioned(result: DocumentResult) -> list[str]:
    """The names of the actors that the text never mentions."""
    return [actor.name for actor in result.actors if not actor.mentions]


def percent(share: float) -> str:
    """A probability in whole percent; certainty only where the model has it."""
    return f"{min(int(share * 100 + 0.5), 99 if share < 1 else 100)}%"
