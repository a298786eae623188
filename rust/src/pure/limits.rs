//! Bounds of the digest, in units of work (bytes, parts, depth, tokens), never seconds: the same bytes give the same
//! facts anywhere. What lies beyond a bound is named by a defect.

/// Bytes of a message that are parsed; the rest is stored, not read. Defect `parsed_in_part`.
pub const PARSED_BYTES: usize = 16 << 20;
/// MIME parts looked at. Defect `too_many_parts`.
pub const PARTS: usize = 1_000;
/// Parts that hold parts or messages. Defect `too_many_parts`.
pub const CONTAINERS: usize = 250;
/// Bytes of one Content field, folded lines included, from which its parameters are read. Defect `long_header`.
pub const CONTENT_FIELD_BYTES: usize = 16 << 10;
/// Messages within messages. Defect `too_deep`.
pub const DEPTH: usize = 100;
/// Bytes of one HTML part that are read as HTML. Defect `html_in_part`.
pub const HTML_BYTES: usize = 4 << 20;
/// Bytes of visible text as UTF-8, and of hidden text. Defect `text_in_part`.
pub const TEXT_BYTES: usize = 1 << 20;
/// Links kept. Defect `too_many_links`.
pub const LINKS: usize = 1_000;
/// Bytes of one header field that are decoded. Defect `long_header`.
pub const HEADER_BYTES: usize = 64 << 10;
/// Bytes of a whole header that are read. Defect `header_in_part`.
pub const HEAD_BYTES: usize = 1 << 20;
/// Lines of a header that are read, folded ones included. Defect `header_in_part`.
pub const HEAD_LINES: usize = 10_000;
/// Bytes from which the charset of undeclared text is guessed: those beyond ASCII and what stands around them.
pub const CHARSET_BYTES: usize = 4 << 10;
/// Bytes of HTML in which `<meta>` is looked for.
pub const META_BYTES: usize = 1 << 10;
/// Open multiparts that the second reading follows; beyond, the readings are not compared.
pub const SECOND_DEPTH: usize = 32;
/// Characters of text and subject from which the language is told.
pub const LANGUAGE_CHARS: usize = 900;
/// Attachments kept. Defect `too_many_attachments`.
pub const ATTACHMENTS: usize = 200;
/// Parts whose types make up the structure.
pub const TYPES: usize = 32;
/// Smallest shingle hashes kept of a message.
pub const SKETCH: usize = 45;
/// Pixels of the pictures of a message that are decoded. Defect `picture_unread`.
pub const PICTURE_PIXELS: usize = 3 << 20;

/// Every bound by name, with the defect that says it was met; `None` where nothing of the message is left out.
pub const TABLE: &[(&str, usize, Option<&str>)] = &[
    ("parsed_bytes", PARSED_BYTES, Some("parsed_in_part")),
    ("parts", PARTS, Some("too_many_parts")),
    ("containers", CONTAINERS, Some("too_many_parts")),
    ("content_field_bytes", CONTENT_FIELD_BYTES, Some("long_header")),
    ("depth", DEPTH, Some("too_deep")),
    ("html_bytes", HTML_BYTES, Some("html_in_part")),
    ("text_bytes", TEXT_BYTES, Some("text_in_part")),
    ("links", LINKS, Some("too_many_links")),
    ("header_bytes", HEADER_BYTES, Some("long_header")),
    ("head_bytes", HEAD_BYTES, Some("header_in_part")),
    ("head_lines", HEAD_LINES, Some("header_in_part")),
    ("attachments", ATTACHMENTS, Some("too_many_attachments")),
    ("picture_pixels", PICTURE_PIXELS, Some("picture_unread")),
    ("charset_bytes", CHARSET_BYTES, None),
    ("meta_bytes", META_BYTES, None),
    ("second_depth", SECOND_DEPTH, None),
    ("language_chars", LANGUAGE_CHARS, None),
    ("sketch", SKETCH, None),
];

/// Every defect that the digest can name, with what it means.
pub const DEFECTS: &[(&str, &str)] = &[
    (
        "attachments_disputed",
        "A second reading finds other attachments, or names with another ending.",
    ),
    (
        "bad_content_type",
        "A Content-Type that cannot be a type; the part counts as plain text.",
    ),
    ("bad_date", "A Date field that is no date."),
    (
        "byte_order_mark",
        "A byte order mark before the first header field, left by an editor; it is skipped.",
    ),
    (
        "charset_overruled",
        "A body's declared charset is unknown or does not decode it; another was taken.",
    ),
    (
        "charset_undecodable",
        "Some bytes of a body are no character in any charset tried.",
    ),
    (
        "content_length_wrong",
        "In its mbox, its Content-Length ends within a message; `From ` lines were taken instead.",
    ),
    ("empty_message", "The message has no bytes."),
    (
        "from_line_in_body",
        "In its mbox, a line of its body reads like the start of another message; its Content-Length says that it is text.",
    ),
    (
        "header_charset",
        "A header field's declared charset is unknown or does not decode it.",
    ),
    (
        "header_in_part",
        "A header beyond a bound was read in part; the body was read.",
    ),
    (
        "header_undecodable",
        "Some bytes of a header field are no character in any charset tried.",
    ),
    ("html_in_part", "HTML beyond a bound was not read."),
    ("long_header", "A header field beyond the bound was read in part."),
    ("many_from", "More than one From field; the first counts."),
    ("many_subjects", "More than one Subject field; the first counts."),
    (
        "msg_inside",
        "An attachment is a message in Outlook's own form (.msg), which is not unpacked.",
    ),
    ("no_from", "No From field."),
    ("no_header", "Nothing that could be a header; all is body."),
    (
        "no_header_end",
        "No empty line after the header; the body starts at the first line that is no field.",
    ),
    ("no_subject", "No Subject field."),
    (
        "parsed_in_part",
        "Bytes of the message beyond a bound were stored but not read.",
    ),
    (
        "parser_panic",
        "A parser failed on this message; nothing of it could be read.",
    ),
    (
        "picture_unread",
        "A picture cannot be decoded, or is beyond a bound; what is seen in it is not compared.",
    ),
    (
        "subject_disputed",
        "A second reading finds another subject, or none, or one where there is none.",
    ),
    ("text_disputed", "A second reading finds other visible text."),
    ("text_in_part", "Text beyond a bound was not kept."),
    (
        "tnef_inside",
        "An attachment is a packing of Outlook's own (winmail.dat), which is not unpacked.",
    ),
    ("too_deep", "Messages within messages beyond a bound were not read."),
    ("too_many_attachments", "Attachments beyond a bound were not kept."),
    ("too_many_links", "Links beyond a bound were not kept."),
    ("too_many_parts", "Parts beyond a bound were not read."),
    (
        "transfer_encoding",
        "A part's transfer encoding is broken; what could be unpacked was.",
    ),
];

/// Defects that are seen when a message is captured, not when it is read: they travel as marks of its meta.
pub const CAPTURED: &[&str] = &["content_length_wrong", "from_line_in_body"];
