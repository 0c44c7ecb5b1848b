"""The torch model, for training and export only: one encoder, small heads on bags of its hidden vectors.

hidden = encoder(window)                               [B, L, H]   once a window
bags   = means of hidden over spans                    [M, H]
sentiment(actor bag, sentence bag)                     negative neutral positive
stance(holder bag, target bag, sentence bag)           against neutral favor
tag(token)                                             outside begin inside   (pronouns, noun phrases)
name(mention bag, letters of the name)                 no actor, or its type
same(phrase bag, antecedent bag)                       are the two one actor?
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, PreTrainedModel

from stance.queries import AUTHOR_DISTANCE, SAME_DISTANCES
from stance.schema import ACTOR_TYPES, SENTIMENTS, STANCES

TAGS = ("outside", "begin", "inside")
NAME_CLASSES = ("none", *ACTOR_TYPES)


def average_bags(hidden: Tensor, tokens: Tensor, offsets: Tensor) -> Tensor:
    """Mean hidden vector of each bag: hidden [B, L, H], tokens [T], offsets [M] to [M, H]."""
    flat = hidden.reshape(-1, hidden.shape[-1]).float()
    return functional.embedding_bag(tokens, flat, offsets, mode="mean")


class SentimentHead(nn.Module):
    """actor bag and sentence bag to logits over SENTIMENTS."""

    def __init__(self, hidden: int, width: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(2 * hidden, width)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, len(SENTIMENTS))

    def forward(self, bags: Tensor, actor: Tensor, sentence: Tensor) -> Tensor:
        """bags [M, H], actor and sentence [N] (positions in bags) to logits [N, 3]."""
        features = torch.cat([bags[actor], bags[sentence]], dim=-1)
        return self.output(self.dropout(functional.gelu(self.hidden(self.dropout(features)))))


class PairHead(nn.Module):
    """Two bags (and their sentence's) to logits; k bags cost k projections, a pair only a sum and a product.

    The product of low-rank projections lets the head check that the first bag's actor is the one that
    the second bag's vector speaks of: a sum alone cannot tell "A blames B, C thanks D" from its mix-ups.
    """

    def __init__(self, hidden: int, width: int, rank: int, distances: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(hidden, width)
        self.second = nn.Linear(hidden, width, bias=False)
        self.sentence = nn.Linear(hidden, width, bias=False)
        self.distance = nn.Embedding(distances, width)
        self.first_rank = nn.Linear(hidden, rank)
        self.second_rank = nn.Linear(hidden, rank)
        self.product = nn.Linear(rank, width, bias=False)
        self.middle = nn.Linear(width, width)
        self.output = nn.Linear(width, outputs)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.distance.weight, std=0.02)

    def forward(self, bags: Tensor, first: Tensor, second: Tensor, sentence: Tensor, distance: Tensor) -> Tensor:
        """bags [M, H]; first, second, sentence (positions in bags) and distance codes [N] to [N, outputs]."""
        bags = self.dropout(bags)
        mixed = (
            self.first(bags)[first]
            + self.second(bags)[second]
            + self.sentence(bags)[sentence]
            + self.distance(distance)
            + self.product(self.first_rank(bags)[first] * self.second_rank(bags)[second])
        )
        middle = functional.gelu(self.middle(self.dropout(functional.gelu(mixed))))
        return self.output(self.dropout(middle))


class NameHead(nn.Module):
    """A name's bag and the letters of the name itself to logits over NAME_CLASSES.

    The encoder sees a placeholder, so whether "Corona" or "Kasembe" names an actor must be read off the
    context and off the name's own word pieces; these are looked up here and reach no other head.
    """

    def __init__(self, hidden: int, vocabulary: int, width: int, letters: int, dropout: float) -> None:
        super().__init__()
        self.letters = nn.Embedding(vocabulary, letters, padding_idx=0)
        self.hidden = nn.Linear(hidden + letters, width)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, len(NAME_CLASSES))

    def forward(self, bags: Tensor, mention: Tensor, name_ids: Tensor) -> Tensor:
        """bags [M, H], mention [N], name_ids [N, K] (0 pads) to logits [N, 7]."""
        known = (name_ids > 0).unsqueeze(-1).to(bags.dtype)
        letters = (self.letters(name_ids) * known).sum(1) / known.sum(1).clamp(min=1)
        features = torch.cat([bags[mention], letters], dim=-1)
        return self.output(self.dropout(functional.gelu(self.hidden(self.dropout(features)))))


class ActorHeads(nn.Module):
    """The heads that answer for actors: sentiment and stance."""

    def __init__(self, hidden: int, width: int, dropout: float) -> None:
        super().__init__()
        self.sentiment = SentimentHead(hidden, width, dropout)
        self.stance = PairHead(hidden, width, width // 2, AUTHOR_DISTANCE + 1, len(STANCES), dropout)

    def forward(
        self,
        bags: Tensor,
        actor: Tensor,
        actor_sentence: Tensor,
        holder: Tensor,
        target: Tensor,
        pair_sentence: Tensor,
        distance: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """bags [M, H] and positions in it to sentiment logits [N, 3] and stance logits [P, 3]."""
        sentiment = self.sentiment(bags, actor, actor_sentence)
        return sentiment, self.stance(bags, holder, target, pair_sentence, distance)


class MentionHeads(nn.Module):
    """The heads that find actors: tags of phrases, classes of names, links from phrases to actors."""

    def __init__(self, hidden: int, vocabulary: int, width: int, letters: int, dropout: float) -> None:
        super().__init__()
        self.tag = nn.Linear(hidden, len(TAGS))
        self.name = NameHead(hidden, vocabulary, width // 2, letters, dropout)
        self.same = PairHead(hidden, width // 2, width // 4, SAME_DISTANCES, 1, dropout)

    def forward(
        self,
        bags: Tensor,
        mention: Tensor,
        name_ids: Tensor,
        phrase: Tensor,
        antecedent: Tensor,
        phrase_sentence: Tensor,
        distance: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """bags [M, H] and positions in it to name logits [N, 7] and link logits [Q]."""
        name = self.name(bags, mention, name_ids)
        return name, self.same(bags, phrase, antecedent, phrase_sentence, distance).squeeze(-1)


class StanceModel(nn.Module):
    """Encoder and heads. `hyper` is what `save` writes and `load` needs to build the same shapes."""

    def __init__(self, encoder: PreTrainedModel, width: int = 512, letters: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        hidden = int(encoder.config.hidden_size)
        vocabulary = _embeddings(encoder).shape[0]
        self.hyper: dict[str, Any] = {"width": width, "letters": letters, "dropout": dropout}
        self.encoder = encoder
        self.actors = ActorHeads(hidden, width, dropout)
        self.mentions = MentionHeads(hidden, vocabulary, width, letters, dropout)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """[B, L] ids and mask to hidden vectors [B, L, H] and tag logits [B, L, 3]."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return hidden, self.mentions.tag(hidden)

    @classmethod
    def from_encoder(cls, name: str, placeholder_ids: list[int], vocabulary: int, **hyper: Any) -> StanceModel:
        """Start from a pretrained encoder (hub id or folder), its embeddings grown to `vocabulary` rows.

        The placeholders begin as the mean embedding plus a little noise: as names that mean nothing yet.
        """
        encoder = AutoModel.from_pretrained(name)
        encoder.resize_token_embeddings(max(vocabulary, encoder.config.vocab_size), mean_resizing=False)
        with torch.no_grad():
            table = _embeddings(encoder)
            known = table[: min(placeholder_ids)]
            noise = torch.randn(len(placeholder_ids), table.shape[1], generator=torch.Generator().manual_seed(0))
            table[placeholder_ids] = known.mean(0) + 0.3 * known.std(0) * noise
        model = cls(encoder, **hyper)
        model._start_letters()
        return model

    @torch.no_grad()
    def _start_letters(self) -> None:
        """Begin the lookup of names with the principal components of the encoder's own word pieces."""
        table = _embeddings(self.encoder).float()
        letters = self.mentions.name.letters.weight
        width = min(letters.shape[1], *table.shape)
        _, _, directions = torch.pca_lowrank(table - table.mean(0), q=width)
        projected = (table - table.mean(0)) @ directions
        letters[:, :width] = projected / projected.std(0).clamp(min=1e-6)

    def save(self, folder: Path) -> None:
        """Write `encoder/config.json`, `hyper.json` and `model.safetensors` to `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.encoder.config.save_pretrained(folder / "encoder")
        (folder / "hyper.json").write_text(json.dumps(self.hyper))
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, folder / "model.safetensors")

    @classmethod
    def load(cls, folder: Path) -> StanceModel:
        """Read what `save` wrote. Raises `FileNotFoundError` where a file is missing."""
        config = AutoConfig.from_pretrained(folder / "encoder")
        model = cls(AutoModel.from_config(config), **json.loads((folder / "hyper.json").read_text()))
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model


def _embeddings(encoder: PreTrainedModel) -> Tensor:
    """The encoder's table of word pieces [V, H]."""
    table = encoder.get_input_embeddings().weight
    assert isinstance(table, Tensor)
    return table
