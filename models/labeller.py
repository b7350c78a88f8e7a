"""The labeller at work: words in, words with labels out, by ONNX Runtime alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
)

from extraction.errors import ModelError
from extraction.values import LabelledWord, PageReading, Word
from models.registry import NETWORK_FILE, find_current, read_version, read_vocabulary
from models.tokens import Vocabulary
from models.windows import (
    PlacedWord,
    Window,
    WindowSettings,
    merge_windows,
    readings_to_words,
    windows_to_batch,
    words_to_windows,
)

THREADS = 2
_LOAD_ERRORS = (Fail, InvalidGraph, InvalidProtobuf, NoSuchFile)


class OnnxNetwork:
    """An exported network with what it needs to read words."""

    def __init__(
        self, path: Path, vocabulary: Vocabulary, windows: WindowSettings, threads: int = THREADS
    ) -> None:
        self._session = _open_session(path, threads)
        self._vocabulary = vocabulary
        self._windows = windows

    @property
    def outputs(self) -> int:
        return int(self._session.get_outputs()[0].shape[-1])

    def probabilities(self, words: Sequence[PlacedWord]) -> NDArray[np.float64]:
        """Words × labels; each row sums to 1."""
        windows = words_to_windows(words, self._vocabulary, self._windows)
        if not windows:
            return np.zeros((0, self.outputs))
        return merge_windows(windows, [self._logits(window) for window in windows], len(words))

    def _logits(self, window: Window) -> NDArray[np.float32]:
        batch = windows_to_batch([window])
        (logits,) = self._session.run(["logits"], batch.as_inputs())
        return np.asarray(logits[0], dtype=np.float32)


class Labeller:
    """One loaded model version. Made once a process, never per request."""

    def __init__(self, version_dir: Path | None = None, threads: int = THREADS) -> None:
        """Load the version in ``version_dir``, the current shipped one by default."""
        path = find_current() if version_dir is None else version_dir
        version = read_version(path)
        self.version: str = version.name
        self.labels: tuple[str, ...] = version.labels
        vocabulary = read_vocabulary(path)
        self._network = OnnxNetwork(path / NETWORK_FILE, vocabulary, version.windows, threads)
        if self._network.outputs != len(self.labels):
            reason = f"has {self._network.outputs} outputs for {len(self.labels)} labels"
            raise ModelError(reason, name=str(path / NETWORK_FILE))

    def label(self, readings: Sequence[PageReading]) -> tuple[LabelledWord, ...]:
        """One labelled word for each word of the pages, in reading order."""
        placed, words = readings_to_words(readings)
        return tuple(
            self._labelled(word, row)
            for word, row in zip(words, self.probabilities(placed), strict=True)
        )

    def probabilities(self, words: Sequence[PlacedWord]) -> NDArray[np.float64]:
        """Words × labels, for words that are placed already."""
        return self._network.probabilities(words)

    def _labelled(self, word: Word, probabilities: NDArray[np.float64]) -> LabelledWord:
        second, first = np.argsort(probabilities)[-2:]
        return LabelledWord(
            word=word,
            label=self.labels[first],
            probability=float(probabilities[first]),
            runner_up=self.labels[second],
            runner_up_probability=float(probabilities[second]),
        )


def _open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # The arena would keep the memory of the largest page for ever.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Threads that wait for work by spinning starve the other processes of a small machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _LOAD_ERRORS as error:
        raise ModelError(f"cannot be loaded: {error}", name=str(path)) from error
