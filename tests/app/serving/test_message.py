"""The message viewer: what it shows, what it never sends, and what it writes down."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hostile_mail import SCRIPT, hostile_messages, hostile_workspace
from serving_made import client_of
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.veiling import personal_campaigns
from spamtide.app.workspace import Workspace, now_us
from spamtide.archive import Narrowing
from spamtide.report import FRAME_POLICY

CANARY = "http://canary.example"


@dataclass
class Place:
    """A workspace of hostile mail, the ids of its messages, and its server."""

    workspace: Workspace
    ids: dict[str, str]
    site: TestClient

    def readings(self) -> list[dict[str, str]]:
        """What the journal says of readings."""
        return [r.body for r in self.workspace.archive.journal.read("reading")]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder: Path = tmp_path_factory.mktemp("hostile")
    workspace, ids = hostile_workspace(folder, CANARY)
    return Place(workspace, ids, client_of(workspace))


@pytest.mark.parametrize("name", [n for n in hostile_messages("") if n != "personal"])
def test_any_message_is_shown_as_text_that_cannot_act(hostile: Place, name: str) -> None:
    for more in ("", "?all=1", "?show=html"):
        page = hostile.site.get(f"/message/{hostile.ids[name]}{more}")
        assert page.status_code == 200, page.text
        assert "<script>window" not in page.text and "<img src=x" not in page.text
        assert "\u202e" not in page.text and "\x1b" not in page.text and "\x00" not in page.text
    assert hostile.site.get(f"/message/{hostile.ids[name]}.json").json()["id"] == hostile.ids[name]


def test_a_script_is_shown_as_its_letters(hostile: Place) -> None:
    page = hostile.site.get(f"/message/{hostile.ids['scripted']}").text
    assert html.escape(SCRIPT, quote=True).replace("&#x27;", "&#39;") in page.replace("&#x27;", "&#39;")
    assert 'class="control">U+202E right-to-left override</span>' in page


def test_a_long_message_is_cut_and_shown_whole_when_asked(hostile: Place) -> None:
    url = f"/message/{hostile.ids['huge']}"
    short, whole = (hostile.site.get(url + more).text for more in ("", "?all=1"))
    assert len(short) < 60_000 < len(whole) < 1_500_000
    assert "Show all" in short


def test_its_html_comes_with_a_policy_that_allows_nothing(hostile: Place) -> None:
    answer = hostile.site.get(f"/message/{hostile.ids['html']}/html", headers={"sec-fetch-dest": "iframe"})
    assert answer.headers["content-security-policy"] == FRAME_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in answer.text and "<link" not in answer.text and "<x-img" in answer.text
    named = hostile.site.get(f"/message/{hostile.ids['html']}.json").json()["remote"]
    assert {"kind": "tracking pixel", "url": f"{CANARY}/pixel.gif"} in named


def test_its_html_is_no_page_of_its_own(hostile: Place) -> None:
    answer = hostile.site.get(f"/message/{hostile.ids['html']}/html", headers={"sec-fetch-dest": "document"})
    assert answer.status_code == 403


def test_the_file_is_the_raw_bytes_and_never_opens(hostile: Place) -> None:
    for name, raw in hostile_messages(CANARY).items():
        if name == "personal":
            continue
        answer = hostile.site.get(f"/message/{hostile.ids[name]}/message.eml")
        assert answer.content == raw
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; filename=")


def test_every_reading_is_in_the_journal(hostile: Place) -> None:
    before = len(hostile.readings())
    message = hostile.ids["direction"]
    for path in (f"/message/{message}", f"/message/{message}.json", f"/message/{message}/message.eml"):
        assert hostile.site.get(path).status_code == 200
    new = hostile.readings()[before:]
    assert [(r["message"], r["what"]) for r in new] == [(message, "page"), (message, "page"), (message, "download")]
    assert all(r["who"].startswith("user ") for r in new)


def test_nothing_of_a_persons_mail_is_sent_before_a_reason_is_written_down(hostile: Place) -> None:
    site, message = client_of(hostile.workspace), hostile.ids["personal"]
    for path in ("", ".json", "?show=html&all=1", ".csv"):
        answer = site.get(f"/message/{message}{path}")
        assert answer.status_code == 200
        assert "orchard" not in answer.text and "marble" not in answer.text and "sender.example" not in answer.text
    for path in ("/html", "/message.eml"):
        assert site.get(f"/message/{message}{path}").status_code == 403
    own = {"origin": "http://127.0.0.1:8025", "sec-fetch-site": "same-origin"}
    assert site.post(f"/message/{message}/reason", data={"reason": "no"}, headers=own).status_code == 400
    other = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    assert (
        site.post(f"/message/{message}/reason", data={"reason": "asked by the court"}, headers=other).status_code == 403
    )
    assert "orchard" not in site.get(f"/message/{message}").text
    assert (
        site.post(f"/message/{message}/reason", data={"reason": "asked by the court"}, headers=own).status_code == 303
    )
    assert "orchard" in site.get(f"/message/{message}").text
    said = [r for r in hostile.readings() if r["what"] == "reason"]
    assert said[-1]["reason"] == "asked by the court" and said[-1]["message"] == message


def test_a_persons_subject_stands_in_no_list(hostile: Place) -> None:
    for path in ("/search?q=origin:personal", "/search.json?q=origin:personal", "/search.csv?q=origin:personal"):
        answer = hostile.site.get(path)
        assert hostile.ids["personal"] in answer.text and "marble" not in answer.text.replace("origin:personal", "")


def test_a_reason_is_for_one_message_one_person_and_half_an_hour(hostile: Place) -> None:
    from spamtide.app.serving.reading import HOLDS_US, ReadingBook

    now = [0]
    book = ReadingBook(hostile.workspace, lambda: now[0])
    book.unveil("user a", "f/w-000001/1", "because of this")
    assert book.may_read("user a", "f/w-000001/1")
    assert not book.may_read("user b", "f/w-000001/1") and not book.may_read("user a", "f/w-000001/2")
    now[0] = HOLDS_US
    assert not book.may_read("user a", "f/w-000001/1")


def test_beyond_loopback_no_mail_leaves(hostile: Place) -> None:
    site, message = client_of(hostile.workspace, local=False), hostile.ids["html"]
    page = site.get(f"/message/{message}")
    assert page.status_code == 200 and "joe@" not in page.text and "198.51.100.7" not in page.text
    for path in ("/html", "/message.eml"):
        assert site.get(f"/message/{message}{path}").status_code == 403


def test_an_unknown_or_odd_id_is_an_answer(hostile: Place) -> None:
    assert hostile.site.get("/message/hostile/made-000001/99999").status_code == 404
    assert hostile.site.get("/message/..%2f/made-000001/1").status_code in (400, 404)


def test_an_erased_message_has_a_page_and_no_bytes(tmp_path: Path) -> None:
    from spamtide.app.cli import run

    workspace, ids = hostile_workspace(tmp_path, CANARY)
    assert run(["--workspace", str(tmp_path), "archive", "erase", "subject:page", "--reason", "asked for"]) == 0
    site = client_of(workspace)
    assert "was erased" in site.get(f"/message/{ids['html']}").text
    assert site.get(f"/message/{ids['html']}/message.eml").status_code == 410


def test_a_message_in_quarantine_is_not_parsed(hostile: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from spamtide.app.quarantine import Held
    from spamtide.app.serving import letter
    from spamtide.archive import parse_id

    message = hostile.ids["bytes"]
    monkeypatch.setattr(letter, "in_quarantine", lambda *_: {parse_id(message): Held("it died", 0, 8)})
    monkeypatch.setattr(letter, "digest", None)
    page = hostile.site.get(f"/message/{message}")
    assert page.status_code == 200 and "it died" in page.text


def test_a_persons_words_stand_on_no_page_of_a_campaign(hostile: Place) -> None:
    found = hostile.site.get("/search.json?q=origin:personal").json()["messages"][0]
    for path in ("/campaigns", "/campaigns.json", f"/campaigns/{found['campaign']}", f"/campaigns/{found['campaign']}.json?template=1", f"/campaigns/{found['campaign']}.csv", "/now?origin=all"):  # fmt: skip
        page = hostile.site.get(path)
        assert page.status_code == 200
        # The same words in other messages of the test are in capitals or behind "Buy".
        assert "orchard" not in page.text and "Re: the marble house" not in page.text, path


def test_whose_mail_is_a_persons_is_known_of_all_campaigns_whichever_page_asks_first(hostile: Place) -> None:
    found = {m["campaign"] for m in hostile.site.get("/search.json?q=origin:personal").json()["messages"]}
    other = next(c["campaign"] for c in hostile.site.get("/campaigns.json").json()["campaigns"] if c["campaign"] not in found)  # fmt: skip
    asker = Asker(hostile.workspace, local=True, clock=now_us)
    with asker.only(Narrowing((other,))):
        assert personal_campaigns(asker) == found
    asker.close()
