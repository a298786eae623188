"""``campaigns live``: mail is with its campaign seconds after it was accepted, before anything is grouped again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from campaign_texts import Made, made
from follow_made import until
from spamtide.app.newcampaigns import NewCampaigns
from spamtide.app.settling import settle_campaigns
from spamtide.app.workspace import Workspace
from trap_process import TrapProcess, deliver, greeted, make_workspace

KNOWN, FRESH = (
    [m for m in made(31, campaigns=2, members=8, alone=0) if m.campaign == 0],
    [m for m in made(32, campaigns=2, members=8, alone=0) if m.campaign == 0],
)


def send(trap: TrapProcess, *mail: Made) -> None:
    with greeted(trap.address) as client:
        for m in mail:
            text = m.text.replace("\n", "\r\n")
            body = f"From: a@b.example\r\nSubject: {m.subject}\r\n\r\n{text}\r\n"
            assert deliver(client, body.encode()) == 250


def test_mail_is_with_its_campaign_within_seconds(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    w = ("--workspace", place)
    with TrapProcess(place) as trap:
        send(trap, *KNOWN[:2])
    assert spamtide(*w, "campaigns", "settle").code == 0
    (settled,) = spamtide(*w, "campaigns", "--json").json["items"]
    assert spamtide(*w, "campaigns", "live").code == 1
    with TrapProcess(place, digest=True) as trap:
        trap.wait_for("digest.ready")
        sent = time.monotonic()
        send(trap, KNOWN[2], *FRESH[:2])
        live = NewCampaigns(Workspace(place))

        def come() -> list[dict[str, object]] | None:
            live.look()
            rows = list(live.rows())
            return rows if sum(r["messages"] for r in rows) == 3 else None

        new, known = until(come)
        assert time.monotonic() - sent < 10
        assert (known["campaign"], known["settled"], known["messages"]) == (settled["campaign"], True, 1)
        assert (new["settled"], new["messages"], new["feeds"]) == (False, 2, ["f"])
        assert FRESH[0].subject in new["subjects"]  # type: ignore[operator]
        document = spamtide(*w, "campaigns", "live", "--new", "--json").json
        assert document["schema"] == "spamtide.campaigns-live/1"
        assert [r["campaign"] for r in document["items"]] == [new["campaign"]]
        assert "new" in spamtide(*w, "campaigns", "live").out
        follow = subprocess.Popen(
            [sys.executable, "-m", "spamtide", "--workspace", str(place), "campaigns", "live", "--follow", "--jsonl"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert follow.stdout is not None
        told = [json.loads(follow.stdout.readline())["campaign"] for _ in range(2)]
        assert sorted(told) == sorted([str(new["campaign"]), str(known["campaign"])])
        follow.terminate()
        follow.wait(30)
        follow.stdout.close()
    # Grouped: the new campaign keeps the id that it was shown under, and nothing is live any more.
    assert spamtide(*w, "digest").code == 0
    assert spamtide(*w, "campaigns", "settle").code == 0
    rows = spamtide(*w, "campaigns", "--json").json["items"]
    assert {r["campaign"]: r["messages"] for r in rows} == {settled["campaign"]: 3, new["campaign"]: 2}
    assert spamtide(*w, "campaigns", "live", "--json").json["items"] == []


def grouped_in(spamtide, folder: Path, batches: int, texts: list[Made]) -> list[tuple[str, str]]:
    """Import ``texts`` in so many commands, grouping after each; exact group and campaign of all."""
    import pyarrow.parquet as pq

    from spamtide.app.engines import campaign_generations

    assert spamtide("init", folder / "w").code == 0
    place = Workspace(folder / "w")
    for n in range(batches):
        some = range(n * len(texts) // batches, (n + 1) * len(texts) // batches)
        at = [f"From x Mon Mar  7 {i // 3600 + 6:02d}:{i // 60 % 60:02d}:{i % 60:02d} 2011" for i in some]
        box = folder / f"{n}.mbox"
        box.write_text(
            "".join(f"{a}\nSubject: {texts[i].subject}\n\n{texts[i].text}\n\n" for a, i in zip(at, some, strict=True))
        )
        assert spamtide("--workspace", folder / "w", "import", box, "--feed", "f").code == 0
        settle_campaigns(place, now=1_300_000_000_000_000 + n)
    current = campaign_generations(place).current()
    assert current is not None
    return sorted(zip(*pq.read_table(current.tables["campaign_member"].path).to_pydict().values(), strict=True))


@pytest.mark.parametrize(
    ("batches", "alone"), [(4, 20), pytest.param(100, 600, marks=pytest.mark.proof)], ids=["four", "hundred"]
)
def test_grouping_in_batches_equals_grouping_at_once(spamtide, tmp_path: Path, batches: int, alone: int) -> None:
    texts = made(33, campaigns=max(6, batches), members=12, alone=alone)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert grouped_in(spamtide, tmp_path / "a", batches, texts) == grouped_in(spamtide, tmp_path / "b", 1, texts)
