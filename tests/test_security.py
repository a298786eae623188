"""SECURITY.md: every test it names exists and runs with make test; and the rows that have no other home."""

from __future__ import annotations

import ast
import email
import ipaddress
import re
import stat
import tempfile
import tomllib
from pathlib import Path

import pytest

from doc_tables import ROOT, codes, section, tables
from spamtide.app import cli
from spamtide.archive import Archive
from spamtide.archive.locks import hold_lock
from spamtide.errors import BrokenWorld
from spamtide.simulate import generate, load_scenario

ROWS = tables(section(ROOT / "SECURITY.md", "Threat model"))[0]


@pytest.mark.parametrize("row", ROWS, ids=[r[0][:60] for r in ROWS])
def test_each_threat_names_a_test_or_says_not_yet(row: list[str]) -> None:
    threat, held, test = row
    assert threat and held
    if test == "not yet":
        return
    (name,) = codes(test)
    path, _, function = name.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function]
    assert len(found) == 1, name
    marks = " ".join(ast.unparse(d) for d in found[0].decorator_list)
    assert "proof" not in marks and "skip" not in marks and "xfail" not in marks


# Only the import from mailbox servers speaks to anybody unasked: one file opens the socket.
SPEAKING = {
    "app/imap/wire.py": {"imapclient", "imaplib", "socket", "ssl"},
    "app/imap/session.py": {"imapclient", "imaplib", "ssl"},
    "app/imap/address.py": {"imapclient"},
    "app/imap/answers.py": {"imapclient"},
    # The doctor greets the listeners that its own settings name.
    "app/doctor/ports.py": {"socket", "ssl"},
    # It asks DNS where the operator says so.
    "app/doctor/domains.py": {"dns"},
    # An alarm goes to the webhook that the operator's settings name, and nowhere else.
    "app/watching/telling.py": {"http", "ssl"},
    # A datagram to the service manager that started the trap; a page of metrics for whoever asks on loopback.
    "app/activation.py": {"socket"},
    "app/metricserver.py": {"http", "socket"},
    # The dashboard answers whoever asks; it opens no connection. Cookies are parsed by the standard library.
    "app/serving/running.py": {"socket"},
    "app/serving/live.py": {"asyncio"},
    "app/serving/entrance.py": {"http"},
}
NETWORK = {
    "dns",
    "imapclient",
    "socket",
    "ssl",
    "http",
    "urllib",
    "smtplib",
    "ftplib",
    "imaplib",
    "poplib",
    "asyncio",
    "requests",
    "httpx",
    "httpx2",
    "aiohttp",
}


def test_a_connection_is_opened_to_the_mailbox_server_that_was_named_and_nowhere_else() -> None:
    wrong = []
    for path in (ROOT / "src" / "spamtide").rglob("*.py"):
        allowed = SPEAKING.get(str(path.relative_to(ROOT / "src" / "spamtide")), set())
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            wrong += [
                f"{path.name}: {n}" for n in names if n.split(".")[0] in NETWORK - allowed and n != "urllib.parse"
            ]
    assert wrong == []


# What may be named of the network in the kernel, and where: addresses everywhere, connected streams in the swarm's
# session, the making of a connection in one file, which tests/app/test_swarm.py watches; listening sockets in the trap.
PLAIN = {"IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr", "SocketAddrV4"}
SOCKETS = {
    "server/connect.rs": {"TcpSocket", "TcpStream"},
    "server/session.rs": {"TcpStream"},
    "server/listen.rs": {"TcpListener", "TcpSocket"},
    "server/link.rs": {"TcpStream"},
    "server/serve.rs": {"TcpStream"},
    "server/trap.rs": {"TcpListener", "TcpStream"},
}


def test_the_kernel_opens_connections_in_one_file() -> None:
    wrong = []
    for path in (ROOT / "rust" / "src").rglob("*.rs"):
        place, text = str(path.relative_to(ROOT / "rust" / "src")), path.read_text("utf-8")
        named = re.findall(r"\b(?:std|tokio)::net::(\w+|\{[^}]*\}|\*)", text)
        words = {w for n in named for w in re.findall(r"\w+|\*", n)}
        wrong += [f"{place}: {w}" for w in words - PLAIN - SOCKETS.get(place, set())]
        wrong += [f"{place}: tokio" for _ in re.findall(r"\btokio::", text) if not place.startswith("server/")]
        wrong += [
            f"{place}: {w}"
            for w in re.findall(r"\b(?:reqwest|mio|socket2)::|rustix::net|::lookup_host|ToSocketAddrs", text)
        ]
    assert wrong == []


def test_the_trap_only_listens() -> None:
    for name in ("listen", "trap", "commit", "events", "serve", "link", "tls"):
        text = (ROOT / "rust" / "src" / "server" / f"{name}.rs").read_text("utf-8")
        assert re.findall(r"\bconnect\w*\(|\bconnect::", text) == []


def test_a_second_writer_is_refused_and_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", bytes(32))
    with archive.writer("f", "import"), pytest.raises(BrokenWorld) as caught, archive.writer("f", "import"):
        pass
    assert caught.value.code == "locked"
    with archive.writer("f", "import"), archive.writer("g", "import"), hold_lock(archive.root, "tables"):
        pass


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    Archive.create(tmp_path / "archive", bytes(32))
    assert stat.S_IMODE((tmp_path / "archive" / "key").stat().st_mode) == 0o600


def test_an_impossible_time_is_not_believed(spamtide, tmp_path: Path) -> None:
    forged = (
        "Received: from a ([192.0.2.1]) by b; Fri, 1 Jan 2999 00:00:00 +0000\nDate: Thu, 1 Jan 1970 00:00:00 +0000\n"
    )
    (tmp_path / "m.mbox").write_text(f"From x Mon Mar  7 10:00:00 2011\n{forged}Subject: x\n\nbody\n")
    spamtide("init", tmp_path / "w")
    spamtide("--workspace", tmp_path / "w", "import", tmp_path / "m.mbox", "--feed", "f")
    (row,) = spamtide("--workspace", tmp_path / "w", "search", "", "--jsonl").rows
    assert (row["received_at"], row["time_origin"]) == ("2011-03-07T10:00:00Z", "envelope")


def reserved(name: str) -> bool:
    """Whether nobody can own this name (RFC 2606, RFC 6761) or address (documentation, benchmarks)."""
    nets = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32"]
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return bool(re.search(r"(^|\.)(example|invalid|test|localhost|example\.(com|net|org))$", name.lower()))
    return any(address in ipaddress.ip_network(n) for n in nets)


@pytest.mark.parametrize(
    ("name", "scale"), [("march-2011", 0.002), ("all-kinds", 0.08), ("rule-10-ipv6", 0.01), ("rule-17-own-tests", 0.02)]
)
def test_simulated_mail_says_so_and_names_nobody(tmp_path: Path, name: str, scale: float) -> None:
    world = generate(load_scenario(name), seed=5, scale=scale)
    world.write_mbox(tmp_path)
    seen = 0
    for path in tmp_path.glob("*.mbox"):
        for raw in re.split(rb"^From .*\n", path.read_bytes(), flags=re.M)[1:]:
            message = email.message_from_bytes(raw)
            assert message["X-Simulated"].startswith(f"spamtide {name}")
            text = raw.replace(b"=\n", b"").decode("latin-1")
            names = re.findall(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)", text) + re.findall(
                r"https?://([A-Za-z0-9.-]+)", text
            )
            names += re.findall(r"\[(?:IPv6:)?([0-9a-fA-F.:]+)\]", text)
            assert names and all(reserved(n) for n in names), [n for n in names if not reserved(n)]
            seen += 1
    assert seen > 100


def test_a_bug_report_is_private_and_goes_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken() -> None:
        raise RuntimeError("something of a person")

    assert cli.guarded(broken, as_json=False) == 4
    (report,) = tmp_path.iterdir()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "Check this text for personal data" in report.read_text().splitlines()[0]
    shown = capsys.readouterr()
    assert "something of a person" not in shown.err + shown.out and str(report) in shown.err


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = (
        project["project"]["dependencies"] + project["dependency-groups"]["dev"] + project["build-system"]["requires"]
    )
    assert [w for w in wanted if not re.fullmatch(r"[\w.-]+==[\w.]+", w)] == []
    locked = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    bare = [
        p["name"]
        for p in locked
        if "registry" in p["source"]
        and not all("hash" in f for f in [*p.get("wheels", []), *([p["sdist"]] if "sdist" in p else [])])
    ]
    assert bare == []
    crates = tomllib.loads((ROOT / "rust" / "Cargo.lock").read_text("utf-8"))["package"]
    assert [c["name"] for c in crates if "source" in c and "checksum" not in c] == []
