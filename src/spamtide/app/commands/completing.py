"""``completion``, and what the shell offers after a tab: commands and options by click, and here feeds, events, fields,
measures, saved searches, origins.

Completion never fails: where nothing can be offered, nothing is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from spamtide.errors import SpamtideError

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

VARIABLE = "_SPAMTIDE_COMPLETE"
Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offers(find: Callable[[click.Context, str], Iterable[str]]) -> Offer:
    """An offer of those found that begin with what is typed; none where the workspace cannot say."""

    @functools.wraps(find)
    def offer(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(value) for value in find(ctx, typed) if value.startswith(typed)]
        except (SpamtideError, OSError):
            return []

    return offer


def _workspace(ctx: click.Context) -> Workspace:
    from spamtide.app.config import find_workspace
    from spamtide.app.workspace import Workspace

    return Workspace(Path(find_workspace(ctx.find_root().params.get("workspace"))))


@_offers
def complete_feed(ctx: click.Context, typed: str) -> Iterable[str]:
    """Feeds of the workspace; after a comma the next one."""
    before, comma, _ = typed.rpartition(",")
    return [before + comma + feed for feed in _workspace(ctx).archive.feeds()]


@_offers
def complete_saved(ctx: click.Context, _: str) -> Iterable[str]:
    """Names of saved searches."""
    from spamtide.app.saved import saved_searches

    return [s.name for s in saved_searches(_workspace(ctx))]


@_offers
def complete_event(ctx: click.Context, _: str) -> Iterable[str]:
    """Events of the registry, the workspace's own among them."""
    from spamtide.app.registry import workspace_registry
    from spamtide.event import load_registry

    try:
        registry = workspace_registry(_workspace(ctx))
    except SpamtideError:
        registry = load_registry()
    return sorted(event.id for event in registry.events)


@_offers
def complete_campaign(ctx: click.Context, typed: str) -> Iterable[str]:
    """Ids that begin so, of the campaigns with most messages."""
    from spamtide.app.engines import campaign_generations
    from spamtide.archive import campaign_ids

    current = campaign_generations(_workspace(ctx)).current()
    return [] if current is None else campaign_ids(current, typed, 50)


@_offers
def complete_origin(_: click.Context, typed: str) -> Iterable[str]:
    """Origins, and ``all``."""
    from spamtide.message import ORIGINS

    before, comma, _rest = typed.rpartition(",")
    return [before + comma + origin for origin in (*ORIGINS, "all")]


@_offers
def complete_query(ctx: click.Context, typed: str) -> Iterable[str]:
    """Fields for the term being typed, and their values where there is a list of them."""
    return _terms(ctx, typed)


@_offers
def complete_measure(ctx: click.Context, typed: str) -> Iterable[str]:
    """Measures; after ``messages:`` a query."""
    from spamtide.measure import RULES, UNITS

    if typed.startswith("messages:"):
        return ["messages:" + found for found in _terms(ctx, typed.removeprefix("messages:"))]
    body, at, _ = typed.rpartition("@")
    if at:
        return [f"{body}@{unit}" for unit in UNITS]
    counts = ["volume", "peers", "messages:", "subject:", "subject-literal:", "text:", "campaign:"]
    return [*counts, *(f"duplicates:{rule}" for rule in RULES), *(f"share:{c}" for c in counts if c != "volume")]


def _terms(ctx: click.Context, typed: str) -> list[str]:
    """Ways to go on with the last term of a query."""
    from spamtide.measure import BUILT_FIELDS
    from spamtide.message import DEFECTS, LANGUAGES, ORIGINS, TOPICS

    start = max(typed.rfind(" "), typed.rfind("(")) + 1
    before, last = typed[:start], typed[start:]
    field, colon, _ = last.partition(":")
    if not colon:
        return [f"{before}{name}:" for name in (*BUILT_FIELDS, "exact")]
    if field == "feed":
        values: Iterable[Any] = _workspace(ctx).archive.feeds()
    else:
        values = {"origin": ORIGINS, "language": LANGUAGES, "topic": TOPICS, "defect": list(DEFECTS)}.get(field, ())
    return [f"{before}{field}:{value}" for value in values]


class _Bash(BashComplete):
    """Click's, but words are split by this program: bash itself splits at the colons that queries are full of."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' line reply cut
    COMPREPLY=()
    for line in $(COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_CWORD=-1 %(complete_var)s=bash_complete $1); do
        reply="${line#*,}"
        case "${line%%%%,*}" in
            dir) compopt -o dirnames; return ;;
            file) compopt -o default; return ;;
        esac
        [[ "$reply" == *[:,] ]] && compopt -o nospace
        # Readline replaces what follows the last colon only.
        cut="${COMP_LINE:0:COMP_POINT}"
        cut="${cut##*[[:space:]]}"
        if [[ "$cut" == *:* && "$COMP_WORDBREAKS" == *:* && "$cut" != [\\'\\"]* ]]; then
            cut="${cut%%:*}:"
            reply="${reply#"$cut"}"
        fi
        COMPREPLY+=("$reply")
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one being typed, and that one; the line may end within quotes."""
        import os

        from click.shell_completion import split_arg_string

        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        typing = words.pop() if (len(words) > 1 and not line[-1:].isspace()) or _open_quote(line) else ""
        return words[1:], typing


def _open_quote(line: str) -> bool:
    held = ""
    for character in line:
        if held:
            held = "" if character == held else held
        elif character in "'\"":
            held = character
    return bool(held)


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete}
add_completion_class(_Bash)


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion_command(shell: str) -> None:
    """A script by which SHELL completes commands, options, feeds, events, queries and measures.

    Put eval "$(spamtide completion bash)" into ~/.bashrc; for zsh the same in ~/.zshrc; for fish
    spamtide completion fish | source.
    """
    from spamtide.app.cli import cli

    print(SHELLS[shell](cli, {}, "spamtide", VARIABLE).source())
