//! What of a session's way of speaking is written down: every mark, with what it means. Odd input is accepted; the mark is
//! the fingerprint that it leaves.

/// Marks of the command lines. They stay for the rest of the session.
pub const SPOKEN: &[(&str, &str)] = &[
    ("auth_tried", "AUTH, which is refused, was tried."),
    ("bare_cr", "A command line holds a CR without LF."),
    ("bare_lf", "A command line ended in LF without CR."),
    ("chunking", "BDAT was used."),
    ("early_talk", "Bytes came before our greeting was sent."),
    ("eight_bit", "A command line holds bytes above 127."),
    ("helo_address", "The HELO name is an address without brackets."),
    ("helo_empty", "HELO or EHLO came without a name."),
    (
        "helo_malformed",
        "The HELO name is neither a domain nor an address in brackets.",
    ),
    ("http", "An HTTP request came."),
    (
        "injected",
        "Bytes came between STARTTLS and the handshake; they were thrown away.",
    ),
    ("leading_space", "A command line began with a space or a tab."),
    ("long_line", "A command line was longer than 512 bytes."),
    ("lower_case", "A command was not in capitals."),
    (
        "no_angle_brackets",
        "A path came without angle brackets, or with one of two.",
    ),
    ("no_domain", "An address has no domain."),
    ("no_helo", "MAIL came before any HELO or EHLO."),
    ("nul", "A command line holds a NUL."),
    ("null_recipient", "A recipient was empty."),
    (
        "pipelined",
        "A command came before the reply to the one before it was sent, after EHLO, which allows it.",
    ),
    (
        "pipelined_unoffered",
        "The same without EHLO, or after a command that must be waited for.",
    ),
    (
        "proxy_unoffered",
        "The session began with a PROXY header that was not asked for; it was read as commands.",
    ),
    (
        "relay_form",
        "A recipient asks to be passed on: percent, bang, or two at signs.",
    ),
    ("second_helo", "HELO or EHLO came again, without a handshake between."),
    ("source_route", "A path names hosts to go by."),
    (
        "space_around_colon",
        "A space stood before or after the colon of MAIL FROM: or RCPT TO:.",
    ),
    ("space_in_path", "A path had spaces within its brackets."),
    ("tls_hello", "A TLS handshake came without STARTTLS."),
    ("trailing_space", "A command line ended in a space or a tab."),
    ("unknown_command", "A line was no command."),
    (
        "unknown_parameter",
        "MAIL or RCPT had a parameter that we did not offer.",
    ),
    (
        "utf8_unasked",
        "An address has bytes above 127 and MAIL did not say SMTPUTF8.",
    ),
    (
        "xclient_unoffered",
        "XCLIENT came from an address that is not listed as a relay, or from the client that a relay had named.",
    ),
    ("xforward_unoffered", "The same of XFORWARD."),
];

/// Marks of the bytes of one message.
pub const WRITTEN: &[(&str, &str)] = &[
    ("data_bare_cr", "CR without LF."),
    ("data_bare_lf", "LF without CR."),
    ("data_early", "Data came before our 354 was sent."),
    (
        "data_eight_bit",
        "Bytes above 127, and MAIL said neither BODY=8BITMIME nor BINARYMIME.",
    ),
    (
        "data_long_line",
        "A line longer than 1,000 bytes, its line end included.",
    ),
    ("data_nul", "A NUL."),
    (
        "dot_unstuffed",
        "A line began with a single dot: whoever sent it did not double it.",
    ),
    ("end_cr_dot_cr", "CR.CR, which is no end of data."),
    ("end_cr_dot_crlf", "CR.CRLF, which is no end of data."),
    ("end_cr_dot_lf", "CR.LF, which is no end of data."),
    ("end_crlf_dot_cr", "CRLF.CR, which is no end of data."),
    ("end_crlf_dot_lf", "CRLF.LF, which is no end of data."),
    ("end_lf_dot_cr", "LF.CR, which is no end of data."),
    ("end_lf_dot_crlf", "LF.CRLF, which is no end of data."),
    ("end_lf_dot_lf", "LF.LF, which is no end of data."),
    ("size_understated", "The message is larger than SIZE= said."),
];
