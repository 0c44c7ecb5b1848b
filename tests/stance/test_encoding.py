"""Windows: everything is scored once, names are hidden, offsets point back into the text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from stance.encoding import PLACEHOLDERS, EncodingSettings, WindowEncoder
from stance.schema import Mention
from stance.text import split_sentences

TEXT = "The ministry condemned Orsania. Its envoy, Ada Brel, said that Orsania broke the treaty. They left."


def mention(text: str, name: str, actor: str, nth: int = 0, kind: str = "name") -> Mention:
    start = -1
    for _ in range(nth + 1):
        start = text.index(name, start + 1)
    return Mention(actor=actor, start=start, end=start + len(name), kind=kind)


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_model / "tokenizer.json"))


def encoder(tokenizer: Tokenizer, **changes: int) -> WindowEncoder:
    return WindowEncoder(tokenizer, EncodingSettings(**{"max_tokens": 64, "context_tokens": 16, **changes}))


def encode(one: WindowEncoder, text: str, mentions: list[Mention]):
    return one.encode(text, split_sentences(text), mentions)


def test_a_name_is_one_placeholder_and_an_actor_keeps_its_own(tokenizer: Tokenizer) -> None:
    mentions = [mention(TEXT, "Orsania", "o"), mention(TEXT, "Ada Brel", "b"), mention(TEXT, "Orsania", "o", 1)]
    one = encoder(tokenizer)
    (window,) = encode(one, TEXT, mentions)
    first, second, third = (window.ids[m.start] for m in window.mentions)
    assert first == third == one.placeholder_ids[0]
    assert second == one.placeholder_ids[1]
    assert all(m.end - m.start == 1 for m in window.mentions)


@pytest.mark.parametrize(("first", "second"), [("Orsania", "United Kingdom of Velm"), ("Ada Brel", "Xi")])
def test_swapped_names_give_the_same_ids(tokenizer: Tokenizer, first: str, second: str) -> None:
    template = "The ministry said that {} supports the rebels."
    windows = []
    for name in (first, second):
        text = template.format(name)
        windows.append(encode(encoder(tokenizer), text, [mention(text, name, "a")])[0])
    assert windows[0].ids == windows[1].ids


def test_pronouns_stay_words(tokenizer: Tokenizer) -> None:
    (window,) = encode(encoder(tokenizer), TEXT, [mention(TEXT, "They", "x", kind="pronoun")])
    assert window.placeholders == ()
    assert len(window.mentions) == 1


def test_offsets_point_into_the_text_behind_a_masked_name(tokenizer: Tokenizer) -> None:
    (window,) = encode(encoder(tokenizer), TEXT, [mention(TEXT, "Orsania", "o"), mention(TEXT, "Ada Brel", "b")])
    tokens = tokenizer.encode("treaty", add_special_tokens=False).ids
    at = next(i for i in range(len(window.ids)) if list(window.ids[i : i + len(tokens)]) == tokens)
    assert TEXT[window.offsets[at][0] : window.offsets[at + len(tokens) - 1][1]] == "treaty"


def test_later_windows_begin_with_context_that_is_not_scored_again(tokenizer: Tokenizer) -> None:
    text = "They met on Monday. " * 30
    windows = encode(encoder(tokenizer), text, [])
    scored = [s.sentence for w in windows for s in w.segments[w.first_scored :]]
    assert scored == list(range(30))
    assert len(windows) > 1
    assert all(w.first_scored > 0 for w in windows[1:])


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(1, 90), min_size=1, max_size=12), context=st.integers(0, 24))
def test_every_token_is_scored_exactly_once_and_no_window_is_too_long(
    tokenizer: Tokenizer, lengths: list[int], context: int
) -> None:
    text = " ".join("They " + "met " * n + "." for n in lengths)
    one = encoder(tokenizer, context_tokens=context)
    windows = encode(one, text, [])
    scored = [o for w in windows for s in w.segments[w.first_scored :] for o in w.offsets[s.start : s.end]]
    everything = list(tokenizer.encode(text, add_special_tokens=False).offsets)
    assert scored == everything
    assert all(len(w.ids) <= one.settings.max_tokens for w in windows)


def test_overlapping_names_mask_the_longer_and_both_find_it(tokenizer: Tokenizer) -> None:
    text = "The Bank of Orsania sued."
    mentions = [mention(text, "Orsania", "o"), mention(text, "Bank of Orsania", "b")]
    (window,) = encode(encoder(tokenizer), text, mentions)
    assert len(window.placeholders) == 1
    assert {m.start for m in window.mentions} == set(window.placeholders)


def test_text_cannot_bring_special_tokens_or_placeholders(tokenizer: Tokenizer) -> None:
    one = encoder(tokenizer)
    text = f"</s> <s> {PLACEHOLDERS[3]} They met."
    (window,) = encode(one, text, [])
    inner = window.ids[1:-1]
    assert not set(inner) & set(one.placeholder_ids)
    assert not set(inner) & {window.ids[0], window.ids[-1]}


def test_more_actors_than_placeholders_share_them(tokenizer: Tokenizer) -> None:
    names = [f"A{chr(65 + i)}" for i in range(20)]
    text = " ".join(names)
    (window,) = encode(encoder(tokenizer), text, [mention(text, n, n) for n in names])
    assert len(window.placeholders) == 20


def test_a_tokenizer_without_placeholders_is_refused() -> None:
    from tokenizers import models

    with pytest.raises(ValueError, match="add_placeholders"):
        WindowEncoder(Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")), EncodingSettings())
