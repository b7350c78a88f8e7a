"""The token classifier in torch: backbones of ``transformers`` over pieces and boxes.

Only training imports this module; serving runs the exported ONNX file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn
from transformers import (
    LayoutLMConfig,
    LayoutLMModel,
    LayoutLMv3Config,
    LayoutLMv3Model,
    LiltConfig,
    LiltModel,
)

from models.tokens import PAD_ID
from models.windows import BOX_SCALE, LAST_PAGE, LAST_POSITION

Architecture = Literal["layoutlm", "lilt", "layoutlmv3"]

INPUT_NAMES = ("pieces", "boxes", "positions", "pages", "mask")
MASKED = -10_000.0
SAME = 8
"""Sides this close, in thousandths of the page, are taken for the same ruling line."""
NEAR = 120
STATES = 8
"""How two intervals can lie to each other, see ``_interval_states``."""


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """The shape of the network; ``character_size`` is the width of one character and
    ``relations`` adds a ``RelationBias`` to the attention of LayoutLM or LiLT."""

    architecture: Architecture = "layoutlm"
    relations: bool = True
    hidden_size: int = 192
    layers: int = 4
    heads: int = 4
    character_size: int = 96
    piece_length: int = 4
    dropout: float = 0.1


class PieceEmbedding(nn.Module):
    """Characters of a piece, each by its place, to one vector: b × n × p → b × n × hidden."""

    def __init__(self, vocabulary_size: int, settings: NetworkSettings) -> None:
        super().__init__()
        self.characters = nn.Embedding(vocabulary_size, settings.character_size, padding_idx=PAD_ID)
        nn.init.normal_(self.characters.weight, std=0.05)
        width = settings.character_size * settings.piece_length
        self.mix = nn.Linear(width, settings.hidden_size)

    def forward(self, pieces: Tensor) -> Tensor:
        characters = self.characters(pieces)
        return cast(Tensor, self.mix(characters.flatten(start_dim=2)))


class RelationBias(nn.Module):
    """A learnt attention bias for each way in which two boxes can lie to each other.

    In a form that is what tells: below a header, right of a key, inside a merged cell.
    """

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.table = nn.Embedding(STATES * STATES, heads)
        nn.init.zeros_(self.table.weight)

    def forward(self, boxes: Tensor) -> Tensor:
        """b × n × 4 → b × heads × n × n"""
        across = _interval_states(boxes[:, :, 0], boxes[:, :, 2])
        down = _interval_states(boxes[:, :, 1], boxes[:, :, 3])
        return cast(Tensor, self.table(across * STATES + down)).permute(0, 3, 1, 2)


def _interval_states(start: Tensor, end: Tensor) -> Tensor:
    """b × n intervals to b × n × n states of the second seen from the first.

    0 the same, 1 around it, 2 inside it, 3 overlapping, 4/5 before it near/far,
    6/7 after it near/far.
    """
    own_start, own_end = start.unsqueeze(2), end.unsqueeze(2)
    other_start, other_end = start.unsqueeze(1), end.unsqueeze(1)
    around = (other_start <= own_start + SAME) & (other_end >= own_end - SAME)
    inside = (other_start >= own_start - SAME) & (other_end <= own_end + SAME)
    before, after = own_start - other_end, other_start - own_end
    state = torch.where(around, 1, torch.where(inside, 2, 3))
    state = torch.where(around & inside, 0, state)
    state = torch.where(before > -SAME, torch.where(before < NEAR, 4, 5), state)
    return torch.where(after > -SAME, torch.where(after < NEAR, 6, 7), state)


class TokenClassifier(nn.Module):
    """Logits of each token: b × n × labels."""

    def __init__(self, settings: NetworkSettings, vocabulary_size: int, labels: int) -> None:
        super().__init__()
        self.settings = settings
        self.embed = PieceEmbedding(vocabulary_size, settings)
        self.backbone = _make_backbone(settings)
        _smooth_coordinates(self.backbone)
        self.relations = RelationBias(settings.heads) if settings.relations else None
        self.dropout = nn.Dropout(settings.dropout)
        self.classify = nn.Linear(settings.hidden_size, labels)

    def forward(
        self, pieces: Tensor, boxes: Tensor, positions: Tensor, pages: Tensor, mask: Tensor
    ) -> Tensor:
        vectors = self.embed(pieces)
        # Position 0 is the padding's in two of the backbones.
        embedded = {"bbox": boxes, "token_type_ids": pages, "position_ids": positions + 1}
        bias = (1.0 - mask[:, None, None, :].to(vectors.dtype)) * MASKED
        hidden = self._encode(vectors, embedded, bias)
        return cast(Tensor, self.classify(self.dropout(hidden)))

    def _encode(self, vectors: Tensor, embedded: Mapping[str, Tensor], bias: Tensor) -> Tensor:
        backbone = self.backbone
        if self.relations is not None:
            bias = bias + self.relations(embedded["bbox"])
        if isinstance(backbone, LiltModel):
            layout = backbone.layout_embeddings(
                bbox=embedded["bbox"], position_ids=embedded["position_ids"]
            )
            hidden, _ = backbone.embeddings(
                inputs_embeds=vectors,
                token_type_ids=embedded["token_type_ids"],
                position_ids=embedded["position_ids"],
            )
            encoded = backbone.encoder(hidden, layout, attention_mask=bias)
        elif isinstance(backbone, LayoutLMv3Model):
            hidden = backbone.embeddings(inputs_embeds=vectors, **embedded)
            encoded = backbone.encoder(
                hidden,
                bbox=embedded["bbox"],
                position_ids=embedded["position_ids"],
                attention_mask=bias,
            )
        else:
            hidden = backbone.embeddings(inputs_embeds=vectors, **embedded)
            encoded = backbone.encoder(hidden, attention_mask=bias)
        return cast(Tensor, encoded.last_hidden_state)


Backbone = LayoutLMModel | LayoutLMv3Model | LiltModel


def _make_backbone(settings: NetworkSettings) -> Backbone:
    sizes = {
        "vocab_size": 2,
        "hidden_size": settings.hidden_size,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "intermediate_size": 4 * settings.hidden_size,
        "hidden_dropout_prob": settings.dropout,
        "attention_probs_dropout_prob": settings.dropout,
        "max_position_embeddings": LAST_POSITION + 2,
        "max_2d_position_embeddings": BOX_SCALE + 24,
        "type_vocab_size": LAST_PAGE + 1,
        "pad_token_id": 0,
    }
    if settings.architecture == "lilt":
        return LiltModel(LiltConfig.from_dict(sizes), add_pooling_layer=False)
    if settings.architecture == "layoutlmv3":
        part = settings.hidden_size // 6
        boxes = {
            "coordinate_size": part,
            "shape_size": (settings.hidden_size - 4 * part) // 2,
            "max_rel_2d_pos": BOX_SCALE,
            "visual_embed": False,
            "bos_token_id": None,
            "eos_token_id": None,
        }
        return LayoutLMv3Model(LayoutLMv3Config.from_dict(sizes | boxes))
    model = LayoutLMModel(LayoutLMConfig.from_dict(sizes, attn_implementation="eager"))
    # The pooler feeds nothing here.
    model.add_module("pooler", nn.Identity())
    return model


def _smooth_coordinates(backbone: nn.Module) -> None:
    """Start the coordinate tables as sines: neighbours alike, so that few forms suffice."""
    for name, module in backbone.named_modules():
        parts = name.split(".")[-1].split("_")
        if isinstance(module, nn.Embedding) and parts[0] in "xyhw" and parts[-1] == "embeddings":
            rows, width = module.weight.shape
            at = torch.arange(rows, dtype=torch.float32)[:, None] / BOX_SCALE
            waves = torch.exp(torch.linspace(math.log(1.0), math.log(120.0), width // 2))
            angles = at * waves * math.pi
            table = torch.zeros(rows, width)
            table[:, 0 : 2 * (width // 2) : 2] = torch.sin(angles)
            table[:, 1 : 2 * (width // 2) : 2] = torch.cos(angles)
            module.weight.data.copy_(0.1 * table)


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def export_onnx(model: TokenClassifier, path: Path, piece_length: int) -> None:
    """Write the network with any number of windows and tokens."""
    was_training = model.training
    model.eval()
    shapes = {"pieces": (2, 24, piece_length), "boxes": (2, 24, 4)}
    example = tuple(torch.ones(shapes.get(n, (2, 24)), dtype=torch.int64) for n in INPUT_NAMES)
    axes = {name: {0: "windows", 1: "tokens"} for name in (*INPUT_NAMES, "logits")}
    with torch.no_grad():
        torch.onnx.export(
            model,
            example,
            str(path),
            input_names=list(INPUT_NAMES),
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    model.train(was_training)
