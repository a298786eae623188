"""What kind of thing a message is: made samples of every origin, and the classifier's error on labelled mail."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch
from spamtide.message import ORIGINS

HEAD = b"From: a@sender.example\nTo: joe@trap.example\nDate: Wed, 16 Mar 2011 14:45:00 +0000\n"
REPORT = (
    b'Content-Type: multipart/report; report-type=%s; boundary="B"\n\n--B\n\n%s\n--B\nContent-Type: message/%s\n\n%s\n'
    b"--B\nContent-Type: message/rfc822\n\nSubject: first\n\nwords\n--B--\n"
)
STATUS = b"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; b@other.example\nAction: failed\nStatus: 5.1.1\n"
SAMPLES: list[tuple[str, str, dict[str, object], bytes]] = [
    ("plain spam", "unsolicited", {}, HEAD + b"Subject: Cheap pills\n\nbuy http://shop.example now\n"),
    ("spam about mail", "unsolicited", {}, HEAD + b"Subject: Undeliverable offers\n\nYour mailbox is full of savings\n"),
    (
        "spam that says Re", "unsolicited", {"to": ["joe@trap.example"]},
        HEAD + b"In-Reply-To: <1@sender.example>\nSubject: Re: your order\n\nhello\n",
    ),
    ("a newsletter with a List-Id", "unsolicited", {}, HEAD + b"List-Id: <1.list.example>\nSubject: News\n\nnews\n"),
    (
        "delivery status", "bounce", {"from": ""},
        HEAD + b"Subject: x\n" + REPORT % (b"delivery-status", b"sorry", b"delivery-status", STATUS),
    ),
    (
        "qmail", "bounce", {"from": ""},
        b"From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.\n"
        b"I'm afraid I wasn't able to deliver your message to the following addresses.\n",
    ),
    (
        "a daemon without an address", "bounce", {},
        b"From: MAILER-DAEMON <>\nSubject: Mail delivery failed\n\nThere was an error delivering your mail to <b@c.example>.\n",
    ),
    (
        "a gateway's notice", "bounce", {"from": "postmaster@gw.example"},
        b"From: postmaster@gw.example\nSubject: About your mail\n\nYour message could not be delivered: 550 no such user\n",
    ),
    ("named failures", "bounce", {}, HEAD + b"X-Failed-Recipients: b@other.example\nSubject: x\n\nwords\n"),
    (
        "a worm dressed as a bounce", "unsolicited", {},
        b'From: "Post Office" <MAILER-DAEMON@trap.example>\nSubject: Returned mail: Data format error\n'
        b'Content-Type: multipart/mixed; boundary="B"\n\n--B\n\nThe message could not be delivered\n--B\n'
        b"Content-Type: application/octet-stream; name=letter.scr\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--B--\n",
    ),
    (
        "feedback report", "report", {},
        HEAD + b"Subject: abuse\n" + REPORT % (b"feedback-report", b"x", b"feedback-report", b"Feedback-Type: abuse\n"),
    ),
    ("DMARC aggregate", "report", {}, HEAD + b"Subject: Report Domain: trap.example Submitter: r.example\n\nx\n"),
    ("automatic", "auto-reply", {"from": ""}, HEAD + b"Auto-Submitted: auto-replied\nSubject: x\n\nI am away\n"),
    ("not automatic", "unsolicited", {}, HEAD + b"Auto-Submitted: no\nSubject: x\n\nwords\n"),
    ("away", "auto-reply", {}, HEAD + b"Subject: Out of office: your mail\n\nI am away\n"),
    ("away in German", "auto-reply", {}, HEAD + b"Subject: Abwesenheitsnotiz: Angebot\n\nbin weg\n"),
    (
        "read receipt", "auto-reply", {},
        HEAD + b"Subject: Read: x\n" + REPORT % (b"disposition-notification", b"x", b"disposition-notification", b"Final-Recipient: x\n"),
    ),
    ("challenge", "challenge", {}, HEAD + b"Subject: Please confirm your message\n\nclick\n"),
    ("confirmation", "confirmation", {}, HEAD + b"Subject: Please confirm subscription to news\n\nclick\n"),
    ("list", "list", {}, HEAD + b"List-Id: <a.example>\nList-Post: <mailto:a@a.example>\nSubject: [a] x\n\nwords\n"),
    ("an old list", "list", {}, HEAD + b"X-BeenThere: a@a.example\nSubject: [a] x\n\nwords\n"),
    ("relay probe", "relay-probe", {}, HEAD + b"Subject: BC_192.0.2.25\n\nt_Smtp.LocalIP\n"),
    ("another probe", "relay-probe", {}, HEAD + b"Subject: hello\n\nSuper webscan open relay check succeded, hostname = 192.0.2.25\n"),
    ("an address is no probe", "unsolicited", {}, HEAD + b"Subject: Your network\n\nLog in from 192.0.2.1 was seen\n"),
    ("our own test", "own-test", {}, HEAD + b"X-Spamtide-Probe: 1\nSubject: x\n\nwords\n"),
    (
        "an answer to us", "personal", {"to": ["joe@trap.example"]},
        HEAD + b"In-Reply-To: <2011.1@mail.trap.example>\nSubject: Re: the house\n\nsee you\n",
    ),
]  # fmt: skip


def origins(messages: list[tuple[dict[str, object], bytes]]) -> list[str]:
    batch = RecordBatch()
    for n, (meta, raw) in enumerate(messages):
        batch.push(n, 0, json.dumps({"v": 1, "time_origin": "received", **meta}).encode(), raw)
    found: list[str] = digest(1, batch)["message"]["origin"].to_pylist()
    return found


@pytest.mark.parametrize(("name", "origin", "meta", "raw"), SAMPLES, ids=[s[0] for s in SAMPLES])
def test_a_made_sample(name: str, origin: str, meta: dict[str, object], raw: bytes) -> None:
    assert origins([(meta, raw)]) == [origin]


def test_every_origin_has_a_sample() -> None:
    assert {s[1] for s in SAMPLES} == set(ORIGINS)


def test_the_error_on_labelled_mail(spamtide, corpus: Path, tmp_path: Path) -> None:
    """Bounces, ham, spam; a test because every count leans on it. Figures: docs/explanation/origin.md."""
    spamtide("init", str(tmp_path / "w"))
    found: dict[str, Counter[str]] = {}
    for name in ("sisimai-bounces", "spamassassin-ham", "trec07p-ham-20070408-0424", "spamassassin-spam"):
        spamtide("--workspace", str(tmp_path / "w"), "import", str(corpus / f"{name}.mbox.xz"), "--feed", name)
        rows = spamtide("--workspace", str(tmp_path / "w"), "search", "", "--feed", name, "--jsonl").rows
        found[name] = Counter(r["origin"] for r in rows)
    print()
    for name, counts in found.items():
        print(f"{name}: {sum(counts.values())}: {', '.join(f'{k} {v}' for k, v in counts.most_common())}")
    bounces, trec, ham = (found[n] for n in ("sisimai-bounces", "trec07p-ham-20070408-0424", "spamassassin-ham"))
    hit, everything = bounces["bounce"], sum(bounces.values())
    false = trec["bounce"] + ham["bounce"]
    print(
        f"bounces: recall {hit / everything:.3f} as labelled, precision {hit / (hit + false):.3f} with ham as the rest"
    )
    assert hit >= 0.95 * everything
    assert hit >= 0.98 * (hit + false)
    for counts in (trec, ham):
        assert counts["bounce"] + counts["relay-probe"] < 0.01 * sum(counts.values())
    assert trec["personal"] + ham["personal"] < 0.005 * (sum(trec.values()) + sum(ham.values()))
    assert found["spamassassin-spam"]["unsolicited"] > 0.8 * sum(found["spamassassin-spam"].values())
