"""Reads texts with a pretrained encoder that has seen no labels of ours."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer

from stance.encoding import EncodingSettings, Window, WindowEncoder, add_placeholders
from stance.schema import Mention
from training.selection.readers import Floats, batches

#: Hidden layers that are read, counted from the end: the last, and one below it that is less bent to the task that
#: the encoder was trained for.
LAYERS = (-1, -3)


class EncoderReader:
    """Reads with a pretrained encoder as it is. It knows names as words, so they are left in the text."""

    def __init__(self, name: str, threads: int | None = None) -> None:
        """Load a hub id or a folder. Raises `ValueError` for one that cannot be loaded."""
        try:
            wrapped = AutoTokenizer.from_pretrained(name, use_fast=True)
            self._model = AutoModel.from_pretrained(name).eval()
            tokenizer = Tokenizer.from_str(wrapped.backend_tokenizer.to_str())
        except (OSError, ValueError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"{name}: no encoder with a fast tokenizer can be loaded ({reason})") from None
        add_placeholders(tokenizer)
        if threads is not None:
            torch.set_num_threads(threads)
        room = min(256, int(getattr(self._model.config, "max_position_embeddings", 512)) - 4)
        self.windows = WindowEncoder(tokenizer, EncodingSettings(max_tokens=room, context_tokens=min(96, room // 2)))
        self.width = int(self._model.config.hidden_size) * len(LAYERS)
        self._pad_id = int(wrapped.pad_token_id)

    def masked(self, mentions: Sequence[Mention]) -> list[Mention]:
        """The mentions as phrases, which no placeholder hides: the encoder has no vectors for placeholders."""
        return [mention.model_copy(update={"kind": "nominal"}) for mention in mentions]

    @torch.inference_mode()
    def read(self, windows: Sequence[Window]) -> list[Floats]:
        """See `Reader`."""
        found: dict[int, Floats] = {}
        for places, tokens in batches(windows, self._pad_id, 1):
            layers = self._model(
                input_ids=torch.from_numpy(tokens.input_ids),
                attention_mask=torch.from_numpy(tokens.attention_mask),
                output_hidden_states=True,
            ).hidden_states
            hidden = torch.cat([layers[max(at, -len(layers))] for at in LAYERS], dim=-1)
            found.update(zip(places, hidden.float().numpy(), strict=True))
        return [found[place] for place in range(len(windows))]
