"""A real Dovecot for tests: an ordinary process on loopback, with its mail in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

USER, PASSWORD = "joe@trap.example", "correct-horse"
_CONFIG = """\
protocols = imap
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
mail_location = maildir:{root}/mail
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = {uid}
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
auth_mechanisms = plain login
disable_plaintext_auth = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
  }}
}}
service stats {{
  chroot =
}}
{tls}
"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Dovecot:
    """Started by ``with``. Root gives itself up for ``nobody`` first: mail of root is what Dovecot does not serve."""

    def __init__(self, *, certificate: tuple[Path, Path] | None = None) -> None:
        self.port, self.tls_port = free_port(), free_port() if certificate else 0
        self._certificate = certificate

    def __enter__(self) -> Dovecot:
        program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None or not Path("/usr/lib/dovecot/imap").exists():
            pytest.skip("no Dovecot: apt-get install dovecot-core dovecot-imapd")
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.root = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.mail = self.root / "mail"
        tls = "ssl = no"
        if self._certificate is not None:
            for name, path in zip(("cert.pem", "key.pem"), self._certificate, strict=True):
                shutil.copyfile(path, self.root / name)
            tls = f"ssl = yes\nssl_cert = <{self.root}/cert.pem\nssl_key = <{self.root}/key.pem"
        import grp

        (self.root / "dovecot.conf").write_text(
            _CONFIG.format(
                root=self.root,
                port=self.port,
                tls_port=self.tls_port,
                password=PASSWORD,
                user=self.account.pw_name,
                uid=self.account.pw_uid,
                gid=self.account.pw_gid,
                group=grp.getgrgid(self.account.pw_gid).gr_name,
                tls=tls,
            )
        )
        self.own()
        who = (
            {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        self._process = subprocess.Popen(
            [program, "-F", "-c", str(self.root / "dovecot.conf")],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **who,
        )  # fmt: skip
        for _ in range(200):
            if self._process.poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0 and s.recv(4) == b"* OK":
                    return self
            time.sleep(0.05)
        error = self._process.stderr.read().decode() if self._process.poll() is not None else "does not answer"
        self.__exit__()
        pytest.skip(f"Dovecot does not start here: {error[-300:]}")

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)
        shutil.rmtree(self.root, ignore_errors=True)

    def own(self) -> None:
        """Give the folder to the user that Dovecot runs as."""
        if os.geteuid() == 0:
            for path in (self.root, *self.root.rglob("*")):
                os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def fill(self, messages: Iterable[bytes], mailbox: str = "") -> None:
        """Put messages into a mailbox (Maildir++), the first ones with the lowest UIDs."""
        folder = self.mail / (f".{mailbox}" if mailbox else "")
        for name in ("cur", "new", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        at = sum(1 for _ in (folder / "cur").iterdir())
        for n, raw in enumerate(messages, at):
            path = folder / "cur" / f"{1_300_000_000 + n}.M{n:06d}.host:2,"
            path.write_bytes(raw)
            os.utime(path, (1_300_000_000 + n, 1_300_000_000 + n))
        self.own()

    def address(self, mailbox: str = "INBOX", *, tls: bool = False) -> str:
        """Its address for ``import``."""
        user = USER.replace("@", "%40")
        return (
            f"imaps://{user}@localhost:{self.tls_port}/{mailbox}"
            if tls
            else f"imap://{user}@127.0.0.1:{self.port}/{mailbox}"
        )

    def files(self, mailbox: str = "") -> list[str]:
        """Names of the message files with their flags, which any change on the server would change."""
        folder = self.mail / (f".{mailbox}" if mailbox else "")
        return sorted(f"{p.parent.name}/{p.name}" for name in ("cur", "new") for p in (folder / name).glob("*"))
