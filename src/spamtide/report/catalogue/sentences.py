"""Sentences that are made of a value, by their code; figures, names and days come in as words. Who builds them chooses among these."""

from __future__ import annotations

SENTENCES = {
    # Effects.
    "effect": "{where}{what} {changed} in the {days} {when}, compared with {against}",
    "effect_refused": "{where}no figure is given for {what} {when}: {why}",
    "effect_when": "after {day}",
    "because_of": ", because of {event}",
    "against_event": "what was expected without the event",
    "against_instant": "what the days before led one to expect",
    "short_history": "; the history is short, and 95 % intervals of this kind have covered the truth 94 to 99 times in 100 in made worlds",
    "detectable": "a fall by {fall} % or a rise by {rise} % would have been told from chance four times in five",
    "fell": "fell by {value} % (95 % interval: {low} to {high} %)",
    "rose": "rose by {value} % (95 % interval: {low} to {high} %)",
    "stopped": "came to a complete stop: a fall by at least {least} % (95 % interval: {least} to 100 %)",
    "stopped_title": "a complete stop, down at least {least} %",
    "down": "down {value} % ({low} to {high} %)",
    "up": "up {value} % ({low} to {high} %)",
    "unchanged": "showed no change that can be told from chance (95 % interval: from a fall by {fall} % to a rise by {rise} %)",
    "unchanged_title": "no change that can be told from chance ({low} to {high} %)",
    "title_refused": "{what}: no figure",
    "title": "{what}: {changed}",
    "planted": "The planted truth is {change}",
    "planted_inside": "The planted truth is {change}, inside the interval",
    "planted_outside": "The planted truth is {change}, outside the interval",
    # Duplicates.
    "shares_refused": "{where}no duplicate share is given: {why}",
    "shares_empty": "{where}no duplicate share is given: there are no messages in these windows.",
    "share_of_window": "{share} of {messages} messages from {begin} to {end}",
    "shares": "{where}by the rule “{rule}”, duplicates made up {shares}.",
    "shares_none": "{where}by the rule “{rule}”, {shares} had a copy in its window (95 % {intervals}: {bounds}).",
    "shares_equal": " At the same number of messages ({n}) and the same length ({days}) they made up {before} and {after}: {difference}.",
    "shares_title": "duplicates {at}, compared at equal n: {difference}",
    "shares_title_one": "Duplicates {at}: {shares}",
    "difference_none": "no difference",
    "difference_chance": "a difference that cannot be told from chance (95 % interval: {low} to {high} points)",
    "difference_fall": "a fall by {value} points (95 % interval: {near} to {far})",
    "difference_rise": "a rise by {value} points (95 % interval: {near} to {far})",
    # Refusals.
    "refused_outside": "the data run from {first} to {last}, all on one side of the cut; ",
    "refused_zero": "every count is 0, which no ratio can be made of; ",
    "refused_needs": "{first}it would take at least {needed}.",
    "refused_has": "{first}it would take at least {needed}; there {verb} {have}.",
    # Sizes.
    "size": (
        "{at_least}{hosts} sender hosts{of}{family} active {at} {span}, as if equally active: not infections, not machines under control, not the world."
    ),
    "size_marked": " By marks, {hosts} were live at a time.",
    "size_factor": (
        "If one message here stands for {times} sent, as {by} states, {output} messages a day were sent in all{family}{each}:"
        " that figure is as good as the factor{exact}."
    ),
    "size_factor_each": ", {output} by each effective host",
    "size_factor_exact": ", of which no uncertainty was stated",
    "size_refused": "no size is given{of} {at} {span}: {why}",
    # Watches.
    "watch_bound": ": in {days} live days {count} came, a rate of at most {share} of what it was (upper 95 % bound)",
    "watch_returned": "returned at {day}{unconfirmed}{rests}.",
    "watch_unconfirmed": ", unconfirmed",
    "watch_alarm": "raised an alarm at {day}, not yet a return{rests}.",
    "watch_too_early": "is too early to be watched{bound}.",
    "watch_silent": "has been silent{since}, in the form we know{bound}.",
    "watch_silent_too_early": "has been silent{since}, in the form we know, too early to be watched{bound}.",
    "watch_unknown": "is unknown: too little was seen, or the signature is too uncertain, to say more{bound}.",
    "watch_declining": "is declining{bound}.",
    "watch_active": "is active.",
    "watch_counts": ": {messages} counted since the evidence began to rise; of peers, networks and trap addresses counts say nothing",
    "watch_evidence": ": {messages} messages by {peers} peers in {networks} networks to {addresses} trap addresses",
    "watch_calibrated": " An alarm needs 60 quiet days; it can be calibrated from {day} on.",
    "watch_blind": " The alarm would not notice even a full return within a week: the background is too high.",
    "watch_sees": " The alarm would notice a return to {percent} % of the old rate within a week, four times in five.",
}
# What a refusal counts, by the name of what it needs.
NEEDED = {
    "live_days_before": "{} live days before",
    "live_months_before": "{} months before",
    "live_months_after": "{} months after",
    "live_days_after": "{} live days after",
    "count_before": "{} messages counted before",
    "messages": "{} messages",
    "live_days": "{} live days",
    "placebo_windows": "{} placebo windows",
    "count": "{} counted in each window",
    "independence_groups": "{} independence groups",
    "quiet_days": "{} quiet days",
    "exposure_basis": "an exposure that somebody stated ({})",
    "addresses": "{} sender addresses",
    "pairs": "{} pairs of sightings at one address",
    "hours_at_one_address": "{} hours that a host keeps an address",
    "bin_hours": "bins of {} hours",
    "judged_of_each_stratum": "{} judged pair of each stratum that weighs",
    "campaigns_of_two_wordings": "{} campaign of two wordings",
}
