"""Tables of figures as Markdown, kept in a page between markers so that notes beside survive."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from extraction.engines import choose_engine, cpu_flags

NAMED_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
NAMED_PACKAGES = (
    *("formloop", "paddleocr", "rapidocr", "onnxruntime", "openvino", "img2table"),
    *("opencv-contrib-python", "numpy"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """A table; its first column names the rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """What one part of the bench has to say: ``name`` marks its place in the page."""

    name: str
    title: str
    body: str
    data: Mapping[str, object]


def share(value: float, digits: int = 3) -> str:
    """A share 0..1, never rounded up to a whole that it is not."""
    text = f"{value:.{digits}f}"
    if value < 1 and float(text) == 1:
        return f"{1 - 10**-digits:.{digits}f}"
    return text


def figures_to_markdown(figures: Figures) -> str:
    rows = [figures.columns, *figures.rows]
    widths = [max(len(row[k]) for row in rows) for k in range(len(figures.columns))]
    lines = [_line(figures.columns, widths)]
    lines.append("|" + "|".join(_rule(width, k) for k, width in enumerate(widths)) + "|")
    return "\n".join([*lines, *(_line(row, widths) for row in figures.rows)])


def write_sections(sections: Sequence[Section], page: Path) -> None:
    """Put each section between its markers in ``page``; one that has none goes to the end."""
    text = page.read_text(encoding="utf-8") if page.is_file() else "# Benchmarks\n"
    for section in sections:
        text = replace_section(text, section)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def replace_section(text: str, section: Section) -> str:
    start, end = f"<!-- bench:{section.name} -->", f"<!-- /bench:{section.name} -->"
    block = f"{start}\n{section.body.strip()}\n{end}"
    found = re.search(f"{re.escape(start)}.*?{re.escape(end)}", text, re.DOTALL)
    if found is not None:
        return text[: found.start()] + block + text[found.end() :]
    return f"{text.rstrip()}\n\n## {section.title}\n\n{block}\n"


def machine_section() -> Section:
    """The machine and the versions that the figures come from."""
    data = describe_machine()
    body = "\n".join(f"- {name}: {text}" for name, text in data.items())
    return Section("machine", "Machine", body, data)


def describe_machine() -> dict[str, str]:
    flags = cpu_flags()
    return {
        "processor": processor_name(),
        "instructions": " ".join(flag for flag in NAMED_FLAGS if flag in flags) or "unknown",
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "OCR engine": choose_engine(),
        "load at the start": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "versions": ", ".join(f"{name} {installed(name)}" for name in NAMED_PACKAGES),
    }


def processor_name() -> str:
    about = Path("/proc/cpuinfo")
    if about.is_file():
        lines = about.read_text(encoding="utf-8", errors="replace").splitlines()
        pairs = (line.partition(":") for line in lines)
        fields = {key.strip(): value.strip() for key, _, value in pairs}
        name, model = fields.get("model name", ""), fields.get("model", "?")
        return f"{name}, family {fields.get('cpu family', '?')} model {model}"
    return platform.processor() or "unknown"


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.ljust(width) if k == 0 else text.rjust(width)
        for k, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "| " + " | ".join(cells) + " |"


def _rule(width: int, column: int) -> str:
    return "-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"
