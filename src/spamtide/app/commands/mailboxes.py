"""Arguments of ``import`` that name mailboxes on a server, and whence their password comes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spamtide.app.output import printable, say
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.config import ImapSettings
    from spamtide.app.imap import ImapAddress, ImapSource

VARIABLE = "SPAMTIDE_IMAP_PASSWORD"


def take_sources(
    paths: Sequence[str],
    settings: ImapSettings,
    *,
    password_file: str | None,
    tls: str,
    move_to: str | None,
    yes: bool,
) -> tuple[ImapSource | None, list[Path | ImapSource]]:
    """The source that speaks IMAP, if any argument names one, and all sources in order.

    Raises WrongUse ``usage``, ``bad_address``, ``password_in_address``, ``no_password``, ``bad_password``, ``bad_move``.
    """
    # Whatever comes of it, no child process is to inherit the password.
    stated = os.environ.pop(VARIABLE, None)
    if not any("://" in path for path in paths):
        if password_file or move_to or tls != "auto":
            raise WrongUse(
                "usage",
                "--password-file, --tls and --move-to are for mailboxes on a server.",
                "Name one: imaps://user@host/INBOX.",
            )
        return None, [Path(path) for path in paths]
    from spamtide.app.imap import ImapOptions, ImapSource, is_imap, parse_address
    from spamtide.app.imap.address import mailbox_name
    from spamtide.app.imap.moving import check_target

    addresses = [parse_address(path) for path in paths if is_imap(path)]
    if not addresses:
        return None, [Path(path) for path in paths]
    if len({a.account for a in addresses}) > 1:
        # Else one server would be shown the password of another.
        raise WrongUse("usage", "These mailboxes belong to several accounts.", "Import one account at a time.")
    if move_to is not None and not yes and not sys.stdin.isatty():
        raise WrongUse("usage", "--move-to asks, and nobody is there to answer.", "Add --yes.")
    names = tuple(dict.fromkeys(a.mailbox for a in addresses if a.mailbox is not None))
    if any(a.mailbox is None for a in addresses):
        names = ()
    options = ImapOptions(
        tls=tls,
        timeout=settings.timeout_seconds,
        attempts=max(1, settings.attempts),
        pause=settings.pause_seconds,
        move_to=None if move_to is None else mailbox_name(move_to),
    )
    source = ImapSource(
        addresses[0],
        names,
        _password(addresses[0], password_file, stated),
        options,
        lambda text: say(f"spamtide: {printable(text, 500)}"),
    )
    if move_to is not None:
        check_target(source)
    sources: list[Path | ImapSource] = []
    for path in paths:
        if not is_imap(path):
            sources.append(Path(path))
        elif source not in sources:
            sources.append(source)
    return source, sources


def _password(address: ImapAddress, file: str | None, stated: str | None) -> str:
    """From the file, else from the variable, else from whoever sits at the terminal."""
    if file is not None:
        path = Path(file)
        if path.stat().st_mode & 0o077:
            say(f"spamtide: {printable(file)} can be read by others on this machine; chmod 600 mends that.")
        try:
            password = path.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
        except UnicodeDecodeError:
            raise WrongUse(
                "bad_password", f"{file} is no text in UTF-8.", "Put the password on its first line."
            ) from None
    elif stated is not None:
        password = stated
    elif sys.stdin.isatty():
        password = str(click.prompt(f"Password for {address.account}", hide_input=True, err=True))
    else:
        raise WrongUse(
            "no_password",
            f"No password for {address.account}, and nobody is there to ask.",
            f"Name a file of yours with --password-file, or set {VARIABLE}.",
        )
    if not password or any(ord(c) < 32 or ord(c) == 127 for c in password):
        raise WrongUse(
            "bad_password", "The password is empty or has a control character.", "Check where it comes from."
        )
    return password
