"""The labels of a form type and the labelling configuration that shows them.

Everything that a person reads here is Chinese, as the forms are.
"""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from xml.etree import ElementTree

from annotation.values import Mark
from extraction.declarations import (
    ColumnDeclaration,
    FieldDeclaration,
    FormDeclaration,
    ValueKind,
)

PAGE = "page"
LABEL = "label"
TEXT = "text"
ROW = "row"
MARKS = "marks"
"""Names of the configuration's tags, which the results of an annotation refer to."""

NAME_ATTRIBUTE = "data-name"
"""Of a label: its declared name, which stays when its title is changed."""

MARK_TITLES: Mapping[Mark, str] = MappingProxyType(
    {
        Mark.ILLEGIBLE: "看不清",
        Mark.PRINTED_SO: "原件如此",
        Mark.NO_SUCH_ROW: "没有这一行",
    }
)
_MARK_HINTS = {
    Mark.ILLEGIBLE: "原件上无法辨认，文字将留空",
    Mark.PRINTED_SO: "虽与填表规则不符，但原件确实这样印着",
    Mark.NO_SUCH_ROW: "表上没有这一行，整行删去",
}
_MARK_HOTKEYS = {
    Mark.ILLEGIBLE: "shift+1",
    Mark.PRINTED_SO: "shift+2",
    Mark.NO_SUCH_ROW: "shift+3",
}

_HOTKEYS = "1234567890qwtyuiasfgjklxcnm"
"""The keys that Label Studio's own tools leave free."""
_HUES = (0.58, 0.36, 0.07, 0.78, 0.48, 0.92, 0.14)
"""One for the single fields and one for each group, in turn."""
_KEYS_IN_HINT = 3

_KINDS: Mapping[ValueKind, str] = {
    "text": "文字",
    "number": "数字",
    "percent": "百分比",
    "year": "年份",
    "phone": "电话",
    "date": "日期",
    "code": "编号",
    "choice": "选项",
}

_STYLE = """
.formloop-notes { max-height: 9em; overflow-y: auto; }
.formloop-body { display: flex; align-items: flex-start; gap: 12px; }
.formloop-page { flex: 1 1 auto; min-width: 0; }
.formloop-side { flex: 0 0 210px; position: sticky; top: 0; max-height: 90vh; overflow-y: auto; }
.formloop-side h4 { font-size: 13px; line-height: 1.4; margin: 4px 0; }
.formloop-side .lsf-label { max-width: 100%; height: auto; }
.formloop-side .lsf-label__text { white-space: normal; }
"""


@dataclass(frozen=True, slots=True)
class FieldLabel:
    """How a declared name appears to an annotator; ``title`` is unique within its form.

    ``hotkey`` is empty where the keys are used up.
    """

    name: str
    title: str
    hotkey: str
    hint: str
    colour: str


def find_labels(declaration: FormDeclaration) -> tuple[FieldLabel, ...]:
    """A label for each field and each column of a group, in the declaration's order."""
    declared = tuple(_declared(declaration))
    titles = _unique_titles({name: title for name, title, _, _ in declared})
    hotkeys = dict(zip(titles, _HOTKEYS, strict=False))
    return tuple(
        FieldLabel(name, titles[name], hotkeys.get(name, ""), _hint(item), colour)
        for name, _, item, colour in declared
    )


def labelling_config(
    declaration: FormDeclaration, retired: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The XML of the form type's project. ``retired`` are labels that stay for the sake of
    the annotations that use them, title to declared name."""
    view = ElementTree.Element("View")
    _add(view, "Style").text = _STYLE
    _add(view, "Header", value="$title", size="4")
    notes = _add(view, "View", className="formloop-notes")
    _add(notes, "HyperText", name="notes", value="$notes", inline="true")
    body = _add(view, "View", className="formloop-body")
    _add_page(_add(body, "View", className="formloop-page"))
    side = _add(body, "View", className="formloop-side")
    _add_questions(side)
    _add_labels(side, find_labels(declaration), retired)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")


def config_digest(config: str) -> str:
    """Changes with what a configuration says, not with how its XML is laid out."""
    canonical = ElementTree.canonicalize(config, strip_text=True)
    return sha256(canonical.encode("utf-8")).hexdigest()


def _declared(
    declaration: FormDeclaration,
) -> Iterator[tuple[str, str, FieldDeclaration | ColumnDeclaration, str]]:
    """Name, title, declaration and colour of all that can be labelled."""
    for number, item in enumerate(declaration.fields):
        yield item.name, item.title, item, _colour(0, number)
    for block, group in enumerate(declaration.groups, start=1):
        for number, column in enumerate(group.columns):
            name, title = f"{group.name}.{column.name}", f"{group.title}·{column.title}"
            yield name, title, column, _colour(block, number)


def _unique_titles(titles: Mapping[str, str]) -> dict[str, str]:
    shared = Counter(titles.values())
    return {
        name: title if shared[title] == 1 else f"{title}（{name}）"
        for name, title in titles.items()
    }


def _hint(item: FieldDeclaration | ColumnDeclaration) -> str:
    parts = [_KINDS[item.kind]]
    if item.required:
        parts.append("必填")
    keys = item.keys[:_KEYS_IN_HINT]
    if keys:
        parts.append("表上写作：" + "、".join(keys))
    return "；".join(parts)


def _colour(block: int, number: int) -> str:
    """Blocks differ in hue, neighbours in a block a little in lightness."""
    rgb = colorsys.hls_to_rgb(_HUES[block % len(_HUES)], 0.36 + 0.06 * (number % 3), 0.75)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def _add_page(parent: ElementTree.Element) -> None:
    _add(
        parent,
        "Image",
        name=PAGE,
        valueList="$pages",
        zoom="true",
        zoomControl="true",
        rotateControl="true",
        brightnessControl="true",
        contrastControl="true",
        crosshair="true",
        # By default the picture is no higher than the window, and too small to be read.
        defaultZoom="auto",
        maxHeight="4000px",
    )


def _add_labels(
    parent: ElementTree.Element, labels: tuple[FieldLabel, ...], retired: Mapping[str, str]
) -> None:
    _add(parent, "Filter", name="find", toName=LABEL, minlength="0", placeholder="查找字段")
    control = _add(
        parent, "RectangleLabels", name=LABEL, toName=PAGE, canRotate="false", strokeWidth="2"
    )
    for label in labels:
        tag = _add(control, "Label", value=label.title, background=label.colour, hint=label.hint)
        tag.set(NAME_ATTRIBUTE, label.name)
        if label.hotkey:
            tag.set("hotkey", label.hotkey)
    for title, name in retired.items():
        tag = _add(control, "Label", value=title, background="#999999", hint="已停用，请勿再用")
        tag.set(NAME_ATTRIBUTE, name)


def _add_questions(parent: ElementTree.Element) -> None:
    """What is asked of each box: its text, its row in a group, and its marks.

    They stand above the labels, which may be more than fit on a screen.
    """
    _add(
        parent,
        "TextArea",
        name=TEXT,
        toName=PAGE,
        perRegion="true",
        editable="true",
        maxSubmissions="1",
        rows="2",
        displayMode="region-list",
        placeholder="照原件填写，空白处留空",
    )
    shown = _add(parent, "View", visibleWhen="region-selected")
    _add(shown, "Header", value="第几行（从1数起，仅表格各列需要）", size="6")
    _add(shown, "Number", name=ROW, toName=PAGE, perRegion="true", min="1", step="1")
    choices = _add(shown, "Choices", name=MARKS, toName=PAGE, perRegion="true", choice="multiple")
    for mark, title in MARK_TITLES.items():
        _add(
            choices,
            "Choice",
            value=title,
            alias=mark.value,
            hint=_MARK_HINTS[mark],
            hotkey=_MARK_HOTKEYS[mark],
        )


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)
