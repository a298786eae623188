"""``campaigns``: what belongs together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spamtide.app.commands.auditing import audit_command
from spamtide.app.commands.completing import complete_campaign
from spamtide.app.commands.livecampaigns import campaigns_live
from spamtide.app.commands.options import (
    ListedGroup,
    feed_option,
    group_now,
    grouped_line,
    json_option,
    jsonl_option,
    open_current,
    open_settled,
)
from spamtide.app.commands.searching import chosen_origins, origin_option
from spamtide.app.output import emit_json, emit_json_items, emit_jsonl, fill, printable, say, table
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.archive import Generation

# Campaigns of a page for a person's eyes.
PAGE = 40


@click.group("campaigns", cls=ListedGroup)
def campaigns_command() -> None:
    """What belongs together, over all feeds: messages that are alike, whoever sent them. Without a command: list."""


campaigns_command.add_command(campaigns_live)


def settled_generation(workspace: Workspace) -> Generation:
    """The generation of campaigns that counts. Raises Unanswerable ``no_data``."""
    from spamtide.app.engines import campaign_generations
    from spamtide.errors import Unanswerable

    found = campaign_generations(workspace).current()
    if found is None:
        raise Unanswerable("no_data", "There is no message yet.", "Run 'spamtide import PATH --feed NAME'.")
    return found


def _origins(given: list[str]) -> tuple[str, ...]:
    # Groups are of the workspace: a list of them shows all, as a search does.
    return chosen_origins(given) if given and given != ["all"] else ()


def _since(text: str | None) -> int | None:
    from spamtide.app.instants import parse_instant, parse_span
    from spamtide.app.workspace import now_us

    if text is None:
        return None
    return now_us() - parse_span(text) if text.strip()[-1:] in ("d", "h") else parse_instant(text)


@campaigns_command.command("list")
@click.option("--new-since", metavar="D", help="Those first seen at or after this instant, or in the last 7d.")
@feed_option()
@origin_option
@click.option("--min-messages", type=click.IntRange(min=1), help="Those of so many messages; for a person's eyes 2.")
@click.option("--limit", type=click.IntRange(min=1), help=f"At most so many; without --json and --jsonl {PAGE}.")
@click.option(
    "--after", metavar="ID", shell_complete=complete_campaign, help="Those that follow this campaign: the next page."
)
@json_option
@jsonl_option
@click.pass_context
def campaigns_list(
    ctx: click.Context, new_since: str | None, feeds: list[str], origins: list[str], min_messages: int | None,
    limit: int | None, after: str | None, as_json: bool, as_jsonl: bool,
) -> int:  # fmt: skip
    """The campaigns, most messages first. With --feed or --origin counted there; else over all feeds and origins.

    \b
    spamtide campaigns list --limit 20 --json | jq -r .next

    \b
    spamtide campaigns --new-since 7d
    spamtide campaigns list --feed trap --jsonl
    """
    from spamtide.app.campaigns import list_campaigns
    from spamtide.app.giants import find_giants

    since = _since(new_since)
    workspace = open_settled(ctx)
    generation = settled_generation(workspace)
    machine = as_json or as_jsonl
    shown = limit if limit is not None or machine else PAGE
    least = min_messages if min_messages is not None else 1 if machine else 2
    rows = list_campaigns(
        workspace, generation, feeds=feeds, origins=_origins(origins), since=since, at_least=least,
        limit=None if shown is None else shown + 1, after=after,
    )  # fmt: skip
    more = _Bounded(rows, shown)
    giants = find_giants(workspace, generation)
    if as_jsonl:
        n = emit_jsonl(more)
    elif as_json:
        n = emit_json_items(
            "spamtide.campaigns/1", more, lambda: more.next_id, generation=generation.number, warnings=giants
        )
    else:
        n = _table(list(more), since is not None)
        if not n:
            say("No campaign of two messages or more." if min_messages is None else "No such campaign.")
    if more.next_id is not None:
        say(
            f"There are more: --after {more.next_id} shows the next, --jsonl all of them (generation {generation.number})."
        )
    for giant in giants:
        say(f"warning: {giant['text']} {giant['next']}")
    return 0 if n else 1


class _Bounded:
    """At most ``limit`` rows of an iterable that gives one more where there is more; ``next_id`` is known at its end."""

    def __init__(self, rows: Any, limit: int | None) -> None:
        self._rows = rows
        self._limit = limit
        self.next_id: str | None = None

    def __iter__(self) -> Any:
        last = None
        for n, row in enumerate(self._rows):
            if n == self._limit:
                self.next_id = last
                return
            yield row
            last = row["campaign"]


def _table(rows: list[dict[str, Any]], new: bool) -> int:
    header = (
        "campaign",
        "messages",
        "exact",
        "peers",
        "first seen" if not new else "new since",
        "last seen",
        "topic",
        "subject",
    )
    lines = [
        (
            r["campaign"], f"{r['messages']:,}", f"{r['exact_groups']:,}", f"{r['peers']:,}", r["first_seen"][:16],
            r["last_seen"][:16], r["topic"], printable((r["subjects"] or ["(no subject)"])[0], 50),
        )
        for r in rows
    ]  # fmt: skip
    if lines:
        print("\n".join(table(header, lines, right=(1, 2, 3))))
    return len(lines)


@campaigns_command.command("show")
@click.argument("campaign", shell_complete=complete_campaign)
@feed_option()
@origin_option
@click.option(
    "--template/--no-template", default=True, show_default=True, help="What its messages were filled in from."
)
@json_option
@click.pass_context
def campaigns_show(
    ctx: click.Context, campaign: str, feeds: list[str], origins: list[str], template: bool, as_json: bool
) -> None:
    """Everything known of CAMPAIGN, an id of today or of any earlier time: volume, senders, links, subjects, variants, template."""
    from spamtide.app.campaigns import show_campaign
    from spamtide.app.campaignwords import campaign_lines

    workspace = open_settled(ctx)
    document = show_campaign(
        workspace, settled_generation(workspace), campaign, feeds=feeds, origins=_origins(origins), template=template
    )
    if as_json:
        emit_json(document)
    else:
        for line in campaign_lines(document):
            print(line)


@campaigns_command.command("diff")
@click.argument("one", metavar="A", shell_complete=complete_campaign)
@click.argument("other", metavar="B", shell_complete=complete_campaign)
@json_option
@click.pass_context
def campaigns_diff(ctx: click.Context, one: str, other: str, as_json: bool) -> None:
    """What campaigns A and B share and do not: senders, networks, links, hours, and their first messages word by word."""
    from spamtide.app.campaigncompare import diff_campaigns
    from spamtide.app.campaignwords import diff_lines

    workspace = open_settled(ctx)
    document = diff_campaigns(workspace, settled_generation(workspace), one, other)
    if as_json:
        emit_json(document)
    else:
        for line in diff_lines(document):
            print(line)


@campaigns_command.command("explain")
@click.argument("one", metavar="ID_A")
@click.argument("other", metavar="ID_B")
@json_option
@click.pass_context
def campaigns_explain(ctx: click.Context, one: str, other: str, as_json: bool) -> None:
    """Whether messages ID_A and ID_B belong together, and why: the ids are those of 'spamtide search'."""
    from spamtide.app.campaignexplain import explain_messages
    from spamtide.app.campaignwords import reason_line, shared_lines

    workspace = open_settled(ctx)
    document = explain_messages(workspace, settled_generation(workspace), one, other)
    if as_json:
        emit_json(document)
        return
    a, b = document["a"], document["b"]
    for side in (a, b):
        print(f"{side['id']}  {side['campaign'] or '-'}  {printable(side['subject'] or '(no subject)', 90)}")
    if document["same_exact"]:
        print("Exact copies of each other: equal masked subject, text and attachments.")
    elif document["same"]:
        print(
            fill(
                f"One campaign, {a['campaign']}, of different wording: {len(document['reasons'])} steps from one to the other."
            )
        )
        for reason in document["reasons"]:
            print(reason_line(reason))
    else:
        print("Two campaigns. 'spamtide campaigns diff A B' says what they share.")
    for line in shared_lines(document):
        print(line)


@campaigns_command.command("templates")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Of the so many largest.")
@json_option
@click.pass_context
def campaigns_templates(ctx: click.Context, limit: int, as_json: bool) -> None:
    """Infer the templates of the largest campaigns of two wordings or more, about a second each.

    What is found stands in 'campaigns list' from then on, until messages come and campaigns are grouped anew.
    """
    from spamtide.app.campaigns import infer_templates
    from spamtide.app.progress import progress_bar

    workspace = open_settled(ctx)
    with progress_bar("inferring", "campaigns") as tick:
        document = infer_templates(
            workspace, settled_generation(workspace), limit=limit, tick=lambda n: tick(n, limit, "")
        )
    if as_json:
        emit_json(document)
        return
    for row in document["items"]:
        text = "no template: " + row["refused"] if row["template"] is None else " ".join(row["template"].split())
        print(f"{row['campaign']}  {row['templates']}  {printable(text, 120)}")


@campaigns_command.command("settle")
@json_option
@click.pass_context
def campaigns_settle(ctx: click.Context, as_json: bool) -> None:
    """Group every message of every feed; import and digest do so when they are done, so this is seldom needed."""
    workspace = open_current(ctx)
    document = group_now(workspace)
    if document is None:
        raise WrongUse("usage", "Nothing was grouped.", "Run it again.")
    if as_json:
        emit_json(document)
        return
    print(grouped_line(document))
    changed = ", ".join(f"{n} {why}" for why, n in sorted(document["changed"].items()))
    if changed:
        print(f"Older ids: {changed}; they still lead to where their messages are.")


campaigns_command.add_command(audit_command)
