//! Origin of a message: what kind of thing it is, before anyone counts it as spam. Unknown is unsolicited.
//!
//! Evidence is the structure first (a delivery status, a feedback report), then who says it is speaking (a mail daemon, the
//! null path) together with what is said. A subject alone makes no bounce: worms wear that dress.

/// What the classifier looks at; header values in lower case.
#[derive(Debug, Default, Clone)]
pub struct Signs {
    /// Content-Type of the message.
    pub content_type: String,
    /// Auto-Submitted, but for `no`.
    pub auto_submitted: Option<String>,
    /// Precedence.
    pub precedence: Option<String>,
    /// List-Id is there.
    pub list_id: bool,
    /// List-Post, or a field that only list managers write.
    pub list_manager: bool,
    /// X-Autoreply, X-Autorespond and the like.
    pub autoreply_field: bool,
    /// X-Spamtide-Probe: the operator's own test.
    pub probe: bool,
    /// The null reverse-path.
    pub null_path: bool,
    /// From: as shown.
    pub from: String,
    /// Address of From:, or all of it where there is no address.
    pub from_address: String,
    /// Subject.
    pub subject: String,
    /// X-Failed-Recipients is there.
    pub failed_recipients: bool,
    /// In-Reply-To or References name a message of a recipient's own domain.
    pub answers_us: bool,
    /// A part of type message/delivery-status.
    pub delivery_status: bool,
    /// A part of type message/disposition-notification.
    pub disposition: bool,
    /// A part of type message/feedback-report, or an aggregate report.
    pub feedback: bool,
    /// A message within, or its header.
    pub original: bool,
    /// An attachment that can run, or an archive.
    pub risky: bool,
    /// Links of the message.
    pub links: usize,
    /// Attachments of the message.
    pub attachments: usize,
}

/// Characters of visible text that are looked at.
const LOOKED_AT: usize = 4_000;
/// Longest text of a relay probe, characters.
const PROBE_CHARS: usize = 300;

const DAEMONS: [&str; 8] = [
    "mailer-daemon",
    "mailerdaemon",
    "postmaster",
    "post_master",
    "mail-daemon",
    "mdaemon",
    "mail.delivery.system",
    "mail-delivery",
];
const DAEMON_NAMES: [&str; 8] = [
    "mail delivery",
    "mailer-daemon",
    "mailer daemon",
    "mail administrator",
    "returned mail",
    "delivery subsystem",
    "postmaster",
    "mail system",
];
const FAILED_SUBJECT: [&str; 22] = [
    "undeliver",
    "delivery status",
    "delivery failure",
    "delivery failed",
    "delivery has failed",
    "failure delivery",
    "mail delivery",
    "failure notice",
    "returned mail",
    "delivery notification",
    "could not be delivered",
    "mail failure",
    "mail failed",
    "mail system error",
    "non delivery",
    "non-delivery",
    "delivery error",
    "returning to sender",
    "returned to sender",
    "delayed mail",
    "could not send message",
    "unzustellbar",
];
const FAILED_TEXT: [&str; 50] = [
    "could not be delivered",
    "cannot be delivered",
    "can not be delivered",
    "can't be delivered",
    "was not delivered",
    "were not delivered",
    "not be delivered",
    "undeliverable",
    "unable to deliver",
    "not able to deliver",
    "wasn't able to deliver",
    "unable to be delivered",
    "delivery to the following",
    "delivery problems",
    "delivery has failed",
    "delivery failed",
    "error delivering",
    "trouble delivering",
    "error while delivering",
    "failed to deliver",
    "failed address",
    "delivery attempt",
    "permanent error",
    "permanent fatal error",
    "unable to find user",
    "user unknown",
    "unknown user",
    "no such user",
    "no valid recipients",
    "returned to sender",
    "returned to you",
    "did not reach",
    "mailbox full",
    "mailbox is full",
    "over quota",
    "unrouteable",
    "recipient rejected",
    "recipient address rejected",
    "address rejected",
    "host unknown",
    "could not deliver",
    "requested action not taken",
    "mailbox unavailable",
    "550 ",
    "5.1.1",
    "5.7.1",
    "transcript of session",
    "non remis",
    "konnte nicht zugestellt",
    "could not be sent",
];
const CHALLENGE: [&str; 6] = [
    "please confirm your message",
    "sender verification",
    "challenge-response",
    "verify your email to reach",
    "please verify that you sent",
    "your message awaits confirmation",
];
const CONFIRM: [&str; 7] = [
    "confirm your subscription",
    "please confirm subscription",
    "confirm subscription",
    "confirm your registration",
    "your confirmation is required to join",
    "confirm your membership",
    "subscription confirmation request",
];
const AWAY: [&str; 18] = [
    "out of office",
    "out of the office",
    "automatic reply",
    "auto-reply",
    "auto reply",
    "autoreply",
    "auto response",
    "auto-response",
    "vacation reply",
    "away from my mail",
    "away until",
    "automatische antwort",
    "abwesenheit",
    "réponse automatique",
    "respuesta automática",
    "risposta automatica",
    "resposta automática",
    "autosvar",
];
const PROBE_WORDS: [&str; 9] = [
    "relay", "smtp", "scan", "proxy", "check", "probe", "localip", "bc_", "test",
];

fn any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|w| text.contains(w))
}

/// An IPv4 address written out somewhere in `text`.
fn names_an_address(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .any(|t| t.trim_matches('.').parse::<std::net::Ipv4Addr>().is_ok())
}

/// The origin that the trap saw for itself, whatever the message says; None where it saw none.
pub fn seen_at_capture(marks: &[String]) -> Option<&'static str> {
    let has = |mark: &str| marks.iter().any(|m| m == mark);
    match () {
        () if has("own_test") => Some("own-test"),
        () if has("relay_bait") => Some("relay-probe"),
        () => None,
    }
}

/// One of the words of the definitions. `visible`: the visible text of the message.
pub fn origin(s: &Signs, visible: &str) -> &'static str {
    if s.probe {
        return "own-test";
    }
    let report = s.content_type.starts_with("multipart/report");
    let complaint = s.original && s.subject.starts_with("complaint about message from");
    if s.feedback || complaint || s.content_type.contains("feedback-report") || s.content_type.contains("tlsrpt") {
        return "report";
    }
    if s.subject.starts_with("report domain:") {
        return "report";
    }
    let text = || visible.chars().take(LOOKED_AT).collect::<String>().to_lowercase();
    let local = s.from_address.split('@').next().unwrap_or("");
    let daemon = DAEMONS.iter().any(|d| local.starts_with(d)) || any(&s.from, &DAEMON_NAMES);
    let failed_subject = any(&s.subject, &FAILED_SUBJECT);
    let worm = s.risky && !s.delivery_status && !s.original;
    // A mail service's notice to programs.
    let notice = visible.starts_with('{') && {
        let said = text();
        said.contains("notificationtype") && said.contains("bounce")
    };
    let told = || daemon && (failed_subject || s.original || report) || any(&text(), &FAILED_TEXT);
    if s.delivery_status
        || (report && s.content_type.contains("delivery-status"))
        || s.failed_recipients
        || notice
        || (!worm && !s.disposition && (daemon || s.null_path) && told())
        || (!worm && s.null_path && failed_subject)
        || (!worm && failed_subject && s.original && any(&text(), &FAILED_TEXT))
    {
        return "bounce";
    }
    if any(&s.subject, &CHALLENGE) {
        return "challenge";
    }
    if any(&s.subject, &CONFIRM) {
        return "confirmation";
    }
    let away = AWAY.iter().any(|a| s.subject.trim_start_matches("re: ").starts_with(a));
    if s.autoreply_field
        || s.disposition
        || s.auto_submitted
            .as_deref()
            .is_some_and(|a| a.starts_with("auto-replied"))
        || s.precedence.as_deref() == Some("auto_reply")
        || away
    {
        return "auto-reply";
    }
    let bulk = matches!(s.precedence.as_deref(), Some("list" | "bulk"));
    if s.list_manager || (s.list_id && bulk) {
        return "list";
    }
    let short = visible.len() <= 4 * PROBE_CHARS && visible.chars().count() <= PROBE_CHARS;
    if short && s.links == 0 && s.attachments == 0 {
        let said = format!("{}\n{}", s.subject, visible.to_lowercase());
        if names_an_address(&said) && any(&said, &PROBE_WORDS) {
            return "relay-probe";
        }
    }
    if s.answers_us {
        return "personal";
    }
    "unsolicited"
}
