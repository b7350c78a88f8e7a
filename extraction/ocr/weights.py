"""The weights of the text models, laid out as the folders that paddleocr wants.

They come with the ``rapidocr`` package. At first use they are copied into the user's cache;
nothing is ever downloaded. A recogniser that was tuned elsewhere is laid out beside them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime as ort
import yaml
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
)

from extraction.engines import cache_folder
from extraction.errors import ModelError

DETECTOR = "PP-OCRv6_small_det"
RECOGNISER = "PP-OCRv6_small_rec"
UPRIGHT = "ch_ppocr_mobile_v2.0_cls_mobile"
WEIGHTS = {DETECTOR: "PP-OCRv6_det_small", RECOGNISER: "PP-OCRv6_rec_small", UPRIGHT: UPRIGHT}
LAYOUT = "1"
"""Goes up when the folders below the cache are built in another way."""
LINE_HEIGHT_PX = 48

DETECTOR_CONFIG = {
    "Global": {"model_name": DETECTOR},
    "PreProcess": {
        "transform_ops": [
            {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
            {"DetResizeForTest": {"resize_long": 960}},
            {
                "NormalizeImage": {
                    "mean": [0.5, 0.5, 0.5],
                    "std": [0.5, 0.5, 0.5],
                    "scale": 1 / 255,
                    "order": "hwc",
                }
            },
            {"ToCHWImage": None},
        ]
    },
    "PostProcess": {
        "name": "DBPostProcess",
        "thresh": 0.3,
        "box_thresh": 0.5,
        "unclip_ratio": 1.6,
    },
}


def weights_file(model: str) -> Path:
    """The ONNX file of ``model`` inside the installed rapidocr package."""
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise ModelError("the OCR weights are missing: install the rapidocr package")
    file = Path(spec.origin).parent / "models" / f"{WEIGHTS[model]}.onnx"
    if not file.is_file():
        raise ModelError(f"the rapidocr package holds no {file.name}", name=file.name)
    return file


def model_folder(model: str, cache: Path | None = None) -> Path:
    """The folder of ``model`` as paddleocr wants it, built at first use.

    It is built beside its place and moved there whole, so that two processes that start
    together never see half of it.
    """
    weights = weights_file(model)
    parent = (cache or cache_folder()) / "ocr" / f"rapidocr-{version('rapidocr')}-{LAYOUT}"
    folder = parent / model
    if folder.is_dir():
        return folder
    parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{model}-", dir=parent))
    try:
        shutil.copyfile(weights, building / "inference.onnx")
        config = json.dumps(_model_config(model, weights), ensure_ascii=False)
        # JSON is YAML as well, and astral characters need no escape in either.
        (building / "inference.yml").write_text(config, encoding="utf-8")
        building.replace(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def _model_config(model: str, weights: Path) -> dict[str, object]:
    if model == DETECTOR:
        return dict(DETECTOR_CONFIG)
    if model == RECOGNISER:
        return _recogniser_config(weights_dictionary(weights))
    return {"Global": {"model_name": model}}


def _recogniser_config(dictionary: str) -> dict[str, object]:
    """``dictionary`` stays one string: a list of so many entries takes half a second."""
    return {
        "Global": {"model_name": RECOGNISER},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"RecResizeImg": {"image_shape": [3, LINE_HEIGHT_PX, 320]}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": dictionary},
    }


def weights_dictionary(weights: Path) -> str:
    """The characters that the recogniser knows, in the order of its classes."""
    told = _open_network(weights).get_modelmeta().custom_metadata_map.get("character")
    if told is None:
        raise ModelError("the recogniser names no characters", name=weights.name)
    return _join_characters(told.split("\n"))


def lay_out_recogniser(exported: Path, folder: Path) -> None:
    """Fill ``folder`` with a recogniser as paddleocr wants it.

    ``exported`` is what PaddleOCR's export to ONNX leaves: ``inference.onnx`` and, unless the
    network names its characters itself, ``inference.yml``. ModelError where it does not fit.
    """
    weights = exported / "inference.onnx"
    if not weights.is_file():
        reason = "holds no inference.onnx; export the trained recogniser to ONNX first"
        raise ModelError(reason, name=str(exported))
    dictionary = _exported_dictionary(exported, weights)
    _check_recogniser(weights, dictionary)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, folder / "inference.onnx")
    config = json.dumps(_recogniser_config(dictionary), ensure_ascii=False)
    (folder / "inference.yml").write_text(config, encoding="utf-8")


def _open_network(weights: Path) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    except (InvalidArgument, InvalidGraph, InvalidProtobuf, Fail) as error:
        raise ModelError(f"is no network in ONNX: {error}", name=str(weights)) from error


def _exported_dictionary(exported: Path, weights: Path) -> str:
    config = exported / "inference.yml"
    if not config.is_file():
        return weights_dictionary(weights)
    try:
        # The safe loader in C: a dictionary of twenty thousand lines takes it a second.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        stored = yaml.load(config.read_text(encoding="utf-8"), Loader=loader)
        told = stored["PostProcess"]["character_dict"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ModelError(f"names no characters: {error!r}", name=str(config)) from error
    return told if isinstance(told, str) else _join_characters([str(one) for one in told])


def _join_characters(characters: Sequence[str]) -> str:
    if any(len(character) != 1 for character in characters):
        raise ModelError("the recogniser's dictionary has entries of several characters")
    return "".join(characters)


def _check_recogniser(weights: Path, dictionary: str) -> None:
    """Whether it takes a line as it is cut here and has a class for each character, blank and
    space."""
    line = np.zeros((1, 3, LINE_HEIGHT_PX, 320), dtype=np.float32)
    session = _open_network(weights)
    try:
        output = session.run(None, {session.get_inputs()[0].name: line})[0]
    except (InvalidArgument, Fail) as error:
        raise ModelError(f"is no recogniser of lines: {error}", name=str(weights)) from error
    if output.ndim != 3 or output.shape[2] != len(dictionary) + 2:
        reason = (
            f"tells {output.shape[-1]} classes apart, but its dictionary needs "
            f"{len(dictionary) + 2}; export both from the same training"
        )
        raise ModelError(reason, name=str(weights))
