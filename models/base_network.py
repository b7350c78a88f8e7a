"""The network that a retraining begins with: the weights of a shipped version, or of a hub's.

A shipped version holds its weights in the exported network alone, from which they are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from extraction.errors import ModelError
from models.network import NetworkSettings, TokenClassifier
from models.registry import NETWORK_FILE, Setting, read_version, read_vocabulary
from models.release import check_export
from models.tokens import Vocabulary
from models.windows import WindowSettings

Array = NDArray[np.float32]
NEW_ROW_SPREAD = 0.02
_OLD_SUFFIX = "_relations"
_NAMELESS = "onnx::"
_BIAS, _WEIGHT = ".bias", ".weight"


@dataclass(frozen=True, slots=True)
class Base:
    """What a retraining begins with. ``name`` is that of the version or of the checkpoint."""

    name: str
    network: TokenClassifier
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    windows: WindowSettings


def read_base(path: Path) -> Base:
    """The version in ``path`` as a network that can be trained on; ModelError where its
    weights do not give the logits that it was shipped with."""
    version = read_version(path)
    vocabulary = read_vocabulary(path)
    with torch.random.fork_rng(devices=[]):
        # Weights that no input reaches keep what they began with: the same each time.
        torch.manual_seed(0)
        network = TokenClassifier(
            settings_to_network(version.network), len(vocabulary), len(version.labels)
        )
    _take_weights(network, path / NETWORK_FILE)
    check_export(network.eval(), path / NETWORK_FILE, version.windows.pieces.length)
    return Base(version.name, network, vocabulary, version.labels, version.windows)


def settings_to_network(stored: Mapping[str, Setting]) -> NetworkSettings:
    """The settings of a version's network, those of older versions among them."""
    known = {field.name for field in fields(NetworkSettings)}
    kept = {name: value for name, value in stored.items() if name in known}
    architecture = str(kept.get("architecture", ""))
    if architecture.endswith(_OLD_SUFFIX):
        kept |= {"architecture": architecture.removesuffix(_OLD_SUFFIX), "relations": True}
    try:
        return NetworkSettings(**kept)  # type: ignore[arg-type]
    except TypeError as error:
        raise ModelError(f"the network's settings cannot be read: {error}") from error


def extend_base(base: Base, labels: tuple[str, ...], characters: tuple[str, ...]) -> Base:
    """The same network with outputs for further labels and rows for further characters.

    ``labels`` must begin with those that the base has.
    """
    if labels[: len(base.labels)] != base.labels:
        raise ModelError("the labels of the base must come first, in its order")
    added = tuple(c for c in dict.fromkeys(characters) if c not in base.vocabulary.ids)
    vocabulary = Vocabulary((*base.vocabulary.characters, *added))
    network = base.network
    with torch.no_grad():
        network.classify = _more_outputs(network.classify, len(labels))
        network.embed.characters = _more_rows(network.embed.characters, len(vocabulary))
    return replace(base, vocabulary=vocabulary, labels=labels)


def _more_outputs(old: nn.Linear, outputs: int) -> nn.Linear:
    new = nn.Linear(old.in_features, outputs)
    nn.init.normal_(new.weight, std=NEW_ROW_SPREAD, generator=_draws())
    # A label that was never seen is no likelier than the rarest one until it is learnt.
    new.bias.fill_(float(old.bias.min()) if old.out_features > 1 else 0.0)
    new.weight[: old.out_features] = old.weight
    new.bias[: old.out_features] = old.bias
    return new


def _more_rows(old: nn.Embedding, rows: int) -> nn.Embedding:
    new = nn.Embedding(rows, old.embedding_dim, padding_idx=old.padding_idx)
    nn.init.normal_(new.weight, std=float(old.weight.std()), generator=_draws())
    new.weight[: old.num_embeddings] = old.weight
    return new


def _draws() -> torch.Generator:
    """The same for every run, so that the same data gives the same version."""
    return torch.Generator().manual_seed(0)


def _take_weights(network: TokenClassifier, path: Path) -> None:
    """Fill the network with the weights in the file ``path``; what is not in there is not
    used (``check_export`` would tell)."""
    graph = onnx.load(str(path)).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    stored |= _find_matrices(graph, stored)
    # What remains has lost its name, and may have been turned over.
    nameless = [array for name, array in stored.items() if name.startswith(_NAMELESS)]
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            array = stored.get(name)
            if array is None:
                array = _take_by_shape(nameless, tuple(parameter.shape))
            if array is None:
                continue
            if array.shape != tuple(parameter.shape):
                raise ModelError(f"has {array.shape} weights of {name}", name=str(path))
            parameter.copy_(torch.from_numpy(array.copy()))


def _find_matrices(graph: onnx.GraphProto, stored: Mapping[str, Array]) -> dict[str, Array]:
    """The matrices of linear layers, which the exporter turns over and renames, by the name of
    the bias that is added to their product."""
    products = {
        node.output[0]: node.input[1]
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in stored
    }
    found = {}
    for node in graph.node:
        if node.op_type == "Add":
            bias, product = sorted(node.input, key=lambda name: name in products)
            if product in products and bias.endswith(_BIAS):
                found[bias.removesuffix(_BIAS) + _WEIGHT] = stored[products[product]].T
    return found


def _take_by_shape(arrays: list[Array], shape: tuple[int, ...]) -> Array | None:
    for number, array in enumerate(arrays):
        for turned in (array, array.T):
            if turned.shape == shape:
                return arrays.pop(number) if turned is array else arrays.pop(number).T
    return None
