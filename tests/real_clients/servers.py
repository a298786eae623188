"""Mail servers, each started with a configuration of our own: mail is submitted to it, and its own client carries it on.

Each runs in namespaces of its own (unshare): its users, its files under /etc and /var, and its processes end with it, and nothing of this
machine's own mail is touched. That needs root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from real_clients.base import Client, Refused, Target, find, number, packaged, said
from torture_mail import Job

# Fields that a server puts in front, or where they lack: with the time, and an id of its own.
OWN = re.compile(
    rb"^(Received: (from|by) [^\r]*\r\n([ \t][^\r]*\r\n)*|Date: [^\r]*\r\n|Message-I[dD]: [^\r]*\r\n)", re.MULTILINE
)

# W is a folder of this server, P the folder of what was unpacked. Each row of jobs.tsv: number, file, sender, recipients, by tabs.
WORLD = """
set -eu
cp -a /etc "$W/etc"
{users}
mount --bind "$W/etc" /etc
{start}
while IFS=$'\\t' read -r number file sender to; do
    IFS=$'\\t' read -r -a to <<< "$to"
    {submit} < "$file" > "$W/said" 2>&1 || {{ printf '%s\\t' "$number"; grep . "$W/said" | tail -n 1 | tr '\\n' ' '; echo; }} >> "$W/refused.tsv"
done < "$W/jobs.tsv"
for n in $(seq 6000); do
    left=$({left})
    [ "$left" = 0 ] && break
    [ $((n % 20)) = 0 ] && {again}
    sleep 0.1
done
echo "$left" > "$W/left"
{stop}
"""

ACCOUNT = """
echo '{name}:x:{number}:{number}::/nonexistent:/bin/false' >> "$W/etc/passwd"
echo '{name}:x:{number}:' >> "$W/etc/group"
"""


def isolated(*line: str) -> list[str]:
    """A command in namespaces of its own for mounts and processes; its end is the end of all that it started."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *line]


def able() -> bool:
    """Whether this process may do that."""
    return os.geteuid() == 0 and subprocess.run(isolated("true"), capture_output=True).returncode == 0


class Server(Client):
    """A mail server. ``configure`` writes its files into W; the others are lines of the shell."""

    own = OWN
    program: str
    accounts: tuple[str, ...] = ()
    start = ":"
    submit: str
    left: str
    again = ":"
    stop = ":"

    def version(self) -> str | None:
        return self.number() if find(self.program) and able() else None

    def number(self) -> str:
        """Its version, where it is here."""
        raise NotImplementedError

    def configure(self, world: Path, target: Target) -> None:
        """Its configuration for this target."""
        raise NotImplementedError

    def parts(self, job: Job, target: Target) -> Sequence[tuple[str, ...]]:
        """The recipients of each message that is submitted for a job."""
        return [job.to]

    def send(self, jobs: Sequence[Job], target: Target) -> Refused:
        program = find(self.program)
        assert program
        # Users of the server's own are to read it, which a folder of pytest's forbids.
        with tempfile.TemporaryDirectory(prefix="spamtide-client-") as folder:
            world = Path(folder)
            world.chmod(0o755)
            rows = [
                "\t".join((str(j.number), str(target.file(j)), j.sender or "<>", *to))
                for j in jobs
                for to in self.parts(j, target)
            ]
            (world / "jobs.tsv").write_text("".join(f"{row}\n" for row in rows), "utf-8")
            (world / "refused.tsv").touch()
            (world / "conf").mkdir()
            self.configure(world, target)
            users = "".join(ACCOUNT.format(name=name, number=880 + i) for i, name in enumerate(self.accounts))
            (world / "world.sh").write_text(
                WORLD.format(
                    users=users, start=self.start, submit=self.submit, left=self.left, again=self.again, stop=self.stop
                )
            )
            environment = {**os.environ, "W": folder, "BIN": program, "P": str(Path(program).parents[2])}
            ran = subprocess.run(isolated("bash", str(world / "world.sh")), env=environment, capture_output=True)
            log = "".join(p.read_text("utf-8", "replace")[-2000:] for p in world.glob("*log"))
            assert ran.returncode == 0, (ran.stderr[-2000:], log)
            assert (world / "left").read_text().strip() == "0", f"mail is left in the queue: {log}"
            refused = (world / "refused.tsv").read_text("utf-8", "replace").splitlines()
        return {int(n): why for n, _, why in (row.partition("\t") for row in refused)}


class Postfix(Server):
    """Postfix: sendmail(1), cleanup(8), qmgr(8), and smtp(8) or lmtp(8)."""

    name = "Postfix"
    install = "apt-get install postfix, and run this as root"
    program = "postfix"
    start = 'postfix -c "$W/conf" start'
    submit = 'sendmail -C "$W/conf" -i -f "$sender" -- "${to[@]}"'
    left = 'find "$W"/queue/maildrop "$W"/queue/incoming "$W"/queue/active "$W"/queue/deferred -type f | wc -l'
    again = 'postqueue -c "$W/conf" -f'
    stop = 'postfix -c "$W/conf" stop'

    def number(self) -> str:
        return number(said("postconf", "-d", "mail_version"))

    def configure(self, world: Path, target: Target) -> None:
        hop = f"[{target.host}]:{target.port}"
        transport = f"lmtp:inet:{target.host}:{target.port}" if target.transport == "lmtp" else f"smtp:{hop}"
        settings = {
            "compatibility_level": "3.6", "queue_directory": f"{world}/queue", "data_directory": f"{world}/data",
            "command_directory": "/usr/sbin", "daemon_directory": "/usr/lib/postfix/sbin", "mail_owner": "postfix",
            "setgid_group": "postdrop", "myhostname": "client.example", "mydestination": "", "default_transport": transport,
            "maillog_file": f"{world}/log", "maillog_file_prefixes": str(world), "inet_protocols": "ipv4", "message_size_limit": "0",
            "mailbox_size_limit": "0", "disable_dns_lookups": "yes", "smtputf8_autodetect_classes": "all",
            "queue_run_delay": "2s", "minimal_backoff_time": "1s", "maximal_backoff_time": "4s", "notify_classes": "",
            "smtp_tls_security_level": "encrypt" if target.transport == "starttls" else "none", "alias_maps": "",
        }  # fmt: skip
        (world / "conf" / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        services = [
            "pickup unix n - n 1 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
            "tlsmgr unix - - n 1000? 1 tlsmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "flush unix n - n 1000? 0 flush",
            "smtp unix - - n - - smtp", "lmtp unix - - n - - lmtp", "error unix - - n - - error", "retry unix - - n - - error",
            "discard unix - - n - - discard", "showq unix n - n - - showq", "anvil unix - - n - 1 anvil",
            "scache unix - - n - 1 scache", "proxymap unix - - n - - proxymap", "postlog unix-dgram n - n - 1 postlogd",
        ]  # fmt: skip
        (world / "conf" / "master.cf").write_text("".join(f"{row}\n" for row in services))
        (world / "queue").mkdir()
        (world / "data").mkdir()
        shutil.chown(world / "data", "postfix", "postfix")


class Exim(Server):
    """Exim: each message is submitted and delivered in the foreground."""

    name = "Exim"
    install = "apt-get download exim4-daemon-light; dpkg -x exim4-daemon-light_*.deb FOLDER; SPAMTIDE_CLIENTS=FOLDER; run this as root"
    program = "exim4"
    accounts = ("Debian-exim",)
    start = 'mkdir "$W/spool"; chown -R Debian-exim "$W/spool"; chown Debian-exim "$W"'
    submit = '"$BIN" -C "$W/conf/exim" -odf -i -f "$sender" -- "${to[@]}"'
    left = '"$BIN" -C "$W/conf/exim" -bpc'
    again = '"$BIN" -C "$W/conf/exim" -qf'

    def number(self) -> str:
        # It starts where its own user exists, and says its version nowhere else.
        return packaged("exim4-daemon-light", find(self.program) or "")

    def configure(self, world: Path, target: Target) -> None:
        more = {
            "smtp": "",
            "lmtp": "  protocol = lmtp\n",
            "starttls": "  hosts_require_tls = *\n  tls_verify_certificates =\n",
        }
        avoid = "" if target.transport == "starttls" else "  hosts_avoid_tls = *\n"
        (world / "conf" / "exim").write_text(
            f"exim_path = {find(self.program)}\nspool_directory = {world}/spool\nlog_file_path = {world}/%slog\n"
            "primary_hostname = client.example\nqualify_domain = client.example\nkeep_environment =\ntls_advertise_hosts =\n"
            "never_users =\nmessage_size_limit = 0\nallow_utf8_domains = true\nignore_bounce_errors_after = 0s\n"
            "smtputf8_advertise_hosts = *\nrecipients_max = 0\nsyslog_timestamp = false\nwrite_rejectlog = false\n"
            "begin routers\nall:\n  driver = manualroute\n"
            f"  route_list = * {target.host}\n  self = send\n  transport = out\nbegin transports\nout:\n  driver = smtp\n"
            f"  port = {target.port}\n  max_rcpt = 0\n  message_linelength_limit = 1G\n{more[target.transport]}{avoid}begin retry\n* * F,1h,1s\n"
        )


class OpenSmtpd(Server):
    """OpenSMTPD: sendmail(1) of its own, its queue, its relay."""

    name = "OpenSMTPD"
    install = "apt-get download opensmtpd; dpkg -x opensmtpd_*.deb FOLDER; SPAMTIDE_CLIENTS=FOLDER; run this as root"
    program = "smtpd"
    accounts = ("opensmtpd", "opensmtpq")
    start = """
echo client.example > "$W/etc/mailname"
cp "$W/conf/smtpd.conf" "$W/etc/smtpd.conf"
mount -t tmpfs tmpfs /var/spool && mkdir -m 711 /var/spool/smtpd
mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/opensmtpd/empty
mount -t tmpfs tmpfs /run
mount --bind "$P/usr/libexec" /usr/libexec
mkdir "$W/sbin" && cp "$P"/usr/sbin/smtp* "$W/sbin/" && cp "$W/sbin/smtpctl" "$W/sbin/sendmail"
chgrp opensmtpq "$W"/sbin/smtpctl "$W"/sbin/sendmail && chmod 2755 "$W"/sbin/smtpctl "$W"/sbin/sendmail
mount --bind "$W/sbin" /usr/sbin
smtpd -d > "$W/log" 2>&1 &
for n in $(seq 100); do [ -S /run/smtpd.sock ] && break; sleep 0.1; done
"""
    submit = '/usr/sbin/sendmail -f "$sender" -- "${to[@]}"'
    left = "find /var/spool/smtpd/queue /var/spool/smtpd/incoming /var/spool/smtpd/offline -type f | wc -l"
    again = "smtpctl schedule all > /dev/null 2>&1 || true"

    def number(self) -> str:
        return number(said(str(find("smtpd")), "-h").partition("version")[2])

    def parts(self, job: Job, target: Target) -> Sequence[tuple[str, ...]]:
        # Over LMTP it waits for one reply after the data.
        return [(to,) for to in job.to] if target.transport == "lmtp" else [job.to]

    def configure(self, world: Path, target: Target) -> None:
        scheme = {"smtp": "smtp+notls", "lmtp": "lmtp", "starttls": "smtp+tls"}[target.transport]
        tls = " tls no-verify" if target.transport == "starttls" else ""
        (world / "conf" / "smtpd.conf").write_text(
            "smtp max-message-size 256M\nlisten on socket\n"
            f'action out relay host "{scheme}://{target.host}:{target.port}"{tls}\nmatch from any for any action out\n'
        )
