//! Bounds of the digest, in units of work (bytes, parts, depth, tokens), never seconds: the same bytes give the same
//! facts anywhere. What lies beyond a bound is named by a defect.

/// Bytes of a message that are parsed; the rest is stored, not read. Defect `parsed_in_part`.
pub const PARSED_BYTES: usize = 16 << 20;
/// MIME parts looked at. Defect `too_many_parts`.
pub const PARTS: usize = 1_000;
/// Messages within messages. Defect `too_deep`.
pub const DEPTH: usize = 100;
/// Bytes of one HTML part that are read as HTML. Defect `html_in_part`.
pub const HTML_BYTES: usize = 4 << 20;
/// Characters of visible text, and of hidden text. Defect `text_in_part`.
pub const TEXT_CHARS: usize = 1 << 20;
/// Links kept. Defect `too_many_links`.
pub const LINKS: usize = 1_000;
/// Bytes of one header field that are decoded. Defect `long_header`.
pub const HEADER_BYTES: usize = 64 << 10;
/// Bytes from which the charset of undeclared text is guessed: those beyond ASCII and what stands around them.
pub const CHARSET_BYTES: usize = 4 << 10;
/// Attachments kept. Defect `too_many_attachments`.
pub const ATTACHMENTS: usize = 200;
/// Smallest shingle hashes kept of a message.
pub const SKETCH: usize = 64;
