"""What stands before the pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from serving_made import BASE, client_of
from spamtide.app.serving.entrance import COOKIE, Entrance, read_tokens
from spamtide.app.serving.security import Buckets, Front
from spamtide.app.workspace import Workspace
from spamtide.errors import WrongUse

TOKEN = "a-token-of-the-tests-that-is-long-enough"
HTML = {"accept": "text/html"}


@pytest.fixture
def guarded(place: Path) -> TestClient:
    """A server that wants a token."""
    return client_of(Workspace(place), tokens=[TOKEN])


def test_no_page_may_run_what_it_did_not_bring(site: TestClient) -> None:
    for path in ("/feeds", "/feeds.json", "/feeds.csv", "/nowhere", "/login", "/static/app.css"):
        headers = site.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(("host", "status"), [
    ("127.0.0.1:8025", 200), ("localhost:1", 200), ("[::1]:8025", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421),
    ("192.0.2.1", 421), ("", 421), ("[", 421), ("trap.example", 421),
])  # fmt: skip
def test_a_name_that_is_not_ours_is_not_answered(site: TestClient, host: str, status: int) -> None:
    assert site.get("/feeds.json", headers={"host": host}).status_code == status


def test_a_name_that_the_operator_gave_is_answered(place: Path) -> None:
    client = client_of(Workspace(place), front=Front(True, ("trap.example",)))
    assert client.get("/feeds.json", headers={"host": "trap.example"}).status_code == 200


@pytest.mark.parametrize("headers", [
    {"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    {"cookie": f"{COOKIE}=x"}, {"origin": BASE.replace("8025", "8026")}, {"origin": BASE, "sec-fetch-site": "cross-site"},
])  # fmt: skip
def test_another_site_changes_nothing(site: TestClient, headers: dict[str, str]) -> None:
    answer = site.post("/logout", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (403, "other_origin")


def test_without_a_token_there_is_the_form_and_nothing_else(guarded: TestClient) -> None:
    assert guarded.get("/feeds.json").status_code == 401
    assert guarded.get("/feeds", headers=HTML).headers["location"] == "/login"
    assert guarded.get("/login", headers=HTML).status_code == 200
    assert guarded.get("/feeds.json", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert guarded.get(f"/feeds.json?token={TOKEN}").status_code == 401


def test_a_token_opens_and_a_login_lasts_until_logout(guarded: TestClient) -> None:
    assert guarded.get("/feeds.json", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    answer = guarded.post("/login", data={"token": TOKEN}, headers={"origin": BASE})
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303 and "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert guarded.get("/feeds.json").status_code == 200
    assert guarded.post("/logout", headers={"origin": BASE}).status_code == 303
    assert guarded.get("/feeds.json", headers={"cookie": cookie.partition(";")[0]}).status_code == 401


def test_who_guesses_tokens_is_slowed(guarded: TestClient) -> None:
    answers = [guarded.post("/login", data={"token": "no"}).status_code for _ in range(7)]
    assert answers == [403] * 5 + [429] * 2
    last = guarded.get("/feeds.json", headers={"authorization": "Bearer no"})
    assert last.status_code == 429 and int(last.headers["retry-after"]) >= 1


def test_a_login_ends_by_itself() -> None:
    clock = [0.0]
    entrance = Entrance([TOKEN], clock=lambda: clock[0])
    session = entrance.log_in(TOKEN)
    assert session is not None
    assert entrance.lets_in("", f"{COOKIE}={session}")
    clock[0] = 12 * 3600
    assert not entrance.lets_in("", f"{COOKIE}={session}")


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    clock = [0.0]
    buckets = Buckets(2.0, 3.0, clock=lambda: clock[0])
    assert [buckets.take("a") > 0 for _ in range(4)] == [False, False, False, True]
    assert buckets.take("b") == 0
    clock[0] = 0.5
    assert buckets.take("a") == 0 and buckets.take("a") > 0


def test_a_path_cannot_forge_a_line_of_the_log(site: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    site.get('/feeds%0A{"event": "serve.ready"}\u2028%1b[31m?q=secret')
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].isascii() and "secret" not in lines[0]
    assert json.loads(lines[0])["event"] == "serve.request"


@pytest.mark.parametrize(("text", "mode"), [("", 0o600), ("short\n", 0o600), (f"{TOKEN}\n", 0o644)])
def test_a_poor_file_of_tokens_is_refused(tmp_path: Path, text: str, mode: int) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(WrongUse):
        read_tokens(path)


def test_a_file_of_tokens_has_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"# of the newspaper\n{TOKEN}\n\n{TOKEN}2\n")
    path.chmod(0o600)
    assert read_tokens(path) == [TOKEN, f"{TOKEN}2"]
