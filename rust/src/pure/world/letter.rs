//! One message: what a group sends, in one of its forms, and what is true of it.

use super::grammar::{expand, fill, Fills};
use super::packing::{body, boundary, date, header, with_cr, How, Leaf};
use super::philox::{place, Draw};
use super::phrases::{FOUND, MISSED, NEWS};
use super::picture::picture;
use super::spec::{FeedSpec, GroupSpec};
use super::wording::{hash_buster, Wording, Words};
use super::wordlist::{name, sentence, words};
use sha2::{Digest, Sha256};

/// Purposes of the numbers that the shape of a campaign's links and its pictures are drawn from: of these one a template.
const LINKS: u64 = 2_000;
const PICTURES: u64 = 4_000;

/// Who sends, to whom, when.
pub struct Envelope<'a> {
    /// The feed.
    pub feed: &'a FeedSpec,
    /// When the message was first brought; decides its campaign and its `Date`.
    pub written_at: i64,
    /// When this attempt arrived.
    pub arrived_at: i64,
    /// Numbers of the decoys it is for, the first of them addressed.
    pub decoys: Vec<usize>,
    /// Peer address.
    pub peer: String,
    /// HELO name.
    pub helo: String,
    /// Hours that the sender's clock is ahead of UTC.
    pub ahead: i64,
}

/// A message and the truth about its text.
pub struct Letter {
    /// Its bytes.
    pub raw: Vec<u8>,
    /// Reverse-path.
    pub reverse: String,
    /// Number of the campaign, from 0.
    pub campaign: u64,
    /// Group by the rule `exact`.
    pub exact: String,
    /// Group by the rule `identical`.
    pub identical: String,
    /// Language of its text.
    pub language: &'static str,
    /// Origin.
    pub origin: &'static str,
    /// Form: `text`, `html`, `both`, `image`, `attachment`, `report`.
    pub form: &'static str,
}

/// The text of a message before its macros are filled, and its parts.
struct Draft {
    subject: String,
    charset: &'static str,
    language: &'static str,
    origin: &'static str,
    form: &'static str,
    /// What is visible, template, in the order of the parts.
    visible: String,
    leaves: Vec<Leaf>,
    /// Which leaves count as attachments.
    attached: Vec<usize>,
    multipart: &'static str,
    from: String,
    null_path: bool,
    fields: String,
}

fn hexed(hash: Sha256) -> String {
    hash.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A token that masking takes for one: three digits, a letter, twelve hex digits.
fn token(draw: &mut Draw) -> String {
    format!("{:03}k{:012x}", draw.below(1_000), draw.word() >> 16)
}

/// The message of a group.
pub fn letter(
    scenario: &str,
    start: i64,
    group: &GroupSpec,
    own: &Words,
    to: &Envelope<'_>,
    draw: &mut Draw,
) -> Letter {
    let campaign = (to.written_at - start).div_euclid(group.campaign) as u64;
    let u = draw.unit();
    let variant = place(&group.variants, u);
    let who = format!("decoy{}", to.decoys.first().copied().unwrap_or(0));
    let sender = format!("{}@{}.example", name(draw), name(draw));
    let fills = Fills {
        url: link(group, own, to, campaign, draw),
        number: (10 + draw.below(90)).to_string(),
        token: token(draw),
        address: format!("{}@{}.example", name(draw), name(draw)),
        ip: format!("198.51.100.{}", 1 + draw.below(254)),
        who,
    };
    let kind = match group.topic.as_str() {
        "noise" if draw.unit() < 0.6 => "bounce",
        "noise" => "list",
        other => other,
    };
    let draft = match kind {
        "bounce" => bounce(to, &fills, draw),
        "auto-reply" => auto_reply(&sender, draw),
        "list" => list(&sender, &fills, draw),
        "probe" => probe(&sender, &fills, draw),
        "personal" => personal(&sender, to, &fills, draw),
        "own-test" => own_test(&sender, &fills),
        "newsletter" => newsletter(own, campaign, variant, &sender, &fills, draw),
        _ => {
            let begun = campaign as i64 * group.campaign + start;
            let drifted = if group.drift > 0 {
                (to.written_at - begun) / group.drift
            } else {
                0
            };
            let wording = own.wording(group, campaign, variant, drifted as u64);
            unsolicited(group, own, campaign, variant, wording, &sender, &fills, draw)
        }
    };
    finish(scenario, campaign, to, &fills, draft, draw)
}

fn link(group: &GroupSpec, own: &Words, to: &Envelope<'_>, campaign: u64, draw: &mut Draw) -> String {
    let path = name(draw);
    let id = draw.below(1 << 30);
    let host = if group.domains == 0 {
        name(draw)
    } else {
        // The pool turns by one domain a day; most mail names the day's own.
        let day = to.written_at.div_euclid(86_400_000_000) as usize;
        let turn = if draw.unit() < 0.7 {
            day
        } else {
            draw.below(group.domains)
        };
        name(&mut own.numbers(campaign, 1_000 + (turn % group.domains) as u64))
    };
    // A campaign's links have one shape.
    let mut shape = own.numbers(campaign, LINKS);
    let (way, word) = (shape.below(4), name(&mut shape));
    match way {
        0 => format!("http://{host}.example/{path}?id={id}"),
        1 => format!("http://{host}.example/{word}/{path}-{id}.html"),
        2 => format!("http://{host}.example/?{word}={id:x}"),
        _ => format!("http://{host}.example/{word}.php?{path}={id}"),
    }
}

#[allow(clippy::too_many_arguments)]
fn unsolicited(
    group: &GroupSpec,
    own: &Words,
    campaign: u64,
    variant: usize,
    wording: Wording,
    sender: &str,
    fills: &Fills,
    draw: &mut Draw,
) -> Draft {
    // A variant keeps its spelling, so that copies of a variant are copies.
    let turn = variant + campaign as usize;
    let spelt = draw.unit();
    let word = if spelt < group.words {
        FOUND[turn % FOUND.len()]
    } else if spelt < group.words + group.missed {
        MISSED[turn % MISSED.len()]
    } else {
        wording.tongue.goods[0]
    };
    let subject = wording.subject.replace("%w%", word);
    let sums: Vec<f64> = group.forms.iter().map(|f| f.1).collect();
    let form = match group
        .forms
        .get(place(&sums, draw.unit()))
        .map_or("text", |f| f.0.as_str())
    {
        "html" => "html",
        "both" => "both",
        "image" => "image",
        "attachment" => "attachment",
        _ => "text",
    };
    let mut lines = wording.lines.clone();
    lines.push("%url%".into());
    if draw.unit() < group.unique {
        lines.push(hash_buster(draw));
    }
    let template = lines.join("\n");
    let text = |lines: &[String]| {
        let mut out = format!("{}\n\n", lines[0]);
        for (i, line) in lines[1..].iter().enumerate() {
            if line == "%url%" && i > 0 {
                out.push('\n');
            }
            out.push_str(line);
            out.push('\n');
        }
        fill(&out, fills)
    };
    let hidden = (draw.unit() < group.hidden).then(|| words(draw, 25));
    let html = |inner: &str| {
        let buster = hidden.as_ref().map_or(String::new(), |h| match turn % 3 {
            0 => format!("<div style=\"display:none\">{h}</div>"),
            1 => format!("<span style=\"font-size:0px\">{h}</span>"),
            _ => format!("<div style=\"color:#ffffff;background:#ffffff\">{h}</div>"),
        });
        format!("<html><body>{inner}{buster}</body></html>\n")
    };
    let paragraphs = |lines: &[String]| {
        let inner: String = lines
            .iter()
            .map(|l| match l.as_str() {
                "%url%" => {
                    let url = escaped(&fills.url);
                    format!("<p><a href=\"{url}\">{url}</a></p>")
                }
                line => format!("<p>{}</p>", escaped(&fill(line, fills))),
            })
            .collect();
        html(&inner)
    };
    let eight_bit = turn.is_multiple_of(2);
    let charset = wording.charset;
    let mut own_draw = draw.clone();
    let mut common = own.numbers(campaign, 1 + variant as u64);
    let (visible, leaves, attached, multipart) = match form {
        "html" => (
            template,
            vec![Leaf::text("html", &paragraphs(&lines), charset, eight_bit)],
            vec![],
            "",
        ),
        "both" => {
            let leaves = vec![
                Leaf::text("plain", &text(&lines), charset, eight_bit),
                Leaf::text("html", &paragraphs(&lines), charset, eight_bit),
            ];
            (format!("{template}\n{template}"), leaves, vec![], "alternative")
        }
        "image" => {
            let url = escaped(&fills.url);
            let shown = html(&format!("<a href=\"{url}\"><img src=\"cid:one\"></a>"));
            let png = Leaf {
                head: "Content-Type: image/png; name=\"one.png\"\nContent-ID: <one>".into(),
                bytes: picture(
                    &mut own.numbers(campaign, PICTURES + wording.template),
                    &mut common,
                    &mut own_draw,
                ),
                how: How::Base64,
            };
            (
                String::new(),
                vec![Leaf::text("html", &shown, charset, eight_bit), png],
                vec![1],
                "related",
            )
        }
        "attachment" => {
            // The same list of words for a variant, its last bytes new each time.
            let mut bytes = words(&mut common, 60).into_bytes();
            bytes.extend_from_slice(&own_draw.word().to_le_bytes());
            let file = format!("{}.dat", words(&mut common, 1));
            let leaf = Leaf {
                head: format!(
                    "Content-Type: application/octet-stream; name=\"{file}\"\n\
                     Content-Disposition: attachment; filename=\"{file}\""
                ),
                bytes,
                how: How::Base64,
            };
            (
                template,
                vec![Leaf::text("plain", &text(&lines), charset, eight_bit), leaf],
                vec![1],
                "mixed",
            )
        }
        _ => (
            template,
            vec![Leaf::text("plain", &text(&lines), charset, eight_bit)],
            vec![],
            "",
        ),
    };
    const MAILERS: [&str; 4] = [
        "",
        "X-Mailer: Harbour Mail 4.2\r\n",
        "X-Mailer: Lark 1.07\r\n",
        "X-Priority: 3\r\n",
    ];
    Draft {
        subject,
        charset,
        language: wording.tongue.code,
        origin: "unsolicited",
        form,
        visible,
        leaves,
        attached,
        multipart,
        from: sender.to_owned(),
        null_path: false,
        fields: MAILERS[own.numbers(campaign, 0).below(4)].into(),
    }
}

/// A plain letter in English.
fn plain(subject: String, template: String, fills: &Fills, from: String) -> Draft {
    Draft {
        subject,
        charset: "utf-8",
        language: "en",
        origin: "unsolicited",
        form: "text",
        leaves: vec![Leaf::text("plain", &(fill(&template, fills) + "\n"), "utf-8", false)],
        visible: template,
        attached: vec![],
        multipart: "",
        from,
        null_path: false,
        fields: String::new(),
    }
}

fn bounce(to: &Envelope<'_>, fills: &Fills, draw: &mut Draw) -> Draft {
    let said = expand(
        "{I could not|This server could not|It was impossible to} deliver your {letter|message}.\n\
         The message could not be delivered to {one or more recipients|the following address}.\n\n\
         <%address%>: {user unknown|mailbox full|no such user here}",
        draw,
    );
    let headers = format!("From: <%address%>\nTo: <%address%>\nSubject: {}\n", sentence(draw, 4));
    let filled = Fills {
        address: format!("{}@{}", fills.who, to.feed.domain),
        ..fills.clone()
    };
    let status = format!(
        "Reporting-MTA: dns; mx.{}.example\n\nFinal-Recipient: rfc822; {}\nAction: failed\nStatus: 5.1.1\n",
        name(draw),
        fills.address
    );
    let part = |head: &str, text: String| Leaf {
        head: head.into(),
        bytes: text.into_bytes(),
        how: How::Plain,
    };
    Draft {
        subject: expand(
            "{Undelivered Mail Returned to Sender|Delivery Status Notification (Failure)|failure notice}",
            draw,
        ),
        charset: "utf-8",
        language: "en",
        origin: "bounce",
        form: "report",
        leaves: vec![
            Leaf::text("plain", &(fill(&said, fills) + "\n"), "utf-8", false),
            part("Content-Type: message/delivery-status", status),
            part("Content-Type: text/rfc822-headers", fill(&headers, &filled)),
        ],
        visible: said + "\n" + &headers,
        attached: vec![1],
        multipart: "report; report-type=delivery-status",
        from: format!("MAILER-DAEMON@{}.example", name(draw)),
        null_path: true,
        fields: "Auto-Submitted: auto-replied\r\n".into(),
    }
}

fn auto_reply(sender: &str, draw: &mut Draw) -> Draft {
    let german = draw.below(4) == 0;
    let (subject, text) = if german {
        (
            "Automatische Antwort: {Ihre Nachricht|Abwesend}",
            "Guten Tag,\n\nich bin {im Urlaub|auf Reisen} und lese meine Post erst %n% Tage später wieder.\n\
             In dringenden Fällen hilft {das Büro|meine Vertretung} gern weiter.\n",
        )
    } else {
        (
            "{Out of office|Automatic reply}: {your message|away until Monday}",
            "Hello,\n\nI am {on holiday|travelling} and will read my mail again after the %n%th.\n\
             In urgent cases please ask {the office|my colleague}.\n",
        )
    };
    let (subject, text) = (expand(subject, draw), expand(text, draw));
    let fills = Fills {
        number: (10 + draw.below(20)).to_string(),
        ..Fills::default()
    };
    Draft {
        language: if german { "de" } else { "en" },
        origin: "auto-reply",
        null_path: draw.below(2) == 0,
        fields: "Auto-Submitted: auto-replied\r\n".into(),
        ..plain(subject, text, &fills, sender.into())
    }
}

fn list(sender: &str, fills: &Fills, draw: &mut Draw) -> Draft {
    const LISTS: [&str; 3] = ["gardeners", "bellringers", "chess-by-mail"];
    let list = LISTS[draw.below(3)];
    let lines: Vec<String> = (0..3).map(|_| expand(draw.of(&NEWS), draw)).collect();
    let text = format!(
        "> {}\n\n{}\n{}\n\n-- \n{}\n",
        lines[0],
        lines[1],
        lines[2],
        sentence(draw, 3)
    );
    Draft {
        origin: "list",
        fields: format!(
            "List-Id: <{list}.lists.example>\r\nList-Post: <mailto:{list}@lists.example>\r\nPrecedence: list\r\n"
        ),
        ..plain(format!("[{list}] {}", sentence(draw, 3)), text, fills, sender.into())
    }
}

fn probe(sender: &str, fills: &Fills, draw: &mut Draw) -> Draft {
    let subject = expand("{relay check|smtp test|open relay scan} %ip%", draw);
    let text = expand(
        "{This is a test|Checking} {of|for} relay at %ip%, {token|mark} %token%.\n",
        draw,
    );
    Draft {
        origin: "relay-probe",
        ..plain(subject, text, fills, sender.into())
    }
}

/// The operator's own probe, with the header by which it is known.
fn own_test(sender: &str, fills: &Fills) -> Draft {
    let text = "This message tests whether the listener takes mail. Its mark is %token%.\n";
    Draft {
        origin: "own-test",
        fields: format!("X-Spamtide-Probe: v=1; id={}\r\n", fills.token),
        ..plain("Test of the listener".into(), text.into(), fills, sender.into())
    }
}

fn personal(sender: &str, to: &Envelope<'_>, fills: &Fills, draw: &mut Draw) -> Draft {
    let lines: Vec<String> = (0..2).map(|_| expand(draw.of(&NEWS), draw)).collect();
    let text = format!(
        "Dear {},\n\nthank you for your letter about the {}.\n{}\n{}\n\n{}\n",
        words(draw, 1),
        words(draw, 2),
        lines[0],
        lines[1],
        sentence(draw, 1)
    );
    Draft {
        origin: "personal",
        fields: format!("In-Reply-To: <{}@{}>\r\n", fills.token, to.feed.domain),
        ..plain(format!("Re: {}", sentence(draw, 3)), text, fills, sender.into())
    }
}

/// One layout, other words: what a grouping must not throw together. A campaign is an issue; a variant has one paragraph of its own.
fn newsletter(own: &Words, campaign: u64, variant: usize, sender: &str, fills: &Fills, draw: &mut Draw) -> Draft {
    let paragraph = |of: &mut Draw| format!("{} {}.", expand(of.of(&NEWS), of), sentence(of, 16));
    let mut issue = own.numbers(campaign, 0);
    let title = sentence(&mut issue, 2);
    let mut paragraphs: Vec<String> = (0..4).map(|_| paragraph(&mut issue)).collect();
    paragraphs.push(paragraph(&mut own.numbers(campaign, 1 + variant as u64)));
    let foot = "You read this letter because you subscribed. To leave, follow the link.";
    let cell = |text: &str| {
        format!(
            "<tr><td style=\"font-family:serif\">{}</td></tr>\n",
            escaped(&fill(text, fills))
        )
    };
    let rows: String = paragraphs.iter().map(|p| cell(p)).collect();
    let html = format!(
        "<html><body><table width=\"600\">\n<tr><td><h1>{title}</h1></td></tr>\n{rows}{}\
         <tr><td><a href=\"{}\">%</a></td></tr></table></body></html>\n",
        cell(foot),
        escaped(&fills.url)
    );
    let visible = format!("{title}\n{}\n{foot}\n%", paragraphs.join("\n"));
    let subject = format!("{title}: issue %n%");
    Draft {
        form: "html",
        leaves: vec![Leaf::text("html", &html, "utf-8", false)],
        visible,
        fields: format!("List-Unsubscribe: <{}>\r\n", fills.url),
        ..plain(
            subject,
            String::new(),
            &Fills::default(),
            format!("news@{}", sender.split('@').nth(1).unwrap_or("")),
        )
    }
    .drawn(draw)
}

impl Draft {
    /// The draft, one number used up: forms of one group use equally many.
    fn drawn(self, draw: &mut Draw) -> Self {
        draw.word();
        self
    }
}

fn finish(scenario: &str, campaign: u64, to: &Envelope<'_>, fills: &Fills, draft: Draft, draw: &mut Draw) -> Letter {
    let mut exact = Sha256::new();
    for text in [&draft.subject, &draft.visible] {
        exact.update(text.as_bytes());
        exact.update(b"\0");
    }
    for i in &draft.attached {
        exact.update(Sha256::digest(&draft.leaves[*i].bytes));
    }
    let exact = hexed(exact);
    let mut identical = Sha256::new();
    identical.update(exact.as_bytes());
    for leaf in &draft.leaves {
        identical.update(Sha256::digest(&leaf.bytes));
    }
    let plain = draw.below(2) == 0;
    let subject = header(&fill(&draft.subject, fills), draft.charset, plain);
    let address = format!("{}@{}", fills.who, to.feed.domain);
    let peer = if to.peer.contains(':') {
        format!("IPv6:{}", to.peer)
    } else {
        to.peer.clone()
    };
    let inner = body(&draft.leaves, draft.multipart, &boundary(draw.word()));
    let head = format!(
        "Received: from {} ([{peer}])\r\n\tby mx.{} with SMTP; {}\r\nFrom: {}\r\nTo: {address}\r\nSubject: {subject}\r\n\
         Date: {}\r\nMessage-ID: <{:08x}.{:08x}@{}.example>\r\n{}X-Simulated: spamtide {scenario}\r\nMIME-Version: 1.0\r\n",
        to.helo,
        to.feed.domain,
        date(to.arrived_at, 0),
        draft.from,
        date(to.written_at, to.ahead),
        draw.below(1 << 31),
        draw.below(1 << 31),
        name(draw),
        draft.fields,
    );
    let mut raw = head.into_bytes();
    raw.extend_from_slice(&with_cr(&inner));
    Letter {
        raw,
        reverse: if draft.null_path { String::new() } else { draft.from },
        campaign,
        exact,
        identical: hexed(identical),
        language: draft.language,
        origin: draft.origin,
        form: draft.form,
    }
}
