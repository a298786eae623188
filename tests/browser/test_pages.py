"""Every page in a real browser: on a desk, on a phone, in the dark, at twice the size, by keyboard alone, and as it changes."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from browser_made import DESK, PHONE, Served, Visitor, picture
from trap_process import TrapProcess, deliver, greeted

# Twice the size on a desk is half the width.
ZOOMED = {"width": 640, "height": 450}


def found(served: Served, path: str) -> Any:
    """The JSON twin of a page."""
    with urllib.request.urlopen(served.url + path) as answer:
        return json.load(answer)


@pytest.fixture(scope="session")
def paths(served: Served) -> dict[str, str]:
    """Every page by its name, with things of this workspace in it."""
    campaign = found(served, "/campaigns.json")["campaigns"][0]["campaign"]
    group = found(served, "/senders.json")["groups"][0]["group"]
    return {
        "now": "/now", "series": "/series?measure=subject:viagra,cialis&feed=trap", "campaigns": "/campaigns",
        "campaign": f"/campaigns/{campaign}", "senders": "/senders", "sender": f"/senders/{group}",
        "events": "/event", "event": "/event/rustock-2011?feed=trap", "watches": "/watch", "watch": "/watch/casino",
        "search": "/search?q=subject:viagra", "message": "/message/trap/sim-000001/5", "feeds": "/feeds", "feed": "/feeds/trap",
        "error": "/campaigns/c-nobody",
    }  # fmt: skip


PAGES = (
    "now", "series", "campaigns", "campaign", "senders", "sender", "events", "event", "watches", "watch", "search", "message", "feeds",
    "feed", "error",
)  # fmt: skip


def test_every_page_of_the_catalogue_is_looked_at(paths: dict[str, str]) -> None:
    from spamtide.app.serving.catalogue import PAGES as CATALOGUE

    assert tuple(paths) == PAGES
    patterns = {p.name: re.compile(re.sub(r"\{\w+\}", "[^/]+", p.path)) for p in CATALOGUE}
    seen = [urlsplit(path).path for path in paths.values()]
    assert [name for name, pattern in patterns.items() if not any(pattern.fullmatch(path) for path in seen)] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_on_a_desk_on_a_phone_in_the_dark_and_at_twice_the_size(
    visit: Visitor, paths: dict[str, str], name: str
) -> None:
    if name == "error":
        # The browser says aloud that a page was not found.
        visit.seen.expected.append("/c-nobody")
    page = visit.open(paths[name])
    assert page.locator("h1").count() == 1 and page.locator("h1").inner_text()
    # Markup that was escaped once too often would stand there as text.
    assert not re.search(r"</?(time|span|a|td)\b", page.locator("main").inner_text())
    for look, viewport, scheme in (
        ("desk", DESK, "light"), ("dark", DESK, "dark"), ("phone", PHONE, "light"), ("phone-dark", PHONE, "dark"), ("zoomed", ZOOMED, "light"),
    ):  # fmt: skip
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(viewport)
        page.wait_for_timeout(200)
        wide, room = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert wide <= room, f"{name} {look} is {wide} wide in {room}"
        picture(page, f"{name}-{look}")
        if look == "desk":
            assert serious(page) == []
        if look == "phone-dark":
            # What another width and other colours could change.
            assert serious(page, "color-contrast", "scrollable-region-focusable", "target-size") == []


def serious(page: Any, *rules: str) -> list[str]:
    """Findings of axe that keep somebody from using the page, by all its rules or by these."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else None
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:200]} {v['nodes'][0]['failureSummary'][:300]}"
        for v in violations
        if v["impact"] in ("serious", "critical")
    ]


def focused(page: Any) -> str:
    """Text of what has the focus."""
    return page.evaluate(
        "() => document.activeElement.textContent.trim() || document.activeElement.name || document.activeElement.id"
    )


def test_a_reader_goes_from_the_front_to_a_raw_message_by_keyboard_alone(visit: Visitor) -> None:
    page = visit.open("/now")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the page"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert focused(page) == "q"
    page.keyboard.type("subject:viagra")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    page.keyboard.press("j")
    first = focused(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert focused(page) == first
    page.keyboard.press("Enter")
    page.wait_for_url("**/message/**")
    page.get_by_role("link", name="Raw", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("#raw summary").focus()
    page.keyboard.press("Enter")
    assert page.get_by_label("Raw bytes").is_visible()


def test_a_search_is_in_its_address_and_finds_disguised_words(visit: Visitor) -> None:
    page = visit.open("/search")
    page.get_by_role("textbox", name="query").fill("subject:cialis feed:trap")
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url("**/search?**")
    assert parse_qs(urlsplit(page.url).query)["q"] == ["subject:cialis feed:trap"]
    rows = page.locator("tr[data-href]")
    assert rows.count() > 5
    rows.nth(3).locator("td").first.click()
    page.wait_for_url("**/message/trap/**")


def test_the_next_rows_come_below_those_that_are_there(visit: Visitor) -> None:
    page = visit.open("/search?q=subject:cialis&limit=25")
    rows = page.locator("[data-list] > tr")
    first = rows.nth(0).inner_text()
    page.get_by_role("link", name="Next rows").click()
    page.wait_for_function("() => document.querySelectorAll('[data-list] > tr').length === 50")
    assert rows.nth(0).inner_text() == first
    page.get_by_role("link", name="Next rows").click()
    page.wait_for_function("() => document.querySelectorAll('[data-list] > tr').length === 75")
    ids = page.evaluate("() => Array.from(document.querySelectorAll('[data-list] > tr'), r => r.dataset.href)")
    assert len(set(ids)) == 75


def test_a_brush_over_a_chart_changes_the_address_and_the_page(visit: Visitor) -> None:
    page = visit.open("/series?measure=volume&feed=trap")
    box = page.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=6)
    page.mouse.up()
    page.wait_for_url("**window=**")
    start, end = parse_qs(urlsplit(page.url).query)["window"][0].split("/")
    assert ("2010-11" in start and "2010-12" in end) or "2011-01" in end
    assert page.locator(".chart canvas").count() == 1
    picture(page, "series-brushed")


def test_a_page_reads_without_script(visit: Visitor, paths: dict[str, str]) -> None:
    for name in ("now", "series", "event", "message"):
        page = visit.open(paths[name], java_script_enabled=False)
        assert page.locator("h1").inner_text() and page.locator("table").count() >= 1


def test_a_message_sent_to_a_running_trap_appears_within_ten_seconds(served: Served, visit: Visitor) -> None:
    page = visit.open("/now")
    with TrapProcess(served.workspace, feed="live", digest=True) as trap, greeted(trap.address) as client:
        # The following digest is started beside the trap; its first look may take longer than later ones.
        deliver(client, b"Subject: the first plum\r\n\r\nwords\r\n")
        page.get_by_text("the first plum").wait_for(timeout=30_000)
        sent = time.monotonic()
        deliver(client, b"Subject: the second plum\r\n\r\nother words\r\n")
        page.get_by_text("the second plum").wait_for(timeout=10_000)
        assert time.monotonic() - sent <= 10
        picture(page, "now-live")
        page.get_by_text("the second plum").click()
        page.wait_for_url("**/message/live/**")
        assert "other words" in page.content()


def test_on_paper_there_are_no_forms_and_the_whole_message(visit: Visitor, paths: dict[str, str]) -> None:
    page = visit.open(paths["event"])
    page.emulate_media(media="print")
    assert page.locator("form:visible, nav:visible, .button:visible").count() == 0
    assert page.locator("figure svg:visible").count() >= 2
    picture(page, "event-paper")


def test_a_chart_that_was_drawn_in_the_dark_is_light_on_paper(visit: Visitor) -> None:
    commonest = """() => {
        const canvas = document.querySelector(".chart canvas"), seen = {};
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
        for (let i = 0; i < pixels.length; i += 4)
            if (pixels[i + 3] === 255) { const c = pixels.slice(i, i + 3).join(); seen[c] = (seen[c] || 0) + 1; }
        return Object.entries(seen).sort((a, b) => b[1] - a[1]).slice(0, 3).map((e) => e[0]);
    }"""
    by_day = visit.open("/series?measure=volume&feed=trap").evaluate(commonest)
    page = visit.open("/series?measure=volume&feed=trap", dark=True)
    assert not set(page.evaluate(commonest)) & set(by_day)
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_timeout(200)
    assert set(page.evaluate(commonest)) & set(by_day)
