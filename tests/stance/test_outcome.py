"""Documents that cannot be answered: an error in their place, or one exception that names them all."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import stance.classifier
from stance import ClassifyError, Document, DocumentResult, ItemError, Mention, StanceClassifier
from stance.outcome import NAMED

TEXT = "Velmark sued Orsania. Norway praised the ruling."
CROWDED = "text: sentence 0 names 100 actors"


def crowd(name: str) -> Document:
    """A sentence that lists a hundred actors, which offers too many pairs."""
    names = [f"Aa{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(100)]
    mentions = [Mention(actor=one, start=5 * i, end=5 * i + 4) for i, one in enumerate(names)]
    return Document(id=name, text=" ".join(names), mentions=mentions)


def plain(name: str) -> Document:
    return Document(id=name, text=f"{TEXT} They met in {name.title()}.")


def kinds(results: list[Any]) -> list[tuple[str, str]]:
    return [(one.id, one.error.code if isinstance(one, ItemError) else "answered") for one in results]


def test_a_document_that_asks_too_much_costs_no_other_its_result(tiny_classifier: StanceClassifier) -> None:
    documents = [plain("bergen"), crowd("d"), plain("oslo"), crowd("e"), plain("tromso")]
    results = tiny_classifier.classify(documents, include_neutral=True)
    assert kinds(results) == [
        ("bergen", "answered"),
        ("d", "too_many_actors"),
        ("oslo", "answered"),
        ("e", "too_many_actors"),
        ("tromso", "answered"),
    ]
    assert isinstance(results[1], ItemError)
    assert results[1].error.message.startswith(CROWDED)
    assert results == [tiny_classifier.classify([one], include_neutral=True)[0] for one in documents]


def test_on_request_failures_are_raised_together_and_have_the_other_results(tiny_classifier: StanceClassifier) -> None:
    documents = [plain("bergen"), crowd("d"), crowd("e")]
    with pytest.raises(ClassifyError, match=f"document 'd': {CROWDED}.*; document 'e': {CROWDED}") as caught:
        tiny_classifier.classify(documents, on_error="raise")
    assert caught.value.results == tiny_classifier.classify(documents)
    assert [one.id for one in caught.value.errors] == ["d", "e"]
    (result,) = tiny_classifier.classify(documents[:1], on_error="raise")
    assert isinstance(result, DocumentResult)


def test_a_raised_message_stays_short(tiny_classifier: StanceClassifier) -> None:
    with pytest.raises(ClassifyError) as caught:
        tiny_classifier.classify([crowd(str(i)) for i in range(NAMED + 2)], on_error="raise")
    assert str(caught.value).count("document '") == NAMED
    assert str(caught.value).endswith("; and 2 more documents")


def test_a_failed_document_says_so_when_it_is_taken_for_a_result(tiny_classifier: StanceClassifier) -> None:
    (failed,) = tiny_classifier.classify([crowd("d")])
    with pytest.raises(AttributeError, match=rf"document 'd' has no sentences, for it failed \(too_many_.*{CROWDED}"):
        _ = failed.sentences
    with pytest.raises(AttributeError, match="nonsense"):
        _ = failed.nonsense
    assert not hasattr(failed, "relations")
    assert ItemError.model_validate_json(failed.model_dump_json()) == failed


@pytest.fixture(params=["before the encoder", "with the encoder"])
def fragile(
    request: pytest.FixtureRequest, tiny_classifier: StanceClassifier, monkeypatch: pytest.MonkeyPatch
) -> StanceClassifier:
    """A classifier that breaks on documents whose text has the word "break"."""
    prepare = stance.classifier.prepare

    def breaking(document: Document) -> Any:
        if "break" in document.text:
            raise RuntimeError("a secret path")
        return prepare(document)

    class Fragile(StanceClassifier):
        def _outcomes(self, call: Any, *options: Any) -> Any:
            if any("break" in document.text for document in call.documents):
                raise RuntimeError("a secret path")
            return super()._outcomes(call, *options)

    if request.param == "with the encoder":
        return Fragile(tiny_classifier.folder, tiny_classifier.manifest, tiny_classifier.runtime)
    monkeypatch.setattr(stance.classifier, "prepare", breaking)
    return tiny_classifier


def test_a_document_that_breaks_the_classifier_costs_no_other_its_result(
    fragile: StanceClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    documents = [plain("bergen"), Document(id="d", text="They break it."), plain("oslo")]
    results = fragile.classify(documents)
    assert kinds(results) == [("bergen", "answered"), ("d", "internal"), ("oslo", "answered")]
    assert "secret" not in results[1].model_dump_json()
    assert "secret" in caplog.text
    assert "They break it" not in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


def test_what_is_no_fault_of_a_document_is_raised_as_it_is(fragile: StanceClassifier) -> None:
    with pytest.raises(RuntimeError, match="a secret path"):
        fragile.classify([plain("bergen"), Document(id="d", text="They break it.")], on_error="raise")


def test_what_to_do_with_errors_is_one_of_two(tiny_classifier: StanceClassifier) -> None:
    with pytest.raises(ValueError, match='on_error: must be "return" or "raise", not \'ignore\''):
        tiny_classifier.classify([], on_error="ignore")  # type: ignore[call-overload]
