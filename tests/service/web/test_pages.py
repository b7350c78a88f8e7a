"""The pages as they are rendered: rights, languages, forms, and nothing that a browser runs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from archive.tables import Role
from service.api.auth import CSRF_FIELD, SESSION_COOKIE
from tests.service.web.stage import finish, form_record
from tests.service.worlds import PASSWORD, SCRIPT, World, pdf

PAGES = (
    "/",
    "/account",
    "/users",
    "/audit",
    "/callbacks",
    "/reviews/figures",
    "/reviews/disagreements",
    "/models",
    "/ocr",
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def shown(world: World) -> tuple[str, str]:
    """An archive and a document in it whose every text is an attack."""
    name = f"{SCRIPT}\"'><img src=x onerror=alert(1)>.pdf"
    archive_id, (document_id,) = world.upload((name, pdf("attack")), name=SCRIPT)
    finish(world, document_id, form_record(name, SCRIPT))
    return archive_id, document_id


def _get(world: World, address: str, role: Role = Role.ADMINISTRATOR, **headers: str) -> str:
    answer = world.client.get(address, headers={**world.browser(role), **headers})
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.text


def _addresses(shown: tuple[str, str]) -> tuple[str, ...]:
    archive_id, document_id = shown
    return (*PAGES, f"/archives/{archive_id}", f"/documents/{document_id}")


class _Audit(HTMLParser):
    """Collects what a content policy without ``unsafe-inline`` would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.unlabelled: list[str] = []
        self._labels = 0
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [
            f"{tag} {name}" for name in given if name.startswith("on") or name == "style"
        ]
        is_code = tag == "style" or (tag == "script" and "src" not in given)
        if is_code and given.get("type") != "application/json":
            self.found.append(tag)
        for name in ("src", "href", "action"):
            if (given.get(name) or "").lower().startswith(("javascript:", "http:", "https:", "//")):
                self.found.append(f"{tag} {name} {given[name]}")
        self._labels += tag == "label"
        is_asked = tag in ("input", "select", "textarea") and given.get("type") != "hidden"
        if is_asked and not self._labels and not given.get("aria-label"):
            self.unlabelled.append(str(given))

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_needs_inline_code_or_another_site(
    world: World, shown: tuple[str, str], language: str
) -> None:
    world.client.post("/language", data={"code": language}, headers=world.browser())
    for address in _addresses(shown):
        html = _get(world, address)
        audit = _Audit()
        audit.feed(html)
        assert audit.found == [], address
        assert audit.unlabelled == [], address
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in html
        assert SCRIPT not in html, address
        assert "onerror=alert(1)>" not in html.replace("&gt;", ""), address
    world.client.post("/language", data={"code": "zh"}, headers=world.browser())


def test_english_pages_hold_no_chinese_words_of_ours(world: World) -> None:
    world.client.post("/language", data={"code": "en"}, headers=world.browser(Role.VIEWER))
    html = _get(world, "/account", Role.VIEWER)
    assert re.findall(r"[\u4e00-\u9fff]+", html.replace("中文", "")) == []
    world.client.post("/language", data={"code": "zh"}, headers=world.browser(Role.VIEWER))


def test_the_policy_forbids_inline_code(world: World) -> None:
    policy = world.client.get("/login").headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_who_is_not_signed_in_is_sent_to_the_login_and_back(world: World) -> None:
    answer = world.client.get("/archives/abc?q=%E5%AD%97")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=%2Farchives%2Fabc%3Fq%3D")
    form = world.client.get(answer.headers["location"]).text
    assert 'name="next" value="/archives/abc?q=' in form


@pytest.mark.parametrize(
    "next_", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_login_never_leads_to_another_site(world: World, next_: str) -> None:
    data = {"username": Role.VIEWER, "password": PASSWORD, "next": next_}
    answer = world.client.post("/login", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    world.client.cookies.clear()


def test_a_wrong_password_shows_the_form_again(world: World) -> None:
    answer = world.client.post("/login", data={"username": "<b>x", "password": "wrong"})
    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text
    assert 'value="&lt;b&gt;x"' in answer.text
    assert "wrong" not in re.sub(r"<[^>]+>", "", answer.text)


def test_a_login_form_from_another_site_is_refused(world: World) -> None:
    data = {"username": Role.VIEWER, "password": PASSWORD}
    answer = world.client.post("/login", data=data, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_form_without_the_csrf_token_is_answered_by_a_page(world: World) -> None:
    headers = world.browser(csrf=False) | FORM
    answer = world.client.post("/users", content="name=x&role=viewer", headers=headers)
    assert answer.status_code == 403
    assert "页面已过期" in answer.text


def test_what_a_role_may_not_is_neither_shown_nor_done(
    world: World, shown: tuple[str, str]
) -> None:
    archive_id, document_id = shown
    html = _get(world, f"/archives/{archive_id}", Role.VIEWER)
    for absent in ("data-delete-archive", 'data-act="delete"', 'data-act="retry"', "data-upload"):
        assert absent not in html
    assert 'href="/users"' not in html
    assert "data-upload" in _get(world, f"/archives/{archive_id}", Role.UPLOADER)
    for address in ("/users", "/audit", "/callbacks"):
        answer = world.client.get(address, headers=world.browser(Role.UPLOADER))
        assert answer.status_code == 403
    answer = world.client.post(
        f"/documents/{document_id}/accept", headers=world.browser(Role.UPLOADER)
    )
    assert answer.status_code == 403


def test_the_accepted_document_is_done(world: World) -> None:
    _, (document_id,) = world.upload(("accept.pdf", pdf("accept")))
    finish(world, document_id, form_record("accept.pdf"))
    answer = world.client.post(
        f"/documents/{document_id}/accept", headers=world.browser(Role.ANNOTATOR)
    )
    assert answer.headers["location"] == f"/documents/{document_id}?said=document_accepted"
    html = _get(world, answer.headers["location"])
    assert "已标记为核对完成" in html
    assert 'class="badge done"' in html


def test_what_is_not_there_says_so_in_a_page(world: World) -> None:
    for address in ("/documents/none", "/archives/none"):
        answer = world.client.get(address, headers=world.browser())
        assert answer.status_code == 404
        assert "找不到" in answer.text
    answer = world.client.get("/archives/none?page=x", headers=world.browser())
    assert answer.status_code == 422


def test_said_words_come_from_the_dictionary_only(world: World) -> None:
    assert 'class="said"' not in _get(world, "/?said=%3Cb%3Enews")
    assert "档案已删除" in _get(world, "/?said=archive_deleted")


def test_a_search_shows_where_the_word_stands(world: World) -> None:
    archive_id, (document_id, _) = world.upload(("s1.pdf", pdf("s1")), ("s2.pdf", pdf("s2")))
    finish(world, document_id, form_record("s1.pdf", "海绵城市改造"))
    html = _get(world, f"/archives/{archive_id}?q=海绵")
    assert "<mark>海绵</mark>城市改造" in html
    assert "项目名称" in html
    assert "s2.pdf" not in html
    filtered = f"/archives/{archive_id}?field=total_score&operator=>&value=97&sort=-field"
    assert "s1.pdf" in _get(world, filtered)
    assert "s1.pdf" not in _get(world, filtered.replace("97", "99"))


def test_a_list_can_be_fetched_alone(world: World, shown: tuple[str, str]) -> None:
    for address in ("/", f"/archives/{shown[0]}"):
        html = _get(world, address, **{"X-Fragment": "1"})
        assert "<html" not in html
        assert "<table" in html
    answer = world.client.get("/", headers={"X-Fragment": "1"})
    assert answer.status_code == 401


def test_a_duplicate_shows_the_record_of_its_original(world: World) -> None:
    content = pdf("twin")
    _, (first,) = world.upload(("first.pdf", content))
    finish(world, first, form_record("first.pdf"))
    _, (second,) = world.upload(("second.pdf", content))
    html = _get(world, f"/documents/{second}")
    assert f'href="/documents/{first}"' in html
    assert "智慧校园建设" in html
    assert 'data-act="reprocess"' not in html


def test_a_token_is_shown_once(world: World) -> None:
    _, csrf = world.sessions[Role.ENGINEER]
    data = {"name": "夜间", "days": "30", "scope": ["see", "administer"], CSRF_FIELD: csrf}
    headers = world.browser(Role.ENGINEER, csrf=False)
    made = world.client.post("/account/tokens", data=data, headers=headers)
    (token,) = re.findall(r"<code data-secret>(fl_[\w-]+)</code>", made.text)
    assert token not in _get(world, "/account", Role.ENGINEER)
    assert "尚未使用" in _get(world, "/account", Role.ENGINEER)
    me = world.client.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    if me.status_code == 200:
        # A scope that the role lacks is not granted.
        assert me.json()["rights"] == ["see"]


def test_a_new_user_can_sign_in_with_the_password_that_is_shown(world: World) -> None:
    data = {"name": "新同事", "role": "annotator"}
    made = world.client.post("/users", data=data, headers=world.browser())
    (password,) = re.findall(r"<code data-secret>([\w-]+)</code>", made.text)
    entered = world.client.post("/login", data={"username": "新同事", "password": password})
    assert entered.status_code == 303
    world.client.cookies.clear()
    again = world.client.post("/users", data=data, headers=world.browser())
    assert again.status_code == 422
    assert "用户名已存在" in again.text


def test_the_last_administrator_stays(world: World) -> None:
    user_id = world.user_ids[Role.ADMINISTRATOR]
    answer = world.client.post(
        f"/users/{user_id}/role", data={"role": "viewer"}, headers=world.browser()
    )
    assert answer.status_code == 422
    assert "至少要保留一位" in answer.text


def test_changing_the_password_ends_other_sessions(world: World) -> None:
    made = world.client.post(
        "/users", data={"name": "mover", "role": "viewer"}, headers=world.browser()
    )
    (password,) = re.findall(r"<code data-secret>([\w-]+)</code>", made.text)
    sessions = []
    for _ in range(2):
        entered = world.client.post("/login", data={"username": "mover", "password": password})
        sessions.append(entered.cookies[SESSION_COOKIE])
        world.client.cookies.clear()
    cookie = {"Cookie": f"{SESSION_COOKIE}={sessions[0]}"}
    html = world.client.get("/account", headers=cookie).text
    (csrf,) = re.findall(r'<meta name="csrf-token" content="([^"]+)">', html)
    wishes = {"now": password, "new": "a quite new one", "again": "a quite new one"}
    wrong = world.client.post(
        "/account/password", data={**wishes, "again": "other", CSRF_FIELD: csrf}, headers=cookie
    )
    assert (wrong.status_code, "不一致" in wrong.text) == (422, True)
    done = world.client.post("/account/password", data={**wishes, CSRF_FIELD: csrf}, headers=cookie)
    assert done.headers["location"] == "/account?said=password_changed"
    world.client.cookies.clear()
    other = {"Cookie": f"{SESSION_COOKIE}={sessions[1]}"}
    assert world.client.get("/account", headers=other).status_code == 303


def test_a_callback_is_added_listed_and_removed(world: World) -> None:
    bad = world.client.post(
        "/callbacks", data={"url": "ftp://x", "event": "archive.finished"}, headers=world.browser()
    )
    assert bad.status_code == 422
    data = {"url": "https://example.org/hook", "event": ["archive.finished"]}
    made = world.client.post("/callbacks", data=data, headers=world.browser())
    assert "data-secret" in made.text
    html = _get(world, "/callbacks")
    assert "https://example.org/hook" in html
    assert "data-secret" not in html
    (callback_id,) = re.findall(r'action="/callbacks/(\w+)/delete"', html)
    world.client.post(f"/callbacks/{callback_id}/delete", headers=world.browser())
    assert "https://example.org/hook" not in re.sub(r"audit", "", _get(world, "/callbacks"))


def test_the_audit_log_names_who_saw_what(world: World, shown: tuple[str, str]) -> None:
    _get(world, f"/documents/{shown[1]}", Role.ENGINEER)
    html = _get(world, "/audit?who=engineer&act=saw")
    assert f'href="/documents/{shown[1]}"' in html
    assert "查看" in html
    assert ">uploader<" not in html.split("<tbody>")[1]


def test_static_files_may_be_kept_for_ever(world: World) -> None:
    (style,) = re.findall(r'href="(/static/\w+/style.css)"', world.client.get("/login").text)
    answer = world.client.get(style)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert world.client.get("/static/x/../style.css").status_code == 404
