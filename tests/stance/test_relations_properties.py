"""What the aggregation formula promises whatever the sentences say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stance.relations import MIXED, relations_of
from stance.schema import Relation, StanceResult

OPPOSITE = {"favor": "against", "against": "favor", "neutral": "neutral"}
Rows = list[tuple[int, StanceResult]]


@st.composite
def stances(draw: st.DrawFn, actors: str = "ab") -> StanceResult:
    parts = draw(st.lists(st.integers(0, 100), min_size=3, max_size=3).filter(sum))
    scores = {label: part / sum(parts) for label, part in zip(("against", "neutral", "favor"), parts, strict=True)}
    label = max(scores, key=scores.__getitem__)
    holder = draw(st.sampled_from(actors))
    return StanceResult(
        holder=holder,
        target="c",
        label=label,
        confidence=scores[label],
        abstained=draw(st.booleans()),
        holder_sentence=0,
        scores=scores,
    )


rows_of = st.lists(st.tuples(st.integers(0, 9), stances()), max_size=8)


def mirrored(stance: StanceResult) -> StanceResult:
    """The same sentence with for and against exchanged."""
    scores = {OPPOSITE[label]: score for label, score in stance.scores.items()}
    return stance.model_copy(update={"label": OPPOSITE[stance.label], "scores": scores})


def by_holder(rows: Rows) -> dict[str, Relation]:
    return {relation.holder: relation for relation in relations_of(rows)}


@given(rows_of)
def test_each_pair_with_a_stance_has_one_relation_that_cites_its_sentences(rows: Rows) -> None:
    found = relations_of(rows)
    assert len(found) == len({r.holder for r in found})
    told = {stance.holder for _, stance in rows if stance.label != "neutral"}
    assert {r.holder for r in found} == told
    for relation in found:
        said = [(i, s) for i, s in rows if s.holder == relation.holder and s.label != "neutral"]
        sure = [i for i, s in said if not s.abstained]
        assert relation.sentences == sorted(set(sure or [i for i, _ in said]))
        assert relation.abstained == (not sure)


@given(rows_of)
def test_the_label_follows_the_score(rows: Rows) -> None:
    for relation in relations_of(rows):
        if abs(relation.score) > MIXED + 1e-4:
            assert relation.label == ("favor" if relation.score > 0 else "against")
        if abs(relation.score) < MIXED - 1e-4:
            assert relation.label == "neutral"


@given(rows_of, st.randoms(use_true_random=False))
def test_the_order_of_sentences_does_not_matter(rows: Rows, random: st.DataObject) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert relations_of(shuffled) == relations_of(rows)


@given(rows_of)
def test_exchanging_for_and_against_turns_the_relation_round(rows: Rows) -> None:
    turned = by_holder([(i, mirrored(stance)) for i, stance in rows])
    for holder, relation in by_holder(rows).items():
        assert turned[holder].score == -relation.score
        assert turned[holder].label == OPPOSITE[relation.label]
        assert turned[holder].confidence == relation.confidence


@given(rows_of, st.tuples(st.integers(0, 9), stances()))
def test_an_abstained_sentence_never_moves_a_sure_relation(rows: Rows, extra: tuple[int, StanceResult]) -> None:
    unsure = extra[1].model_copy(update={"abstained": True})
    before, after = by_holder(rows), by_holder([*rows, (extra[0], unsure)])
    for holder, relation in before.items():
        if not relation.abstained:
            assert after[holder] == relation


@given(st.lists(st.tuples(st.integers(0, 9), stances("a")), max_size=5), st.tuples(st.integers(0, 9), stances("b")))
def test_pairs_do_not_touch_each_other(rows: Rows, other: tuple[int, StanceResult]) -> None:
    assert by_holder([*rows, other]).get("a") == by_holder(rows).get("a")


@given(st.lists(stances("a").filter(lambda s: s.label != "neutral"), min_size=1, max_size=6))
def test_a_score_lies_between_those_of_its_sentences(given_stances: list[StanceResult]) -> None:
    sure = [s for s in given_stances if not s.abstained] or given_stances
    each = [s.scores["favor"] - s.scores["against"] for s in sure]
    (relation,) = relations_of(enumerate(given_stances))
    assert min(each) - 1e-4 <= relation.score <= max(each) + 1e-4
