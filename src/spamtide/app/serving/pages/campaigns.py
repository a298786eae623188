"""*Campaigns*: the list, and one campaign with its storyboard, its wordings, its template and who sent it."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from spamtide.app.campaigns import list_campaigns, show_campaign
from spamtide.app.narrowings import left_to_ask
from spamtide.app.searching import resolved
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue, Taken
from spamtide.app.serving.veiling import personal_campaigns, veil_campaign, veiled_row
from spamtide.app.templates import inferred_template, no_template, template_of
from spamtide.campaign import METHOD
from spamtide.measure import campaign_days
from spamtide.report import campaign_sentence, campaigns_sentence

if TYPE_CHECKING:
    from spamtide.archive import Generation
    from spamtide.measure import Tree

_EPOCH = date(1970, 1, 1).toordinal()
_COLUMNS = (
    "campaign", "messages", "exact_groups", "peers", "networks", "first_seen", "last_seen", "language", "topic", "subjects", "feeds",
)  # fmt: skip
_METHOD = (
    f"Exact groups are joined where they share words, word order and link domains, those of few words by pictures and build too ({METHOD}); every figure is counted again from messages within "
    "the filters. Membership is of one generation, named below."
)
_DEFINITION = "A campaign is a set of messages of one wording or of near-duplicate wordings, over all feeds. A wording is an exact group: equal after masking."


def show_list(asker: Asker, params: Params) -> PageValue:
    """Campaigns within the filters, most messages first."""
    generation, origins = asker.generation(), params.origins()
    rows: list[dict[str, Any]] = []
    after = None
    if generation is not None:
        tree = resolved(asker.workspace, params.tree(), generation)
        found = list_campaigns(
            asker.workspace, generation, feeds=params.feeds, origins=origins, tree=tree, at_least=_at_least(params),
            limit=params.limit + 1, after=params.get("after") or None,
        )  # fmt: skip
        rows = [veiled_row(asker, row) for row in found]
        if len(rows) > params.limit:
            rows = rows[: params.limit]
            after = rows[-1]["campaign"]
    return PageValue(
        title="Campaigns", sentence=campaigns_sentence(rows, after is not None, grouped=generation is not None),
        facts={"campaigns": rows}, next=after,
        how=How(
            definition=_DEFINITION, method=_METHOD, command="spamtide campaigns list --jsonl", query=str(params.tree()),
            files=("campaign", "campaign_member", "message"),
        ),
        table="campaigns", columns=_COLUMNS,
    )  # fmt: skip


def _at_least(params: Params) -> int:
    text = params.get("at_least") or "1"
    return int(text) if text.isascii() and text.isdigit() else 1


def show_one(asker: Asker, params: Params) -> PageValue:
    """One campaign. Raises WrongUse ``unknown_campaign``, Unanswerable ``campaign_gone``, ``not_in_population``."""
    said, generation = params.get("campaign"), asker.generation()
    feeds, origins, tree = campaign_filters(asker, params)
    how: dict[str, Any] = {"feeds": feeds, "origins": origins, "tree": tree}
    find = partial(show_campaign, asker.workspace, generation, said, template=False, **how)
    document: dict[str, Any] = asker.kept(("campaign", said, tuple(feeds), origins, str(tree)), find)
    assert generation is not None
    campaign = document["campaign"]
    facts = {k: v for k, v in document.items() if k not in ("schema", "by_hour", *no_template())}
    facts |= _template(asker, generation, campaign, infer=params.get("template") == "1")
    board = partial(_days, asker, document, {**how, "campaigns": (campaign,)})
    facts |= asker.kept(("storyboard", campaign, tuple(feeds), origins, str(tree)), board)
    if campaign in personal_campaigns(asker):
        veil_campaign(facts)
    _shown(asker, facts)
    return PageValue(
        title=f"Campaign {campaign}", sentence=campaign_sentence(facts), facts=facts,
        how=How(
            definition=_DEFINITION, method=_METHOD, command=f"spamtide campaigns show {campaign} --json", query=str(params.tree()),
            files=("campaign_member", "message", "text", "link"),
        ),
        table="variants", columns=("exact", "messages", "first_seen", "last_seen", "subject", "id"),
    )  # fmt: skip


def campaign_filters(asker: Asker, params: Params) -> tuple[list[str], tuple[str, ...], Tree]:
    """Feeds, origins and query of a page of one campaign."""
    feeds = asker.workspace.require_feeds(list(params.feeds)) if params.feeds else []
    return feeds, params.origins(), resolved(asker.workspace, params.tree(), asker.generation())


def _template(asker: Asker, generation: Generation, campaign: str, *, infer: bool) -> dict[str, Any]:
    """The template that was inferred already; inferred now, which takes a second or more, when asked for."""
    found = inferred_template(generation, campaign)
    if found is None and infer:
        with asker.engine() as engine:
            found = template_of(engine, generation, campaign)
    return {**(found or no_template()), "template_inferred": found is not None}


def _days(asker: Asker, document: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    """Messages by day, of the whole and of its largest wordings."""
    variants = document["variants"]
    by_exact: dict[str, dict[int, int]] = {}
    with asker.engine() as engine:
        how = left_to_ask(engine, how)
        whole = {r["day"]: r["messages"] for r in engine.answer(campaign_days, **how).to_pylist()}
        for row in engine.run(campaign_days(exacts=[v["exact"] for v in variants], **how)).to_pylist():
            by_exact.setdefault(row["exact"], {})[row["day"]] = row["messages"]
    rows = [
        {
            "subject": v["subject"], "excerpt": excerpt(document["example"], v), "messages": v["messages"], "id": v["id"], "rest": False,
            "days": _listed(by_exact.get(v["exact"], {})),
        }
        for v in variants
    ]  # fmt: skip
    rest = {day: n - sum(days.get(day, 0) for days in by_exact.values()) for day, n in whole.items()}
    left = document["exact_groups"] - len(variants)
    if left:
        rows.append(
            {
                "subject": f"{left} other wordings", "excerpt": "", "messages": sum(rest.values()), "id": None, "rest": True,
                "days": _listed({day: n for day, n in rest.items() if n}),
            }
        )  # fmt: skip
    days = _listed(whole)
    board = {
        "start": days[0]["day"], "end": days[-1]["day"], "rows": rows,
        "title": f"{document['messages']} messages from {days[0]['day']} to {days[-1]['day']}, by wording",
        "alt": "; ".join(f"{r['subject'] or 'no subject'}: {r['messages']} messages" for r in rows[:5]),
    }  # fmt: skip
    return {"by_day": days, "storyboard": board}


def excerpt(example: dict[str, Any], variant: dict[str, Any]) -> str:
    """The first words of a wording, masked: out of the example and what differs from it."""
    if not variant["diff"]:
        words = f"{example['subject'] or ''} {example['text']}"
    else:
        words = " ".join(text for kind, text in variant["diff"] if kind != "-")
    return words.removeprefix(variant["subject"] or "").strip()[:160]


def _listed(days: dict[int, int]) -> list[dict[str, Any]]:
    return [{"day": date.fromordinal(_EPOCH + day).isoformat(), "messages": n} for day, n in sorted(days.items())]


def _shown(asker: Asker, facts: dict[str, Any]) -> None:
    """The senders' texts and addresses as they may be shown here."""
    if asker.local:
        return
    facts["subjects"] = [asker.text(s, 200) for s in facts["subjects"]]
    facts["example"] = {
        **facts["example"],
        "from": asker.address(facts["example"]["from"]),
        "subject": asker.text(facts["example"]["subject"]),
    }
    for key, name in (("by_subject", "subject"), ("variants", "subject")):
        facts[key] = [{**row, name: asker.text(row[name], 200)} for row in facts[key]]
    facts["variants"] = [{**v, "diff": [[k, asker.text(t, 2000)] for k, t in v["diff"]]} for v in facts["variants"]]
    facts["by_sender"] = [{**row, "from": asker.address(row["from"])} for row in facts["by_sender"]]
    facts["by_peer"] = [{**row, "peer": asker.peer(row["peer"])} for row in facts["by_peer"]]
    board = facts["storyboard"]
    rows = [{**r, "subject": r["subject"] if r["rest"] else asker.text(r["subject"], 200)} for r in board["rows"]]
    alt = "; ".join(f"{r['subject'] or 'no subject'}: {r['messages']} messages" for r in rows[:5])
    facts["storyboard"] = {**board, "rows": rows, "alt": alt}


PAGES = (
    Page(
        "campaigns", "/campaigns", "Campaigns", show_list, "campaigns.html", nav="Campaigns",
        takes=(Taken("at_least", "no campaign of fewer messages", example="10"),), meaning="Campaigns, most messages first.",
    ),
    Page(
        "campaign", "/campaigns/{campaign}", "Campaign", show_one, "campaign.html", nav="Campaigns",
        takes=(Taken("template", "1: infer the template now, which takes a second or more", ("1",)),),
        meaning="One campaign: storyboard, wordings, template, senders.",
    ),
)  # fmt: skip
