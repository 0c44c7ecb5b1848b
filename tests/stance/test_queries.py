"""The questions of a window, and the averages they are asked over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.encoding import Segment, TokenMention, Window
from stance.links import earlier_mentions, link_candidates
from stance.queries import (
    AUTHOR_DISTANCE,
    HOLDER_REACH,
    MAX_PAIRS,
    TooManyPairs,
    actor_queries,
    average_bags,
    index_bags,
    mention_bag,
    pad,
)
from stance.schema import AUTHOR, Mention


def window(*sentences: str, first_scored: int = 0) -> tuple[Window, list[Mention]]:
    """Sentences of one-letter actors, a token each; a dot is a token that names nobody."""
    segments, located, mentions = [], [], []
    at = 0
    for number, sentence in enumerate(sentences):
        segments.append(Segment(number, at, at + len(sentence)))
        for place, letter in enumerate(sentence, at):
            if letter != ".":
                located.append(TokenMention(len(mentions), number, place, place + 1))
                mentions.append(Mention(actor=letter, start=place, end=place + 1))
        at += len(sentence)
    offsets = tuple((i, i + 1) for i in range(at))
    return Window(tuple(range(10, 10 + at)), offsets, tuple(segments), first_scored, tuple(located), ()), mentions


def asked(*sentences: str, first_scored: int = 0, author: bool = False) -> set[tuple[str, str, int, int, int]]:
    found = actor_queries(*window(*sentences, first_scored=first_scored), author=author)
    return {(q.holder, q.target, q.sentence, q.holder_sentence, q.distance) for q in found.stances}


def test_every_ordered_pair_of_a_sentence_is_asked_and_nobody_about_himself() -> None:
    pairs = {(holder, target) for holder, target, *_ in asked("a.b.c")}
    assert pairs == {(x, y) for x in "abc" for y in "abc" if x != y}


def test_a_holder_is_read_where_it_was_named_last() -> None:
    assert ("a", "b", 2, 1, 1) in asked("a.", "a.", ".b")
    assert ("a", "b", 2, 0, 2) not in asked("a.", "a.", ".b")


@pytest.mark.parametrize(("between", "reached"), [(HOLDER_REACH - 1, True), (HOLDER_REACH, False)])
def test_a_holder_is_in_reach_for_four_sentences(between: int, reached: bool) -> None:
    found = asked("a", *["."] * between, "b")
    assert (("a", "b", between + 1, 0, between + 1) in found) is reached


def test_context_is_not_scored_but_holds() -> None:
    assert asked("ab", ".c", first_scored=1) == {("a", "c", 1, 0, 1), ("b", "c", 1, 0, 1)}


def test_the_author_holds_a_stance_toward_each_actor_and_is_no_target() -> None:
    found = {row for row in asked("ab", ".b", author=True) if AUTHOR in row[:2]}
    assert found == {
        (AUTHOR, "a", 0, 0, AUTHOR_DISTANCE),
        (AUTHOR, "b", 0, 0, AUTHOR_DISTANCE),
        (AUTHOR, "b", 1, 1, AUTHOR_DISTANCE),
    }


def test_queries_point_at_the_bags_that_they_name() -> None:
    found = actor_queries(*window("a.a.b"))
    bags = {(q.holder, q.target): (found.bags[q.holder_bag], found.bags[q.target_bag]) for q in found.stances}
    assert bags == {("a", "b"): ((0, 2), (4,)), ("b", "a"): ((4,), (0, 2))}
    assert {found.bags[q.sentence_bag] for q in found.sentiment} == {(0, 1, 2, 3, 4)}
    assert len(found.bags) == len(set(found.bags))


def test_the_limit_of_pairs_counts_holders_of_the_context() -> None:
    letters = "".join(chr(0x4E00 + i) for i in range(MAX_PAIRS // 50))
    actor_queries(*window(letters[:50], letters[50:], first_scored=1))
    with pytest.raises(TooManyPairs, match="sentence 1 names 51 actors, and 101 are in reach"):
        actor_queries(*window(letters[:50], letters[50:] + "a", first_scored=1))


def test_a_sentence_without_actors_asks_nothing() -> None:
    assert actor_queries(*window("...", "."), author=True) == ([], [], [])


def test_the_nearest_mention_of_each_actor_may_be_meant() -> None:
    made, mentions = window("a.b", ".a", "..p")
    phrase = made.mentions[-1]
    found = link_candidates(made, mentions, phrase)
    assert {actor: (m.start, distance) for actor, (m, distance) in found.items()} == {"a": (4, 1), "b": (2, 2)}
    assert list(found) == ["a", "b"]


@pytest.mark.parametrize(("start", "end", "expected"), [(0, 5, []), (1, 2, [0]), (0, 1, []), (2, 3, [1, 0])])
def test_mentions_that_share_tokens_with_a_phrase_are_passed_over(start: int, end: int, expected: list[int]) -> None:
    made, _ = window("ab..c")
    phrase = TokenMention(9, 0, start, end)
    assert [m.index for m, _ in earlier_mentions(made, made.mentions, phrase)] == expected


def test_a_mention_that_contains_the_phrase_is_no_antecedent() -> None:
    made, _ = window("a....")
    around = TokenMention(1, 0, 1, 4)
    found = earlier_mentions(made, [*made.mentions, around], TokenMention(2, 0, 2, 3))
    assert [m.index for m, _ in found] == [0]


def test_antecedents_beyond_reach_end_the_search() -> None:
    made, mentions = window("a", *["."] * HOLDER_REACH, "p")
    assert link_candidates(made, mentions, made.mentions[-1]) == {}
    made, mentions = window("a", *["."] * (HOLDER_REACH - 1), "p")
    assert list(link_candidates(made, mentions, made.mentions[-1])) == ["a"]


def test_a_mentions_bag_is_its_tokens() -> None:
    assert mention_bag(TokenMention(0, 0, 3, 6)) == (3, 4, 5)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(1, 16))
def test_padding_keeps_every_token_and_masks_the_rest(lengths: list[int], multiple: int) -> None:
    windows = [window("." * length)[0] for length in lengths]
    batch = pad(windows, pad_id=1, multiple=multiple)
    assert batch.input_ids.shape[1] % multiple == 0
    assert 0 <= batch.input_ids.shape[1] - max(lengths) < multiple
    for made, ids, mask in zip(windows, batch.input_ids, batch.attention_mask, strict=True):
        assert ids[mask == 1].tolist() == list(made.ids)
        assert (ids[mask == 0] == 1).all()
        assert not np.diff(mask).max(initial=-1) > 0


bag = st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True).map(tuple)


@given(st.lists(st.lists(bag, max_size=4), min_size=1, max_size=4))
def test_averages_of_a_batch_are_each_windows_own(bags: list[list[tuple[int, ...]]]) -> None:
    hidden = np.random.default_rng(0).normal(size=(len(bags), 7, 3)).astype(np.float32)
    index, firsts = index_bags(bags, length=7)
    means = average_bags(hidden, index)
    assert means.shape == (sum(map(len, bags)), 3)
    for row, (first, own) in enumerate(zip(firsts, bags, strict=True)):
        for place, tokens in enumerate(own):
            np.testing.assert_allclose(means[first + place], hidden[row, list(tokens)].mean(0), atol=1e-6)
