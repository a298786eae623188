"""Mail that would act if it could, opened in a real browser: it is shown, it does nothing, and nobody hears of it."""

from __future__ import annotations

import time

import pytest

from browser_made import PHONE, Served, Visitor, picture
from hostile_mail import hostile_messages

NAMES = [n for n in hostile_messages("") if n != "personal"]
HACKED = "() => [window.hacked, document.title, location.href]"


@pytest.mark.parametrize("name", NAMES)
def test_hostile_mail_is_shown_and_does_nothing(served: Served, visit: Visitor, name: str) -> None:
    before = len(served.canary.seen)
    url = f"/message/{served.hostile[name]}"
    page = visit.open(url)
    # What a part would do when somebody unfolds all there is.
    page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    hacked, title, where = page.evaluate(HACKED)
    assert hacked is None and "hacked" not in title and where == served.url + url
    assert (
        page.locator("main script, main img, main form:not([action^='/message/']), main object, main embed").count()
        == 0
    )
    picture(page, f"hostile-{name}")
    time.sleep(0.2)
    assert served.canary.seen[before:] == []


@pytest.mark.parametrize("name", ["html", "scripted"])
def test_hostile_html_in_its_frame_loads_nothing_and_leads_nowhere(served: Served, visit: Visitor, name: str) -> None:
    before = len(served.canary.seen)
    # The browser says aloud what the policy of the frame stopped.
    visit.seen.expected.append("/html")
    page = visit.open(f"/message/{served.hostile[name]}?show=html")
    frame = page.frames[1]
    frame.wait_for_load_state("load")
    assert "Buy the marble garden" in frame.content()
    assert (
        frame.evaluate(
            "() => document.querySelectorAll('script, link, iframe, img, object, form, a, meta[http-equiv]').length"
        )
        == 0
    )
    picture(page, f"hostile-{name}-frame")
    page.mouse.click(*_middle(page))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1_200)
    assert page.evaluate(HACKED)[0] is None
    assert page.url == f"{served.url}/message/{served.hostile[name]}?show=html"
    assert len(page.frames) == 2 and page.frames[1].url.endswith("/html")
    assert served.canary.seen[before:] == []


def _middle(page: object) -> tuple[float, float]:
    box = page.locator("iframe.sandbox").bounding_box()  # type: ignore[attr-defined]
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_frame_holds_even_where_names_of_tags_were_left(
    served: Served, visit: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same HTML as it was sent, under the same policy: what the browser itself stops."""
    from hostile_mail import _page
    from spamtide.report import FRAME_POLICY

    before = len(served.canary.seen)
    visit.seen.expected += ["/html", "srcdoc", "/"]
    page = visit.open("/feeds")
    body = _page(served.canary.url).replace("preconnect", "x").replace("http-equiv", "x")
    page.route("**/bare/html", lambda route: route.fulfill(body=body, headers={
        "content-type": "text/html", "content-security-policy": FRAME_POLICY, "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
    }))  # fmt: skip
    page.evaluate("""() => { const f = document.createElement('iframe'); f.sandbox = ''; f.src = '/bare/html'; f.className = 'sandbox';
        document.querySelector('main').append(f); }""")
    page.wait_for_timeout(1_500)
    assert page.frames[1].evaluate("() => document.querySelectorAll('script').length") > 0
    assert page.evaluate("() => window.hacked") is None
    # A hint may open a connection, which no policy knows of; that is why the viewer takes such tags their names. No request leaves.
    assert [said for said in served.canary.seen[before:] if said not in (b"connected", b"")] == []
    assert any("Content Security Policy" in text for text in visit.seen.blocked)


def test_a_persons_mail_is_blurred_until_a_reason_is_given(served: Served, visit: Visitor) -> None:
    page = visit.open(f"/message/{served.hostile['personal']}", viewport=PHONE)
    assert "orchard" not in page.content()
    picture(page, "personal-veiled")
    page.get_by_label("Why it must be read").fill("asked by the court, file 12")
    page.get_by_role("button", name="Read it for half an hour").click()
    page.wait_for_load_state("load")
    assert "orchard" in page.content()
