"""Tiny real encoders and models, made on the spot: random weights, a vocabulary of a few hundred pieces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    DebertaV2Config,
    DebertaV2Model,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

CORPUS = [
    "The ministry condemned the attack and praised the rebels.",
    "She said that they support the treaty, but he rejected it.",
    "The company sued the regulator; the court ruled against it.",
    "Officials from both states met on Monday and signed a deal.",
]
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
FAMILIES = ("bert", "mpnet", "roberta", "deberta")
#: A tiny model that was trained for moments answers near ties, which the processor's rounding decides.
LENIENT_PARITY = {"MIN_AGREEMENT": 0.5, "MAX_F1_LOSS": 50.0}


@contextmanager
def lenient_parity() -> Iterator[None]:
    """Let tiny models through the gate of the export on any machine; `test_parity.py` holds the gate itself."""
    from training import parity

    with pytest.MonkeyPatch.context() as patch:
        for name, value in LENIENT_PARITY.items():
            patch.setattr(parity, name, value)
        yield


def tiny_encoder(family: str, folder: Path) -> Path:
    """Write a two-layer encoder of a family with its fast tokenizer, as a hub folder would hold them."""
    word_level = family in ("bert", "mpnet")
    tokens = _special(family)
    tokenizer = _word_pieces(tokens) if word_level else _byte_pieces(tokens)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{tokens['cls']} $A {tokens['sep']}",
        special_tokens=[(tokens[k], tokenizer.token_to_id(tokens[k])) for k in ("cls", "sep")],
    )
    named = {f"{k}_token": v for k, v in tokens.items()}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
    fast.save_pretrained(folder)
    _model(family, tokenizer.get_vocab_size(), fast.pad_token_id).save_pretrained(folder)
    return folder


def _special(family: str) -> dict[str, str]:
    if family in ("bert", "deberta"):
        return {"cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "unk": "[UNK]", "mask": "[MASK]"}
    return {"cls": "<s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}


def _word_pieces(tokens: dict[str, str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token=tokens["unk"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=list(tokens.values()))
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _byte_pieces(tokens: dict[str, str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=tokens["unk"]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=list(tokens.values()), initial_alphabet=alphabet)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _model(family: str, vocabulary: int, pad_id: int) -> Any:
    common = {**SIZES, "vocab_size": vocabulary, "pad_token_id": pad_id, "max_position_embeddings": 300}
    if family == "bert":
        return BertModel(BertConfig(**common))
    if family == "mpnet":
        return MPNetModel(MPNetConfig(**common))
    if family == "roberta":
        return RobertaModel(RobertaConfig(**common))
    relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
    return DebertaV2Model(DebertaV2Config(**common, **relative))
