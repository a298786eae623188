//! Origin of a message: what kind of thing it is, before anyone counts it as spam. Unknown is unsolicited.

/// What the classifier looks at; header values in lower case.
#[derive(Default)]
pub struct Signs<'a> {
    /// Content-Type of the message.
    pub content_type: &'a str,
    /// Auto-Submitted.
    pub auto_submitted: Option<&'a str>,
    /// Precedence.
    pub precedence: Option<&'a str>,
    /// List-Id or List-Post is there.
    pub list: bool,
    /// X-Autoreply, X-Autorespond, X-Auto-Response-Suppress with a reply, and the like.
    pub autoreply_field: bool,
    /// X-Spamtide-Probe: the operator's own test.
    pub probe: bool,
    /// The null reverse-path.
    pub null_path: bool,
    /// Address of From:, lower case.
    pub from: &'a str,
    /// Subject, lower case.
    pub subject: &'a str,
    /// X-Failed-Recipients is there.
    pub failed_recipients: bool,
}

/// One of the words of docs/reference/definitions.md.
pub fn origin(s: &Signs<'_>) -> &'static str {
    let local = s.from.split('@').next().unwrap_or("");
    if s.probe {
        return "own-test";
    }
    if s.content_type.starts_with("multipart/report") {
        if s.content_type.contains("feedback-report") {
            return "report";
        }
        if s.content_type.contains("delivery-status") || s.content_type.contains("disposition-notification") {
            return "bounce";
        }
    }
    if s.subject.starts_with("report domain:") || s.content_type.contains("tlsrpt") {
        return "report";
    }
    let daemon = matches!(local, "mailer-daemon" | "postmaster" | "mail-daemon" | "mdaemon")
        || local.starts_with("mailer-daemon");
    const FAILED: [&str; 12] = [
        "undeliver",
        "delivery status notification",
        "delivery failure",
        "mail delivery failed",
        "failure notice",
        "returned mail",
        "delivery notification",
        "message could not be delivered",
        "undelivered mail",
        "mail failure",
        "mail system error",
        "non delivery",
    ];
    let failed = FAILED.iter().any(|f| s.subject.contains(f));
    if s.failed_recipients
        || (daemon && (failed || s.null_path))
        || (s.null_path && failed)
        || (daemon && s.auto_submitted.is_some())
    {
        return "bounce";
    }
    const CHALLENGE: [&str; 4] = [
        "please confirm your message",
        "sender verification",
        "challenge-response",
        "verify your email to reach",
    ];
    if CHALLENGE.iter().any(|c| s.subject.contains(c)) {
        return "challenge";
    }
    const CONFIRM: [&str; 5] = [
        "confirm your subscription",
        "please confirm subscription",
        "confirm subscription",
        "confirm your registration",
        "your confirmation is required to join",
    ];
    if CONFIRM.iter().any(|c| s.subject.contains(c)) {
        return "confirmation";
    }
    const AWAY: [&str; 6] = [
        "out of office",
        "automatic reply",
        "auto-reply",
        "autoreply",
        "auto response",
        "vacation reply",
    ];
    if s.autoreply_field
        || s.auto_submitted.is_some_and(|a| a.starts_with("auto-replied"))
        || s.precedence == Some("auto_reply")
        || AWAY.iter().any(|a| s.subject.starts_with(a))
    {
        return "auto-reply";
    }
    if s.list || s.precedence == Some("list") {
        return "list";
    }
    "unsolicited"
}
