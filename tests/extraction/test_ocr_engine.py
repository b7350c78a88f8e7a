"""Engines, weights and the import of paddleocr."""

from __future__ import annotations

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from mmap import mmap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extraction.engines import ENGINE_VARIABLE, OpenVinoRunner, choose_engine, open_runner
from extraction.errors import EngineError, ModelError
from extraction.grid.lines import RULING_WEIGHTS
from extraction.ocr.networks import STRIP_OVERLAP_PX, Networks, bucket, strip_rows
from extraction.ocr.weights import DETECTOR, RECOGNISER, model_folder


def test_engine_is_as_asked_for_or_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, "onnxruntime")
    assert choose_engine() == "onnxruntime"
    assert choose_engine("openvino") == "openvino"
    monkeypatch.setenv(ENGINE_VARIABLE, "abacus")
    with pytest.raises(EngineError, match="abacus"):
        choose_engine()


def test_engine_is_onnxruntime_where_the_processor_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    monkeypatch.setattr("extraction.engines.cpu_flags", lambda: frozenset({"sse2"}))
    assert choose_engine() == "onnxruntime"


def test_model_folder_is_built_once_and_whole(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: model_folder(RECOGNISER, tmp_path), range(4)))
    (folder,) = folders
    assert sorted(file.name for file in folder.iterdir()) == ["inference.onnx", "inference.yml"]
    assert [other.name for other in folder.parent.iterdir()] == [RECOGNISER]
    assert model_folder(DETECTOR, tmp_path).parent == folder.parent


def test_paddleocr_loads_without_torch_pandas_or_a_hub(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from extraction.ocr.networks import import_paddleocr\n"
        "import_paddleocr(Path(sys.argv[1])).TextDetection\n"
        "names = 'torch', 'transformers', 'pandas', 'modelscope', 'huggingface_hub'\n"
        "print([name for name in names if name in sys.modules])\n"
        "import pandas; pandas.DataFrame([1])\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_process_that_reads_pages_starts_without_the_slow_parts_of_scipy() -> None:
    slow = "optimize", "sparse", "ndimage", "special", "stats"
    script = (
        "import sys, workers.stations\n"
        f"print([name for name in {slow!r} if f'scipy.{{name}}' in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip() == "[]"


@given(st.integers(1, 3200))
def test_bucket_holds_the_line_with_little_to_spare(width: int) -> None:
    assert bucket(width) >= width
    assert bucket(width) <= max(64, width * 1.25 + 32)


@given(st.integers(1, 160))
def test_strips_cover_every_row_and_overlap(blocks: int) -> None:
    height = 32 * blocks
    starts, strip = strip_rows(height)
    assert starts[0] == 0
    assert starts[-1] + strip == height
    for above, below in pairwise(starts):
        assert below - above <= strip - STRIP_OVERLAP_PX + 1


def test_two_processes_do_not_share_the_first_core() -> None:
    """OpenVINO pinned the only thread of each worker to core 0, so that two did the work of one."""
    pytest.importorskip("openvino")
    runner = open_runner(RULING_WEIGHTS, "openvino", threads=1, streams=1)
    assert isinstance(runner, OpenVinoRunner)
    assert runner._model.get_property("ENABLE_CPU_PINNING") is False


def test_networks_that_cannot_be_opened_are_told_of_at_once(tmp_path: Path) -> None:
    networks = Networks(lambda model: tmp_path / model, "onnxruntime", 1, tmp_path)
    with pytest.raises(ModelError, match="no weights"):
        networks.check()


def test_preparing_leaves_no_memory_to_later_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later inputs of other streams were written into what the last one had shared, and the
    heap was corrupt once that was free."""
    pytest.importorskip("openvino")
    made: list[NDArray[np.float32]] = []

    def zeros(shape: tuple[int, ...], dtype: type[np.float32]) -> NDArray[np.float32]:
        # Whole memory pages: only memory that is aligned is shared.
        data = mmap(-1, 4 * math.prod(shape))
        made.append(np.frombuffer(data, dtype).reshape(shape))
        return made[-1]

    model = model_folder(RECOGNISER) / "inference.onnx"
    runner = open_runner(model, "openvino", threads=2, streams=2)
    with monkeypatch.context() as patch:
        patch.setattr("extraction.engines.np.zeros", zeros)
        runner.prepare([(1, 3, 48, 320), (1, 3, 48, 64)])
    assert len(made) == 2
    batches = [np.ones((1, 3, 48, width), np.float32) for width in (64, 128, 64, 320) * 3]
    runner.run_each(batches, lambda output: None)
    assert not any(array.any() for array in made)
