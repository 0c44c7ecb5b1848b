import json
import random
from pathlib import Path
from typing import Any

import pytest

from stance.classifier import StanceClassifier
from stance.schema import DocumentResult
from training.config import ConfigError
from training.data.errors import DataError
from training.drift import drift, load_limits, read_results, write_report

LIMITS = load_limits(Path(__file__).resolve().parents[2] / "configs" / "drift.yaml")


def result(
    number: int, label: str = "neutral", confidence: float = 0.9, actor: str = "orsan", words: str = "met and signed"
) -> DocumentResult:
    rng = random.Random(number)
    text = f"Orsan {words} {rng.choice(['on Monday', 'with both', 'a deal'])}."
    said: dict[str, Any] = {"label": label, "confidence": confidence + rng.random() / 20}
    row = {
        "index": 0,
        "start": 0,
        "end": len(text),
        "text": text,
        "sentiment": [{**said, "abstained": confidence < 0.6, "actor": actor, "scores": {}}],
        "stances": [],
    }
    actors = [{"id": actor, "name": actor, "type": "state", "mentions": 1}]
    return DocumentResult.model_validate({"id": str(number), "model": "m", "actors": actors, "sentences": [row]})


REFERENCE = [result(i, ("neutral", "negative")[i % 2]) for i in range(60)]


def moved(window: list[DocumentResult], classifier: StanceClassifier | None = None) -> set[str]:
    return {signal.name for signal in drift(REFERENCE, window, LIMITS, classifier) if signal.drifted}


def test_more_of_the_same_is_steady(tiny_classifier: StanceClassifier) -> None:
    assert moved([result(i, ("neutral", "negative")[i % 2]) for i in range(100, 160)], tiny_classifier) == set()


@pytest.mark.parametrize(
    ("change", "signals"),
    [
        ({"label": "positive"}, {"sentiment labels"}),
        ({"confidence": 0.7}, {"confidence"}),
        ({"confidence": 0.5}, {"confidence", "abstention"}),
        ({"actor": "brel"}, {"unseen actors"}),
        ({"words": "met and signed and met and signed and met"}, {"sentence length"}),
    ],
)
def test_each_signal_has_its_own_cause(change: dict[str, Any], signals: set[str]) -> None:
    window = [result(i, **{"label": ("neutral", "negative")[i % 2], **change}) for i in range(100, 160)]
    assert moved(window) == signals


def test_other_words_are_seen_by_the_encoder(tiny_classifier: StanceClassifier) -> None:
    window = [result(i, ("neutral", "negative")[i % 2], words="attack sued it") for i in range(100, 160)]
    assert moved(window, tiny_classifier) == {"embedding"}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="results of 2 models"):
        drift(REFERENCE, [REFERENCE[0].model_copy(update={"model": "other"})], LIMITS)
    with pytest.raises(ValueError, match="no sentences"):
        drift(REFERENCE, [], LIMITS)


def test_the_report_escapes_and_names_what_moved(tmp_path: Path) -> None:
    signals = drift(REFERENCE, [result(i, actor="<script>") for i in range(9)], LIMITS)
    write_report(tmp_path / "drift.html", "m", signals, (60, 9))
    page = (tmp_path / "drift.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert page.count('class="drifted"') == sum(signal.drifted for signal in signals)


def test_results_are_read_from_jsonl_without_failed_items(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    failed = json.dumps({"id": "x", "error": {"code": "text_too_long", "message": "m"}})
    path.write_text(f"{REFERENCE[0].model_dump_json()}\n{failed}\n\n")
    assert read_results(path) == [REFERENCE[0]]
    path.write_text('{"id": "x"}\n')
    with pytest.raises(DataError, match="model"):
        read_results(path)


def test_bad_limits_are_named(tmp_path: Path) -> None:
    path = tmp_path / "drift.yaml"
    path.write_text("confidence: 2")
    with pytest.raises(ConfigError, match=r"confidence.*label_shares|label_shares.*confidence"):
        load_limits(path)
