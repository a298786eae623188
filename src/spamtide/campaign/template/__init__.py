"""Template inference: one campaign's messages -> a readable template, and expressions that find more of them."""

from spamtide.campaign.template.filling import fill_slots
from spamtide.campaign.template.headers import HeaderField, HeaderTemplate, infer_headers
from spamtide.campaign.template.infer import infer_template
from spamtide.campaign.template.matching import Others
from spamtide.campaign.template.shape import Shape
from spamtide.campaign.template.values import (
    Anchor,
    HeldBack,
    Line,
    Piece,
    Refusal,
    Slot,
    SlotKind,
    Split,
    Template,
    Text,
)

__all__ = [
    "Anchor",
    "HeaderField",
    "HeaderTemplate",
    "HeldBack",
    "Line",
    "Others",
    "Piece",
    "Refusal",
    "Shape",
    "Slot",
    "SlotKind",
    "Split",
    "Template",
    "Text",
    "fill_slots",
    "infer_headers",
    "infer_template",
]
