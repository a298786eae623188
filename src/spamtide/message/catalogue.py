"""What a message may be, and what may be wrong with it: the words of docs/reference/definitions.md."""

from __future__ import annotations

ORIGINS: tuple[str, ...] = (
    "unsolicited", "bounce", "auto-reply", "challenge", "report", "confirmation", "list", "relay-probe", "own-test", "personal",
)  # fmt: skip

DEFECTS: dict[str, str] = {
    "bad_date": "the Date field cannot be read",
    "charset_overruled": "the declared charset is unknown or does not decode the part; another was chosen",
    "charset_undecodable": "some bytes of a part are no character in any likely charset",
    "empty_message": "the message has no bytes",
    "header_charset": "an encoded word's charset is unknown or does not decode it",
    "header_undecodable": "some bytes of a header field are no character in any likely charset",
    "html_in_part": "an HTML part was read only up to a bound",
    "long_header": "a header field was decoded only up to a bound",
    "many_from": "more than one From field",
    "many_subjects": "more than one Subject field",
    "no_from": "no From field",
    "no_header": "no header at all; everything was read as text",
    "no_subject": "no Subject field",
    "parsed_in_part": "the message is larger than the parsed prefix",
    "parser_panic": "a parser failed on this message; its facts are empty, its bytes are kept",
    "text_in_part": "visible or hidden text was kept only up to a bound",
    "too_deep": "messages within messages beyond a bound",
    "too_many_attachments": "attachments beyond a bound were not listed",
    "too_many_links": "links beyond a bound were not listed",
    "too_many_parts": "parts beyond a bound were not read",
    "transfer_encoding": "a part's transfer encoding is broken",
}
