"""The pages in a real Chromium, as a person uses them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archive.states import DocumentState
from archive.tables import Document, Role
from tests.service.web.stage import BrowserPage, Stage, finish, form_record, page_picture
from tests.service.worlds import PASSWORD, SCRIPT, pdf, zipped

pytestmark = pytest.mark.slow

DROP = """([selector, files]) => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) transfer.items.add(new File([text], name));
  const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""


def _write(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(pdf(f"{folder.name} {name}"))
    return [str(folder / name) for name in names]


def _answers(page: BrowserPage) -> dict[str, str]:
    """The state that each file's row shows, by its name."""
    page.locator("[data-stop]").wait_for(state="hidden")
    return {
        row.locator(".name").inner_text(): row.get_attribute("class")
        for row in page.locator("[data-answers] li").all()
    }


def _wait_for_text(page: BrowserPage, selector: str, text: str) -> None:
    page.locator(selector, has_text=re.compile(f"^{re.escape(text)}$")).wait_for()


def _lit(page: BrowserPage, path: str) -> set[str]:
    """The classes of the box that belongs to a field."""
    mark = page.locator(f"[id='{path}']").get_attribute("data-mark")
    return set(page.locator(f"rect[data-mark={mark}]").get_attribute("class").split())


def test_signing_in_and_out(stage: Stage, page: BrowserPage) -> None:
    page.goto(f"{stage.address}/users")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.fill("[name=username]", Role.ADMINISTRATOR)
    page.fill("[name=password]", "wrong password")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stage.address}/users")
    page.get_by_role("button", name="退出").click()
    page.wait_for_url(f"{stage.address}/login")
    page.goto(f"{stage.address}/")
    assert "/login" in page.url


def test_uploading_files_and_a_zip(stage: Stage, page: BrowserPage, tmp_path: Path) -> None:
    stage.sign_in(page)
    files = _write(tmp_path, "一.pdf", "二.pdf")
    (tmp_path / "notes.docx").write_bytes(b"PK\x03\x04 no")
    (tmp_path / "empty.pdf").write_bytes(b"")
    (tmp_path / "box.zip").write_bytes(
        zipped(("甲.pdf", pdf("up-a")), ("乙.pdf", Path(files[0]).read_bytes()))
    )
    page.fill("[data-name]", "七月的箱子")
    names = ("notes.docx", "empty.pdf", "box.zip")
    page.set_input_files("[data-files]", [*files, *(str(tmp_path / name) for name in names)])
    answers = _answers(page)
    assert answers["一.pdf"] == answers["二.pdf"] == "accepted"
    assert answers["notes.docx"] == answers["empty.pdf"] == "refused"
    assert answers["box.zip"] == "opened"
    assert answers["box.zip/甲.pdf"] == "accepted"
    assert answers["box.zip/乙.pdf"] == "duplicate"
    empty = page.locator("li.refused", has_text="empty.pdf")
    assert empty.locator(".why").inner_text() == "文件为空"
    assert empty.get_attribute("title") == "the file is empty"
    assert page.locator("[data-summary]").inner_text() == (
        "已接受 3 个文件 · 1 个重复，不再处理 · 2 个未接受"
    )
    page.get_by_role("link", name="打开档案").click()
    page.get_by_role("heading", name="七月的箱子").wait_for()
    assert page.locator("tr[data-id]").count() == 4
    assert page.locator("[data-count=all]").inner_text() == "4"
    assert page.get_by_text("2 个文件未被接受").count() == 1


def test_uploading_a_folder_and_dropping_more(
    stage: Stage, page: BrowserPage, tmp_path: Path
) -> None:
    stage.sign_in(page)
    folder = tmp_path / "扫描"
    _write(folder, "甲/10.pdf", "甲/9.pdf", "甲/1.pdf", ".DS_Store")
    page.set_input_files("[data-folder]", str(folder))
    answers = _answers(page)
    assert list(answers) == ["扫描/甲/1.pdf", "扫描/甲/9.pdf", "扫描/甲/10.pdf"]
    assert set(answers.values()) == {"accepted"}
    page.get_by_role("link", name="打开档案").click()
    page.get_by_role("heading", name="扫描", exact=True).wait_for()
    page.evaluate(DROP, ["main", [["更多.pdf", pdf("dropped").decode()]]])
    page.locator("li.accepted").wait_for()
    page.locator("tr[data-id]", has_text="更多.pdf").wait_for()


def test_many_files_go_in_several_requests_into_one_archive(
    stage: Stage, page: BrowserPage, tmp_path: Path
) -> None:
    stage.sign_in(page)
    files = _write(tmp_path, *(f"{number:02d}.pdf" for number in range(45)))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else 0)
    page.set_input_files("[data-files]", files)
    assert set(_answers(page).values()) == {"accepted"}
    assert [address.rsplit("/", 1)[-1] for address in sent] == ["archives", *["documents"] * 2]


def test_progress_is_shown_while_workers_read(stage: Stage, page: BrowserPage) -> None:
    archive_id, (first, second) = stage.world.upload(
        ("快.pdf", pdf("live1")), ("慢.pdf", pdf("live2")), name="进行中"
    )
    stage.sign_in(page)
    page.goto(f"{stage.address}/archives/{archive_id}")
    assert page.locator("[data-count=received]").inner_text() == "2"
    finish(stage.world, first, form_record("快.pdf"))
    _wait_for_text(page, "[data-count=in_review]", "1")
    page.locator(f"tr[data-id='{first}'] .badge.in_review").wait_for()
    assert page.locator(f"tr[data-id='{first}'] .doubtful").inner_text() == "3"
    assert "每分钟" in page.locator("[data-pace]").inner_text()
    page.goto(f"{stage.address}/documents/{second}")
    page.get_by_role("heading", name="正在识别").wait_for()
    finish(stage.world, second, form_record("慢.pdf"))
    page.locator("[data-viewer]").wait_for()


def test_pointing_at_a_field_lights_its_place_and_the_reverse(
    stage: Stage, page: BrowserPage
) -> None:
    _, document_id = stage.add_document("指.pdf")
    stage.sign_in(page)
    page.goto(f"{stage.address}/documents/{document_id}")
    assert "lit" not in _lit(page, "phone")
    page.locator("#phone th").hover()
    assert "lit" in _lit(page, "phone")
    page.locator("#leader th").hover()
    assert "lit" not in _lit(page, "phone")
    mark = page.locator("#project_name").get_attribute("data-mark")
    page.locator(f"rect[data-mark={mark}]").hover()
    assert "lit" in page.locator("#project_name").get_attribute("class")
    page.locator(f"rect[data-mark={mark}]").click()
    assert "kept" in page.locator("#project_name").get_attribute("class")
    assert page.locator("[data-lens-words]").inner_text().split() == ["项目名称", "智慧校园建设"]
    # The same cell in the table.
    page.keyboard.press("2")
    cell = page.locator(f"#panel-tables td[data-mark={mark}]")
    assert "kept" in cell.get_attribute("class")


def test_a_box_lies_where_its_cell_is_printed(stage: Stage, page: BrowserPage) -> None:
    record = form_record("位.pdf")
    _, document_id = stage.add_document("位.pdf", record)
    stage.sign_in(page)
    page.goto(f"{stage.address}/documents/{document_id}")
    page.locator("[data-sheet='1'] img").wait_for()
    for key in ("", "+", "-", "-"):
        if key:
            page.keyboard.press(key)
        source = record.fields["phone"].source
        assert source is not None
        mark = page.locator("#phone").get_attribute("data-mark")
        box = page.locator(f"rect[data-mark={mark}]").bounding_box()
        picture = page.locator("[data-sheet='1'] img").bounding_box()
        scale = picture["width"] / 600
        assert box["x"] == pytest.approx(picture["x"] + source.box.x0 * scale, abs=2)
        assert box["y"] == pytest.approx(picture["y"] + source.box.top * scale, abs=2)
        assert box["height"] == pytest.approx(source.box.height * scale, abs=3)


def test_keys_move_between_doubtful_fields_and_zoom(stage: Stage, page: BrowserPage) -> None:
    _, document_id = stage.add_document("键.pdf")
    stage.sign_in(page)
    page.goto(f"{stage.address}/documents/{document_id}")
    at = page.locator("[data-doubt-at]")
    focused = "document.activeElement.id"
    for key, path in (
        ("j", "leader"),
        ("n", "total_score"),
        ("j", "goal_expected"),
        ("j", "leader"),
        ("k", "goal_expected"),
        ("p", "total_score"),
    ):
        page.keyboard.press(key)
        assert page.evaluate(focused) == path
        assert "kept" in _lit(page, path)
    assert at.inner_text() == "待核 2 / 3"
    # It stands on the second page, which has come into view.
    _wait_for_text(page, "[data-at]", "2 / 2")
    shown = page.locator("[data-zoom-shown]")
    before = int(shown.inner_text().rstrip("%"))
    page.keyboard.press("+")
    assert int(shown.inner_text().rstrip("%")) > before
    page.keyboard.press("-")
    page.keyboard.press("0")
    assert abs(int(shown.inner_text().rstrip("%")) - before) <= 1
    page.keyboard.press("[")
    _wait_for_text(page, "[data-at]", "1 / 2")
    page.keyboard.press("Escape")
    assert "kept" not in _lit(page, "total_score")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("j")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    page.locator("[data-only]").check()
    assert page.locator("#phone").is_hidden()
    assert page.locator("#leader").is_visible()


def test_what_is_held_stays_under_the_pointer(stage: Stage, page: BrowserPage) -> None:
    _, document_id = stage.add_document("拖.pdf")
    stage.sign_in(page)
    page.goto(f"{stage.address}/documents/{document_id}")
    frame = page.locator("[data-viewport]").bounding_box()
    middle = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0], middle[1] - 120, steps=4)
    page.mouse.up()
    assert page.evaluate("document.querySelector('[data-viewport]').scrollTop") == 120
    assert page.locator(".kept").count() == 0, "a drag is no click"
    scale = "document.querySelector('[data-sheet]').getBoundingClientRect().width"
    before = page.evaluate(scale)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    for _ in range(50):
        if page.evaluate(scale) > before:
            break
        page.wait_for_timeout(50)
    assert page.evaluate(scale) > before


def test_checks_lead_to_their_fields(stage: Stage, page: BrowserPage) -> None:
    _, document_id = stage.add_document("核.pdf")
    stage.sign_in(page)
    page.goto(f"{stage.address}/documents/{document_id}")
    page.get_by_role("tab", name="核对").click()
    page.get_by_text("分项之和99，合计98").wait_for()
    page.get_by_role("button", name="总分 (得分)").click()
    assert page.locator("#panel-fields").is_visible()
    assert "kept" in page.locator("#total_score").get_attribute("class")
    page.get_by_role("tab", name="字段").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#panel-tables").is_visible()


def test_the_language_switch(stage: Stage, page: BrowserPage) -> None:
    _, document_id = stage.add_document("语.pdf")
    page.goto(f"{stage.address}/login")
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_role("button", name="中文").click()
    stage.sign_in(page, Role.ENGINEER)
    page.goto(f"{stage.address}/documents/{document_id}?revision=1")
    page.get_by_role("button", name="English").click()
    page.get_by_role("tab", name="Fields").wait_for()
    assert page.url.endswith(f"/documents/{document_id}?revision=1")
    assert page.locator("html").get_attribute("lang") == "en"
    page.keyboard.press("j")
    assert page.locator("[data-doubt-at]").inner_text() == "Doubtful 1/3"
    page.get_by_role("button", name="中文").click()
    page.get_by_role("tab", name="字段").wait_for()


def test_printed_text_and_file_names_stay_text(stage: Stage, page: BrowserPage) -> None:
    attack = f"{SCRIPT}<img src=x onerror=\"alert('y')\">"
    archive_id, document_id = stage.add_document(f"{attack}.pdf", form_record("x", attack))
    stage.sign_in(page)
    page.goto(f"{stage.address}/archives/{archive_id}?q=script")
    assert page.locator("tr[data-id] mark").first.inner_text() == "script"
    page.goto(f"{stage.address}/documents/{document_id}")
    assert page.locator("#project_name .printed").inner_text() == attack
    for key in ("j", "2", "3", "4"):
        page.keyboard.press(key)
    page.locator("#project_name").dispatch_event("click")
    assert attack in page.locator("[data-lens-words]").inner_text()
    # The answers of an upload are written by a script.
    page.goto(f"{stage.address}/")
    page.evaluate(DROP, ["main", [[f"{attack}.pdf", pdf("attack2").decode()]]])
    page.locator("li.accepted, li.refused").wait_for()
    assert page.locator("main img").count() == 0


def test_several_documents_at_once(stage: Stage, page: BrowserPage) -> None:
    archive_id, ids = stage.world.upload(
        *((f"{number}.pdf", pdf(f"bulk{number}")) for number in range(4)), name="批量"
    )
    finish(stage.world, ids[0], form_record("0.pdf"))
    stage.sign_in(page)
    page.goto(f"{stage.address}/archives/{archive_id}")
    for document_id in ids[1:3]:
        page.check(f"tr[data-id='{document_id}'] input")
    assert page.locator("[data-selected]").inner_text() == "已选 2 份"
    page.locator("[data-bulk]").get_by_role("button", name="取消识别").click()
    page.locator("dialog [data-yes]").click()
    _wait_for_text(page, "[data-count=cancelled]", "2")
    page.check(f"tr[data-id='{ids[0]}'] input")
    page.get_by_text("导出所选").click()
    with page.expect_download() as download:
        page.locator("[data-bulk] [data-format=jsonl]").click()
    assert Path(download.value.path()).read_text("utf-8").count('"form_type"') == 1
    page.check("[data-all]")
    page.locator("[data-bulk]").get_by_role("button", name="删除", exact=True).click()
    page.locator("dialog").get_by_role("button", name="返回").click()
    assert page.locator("tr[data-id]").count() == 4
    page.locator("[data-bulk]").get_by_role("button", name="删除", exact=True).click()
    page.locator("dialog [data-yes]").click()
    page.get_by_text("此档案还没有文件").wait_for()
    with stage.world.service.database.read() as session:
        assert all(session.get(Document, document_id) is None for document_id in ids)


def test_one_document_is_cancelled_retried_and_deleted(stage: Stage, page: BrowserPage) -> None:
    _, (document_id,) = stage.world.upload(("一份.pdf", pdf("one")), name="一份")

    def state() -> DocumentState | None:
        with stage.world.service.database.read() as session:
            row = session.get(Document, document_id)
            return row.state if row else None

    stage.sign_in(page)
    page.goto(f"{stage.address}/documents/{document_id}")
    page.get_by_role("button", name="取消识别").click()
    page.locator("dialog [data-yes]").click()
    page.locator(".badge.cancelled").wait_for()
    page.get_by_role("button", name="重试").click()
    page.locator(".badge.received").wait_for()
    assert state() is DocumentState.RECEIVED
    page.get_by_role("button", name="删除").click()
    page.locator("dialog [data-yes]").click()
    page.get_by_text("文件已删除").wait_for()
    assert state() is None


def test_a_worker_that_fails_says_why(stage: Stage, page: BrowserPage) -> None:
    picture = page_picture(form_record(), 1)
    archive_id, (document_id,) = stage.world.upload(("图.png", picture), name="出错")
    with stage.world.service.database.write() as session:
        row = session.get(Document, document_id)
        assert row is not None
        row.state, row.reason = DocumentState.FAILED, "the page is <blank>"
    stage.sign_in(page)
    page.goto(f"{stage.address}/archives/{archive_id}?state=failed")
    assert "the page is <blank>" in page.locator("tr[data-id]").inner_text()
    page.goto(f"{stage.address}/documents/{document_id}")
    assert page.get_by_role("alert").inner_text() == "the page is <blank>"


@pytest.mark.parametrize("width", [1440, 1024, 720])
def test_nothing_is_wider_than_the_window(stage: Stage, page: BrowserPage, width: int) -> None:
    archive_id, document_id = stage.add_document(f"宽{width}.pdf")
    page.set_viewport_size({"width": width, "height": 800})
    stage.sign_in(page)
    for path in ("/", f"/archives/{archive_id}", f"/documents/{document_id}", "/account", "/users"):
        page.goto(stage.address + path)
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, path
