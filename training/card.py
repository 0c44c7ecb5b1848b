"""The model card: what a model is, what it was made of, what it does and what it does badly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stance.artifact import Manifest
from stance.schema import SENTIMENTS, STANCES

CARD = "README.md"

LIMITS = """\
- **English only**, and news-like English: no tweets, no dialogue, no poetry. Machine-translated English is part of
  the training data; other languages give confident nonsense.
- **Irony** that no word betrays, allusions, and stances that need knowledge of the world ("he called it another
  Munich") are missed: the model reads the sentence and its near context, not the archive.
- **Names are hidden from it by design.** It cannot use what is known of an actor, so a name that itself judges ("Stop
  the Pipeline Alliance") is lost on it.
- **Holders** further back than four sentences are out of reach; so are those whom the text never names.
- Who is **found** in raw text depends on capital letters: lower-cased text, all-capital text and names in scripts
  without case are found badly. Give actors or mentions there.
- Sarcastic or very short headings, lists and captions are its weakest sentences.
- Probabilities are calibrated on the dev sets named below. On text unlike them they are too sure.
- It measures how a text *portrays* and what it *reports*. It says nothing about what is true, and it must not be used
  to judge persons.
"""


def write_card(folder: Path, manifest: Manifest) -> None:
    """Write `README.md` into a model folder, from its manifest alone."""
    (folder / CARD).write_text(card(manifest), encoding="utf-8")


def card(manifest: Manifest) -> str:
    """The card as Markdown."""
    encoder = manifest.lineage.get("encoder", "?")
    return "\n".join(
        [
            f"# Model card: {manifest.tag}",
            "",
            f"Made on {manifest.created}. Licence of the weights: {manifest.license}. Language: {manifest.language}.",
            "",
            f"An encoder (started from `{encoder}`, quantised to int8) with small heads on span vectors: sentiment "
            f"toward an actor ({', '.join(SENTIMENTS)}), stance of a holder toward a target ({', '.join(STANCES)}), "
            "and the mention heads that find the actors. One encoder pass a window answers for all of its actors. "
            "Names are replaced by placeholders before the encoder reads them.",
            "",
            "## Intended use",
            "",
            "Reading many news texts for who is for and against whom, with a person looking at what matters. The "
            "labels' meaning is in `data/codebook.md`.",
            "",
            "## Figures on dev",
            "",
            "Chosen and calibrated on these; the test figures are in the project's README.",
            "",
            *_dev_table(manifest.metrics.get("dev", {})),
            "## Calibration",
            "",
            *_table(
                ["head", "temperature", "threshold", "ECE before", "ECE after", "NLL before", "NLL after"],
                _calibration_rows(manifest),
            ),
            "## Export against torch",
            "",
            *_table(
                ["head", "labels", "same label", "macro-F1 torch", "macro-F1 exported"],
                [
                    [p["head"], p["labels"], f"{p['agreement']:.2%}", p["torch_f1"], p["exported_f1"]]
                    for p in manifest.metrics.get("parity", [])
                ],
            ),
            "## What it does badly",
            "",
            LIMITS,
            "## Data",
            "",
            *_table(["source", "SHA-256"], [[k, f"`{v[:16]}`"] for k, v in manifest.data.items()]),
            "The public sets (NewsMTSC, MIT; DSE, free to use with citation; GUM, CC BY and the texts' own licences) "
            "are not part of the project. The configuration that made the model is in `manifest.json`.",
            "",
        ]
    )


def _dev_table(dev: Mapping[str, Mapping[str, float]]) -> list[str]:
    names = sorted({name for scores in dev.values() for name in scores})
    rows = [[name, *(f"{100 * s[name]:.1f}" if name in s else "–" for s in dev.values())] for name in names]
    return _table(["macro-F1", *(f"{k} weights" for k in dev)], rows)


def _calibration_rows(manifest: Manifest) -> list[list[Any]]:
    rows = []
    for head, errors in manifest.metrics.get("calibration", {}).items():
        settings = manifest.heads[head]
        before, after = errors["before"], errors["after"]
        figures = [f"{x:.3f}" for x in (before["ece"], after["ece"], before["nll"], after["nll"])]
        rows.append([head, settings.temperature, settings.threshold, *figures])
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows]]
    return [*lines, ""]
