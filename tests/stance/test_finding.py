"""Phrases from tags, and links from left to right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stance.encoding import Segment, TokenMention, Window
from stance.finding import Found, find_phrases, link_queries, resolve_links, tagged_spans
from stance.schema import Mention

OUT, BEGIN, IN = 0, 1, 2


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ([], []),
        ([OUT, BEGIN, IN, OUT], [(1, 3)]),
        ([BEGIN, BEGIN, IN], [(0, 1), (1, 3)]),
        ([OUT, IN, IN], [(1, 3)]),
        ([BEGIN, OUT, BEGIN], [(0, 1), (2, 3)]),
        ([IN, BEGIN], [(0, 1), (1, 2)]),
    ],
)
def test_tagged_spans(tags: list[int], spans: list[tuple[int, int]]) -> None:
    assert tagged_spans(tags) == spans


# "Orsania met Velmark . It left . the bloc returned", one character a token for brevity.
TEXT = "O m V . i l . b r"
WINDOW = Window(
    ids=tuple(range(9)),
    offsets=tuple((2 * i, 2 * i + 1) for i in range(9)),
    segments=(Segment(0, 0, 4), Segment(1, 4, 7), Segment(2, 7, 9)),
    first_scored=0,
    mentions=(TokenMention(0, 0, 0, 1), TokenMention(1, 0, 2, 3)),
    placeholders=(0, 2),
)
NAMES = [Mention(actor="o", start=0, end=1), Mention(actor="v", start=4, end=5)]


def tagged(*begins: int) -> np.ndarray:
    logits = np.zeros((9, 3), dtype=np.float32)
    logits[:, OUT] = 1
    logits[list(begins), BEGIN] = 2
    return logits


def test_phrases_are_added_behind_the_names() -> None:
    found = find_phrases(WINDOW, NAMES, tagged(4, 7), TEXT)
    assert [(m.start, m.end, m.kind) for m in found.mentions[2:]] == [(8, 9, "pronoun"), (14, 15, "nominal")]
    assert found.first_phrase == 2


def test_a_tag_on_a_name_adds_nothing() -> None:
    assert find_phrases(WINDOW, NAMES, tagged(0, 2), TEXT.replace("i", "t")).mentions == NAMES


def test_a_personal_pronoun_needs_no_tag() -> None:
    (phrase,) = find_phrases(WINDOW, NAMES, tagged(), TEXT).mentions[2:]
    assert (phrase.start, phrase.end, phrase.kind) == (8, 9, "pronoun")


def read(text: str, *pieces: tuple[int, int]) -> Window:
    """One sentence of no names, read as these pieces."""
    return Window(tuple(range(len(pieces))), pieces, (Segment(0, 0, len(pieces)),), 0, (), ())


def test_an_article_alone_is_no_phrase() -> None:
    text = "the envoy left"
    assert find_phrases(read(text, (0, 3), (4, 9), (10, 14)), [], tagged(0)[:3], text).mentions == []


def test_a_phrase_ends_with_its_last_word() -> None:
    text = "strategists, too"
    window = read(text, (0, 8), (8, 11), (11, 12), (13, 16))
    (phrase,) = find_phrases(window, [], tagged(0)[:4], text).mentions
    assert text[phrase.start : phrase.end] == "strategists"


def test_a_tag_within_a_known_phrase_adds_nothing() -> None:
    known = [Mention(actor="s", start=0, end=9, kind="nominal")]
    window = replace(read("the state left", (0, 3), (4, 9), (10, 14)), mentions=(TokenMention(0, 0, 0, 2),))
    assert find_phrases(window, known, tagged(1)[:3], "the state left").mentions == known


def linked(scores: dict[tuple[int, int], float]) -> tuple[Found, dict[int, float]]:
    found = find_phrases(WINDOW, NAMES, tagged(4, 7), TEXT)
    queries = link_queries(found)
    table = np.array([scores.get((q.phrase, q.antecedent), 0.0) for q in queries], dtype=np.float32)
    return resolve_links(found, queries, table, 0.5)


def test_a_phrase_takes_its_best_antecedent() -> None:
    found, scores = linked({(2, 0): 0.9, (2, 1): 0.6})
    assert found.mentions[2].actor == "o"
    assert scores == pytest.approx({2: 0.9})


def test_links_chain_through_earlier_phrases() -> None:
    found, _ = linked({(2, 1): 0.8, (3, 2): 0.7})
    assert [found.mentions[i].actor for i in (2, 3)] == ["v", "v"]


def test_a_phrase_without_a_likely_antecedent_is_left_out() -> None:
    found, scores = linked({(2, 0): 0.4})
    assert scores == {}
    assert [m.index for m in found.window.mentions] == [0, 1]


def test_a_phrase_passes_over_what_its_words_cannot_mean() -> None:
    found = find_phrases(WINDOW, NAMES, tagged(4, 7), TEXT)
    queries = link_queries(found)
    table = np.array([{(2, 0): 0.9, (2, 1): 0.6}.get((q.phrase, q.antecedent), 0.0) for q in queries], np.float32)
    resolved, scores = resolve_links(found, queries, table, 0.5, lambda phrase, actor: 0.5 if actor == "o" else 1.0)
    assert resolved.mentions[2].actor == "v"
    assert scores == pytest.approx({2: 0.6})


@pytest.mark.parametrize(("told", "actor", "certain"), [("o", "o", [1.0]), ("", "?", []), (None, "v", [0.9])])
def test_words_beside_a_phrase_have_the_last_word(told: str | None, actor: str, certain: list[float]) -> None:
    found = find_phrases(WINDOW, NAMES, tagged(4), TEXT)
    queries = link_queries(found)
    table = np.array([{(2, 1): 0.9}.get((q.phrase, q.antecedent), 0.0) for q in queries], np.float32)
    resolved, scores = resolve_links(found, queries, table, 0.5, told=lambda _: told)
    assert resolved.mentions[2].actor == actor
    assert list(scores.values()) == pytest.approx(certain)


@pytest.mark.parametrize(("score", "refers", "actors"), [(0.4, True, ["v"]), (0.4, False, []), (0.3, True, [])])
def test_less_is_asked_of_what_means_somebody_for_certain(score: float, refers: bool, actors: list[str]) -> None:
    found = find_phrases(WINDOW, NAMES, tagged(4, 7), TEXT)
    queries = link_queries(found)
    table = np.array([{(2, 1): score}.get((q.phrase, q.antecedent), 0.0) for q in queries], np.float32)
    resolved, scores = resolve_links(found, queries, table, 0.5, refers=lambda _: refers)
    assert [resolved.mentions[i].actor for i in scores] == actors


@pytest.mark.parametrize(
    ("text", "pieces", "tags", "expected"),
    [
        (
            "a former trade minister left",
            [(0, 1), (2, 8), (9, 14), (15, 23), (24, 28)],
            (0,),
            "a former trade minister",
        ),
        (
            "the secretary-general left",
            [(0, 3), (4, 13), (13, 14), (14, 21), (22, 26)],
            (0,),
            "the secretary-general",
        ),
        ("the anti- left", [(0, 3), (4, 8), (8, 9), (10, 14)], (0,), "the anti"),
        ("the special left", [(0, 3), (4, 11), (12, 16)], (0,), None),
        ("Estee med guests left", [(0, 5), (6, 9), (10, 16), (17, 21)], (2,), "guests"),
        ("unwanted guests", [(0, 2), (2, 8), (9, 15)], (1,), "unwanted"),
    ],
)
def test_phrases_have_whole_words_and_a_noun(
    text: str, pieces: list[tuple[int, int]], tags: tuple[int, ...], expected: str | None
) -> None:
    window = read(text, *pieces)
    logits = tagged(*tags)[: len(pieces)]
    if expected and " " in expected:
        logits[1] = (0, 0, 2)
    found = [text[m.start : m.end] for m in find_phrases(window, [], logits, text).mentions]
    assert found == ([expected] if expected else [])
