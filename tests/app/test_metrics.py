"""The trap's metrics, fetched as Prometheus fetches them while mail comes, and read by its own parser."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from spamtide.app.metrics import CONTENT_TYPE
from spamtide.app.metricserver import MetricServer
from spamtide.errors import BrokenWorld, WrongUse
from trap_process import TrapProcess, deliver, greeted, make_workspace

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def ask(place: str, path: str = "/metrics", method: str = "GET") -> tuple[int, str | None, str]:
    host, _, port = place.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read().decode()


def fetch(place: str) -> Samples:
    """Samples by name and labels but the feed's."""
    status, kind, page = ask(place)
    assert (status, kind) == (200, CONTENT_TYPE)
    return {
        (
            s.name.removeprefix("spamtide_trap_"),
            tuple(sorted((k, v) for k, v in s.labels.items() if k != "feed")),
        ): s.value
        for family in text_string_to_metric_families(page)
        for s in family.samples
    }


def one(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def test_metrics_say_what_came_and_what_was_answered(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", connections_per_address=2)
    before = time.time()
    with TrapProcess(place, "--metrics", "127.0.0.1:0") as trap:
        where = trap.ready["metrics"]
        empty = fetch(where)
        assert one(empty, "messages_total") == 0 and ("last_message_timestamp_seconds", ()) not in empty
        with greeted(trap.address) as client, greeted(trap.address):
            assert client.say(b"MAIL FROM:<>", b"RCPT TO:<a@trap.example>", b"RCPT TO:<b@trap.example>", b"DATA") == 354
            client.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
            assert client.reply() == 250 and client.say(b"nonsense") == 500
            with socket.create_connection(trap.address, timeout=10) as third:
                assert third.recv(100).startswith(b"421")
            now = fetch(where)
        assert one(now, "connections_open") == 2 and one(now, "connections_total") == 2
        assert (one(now, "messages_total"), one(now, "recipients_total"), one(now, "bytes_total")) == (1, 2, 17)
        # Two greetings, two EHLO, MAIL, two RCPT, the message; DATA; the third connection; nonsense.
        assert [one(now, "replies_total", **{"class": c}) for c in ("2xx", "3xx", "4xx", "5xx")] == [8, 1, 1, 1]
        assert (
            one(now, "refused_total", reason="per_address") == 1 and one(now, "refused_total", reason="disk_full") == 0
        )
        assert one(now, "fsync_seconds_count") == one(now, "writes_total") == 1
        assert one(now, "fsync_seconds_bucket", le="+Inf") == 1 and 0 < one(now, "fsync_seconds_sum") < 60
        assert (
            before <= one(now, "start_timestamp_seconds") <= one(now, "last_message_timestamp_seconds") <= time.time()
        )
        assert one(now, "disk_free_bytes") > one(now, "disk_low_water_bytes") == 1 << 20
        assert one(now, "commit_queue") == 0 and one(now, "draining") == 0
        assert one(now, "info", persona="plain", version="0.1.0") == 1
        trap.wait_for("session.ended", 2)
        assert one(fetch(where), "sessions_total") == 2 and one(fetch(where), "connections_open") == 0
    with pytest.raises(OSError, match="refused"):
        ask(where)


def test_metrics_are_there_while_it_drains(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--metrics", "[::1]:0") as trap, greeted(trap.address) as client:
        assert client.say(b"MAIL FROM:<>") == 250
        trap.process.terminate()
        trap.wait_for("trap.draining")
        assert one(fetch(trap.ready["metrics"]), "draining") == 1
        assert client.say(b"RSET") == 250 and client.reply() == 421


def test_every_reply_is_counted_under_load(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--metrics", "127.0.0.1:0") as trap:

        def send() -> None:
            with greeted(trap.address) as client:
                for _ in range(20):
                    assert deliver(client, b"x\r\n") == 250
                assert client.say(b"QUIT") == 221

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        pages = []
        while any(t.is_alive() for t in threads):
            pages.append(fetch(trap.ready["metrics"]))
        for thread in threads:
            thread.join()
        trap.wait_for("session.ended", 8)
        last = fetch(trap.ready["metrics"])
    assert one(last, "messages_total") == 160 == one(last, "recipients_total")
    assert one(last, "replies_total", **{"class": "2xx"}) == 8 * (2 + 20 * 3 + 1)
    assert one(last, "replies_total", **{"class": "3xx"}) == 160
    counters = [k for k in last if k[0].endswith(("_total", "_count", "_bucket"))]
    for a, b in zip(pages, [*pages[1:], last], strict=True):
        assert all(a[k] <= b[k] for k in counters)


def test_a_page_and_nothing_else_is_served() -> None:
    server = MetricServer("127.0.0.1:0", lambda: "x 1\n")
    assert ask(server.place)[2] == ask(server.place, "/metrics?a=b")[2] == "x 1\n"
    assert ask(server.place, "/")[0] == 404 and ask(server.place, "/metrics", "POST")[0] == 501
    # Who connects and says nothing keeps nobody waiting.
    host, _, port = server.place.rpartition(":")
    with socket.create_connection((host, int(port))):
        assert ask(server.place)[0] == 200
        with pytest.raises(BrokenWorld) as caught:
            MetricServer(server.place, str)
        assert caught.value.code == "cannot_listen"
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("place", ["0.0.0.0:0", "192.0.2.1:9125", "[::]:0"])
def test_metrics_stay_on_this_machine(place: str) -> None:
    with pytest.raises(WrongUse) as caught:
        MetricServer(place, str)
    assert caught.value.code == "metrics_not_loopback"


def test_a_trap_that_cannot_give_its_metrics_does_not_start(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    line = [sys.executable, "-m", "spamtide", "--workspace", str(place), "trap", "--feed", "f", "--smtp", "127.0.0.1:0", "--no-digest"]  # fmt: skip
    refused = subprocess.run([*line, "--metrics", "0.0.0.0:0"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "[metrics_not_loopback]" in refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = subprocess.run(
            [*line, "--metrics", f"127.0.0.1:{other.getsockname()[1]}"], capture_output=True, text=True, timeout=60
        )
    assert taken.returncode == 3 and "[cannot_listen]" in taken.stderr
