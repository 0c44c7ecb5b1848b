"""A reader's correction, and whether it is one of something that the service said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from serving.config import Limits
from serving.errors import ApiError
from serving.intake import RawDocument, parse_json, read_document, unprocessable
from stance.faults import Fault, faults
from stance.labelled import SentenceSpan
from stance.schema import (
    SENTIMENTS,
    STANCES,
    Document,
    DocumentResult,
    ItemError,
    NonBlank,
    SentenceResult,
    SentimentResult,
    StanceResult,
    Strict,
)

Sender = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Correction(Strict):
    """What one answer should have been: of the stance of `holder` toward `target`, without a holder of its sentiment.

    `sentence` is the span of the sentence in the result, `predicted` the label that the service gave.
    """

    sentence: SentenceSpan
    holder: NonBlank | None = None
    target: NonBlank
    predicted: str
    label: str


class FeedbackRequest(Strict):
    """The body of `POST /v1/feedback`: the document as it was classified, by which model, and what was wrong."""

    model: str
    document: RawDocument
    corrections: list[Correction] = Field(min_length=1, max_length=100)
    sender: Sender


class FeedbackResponse(Strict):
    """How many corrections were kept."""

    kept: int


def read_feedback(body: bytes, limits: Limits) -> tuple[FeedbackRequest, Document]:
    """The request and its document. Raises `ApiError`: 400 for what is not JSON, 422 for wrong fields."""
    try:
        envelope = FeedbackRequest.model_validate(parse_json(body))
    except ValidationError as error:
        raise unprocessable(faults(error)) from None
    document = read_document(envelope.document, 0, None, limits)
    if isinstance(document, ItemError):
        raise ApiError(422, "invalid_request", f"document: {document.error.message}")
    return envelope, document


def check_model(stated: str, serving: str) -> None:
    """Raise `ApiError` (409) when another model answers by now, for its answers may be others."""
    if stated != serving:
        message = f"model: {serving} answers now, not {stated}; classify the text again and correct what it says"
        raise ApiError(409, "model_replaced", message)


def matched(
    corrections: Sequence[Correction], result: DocumentResult
) -> list[tuple[Correction, SentimentResult | StanceResult]]:
    """Each correction with the answer that it corrects. Raises `ApiError` (422) that names all that fit none."""
    found = [_match(correction, result) for correction in corrections]
    problems = [
        Fault(f"corrections[{at}].{one.field}", one.message) for at, one in enumerate(found) if isinstance(one, Fault)
    ]
    problems += list(_doubled(corrections))
    if problems:
        raise unprocessable(problems)
    answers = [one for one in found if not isinstance(one, Fault)]
    return list(zip(corrections, answers, strict=True))


def _match(correction: Correction, result: DocumentResult) -> SentimentResult | StanceResult | Fault:
    labels = SENTIMENTS if correction.holder is None else STANCES
    if correction.label not in labels:
        return Fault("label", f"must be one of {', '.join(labels)}")
    sentence = next((s for s in result.sentences if [s.start, s.end] == correction.sentence), None)
    if sentence is None:
        return Fault("sentence", "is no sentence of this text; give start and end of one in the classification")
    answer = _answer(correction, sentence)
    if answer is None:
        asked = "sentiment toward" if correction.holder is None else f"stance of {correction.holder!r} toward"
        return Fault("target", f"no {asked} {correction.target!r} was given in that sentence")
    if answer.label != correction.predicted:
        return Fault("predicted", f"the model says {answer.label!r}, not {correction.predicted!r}")
    return answer


def _answer(correction: Correction, sentence: SentenceResult) -> SentimentResult | StanceResult | None:
    if correction.holder is None:
        return next((one for one in sentence.sentiment if one.actor == correction.target), None)
    pair = (correction.holder, correction.target)
    return next((one for one in sentence.stances if (one.holder, one.target) == pair), None)


def _doubled(corrections: Sequence[Correction]) -> Iterator[Fault]:
    first: dict[tuple[int | str | None, ...], int] = {}
    for at, one in enumerate(corrections):
        if first.setdefault((*one.sentence, one.holder, one.target), at) != at:
            yield Fault(f"corrections[{at}]", "corrects the same answer twice; send one correction for it")
