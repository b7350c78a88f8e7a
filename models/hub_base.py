"""A text-and-layout checkpoint in the hub's format as the base: LayoutLM, LiLT, LayoutLMv3.

Its tokens are read one character each, so that serving needs no tokenizer: a character has
the vector that the checkpoint has for it. Pixels are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoTokenizer, LayoutLMModel, LayoutLMv3Model, LiltModel

from extraction.errors import ModelError
from models.base_network import Base
from models.network import Architecture, Backbone, NetworkSettings, TokenClassifier
from models.tokens import FIRST_CHARACTER_ID, PieceSettings, Vocabulary
from models.windows import WindowSettings

CONFIG_FILE = "config.json"
_BACKBONES: dict[str, type[Backbone]] = {
    "layoutlm": LayoutLMModel,
    "lilt": LiltModel,
    "layoutlmv3": LayoutLMv3Model,
}


class HubClassifier(TokenClassifier):
    """The network around a checkpoint's backbone, whose tables may be smaller than ours."""

    def __init__(
        self, backbone: Backbone, settings: NetworkSettings, vocabulary_size: int, labels: int
    ) -> None:
        super().__init__(_small(settings), vocabulary_size, labels)
        config = backbone.config
        self.settings = settings
        self.backbone = backbone
        self.embed.characters = nn.Embedding(vocabulary_size, config.hidden_size, padding_idx=0)
        self.embed.mix = nn.Linear(config.hidden_size, config.hidden_size)
        self.classify = nn.Linear(config.hidden_size, labels)
        self.dropout = nn.Dropout(settings.dropout)
        # Positions of some backbones begin behind their padding's.
        self._first = int(config.pad_token_id or 0)
        self._last_page = int(config.type_vocab_size) - 1

    def forward(
        self, pieces: Tensor, boxes: Tensor, positions: Tensor, pages: Tensor, mask: Tensor
    ) -> Tensor:
        pages = pages.clamp(max=self._last_page)
        return super().forward(pieces, boxes, positions + self._first, pages, mask)


def is_hub_checkpoint(path: Path) -> bool:
    return (path / CONFIG_FILE).is_file()


def read_hub_base(path: Path, vocabulary: Vocabulary) -> Base:
    """The checkpoint in the folder ``path`` with outputs yet to be learnt; nothing is fetched."""
    kind = _read_kind(path)
    config = AutoConfig.from_pretrained(path, local_files_only=True)
    config.visual_embed = False
    config._attn_implementation = "eager"
    backbone = _BACKBONES[kind].from_pretrained(path, config=config, local_files_only=True)
    settings = NetworkSettings(
        architecture=cast(Architecture, kind),
        relations=False,
        hidden_size=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        character_size=config.hidden_size,
        piece_length=1,
        dropout=config.hidden_dropout_prob,
    )
    network = HubClassifier(backbone, settings, len(vocabulary), 1)
    _copy_characters(network, path, vocabulary)
    windows = WindowSettings(pieces=PieceSettings(length=1))
    return Base(path.name, network, vocabulary, (), windows)


def _read_kind(path: Path) -> str:
    kind = str(json.loads((path / CONFIG_FILE).read_text(encoding="utf-8")).get("model_type"))
    if kind not in _BACKBONES:
        known = ", ".join(_BACKBONES)
        raise ModelError(f"is a {kind}; a base can be one of {known}", name=str(path))
    return kind


@torch.no_grad()
def _copy_characters(network: HubClassifier, path: Path, vocabulary: Vocabulary) -> None:
    """Each character begins with the vector of its token; the mixing begins as nothing."""
    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    embeddings: nn.Embedding = network.backbone.get_input_embeddings()  # type: ignore[no-untyped-call]
    table = embeddings.weight
    own = network.embed.characters.weight
    own.copy_(table[tokenizer.unk_token_id].expand_as(own))
    own[0] = 0
    for number, character in enumerate(vocabulary.characters, start=FIRST_CHARACTER_ID):
        ids = tokenizer.encode(character, add_special_tokens=False)
        if ids:
            # Some tokenizers put a sign of the word's beginning before it.
            own[number] = table[ids[-1]]
    nn.init.eye_(network.embed.mix.weight)
    nn.init.zeros_(network.embed.mix.bias)


def _small(settings: NetworkSettings) -> NetworkSettings:
    """The parent's own backbone is thrown away at once."""
    return NetworkSettings(
        architecture="layoutlm",
        relations=False,
        hidden_size=12,
        layers=1,
        heads=1,
        character_size=4,
        piece_length=settings.piece_length,
        dropout=settings.dropout,
    )
