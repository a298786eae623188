//! Any chunking of any bytes gives the same replies, messages and facts.

use _kernel::pure::capture::Capture;
use _kernel::pure::dialogue::{Dialogue, Event, Protocol, Settings, Verdict};
use _kernel::pure::networks::Networks;
use proptest::prelude::*;
use std::sync::Arc;

type Came = (Vec<u8>, Vec<Capture>, String);

fn play(chunks: &[&[u8]], protocol: Protocol) -> Came {
    let mut settings = Settings {
        protocol,
        starttls: true,
        trusted: Networks::parse(&["192.0.2.0/24".to_owned()]).unwrap(),
        ..Settings::default()
    };
    for (name, n) in [
        ("command_bytes", 80),
        ("message_bytes", 50),
        ("errors", 6),
        ("recipients", 2),
    ] {
        assert!(settings.bounds.set(name, n));
    }
    let mut dialogue = Dialogue::new(Arc::new(settings), "192.0.2.7".into(), "s".into(), 0);
    let mut messages = Vec::new();
    for chunk in chunks {
        dialogue.receive(chunk, 0);
        while let Some(event) = dialogue.event() {
            match event {
                Event::Message(capture) => {
                    messages.push(*capture);
                    dialogue.verdict(Verdict::Stored, 0);
                }
                Event::Secure => break,
            }
        }
    }
    messages.extend(dialogue.end(0));
    let facts = serde_json::Value::Object(dialogue.facts("closed")).to_string();
    (dialogue.bytes_to_send(), messages, facts)
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "EHLO a.example\r\n",
        "LHLO a.example\r\n",
        "helo\n",
        "MAIL FROM:<a@b.example> SIZE=9\r\n",
        "RCPT TO:<x@trap.example>\r\n",
        "DATA\r\n",
        ".\r\n",
        "\r\n.\r\n",
        "\n.\n",
        "\r\n.\n",
        "\r.\r",
        "..\r\n",
        "BDAT 4\r\n",
        "BDAT 3 LAST\r\n",
        "RSET\r\n",
        "AUTH LOGIN\r\n",
        "STARTTLS\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 1 25\r\n",
        "\r\n\r\n\0\r\nQUIT\n",
        "XCLIENT ADDR=203.0.113.9 LOGIN=anna\r\n",
        "XFORWARD ADDR=203.0.113.8 HELO=c\r\n",
        "QUIT\r\n",
        "x\r",
    ]);
    let one = prop_oneof![
        4 => known.prop_map(|s| s.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(one, 0..16).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn any_chunking_of_any_bytes_gives_the_same_events(
        data in pieces(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        lmtp in any::<bool>(),
    ) {
        let protocol = if lmtp { Protocol::Lmtp } else { Protocol::Smtp };
        let mut places: Vec<usize> = cuts.iter().map(|c| c.index(data.len() + 1)).collect();
        places.extend([0, data.len()]);
        places.sort_unstable();
        let chunks: Vec<&[u8]> = places.windows(2).map(|w| &data[w[0]..w[1]]).collect();
        let at_once = play(&[&data], protocol);
        prop_assert_eq!(&play(&chunks, protocol), &at_once);
        let single: Vec<&[u8]> = data.chunks(1).collect();
        prop_assert_eq!(&play(&single, protocol), &at_once);
    }
}
