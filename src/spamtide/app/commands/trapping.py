"""``trap``: listens for mail and keeps it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from spamtide.app.commands.importing import VANTAGES
from spamtide.app.commands.options import open_workspace, split_values
from spamtide.app.output import printable, say
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.livecounters import LiveCounters


class Teller:
    """Tells events to whoever runs the trap: as lines of JSON on stdout, or for a person on stderr, with counters where that is a terminal.

    Use it in a ``with`` block. ``show`` is given the kernel's counts each second; None where nobody looks.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told: set[tuple[str, str]] = set()
        self._counters: LiveCounters | None = None
        if sys.stderr.isatty() and not as_json:
            from spamtide.app.livecounters import LiveCounters

            self._counters = LiveCounters()
        self.show = None if self._counters is None else self._counters.show

    def __enter__(self) -> Teller:
        if self._counters is not None:
            self._counters.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._counters is not None:
            self._counters.__exit__(*error)

    def __call__(self, event: dict[str, Any]) -> None:
        """Tell one event."""
        from spamtide.app.trapevents import event_line

        if self._as_json:
            sys.stdout.write(event_line(event) + "\n")
            sys.stdout.flush()
            return
        name = event["event"]
        if name == "session.ended" and "unproxied" in event:
            self._unproxied(event)
        if name in ("trap.counts", "trap.stopped"):
            if self._counters is not None:
                self._counters.show(event["counts"])
            else:
                self._line(summary(event["counts"]))
        if name not in _COUNTED:
            facts = ", ".join(
                f"{k} {v}" for k, v in event.items() if k not in ("event", "at", "counts") and v is not None
            )
            self._line(f"{event['at']} {name}{': ' if facts else ''}{facts}")

    def _unproxied(self, event: dict[str, Any]) -> None:
        # Once for each relay and reason: a load balancer that sends none fails with every connection.
        case = (event["peer"], event["unproxied"])
        if case not in self._told:
            self._told.add(case)
            next_step = "see docs/howto/behind-a-mail-server.md"
            self._line(f"{event['at']} {case[0]} is trusted and sent no good PROXY header ({case[1]}): {next_step}")

    def _line(self, text: str) -> None:
        shown = printable(text, 500)
        if self._counters is not None:
            self._counters.line(shown)
        else:
            say(shown)


# Events that are counted, not told one by one.
_COUNTED = ("session.ended", "message.put_off", "trap.counts", "trap.drained", "digest.read")


def summary(counts: Mapping[str, int]) -> str:
    """The counts that matter, in a line."""
    named = {
        "messages": "messages",
        "sessions": "sessions",
        "put_off_full": "answered 452",
        "put_off_failed": "answered 451",
    }
    if counts.get("unproxied"):
        named["unproxied"] = "without header"
    return ", ".join(f"{counts.get(name, 0)} {what}" for name, what in named.items())


@click.command("trap")
@click.option("--feed", required=True, metavar="F", help="The feed that the messages go into; made when it is new.")
@click.option(
    "--smtp", metavar="HOST:PORT", help="Listen for SMTP here; 127.0.0.1:2525 when none of the three is given."
)
@click.option("--lmtp", metavar="HOST:PORT", help="Listen for LMTP here, behind a mail server of your own.")
@click.option("--smtps", metavar="HOST:PORT", help="Listen here for SMTP within TLS from the first byte.")
@click.option("--trusted", multiple=True, callback=split_values, metavar="NETWORK",
              help="A relay of your own, whose word on the client is taken: PROXY header, XCLIENT, XFORWARD; repeat it or use commas.")  # fmt: skip
@click.option("--proxy", multiple=True, callback=split_values, metavar="LISTENER",
              help="smtp, lmtp or smtps: there a trusted relay must begin with a PROXY header (version 1 or 2).")  # fmt: skip
@click.option("--metrics", metavar="HOST:PORT", help="Metrics for Prometheus here, at /metrics; on loopback only.")
@click.option("--vantage", type=click.Choice(VANTAGES), help="What kind of address this feed is.")
@click.option("--log", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="json: one event a line on stdout; text: counters on stderr.")  # fmt: skip
@click.option(
    "--no-digest", is_flag=True, help="Store only; read it with 'spamtide digest', here or on another machine."
)
@click.pass_context
def trap_command(
    ctx: click.Context,
    feed: str,
    smtp: str | None,
    lmtp: str | None,
    smtps: str | None,
    trusted: list[str],
    proxy: list[str],
    metrics: str | None,
    vantage: str | None,
    log: str,
    no_digest: bool,
) -> None:
    """Listen for mail, answer 250 when it is on disk, and keep it. Nothing is ever passed on.

    Any recipient is accepted, unless the feed lists addresses in spamtide.toml. SIGTERM drains and ends, a second one hurries. What comes is
    read meanwhile by a process of its own, 'spamtide digest --follow'. Sockets that systemd hands over are listened at.
    """
    from spamtide.app.activation import inherited_sockets
    from spamtide.app.companion import Companion
    from spamtide.app.live import digest_note_path, write_note
    from spamtide.app.trapping import parse_address, run_trap
    from spamtide.app.workspace import now_us
    from spamtide.archive import check_feed

    workspace = open_workspace(ctx)
    inherited = inherited_sockets(os.environ, os.getpid())
    for name, given in (("smtp", smtp), ("lmtp", lmtp), ("smtps", smtps)):
        if given is not None and name in inherited:
            raise WrongUse(
                "bad_sockets",
                f"A socket for {name} was handed over, and --{name} names another.",
                "Leave out the option.",
            )
    if smtp is None and lmtp is None and smtps is None and not inherited:
        smtp = "127.0.0.1:2525"
    note = partial(write_note, digest_note_path(workspace.archive.root, check_feed(feed)))
    with Teller(as_json=log == "json") as tell:
        run_trap(
            workspace,
            check_feed(feed),
            smtp=None if smtp is None else parse_address(smtp),
            lmtp=None if lmtp is None else parse_address(lmtp),
            smtps=None if smtps is None else parse_address(smtps),
            inherited=inherited,
            metrics=None if metrics is None else parse_address(metrics),
            trusted=trusted,
            proxy=proxy,
            vantage=vantage,
            log_messages=log == "json",
            clock=now_us,
            tell=tell,
            show=tell.show,
            companion=None if no_digest else Companion(workspace.root, tell=tell, note=note),
        )


@click.command("probe-header")
@click.pass_context
def probe_header_command(ctx: click.Context) -> None:
    """Print a signed header for a message of your own to the trap: by it the message is told from spam, for a week.

    Whoever sees it can use it as long; do not send it to anybody else.
    """
    import secrets

    from spamtide.app.kernel import probe_value
    from spamtide.app.trapping import smtp_key
    from spamtide.app.workspace import now_us

    workspace = open_workspace(ctx)
    print(f"X-Spamtide-Probe: {probe_value(smtp_key(workspace.archive.key), now_us(), secrets.token_hex(8))}")
