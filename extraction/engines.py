"""Runners: one network, one call, the same numbers from ONNX Runtime and OpenVINO."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from extraction.errors import EngineError, ModelError

Engine = Literal["onnxruntime", "openvino"]
Tensor = NDArray[np.float32]
Decoded = TypeVar("Decoded")
Shape = tuple[int, ...]

ENGINE_VARIABLE = "FORMLOOP_OCR_ENGINE"
CPU_FLAGS = Path("/proc/cpuinfo")


CACHE_VARIABLE = "FORMLOOP_CACHE"


class Runner(Protocol):
    """A network that is ready to run on one input of shape ``(1, 3, height, width)``."""

    def run(self, batch: Tensor) -> Tensor:
        """The first output for ``batch``, with every thread on this one input."""

    def prepare(self, shapes: Iterable[Shape]) -> None:
        """Do now what the engine would do at its first input of each shape."""

    def run_each(
        self, batches: Iterable[Tensor], decode: Callable[[Tensor], Decoded]
    ) -> list[Decoded]:
        """``decode`` of the first output for each of ``batches``, in their order.

        Inputs run side by side, one a thread. Each is taken when its turn comes and its output
        dropped once decoded: those of a whole page would take hundreds of megabytes. Memory is
        lowest when the largest comes first, since what it takes serves for all others.
        """


def choose_engine(wanted: Engine | None = None) -> Engine:
    """The engine to use: as asked for, as the environment says, or what suits the processor.

    OpenVINO gains where the processor multiplies matrices in bf16 or has AVX-512.
    """
    asked = wanted or os.environ.get(ENGINE_VARIABLE)
    if asked == "onnxruntime":
        return "onnxruntime"
    if asked == "openvino":
        return "openvino"
    if asked:
        raise EngineError(f"unknown OCR engine {asked!r}: use onnxruntime or openvino")
    gains = find_spec("openvino") is not None and "avx512f" in cpu_flags()
    return "openvino" if gains else "onnxruntime"


def cpu_flags() -> frozenset[str]:
    """What the processor can do, as Linux names it; empty where that is not known."""
    if not CPU_FLAGS.is_file():
        return frozenset()
    for line in CPU_FLAGS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("flags"):
            return frozenset(line.split(":", 1)[1].split())
    return frozenset()


def cache_folder() -> Path:
    """Where models are laid out and compiled: this user's, or as the environment says."""
    asked = os.environ.get(CACHE_VARIABLE)
    if asked:
        return Path(asked)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "formloop"


def available_threads() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class OnnxRunner:
    """ONNX Runtime on the processor, with memory that goes back after each page."""

    def __init__(self, model: Path, threads: int, streams: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = max(1, threads // streams)
        options.inter_op_num_threads = 1
        # The arena keeps the peak of the largest page for ever.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._streams = streams

    def run(self, batch: Tensor) -> Tensor:
        output: Tensor = self._session.run(None, {self._input: batch})[0]
        return output

    def prepare(self, shapes: Iterable[Shape]) -> None:
        """Nothing: no shape costs more the first time."""

    def run_each(
        self, batches: Iterable[Tensor], decode: Callable[[Tensor], Decoded]
    ) -> list[Decoded]:
        if self._streams == 1:
            return [decode(self.run(batch)) for batch in batches]
        free = BoundedSemaphore(2 * self._streams)

        def run(batch: Tensor) -> Decoded:
            try:
                return decode(self.run(batch))
            finally:
                free.release()

        with ThreadPoolExecutor(self._streams) as pool:
            futures = []
            for batch in batches:
                free.acquire()
                futures.append(pool.submit(run, batch))
            return [future.result() for future in futures]


def import_openvino() -> Any:
    """openvino without its telemetry, which would call out at the first model.

    It is not installed everywhere, so it is looked for only where it was chosen.
    """
    # None makes the import fail, and openvino then takes the stub that it brings for that.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return importlib.import_module("openvino")


class OpenVinoRunner:
    """OpenVINO's own runtime; compiled models are kept in ``cache``."""

    def __init__(self, model: Path, threads: int, streams: int, cache: Path | None) -> None:
        openvino = import_openvino()
        core = openvino.Core()
        if cache is not None:
            core.set_property({"CACHE_DIR": str(cache)})
        self._model = core.compile_model(
            str(model),
            "CPU",
            {
                "NUM_STREAMS": streams,
                "INFERENCE_NUM_THREADS": threads,
                "INFERENCE_PRECISION_HINT": precision(),
                # Pinned, the only thread of every process would share the first core.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._request = self._model.create_infer_request()
        self._queue = openvino.AsyncInferQueue(self._model, streams) if streams > 1 else None
        self._shared: Tensor | None = None

    def run(self, batch: Tensor) -> Tensor:
        # Kept, since the request holds on to the memory that it shares.
        self._shared = batch
        self._request.infer({0: batch}, share_inputs=True)
        output: Tensor = self._request.get_output_tensor(0).data
        return output

    def prepare(self, shapes: Iterable[Shape]) -> None:
        """Code is generated for each shape, once for all streams."""
        for shape in shapes:
            # Copied: where streams take turns, inputs of other requests are later written into
            # memory that was shared with this one.
            self._request.infer({0: np.zeros(shape, np.float32)}, share_inputs=False)

    def run_each(
        self, batches: Iterable[Tensor], decode: Callable[[Tensor], Decoded]
    ) -> list[Decoded]:
        if self._queue is None:
            return [decode(self.run(batch)) for batch in batches]
        done: dict[int, Decoded] = {}

        def keep(request: Any, index: int) -> None:
            done[index] = decode(request.get_output_tensor(0).data)

        self._queue.set_callback(keep)
        for index, batch in enumerate(batches):
            self._queue.start_async({0: batch}, userdata=index)
        self._queue.wait_all()
        return [done[index] for index in sorted(done)]


def has_fast_bfloat16() -> bool:
    """Whether the processor has a matrix unit for bf16; elsewhere it only loses time."""
    return "amx_bf16" in cpu_flags()


def precision() -> str:
    return "bf16" if has_fast_bfloat16() else "f32"


def open_runner(
    model: Path, engine: Engine, *, threads: int, streams: int, cache: Path | None = None
) -> Runner:
    """A runner for the ONNX file ``model``; ModelError when the file is not there."""
    if not model.is_file():
        raise ModelError(f"no weights at {model}", name=model.name)
    if engine == "openvino":
        return OpenVinoRunner(model, threads, streams, cache)
    return OnnxRunner(model, threads, streams)
