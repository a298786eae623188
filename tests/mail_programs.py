"""Real mail servers and load balancers before the trap, each with the configuration that the how-to gives."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doc_tables import ROOT
from trap_process import PATIENCE

DOCUMENT = ROOT / "docs" / "howto" / "behind-a-mail-server.md"
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postfix/sbin"
HAPROXY, POSTFIX, EXIM, NGINX = (shutil.which(name, path=PLACES) for name in ("haproxy", "postfix", "exim4", "nginx"))
# Beside the program, since a packet may be unpacked anywhere.
NGINX_MAIL = Path(NGINX).parents[1] / "lib" / "nginx" / "modules" / "ngx_mail_module.so" if NGINX else None
Address = tuple[str, int]


def shown(kind: str) -> str:
    """The how-to's configuration of a program: the fenced block of that kind."""
    found = re.findall(rf"^```{kind}\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.S | re.M)
    assert len(found) == 1, kind
    return str(found[0])


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """The text with other places in it; each must have been there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as lone:
        lone.bind(("127.0.0.1", 0))
        port: int = lone.getsockname()[1]
        return port


def _wait(address: Address, process: subprocess.Popen[bytes] | None, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
            return
        except OSError:
            died = process is not None and process.poll() is not None
            assert not died and time.monotonic() < end, log.read_text() if log.exists() else "it does not listen"
            time.sleep(0.05)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that programs of other users can enter."""
    place = Path(tempfile.mkdtemp(prefix="relay-"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def haproxy(target: Address, options: str = "send-proxy-v2") -> Iterator[Address]:
    """HAProxy before ``target``; where it listens."""
    assert HAPROXY is not None
    address = ("127.0.0.1", free_port())
    with folder() as place:
        config, log = place / "haproxy.cfg", place / "log"
        text = replaced(
            shown("haproxy"), ("192.0.2.10:25", f"{address[0]}:{address[1]}"), ("127.0.0.1:2525", f"{target[0]}:{target[1]}"),
            ("send-proxy-v2", options), ("inter 30s", "inter 200ms"),
        )  # fmt: skip
        config.write_text(text)
        with log.open("wb") as out:
            process = subprocess.Popen([HAPROXY, "-db", "-f", str(config)], stdout=out, stderr=out)
        try:
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE)


SERVICES = """\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def postfix(main: str, service: str) -> Iterator[Address]:
    """Postfix with these lines of ``main.cf``, and this service of ``master.cf`` in place of SMTP's; where it listens."""
    assert POSTFIX is not None
    address = ("127.0.0.1", free_port())
    with folder() as place:
        config, data, queue = place / "etc", place / "data", place / "queue"
        for made in (config, data, queue):
            made.mkdir()
        shutil.chown(data, "postfix")
        log = place / "log"
        (config / "main.cf").write_text(
            f"compatibility_level = 3.6\nmyhostname = relay.example\nmydestination =\nmynetworks =\n"
            f"inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nqueue_directory = {queue}\ndata_directory = {data}\n"
            f"maillog_file = {log}\nmaillog_file_prefixes = {place}\nsmtpd_peername_lookup = no\n"
            f"smtpd_relay_restrictions = reject_unauth_destination\nnotify_classes =\n{main}"
        )
        (config / "master.cf").write_text(
            replaced(service, ("smtp inet n - y", f"{address[0]}:{address[1]} inet n - n")) + SERVICES
        )
        run = [POSTFIX, "-c", str(config)]
        subprocess.run([*run, "start"], check=True, capture_output=True, timeout=PATIENCE)
        try:
            _wait(address, None, log)
            yield address
        finally:
            subprocess.run([*run, "stop"], capture_output=True, timeout=PATIENCE)


@contextmanager
def exim(lmtp: Address) -> Iterator[Address]:
    """Exim that forwards by LMTP; where it listens."""
    assert EXIM is not None
    address = ("127.0.0.1", free_port())
    with folder() as place:
        place.chmod(0o777)
        config, log = place / "exim.conf", place / "log"
        text = replaced(shown("exim"), ("port = 2424", f"port = {lmtp[1]}"), ("127.0.0.1\n", f"{lmtp[0]}\n"))
        head = f"exim_path = {EXIM}\nspool_directory = {place}/spool\nlog_file_path = {place}/%slog\nlocal_interfaces = 127.0.0.1\n"
        config.write_text(head + f"daemon_smtp_ports = {address[1]}\nkeep_environment =\nhost_lookup =\n" + text)
        with log.open("wb") as out:
            process = subprocess.Popen([EXIM, "-C", str(config), "-bdf", "-q1m"], stdout=out, stderr=out)
        try:
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE)


@contextmanager
def nginx(target: Address) -> Iterator[Address]:
    """nginx as a mail proxy before ``target``; where it listens."""
    assert NGINX is not None and NGINX_MAIL is not None
    address, asked = ("127.0.0.1", free_port()), free_port()
    with folder() as place:
        config, log = place / "nginx.conf", place / "log"
        paths = "".join(
            f"    {p}_temp_path {place}/{p};\n" for p in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = replaced(
            shown("nginx"), ("192.0.2.10:25", f"{address[0]}:{address[1]}"), ("127.0.0.1:9025", f"127.0.0.1:{asked}"),
            ("Auth-Port 2525", f"Auth-Port {target[1]}"), ("modules/ngx_mail_module.so", str(NGINX_MAIL)),
            ("http {\n", "http {\n    access_log off;\n" + paths),
        )  # fmt: skip
        config.write_text(f"pid {place}/pid;\ndaemon off;\n{text}")
        process = subprocess.Popen([NGINX, "-p", str(place), "-c", str(config), "-e", str(log)])
        try:
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE)
