"""Sentences a second with 1, 2, 4 and 8 actors: ours, a pair pipeline, and the machine's own ceiling, in one run.

    python -m benchmarks.speed --encoder FOLDER_OR_HUB_ID [--model M] [--sentences 96] [--rounds 3] [--out speed.json]

What a user would write instead asks a sequence-pair classifier about (sentence, actor), one pair after the other in
batches: in torch float32 through `transformers.pipeline`, and the same network in onnxruntime. Its weights are those of
the named encoder with a fresh classification head, for only its size matters here. Rounds alternate between the
contestants, so that a drift of the machine's speed meets all of them.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

from stance import Document, Mention, StanceClassifier
from stance.labelled import LabelledDocument
from stance.queries import pad

ROOT = Path(__file__).resolve().parent.parent
ACTORS = (1, 2, 4, 8)
MATRIX = 2048
CHAIN = 4


def sentences(count: int) -> list[str]:
    """`count` sentences of 12 to 45 words from the project's own training corpus."""
    found: list[str] = []
    for line in (ROOT / "data" / "corpus" / "train.jsonl").read_text(encoding="utf-8").splitlines():
        document = LabelledDocument.model_validate_json(line)
        for start, end in document.sentences or []:
            text = document.text[start:end]
            if 12 <= len(text.split()) <= 45 and ". " not in text:
                found.append(text)
    step = len(found) / count
    return [found[int(i * step)] for i in range(count)]


def spans(text: str, count: int) -> list[tuple[int, int]]:
    """`count` words of the text, evenly spaced, as spans: stand-ins for actors that leave the tokens as they are."""
    words, at = [], 0
    for word in text.split():
        start = text.index(word, at)
        words.append((start, start + len(word)))
        at = start + len(word)
    return [words[i * len(words) // count] for i in range(count)]


def documents(texts: Sequence[str], count: int) -> list[Document]:
    """One document a sentence with `count` mentions, each an actor of its own."""
    return [
        Document(
            id=str(i),
            text=text,
            mentions=[
                Mention(actor=f"a{k}", start=s, end=e, kind="nominal") for k, (s, e) in enumerate(spans(text, count))
            ],
        )
        for i, text in enumerate(texts)
    ]


class Pipeline:
    """A pair classifier in torch float32, called through `transformers.pipeline`."""

    def __init__(self, encoder: str) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
        from transformers.utils import logging

        logging.set_verbosity_error()
        self.model = AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=3).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(encoder)
        self.pipe = pipeline("text-classification", model=self.model, tokenizer=self.tokenizer, device="cpu")

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pipe([{"text": a, "text_pair": b} for a, b in pairs], batch_size=16)


class OnnxPairs:
    """The same pair classifier exported to ONNX, run by onnxruntime."""

    def __init__(self, source: Pipeline) -> None:
        import onnxruntime
        import torch

        self.tokenizer = source.tokenizer
        shape = {0: torch.export.Dim("batch", min=1, max=512), 1: torch.export.Dim("length", min=2, max=512)}
        ids = torch.ones((2, 16), dtype=torch.long)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pairs.onnx"
            torch.onnx.export(
                source.model,
                (ids, torch.ones_like(ids)),
                dynamo=True,
                input_names=["input_ids", "attention_mask"],
                dynamic_shapes={"input_ids": shape, "attention_mask": shape},
                opset_version=20,
            ).save(str(path))
            self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> None:
        for at in range(0, len(pairs), 16):
            first, second = zip(*pairs[at : at + 16], strict=True)
            batch = self.tokenizer(list(first), list(second), padding=True, truncation=True, return_tensors="np")
            inputs = {k: batch[k].astype(np.int64) for k in ("input_ids", "attention_mask")}
            self.session.run(None, inputs)


def seconds(work: Callable[[], Any]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def int8_ceiling() -> Callable[[], float]:
    """A function that measures int8 operations a second of `CHAIN` matrix products of 2048 x 2048 in a row."""
    rng = np.random.default_rng(0)
    shape = [MATRIX, MATRIX]
    constants = {"s": np.float32(0.02), "z": np.int8(0), "weight_s": np.float32(0.001)}
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    nodes, last = [], "x"
    for k in range(CHAIN):
        weight = rng.integers(-127, 127, shape).astype(np.int8)
        tensors.append(numpy_helper.from_array(weight, f"w{k}"))
        nodes += [
            helper.make_node("QuantizeLinear", [last, "s", "z"], [f"q{k}"]),
            helper.make_node("DequantizeLinear", [f"q{k}", "s", "z"], [f"d{k}"]),
            helper.make_node("DequantizeLinear", [f"w{k}", "weight_s", "z"], [f"v{k}"]),
            helper.make_node("MatMul", [f"d{k}", f"v{k}"], [f"y{k}"]),
        ]
        last = f"y{k}"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", last)]
    graph = helper.make_graph(nodes, "ceiling", ends[:1], ends[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    request, x = compiled.create_infer_request(), rng.normal(size=shape).astype(np.float32)
    request.infer({0: x})
    return lambda: 2 * CHAIN * MATRIX**3 / min(seconds(lambda: request.infer({0: x})) for _ in range(5))


def encoder_rate(classifier: StanceClassifier, texts: Sequence[str]) -> float:
    """Operations a second of the bare encoder on the sentences in sorted batches of 16 (matrix products only)."""
    windows = sorted(
        (w for d in documents(texts, 1) for w in classifier.encoder.encode(d.text, _whole(d.text), d.mentions or [])),
        key=lambda w: len(w.ids),
    )
    batches = [pad(windows[i : i + 16], classifier.manifest.pad_id, 1) for i in range(0, len(windows), 16)]
    hidden, layers = classifier.manifest.hidden, int(classifier.manifest.lineage["layers"])
    operations = sum(
        layers * b.input_ids.size * (2 * 12 * hidden**2 + 4 * b.input_ids.shape[1] * hidden) for b in batches
    )

    def work() -> None:
        for batch in batches:
            classifier.runtime.encoder(input_ids=batch.input_ids, attention_mask=batch.attention_mask)

    work()
    return operations / seconds(work)


def _whole(text: str) -> list[Any]:
    from stance.text import Sentence

    return [Sentence(0, 0, len(text))]


def measure(model: str | None, encoder: str, count: int, rounds: int) -> dict[str, Any]:
    """All contestants in turn, `rounds` times; sentences a second of each round."""
    texts = sentences(count)
    classifier, pipe = StanceClassifier.load(model), Pipeline(encoder)
    pairs_onnx, ceiling = OnnxPairs(pipe), int8_ceiling()
    rates: dict[str, dict[int, list[float]]] = {n: {k: [] for k in ACTORS} for n in ("ours", "pipeline", "onnxruntime")}
    encoder_rates, ceilings = [], []
    few = texts[:: max(1, count // 24)]
    classifier.classify(documents(texts, 2))
    for _ in range(rounds):
        ceilings.append(ceiling())
        encoder_rates.append(encoder_rate(classifier, texts))
        for k in ACTORS:
            asked = documents(texts, k)
            pairs = [(t, t[s:e]) for t in few for s, e in spans(t, k)]
            rates["ours"][k].append(count / seconds(lambda asked=asked: classifier.classify(asked)))
            rates["pipeline"][k].append(len(few) / seconds(lambda pairs=pairs: pipe(pairs)))
            rates["onnxruntime"][k].append(len(few) / seconds(lambda pairs=pairs: pairs_onnx(pairs)))
    return {"rates": rates, "encoder_ops": encoder_rates, "ceiling_ops": ceilings, "sentences": count, "rounds": rounds}


def show(found: dict[str, Any], console: Console) -> None:
    """Print medians, ranges and ratios."""
    table = Table(title="sentences a second, median (lowest to highest)")
    for column in (
        "actors",
        "ours",
        "pair pipeline, torch fp32",
        "pairs, onnxruntime fp32",
        "ours / pipeline",
        "ours / onnxruntime",
    ):
        table.add_column(column, justify="right")
    for k in ACTORS:
        rows = {name: found["rates"][name][k] for name in found["rates"]}
        ratios = [
            statistics.median(a / b for a, b in zip(rows["ours"], rows[name], strict=True))
            for name in ("pipeline", "onnxruntime")
        ]
        cells = [f"{statistics.median(v):.1f} ({min(v):.1f} to {max(v):.1f})" for v in rows.values()]
        table.add_row(str(k), *cells, *(f"{r:.1f}x" for r in ratios))
    console.print(table)
    ours = found["rates"]["ours"]
    cost = statistics.median(a / b for a, b in zip(ours[1], ours[8], strict=True))
    share = statistics.median(a / b for a, b in zip(found["encoder_ops"], found["ceiling_ops"], strict=True))
    console.print(
        f"8 actors cost {cost:.2f} times 1 actor; the encoder runs at {share:.0%} of the int8 matrix ceiling ", end=""
    )
    console.print(
        f"({statistics.median(found['ceiling_ops']) / 1e12:.2f} tera-operations a second); {platform.processor()}"
    )


def main() -> None:
    """Parse arguments, measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", required=True, help="encoder of the pair classifier, of the same size as ours")
    parser.add_argument("--model", default=None)
    parser.add_argument("--sentences", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    found = measure(asked.model, asked.encoder, asked.sentences, asked.rounds)
    show(found, Console())
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
