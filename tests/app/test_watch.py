"""Watches end to end: March 2011 as it was, and a world in which Rustock comes back; alarms told once, by a webhook and by a program."""

from __future__ import annotations

import json
import re
import shutil
import stat
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from conftest import Spamtide
from spamtide.app.backgroundwatching import BackgroundWatching
from spamtide.app.instants import parse_instant
from spamtide.app.observatory import Observatory
from spamtide.app.watching import WatchBook, run_watches
from spamtide.app.workspace import Workspace
from spamtide.archive import hold_watch_lock
from spamtide.measure import HOUR_US
from watched_worlds import ACTIVE, background

SHIPPED = Path(__file__).parents[2] / "src" / "spamtide" / "simulate" / "scenarios" / "march-2011.toml"
STOP = "2011-03-16T14:45:00Z"
RETURN = "2011-05-25T06:00:00Z"


def returning() -> str:
    """The shipped world of March 2011 from February on, in which Rustock is back at a third on 25 May."""
    text = SHIPPED.read_text("utf-8")
    text = text.replace(
        "start = 2010-09-01T00:00:00Z\nend = 2011-03-23T00:00:00Z",
        "start = 2011-02-01T00:00:00Z\nend = 2011-06-01T00:00:00Z",
    )
    text = text.replace(
        "{ at = 2011-01-10T00:00:00Z, level = 1.0 },",
        f"{{ at = 2011-01-10T00:00:00Z, level = 1.0 }},\n  {{ at = {STOP}, level = 0.0 }},\n  {{ at = {RETURN}, level = 0.33 }},",
    )
    text = text.replace(f'stop = {{ event = "rustock-2011", at = {STOP} }}\n', "")
    assert RETURN in text
    assert "stop = " not in text
    # The instrument is the first trap alone.
    text = re.sub(r'\[\[feeds\]\]\nname = "second".*?\n\n', "", text, flags=re.S)
    return re.sub(r", second = [0-9.]+", "", text)


@pytest.fixture(scope="module")
def march(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("march") / "world"
    assert spamtide("simulate", "march-2011", "--out", folder, "--seed", "5", "--scale", "0.05").code == 0
    return folder / "workspace"


@pytest.fixture(scope="module")
def back(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("back")
    (folder / "back.toml").write_text(returning(), "utf-8")
    assert (
        spamtide("simulate", folder / "back.toml", "--out", folder / "world", "--seed", "5", "--scale", "0.15").code
        == 0
    )
    return folder / "world" / "workspace"


def dialect_of_rustock(spamtide: Spamtide, workspace: Path) -> str:
    rows = spamtide("--workspace", workspace, "dialects", "--jsonl").rows
    # The engine that the others do not speak.
    return next(r["dialect"] for r in rows if r["steps"].startswith("HELO recipient >"))


class Hook:
    """A webhook on loopback that keeps what it was sent; ``status`` is what it answers."""

    def __init__(self) -> None:
        self.status, self.bodies = 200, []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/alarm"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_in_the_week_of_the_article_it_is_too_early(spamtide: Spamtide, march: Path) -> None:
    dialect = dialect_of_rustock(spamtide, march)
    for name, measure in (("engine", f"dialect:{dialect}"), ("words", "subject:viagra,cialis")):
        added = spamtide(
            "--workspace",
            march,
            "watch",
            "add",
            name,
            "--measure",
            measure,
            "--feed",
            "trap",
            "--event",
            "rustock-2011",
        )
        assert added.code == 0, added.err
    listed = spamtide("--workspace", march, "watch", "list", "--json").json
    assert [w["name"] for w in listed["items"]] == ["engine", "words"]
    ran = spamtide("--workspace", march, "watch", "run", "--json")
    assert ran.code == 0, ran.err
    engine, words = ran.json["items"]
    for document in (engine, words):
        assert document["status"] == "too early to be watched"
        assert document["alarm"] is None
        assert document["calibrated_from"].startswith("2011-05-15")
        assert 6 < document["live_days"] < 7
    assert engine["upper_bound"] < 0.25
    assert "too early to be watched" in engine["sentence"]
    # The customer's other senders go on: the words are not gone with the botnet.
    assert words["count"] > 10 * engine["count"]
    again = spamtide("--workspace", march, "watch", "run", "engine", "--json").json
    assert again["hours_stepped"] == 0


def test_a_return_is_noticed_once_and_told_once(
    spamtide: Spamtide, back: Path, hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told.json"
    program = tmp_path / "alarm program"
    program.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    dialect = dialect_of_rustock(spamtide, back)
    assert spamtide(
        "--workspace", back, "watch", "add", "rustock", "--measure", f"dialect:{dialect}", "--feed", "trap", "--silent-since", STOP
    ).code == 0  # fmt: skip
    observatory = Observatory(Workspace(back))
    watches = WatchBook(observatory.workspace).watches()

    # In steps: a month after the stop, the day before the return, and to the end.
    def run(at: str):
        return next(iter(run_watches(observatory, watches, now=parse_instant(at))))

    early = run("2011-04-15T12:30:00Z")
    assert early.status.code == "silent_too_early"
    assert early.hours == (parse_instant("2011-04-15T12:00:00Z") - parse_instant(STOP)) // HOUR_US
    silent = run("2011-05-25T05:00:00Z")
    assert silent.status.code == "silent"
    assert silent.status.alarm is None
    assert silent.hours == (parse_instant("2011-05-25T05:00:00Z") - parse_instant("2011-04-15T12:00:00Z")) // HOUR_US

    # Ctrl-C when the alarm is written down and the step is not: nothing is lost, nothing is raised twice.
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("spamtide.app.watching.running.save_state", interrupted)
        assert spamtide("--workspace", back, "watch", "run").code == 130
    assert len(WatchBook(Workspace(back)).alarms()) == 1

    with (back / "spamtide.toml").open("a") as file:
        file.write(f"\n[watch]\nwebhook = {json.dumps(hook.url)}\ncommand = {json.dumps([str(program), str(told)])}\n")
    hook.status = 500
    failed = spamtide("--workspace", back, "watch", "run", "rustock", "--json")
    assert failed.code == 3
    assert "webhook_failed" in failed.err
    document = failed.json
    assert not document["new_alarm"]
    assert document["told"] == ["command"]
    assert re.fullmatch(r"returned at 2011-05-2\dT\d\d:00:00Z, unconfirmed", document["status"])
    delay = (parse_instant(document["alarm"]["at"]) - parse_instant(RETURN)) / HOUR_US
    assert 0 < delay <= 24
    assert document["evidence"]["enough"]

    hook.status = 200
    again = spamtide("--workspace", back, "watch", "run", "rustock", "--json")
    assert again.code == 0, again.err
    assert not again.json["new_alarm"]
    assert again.json["alarm"]["at"] == document["alarm"]["at"]
    for _ in range(2):
        assert spamtide("--workspace", back, "watch", "run").code == 0
    # The webhook failed once and was told once; the program was told once, with JSON on its standard input.
    assert [b["name"] for b in hook.bodies] == ["rustock", "rustock"]
    lines = told.read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["alarm"]["at"] == document["alarm"]["at"]

    # Nothing of this needs the saved state: without it the same steps give the same alarm, which is not raised again.
    (back / "archive" / "watches" / "rustock.json").unlink()
    anew = spamtide("--workspace", back, "watch", "run", "rustock", "--json").json
    assert anew["alarm"] == document["alarm"]
    assert not anew["new_alarm"]
    assert len(WatchBook(Workspace(back)).alarms()) == 1

    confirmed = spamtide("--workspace", back, "watch", "confirm", "rustock", "--evidence", "same engine", "--json").json
    assert confirmed["status"] == f"returned at {document['alarm']['at']}"
    dismissed = spamtide(
        "--workspace", back, "watch", "dismiss", "rustock", "--evidence", "our own test", "--json"
    ).json
    assert dismissed["alarm"] is None
    assert spamtide("--workspace", back, "watch", "run", "rustock", "--json").json["alarm"] is None


@pytest.mark.parametrize("kind", ["botnet", "campaign", "template", "query"])
def test_groups_campaigns_templates_and_queries_can_be_watched(spamtide: Spamtide, march: Path, kind: str) -> None:
    campaign = spamtide("--workspace", march, "campaigns", "--jsonl").rows[0]["campaign"]
    group = spamtide("--workspace", march, "botnets", "--jsonl").rows[0]
    measure = {
        "botnet": f"botnet:{group['group']}", "campaign": f"campaign:{campaign}", "template": f"template:{campaign}",
        "query": "messages:subject:viagra AND NOT language:de",
    }[kind]  # fmt: skip
    name = f"a-{kind}"
    added = spamtide(
        "--workspace", march, "watch", "add", name, "--measure", measure, "--feed", "trap", "--event", "rustock-2011"
    )
    if kind == "template" and added.code == 2:
        assert "no_template" in added.err
        return
    assert added.code == 0, added.err
    document = spamtide("--workspace", march, "watch", "status", name, "--json").json
    assert document["measure"].split(":")[0] == measure.split(":")[0]
    assert document["live_days"] > 6
    spamtide("--workspace", march, "watch", "remove", name)
    assert name not in [w["name"] for w in spamtide("--workspace", march, "watch", "list", "--jsonl").rows]


def test_mail_that_was_imported_returns_nothing(spamtide: Spamtide, tmp_path: Path) -> None:
    box = tmp_path / "m.mbox"
    lines = [
        f"From x Mon Mar {7 + i // 24:2d} {i % 24:02d}:10:00 2011\nReceived: from a ([192.0.2.{i % 200}]) by b; {7 + i // 24} Mar 2011 {i % 24:02d}:10:00 +0000\nSubject: one\n\nx\n\n"
        for i in range(20 * 24)
    ]
    box.write_text("".join(lines))
    place = ("--workspace", tmp_path / "w")
    spamtide("init", tmp_path / "w")
    assert spamtide(*place, "import", box, "--feed", "f").code == 0
    assert (
        spamtide(*place, "watch", "add", "x", "--measure", "volume", "--feed", "f", "--silent-since", "2011-03-10").code
        == 0
    )
    document = spamtide(*place, "watch", "run", "x", "--json").json
    assert document["alarm"] is None
    assert document["refused"]["reason"] == "exposure_not_stated"


def csv(path: Path, counts: np.ndarray, day: int = 0) -> Path:
    start = np.datetime64("2011-01-01T00:00:00") + np.timedelta64(day, "D")
    rows = [f"{start + np.timedelta64(i, 'h')}Z,rustock,{int(c)},1" for i, c in enumerate(counts)]
    path.write_text("time,series,count,exposure\n" + "\n".join(rows) + "\n")
    return path


def test_given_counts_need_a_background_of_sixty_quiet_days(spamtide: Spamtide, tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.Philox(1))
    counts = np.concatenate(
        [rng.poisson(ACTIVE, 30 * 24), background("poisson", rng, 90 * 24), rng.poisson(ACTIVE / 3, 24)]
    )
    ask = (
        "watch",
        "--series",
        csv(tmp_path / "c.csv", counts),
        "--target",
        "rustock",
        "--silent-since",
        "2011-01-31",
        "--json",
    )
    found = spamtide(*ask, "--background", "2011-02-02/2011-04-03").json
    assert found["status"].startswith("returned at 2011-05-01T")
    assert found["alarm"]["average_run_length_hours"] == 87660
    assert parse_instant(found["alarm"]["at"]) - parse_instant("2011-05-01") <= 8 * HOUR_US
    for few in ((), ("--background", "2011-02-02/2011-04-02T23:00:00Z")):
        none = spamtide(*ask, *few)
        assert none.code == 0
        assert none.json["alarm"] is None
        assert none.json["refused"]["reason"] == "too_few_quiet_days"
    overlap = spamtide(*ask, "--background", "2011-01-20/2011-04-03", "--active", "2011-01-02/2011-01-30")
    assert overlap.code == 2
    assert overlap.json["error"] == "overlapping_windows"
    early = spamtide(
        "watch", "--series", csv(tmp_path / "e.csv", counts[: 36 * 24]), "--silent-since", "2011-01-31", "--json"
    ).json
    assert early["status"] == "too early to be watched"
    assert early["calibrated_from"] == "2011-04-01T00:00:00Z"


def test_daily_counts_have_a_status_and_no_alarm(spamtide: Spamtide, tmp_path: Path) -> None:
    rows = [f"{np.datetime64('2011-01-01') + i},{720 if i < 30 else 3},1" for i in range(50)]
    (tmp_path / "d.csv").write_text("time,count,exposure\n" + "\n".join(rows) + "\n")
    found = spamtide("watch", "--series", tmp_path / "d.csv", "--silent-since", "2011-01-31", "--json").json
    assert found["status"] == "silent since 2011-01-31T00:00:00Z, too early to be watched"
    assert found["refused"]["reason"] == "coarse_bins"


def test_a_following_digest_steps_the_watches_and_tells_once(
    spamtide: Spamtide, back: Path, hook: Hook, tmp_path: Path
) -> None:
    place = shutil.copytree(back, tmp_path / "w")
    kept = (place / "spamtide.toml").read_text().split("\n[watch]")[0]
    (place / "spamtide.toml").write_text(f"{kept}\n[watch]\nwebhook = {json.dumps(hook.url)}\n")
    measure = f"dialect:{dialect_of_rustock(spamtide, place)}"
    added = spamtide(
        "--workspace", place, "watch", "add", "engine", "--measure", measure, "--feed", "trap", "--silent-since", STOP
    )
    assert added.code == 0, added.err
    now, told = [parse_instant("2011-05-25T05:10:00Z")], []
    watching = BackgroundWatching(Workspace(place), clock=lambda: now[0], tell=told.append)

    def look() -> None:
        watching._not_before = 0.0  # rested
        watching.look()
        watching.wait()

    look()
    assert told == [] and not watching.wanted
    now[0] += HOUR_US // 2
    look()
    assert not watching.wanted, "an hour that is not over is not looked at again"
    hook.status = 500
    now[0] = parse_instant("2011-06-05T00:30:00Z")
    look()
    raised = [e for e in told if e["event"] == "watch.alarm"]
    assert [(e["watch"], e["status"]) for e in raised] == [("engine", "returned")]
    assert [e["event"] for e in told] == ["watch.alarm", "digest.failed"] and watching.wanted
    hook.status = 200
    for _ in range(2):
        now[0] += HOUR_US
        look()
    assert [b["alarm_id"] for b in hook.bodies] == [raised[0]["alarm_id"]] * 2, (
        "one that failed, and one that was taken"
    )
    assert len([e for e in told if e["event"] == "watch.alarm"]) == 1
    # By hand afterwards nothing is left to do, and while another process holds the lock nothing is done.
    after = spamtide("--workspace", place, "watch", "run", "engine", "--json").json
    assert not after["new_alarm"] and after["told"] == ["webhook"]
    with hold_watch_lock(place / "archive"):
        now[0] += HOUR_US
        look()
    assert watching.wanted
