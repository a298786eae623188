//! The operator's own probes carry a signed header, so that they are told from spam: `X-Spamtide-Probe: 1 INSTANT NONCE MAC`.

use super::keyed::keyed;

/// How long before or after its instant a header is believed, microseconds: a week.
const BELIEVED: i64 = 7 * 86_400_000_000;
/// So many bytes of a message are looked at.
const HEAD_BYTES: usize = 65_536;
const NAME: &[u8] = b"x-spamtide-probe:";

/// The value of the header for an instant, microseconds since 1970, and any word of letters and digits.
pub fn value(secret: &[u8; 32], at: i64, nonce: &str) -> String {
    let mac = keyed(secret, "probe", &[at.to_string().as_bytes(), nonce.as_bytes()]);
    let hex: String = mac[..16].iter().map(|b| format!("{b:02x}")).collect();
    format!("1 {at} {nonce} {hex}")
}

/// Whether a message carries such a header of ours, of about now.
pub fn is_ours(secret: &[u8; 32], raw: &[u8], now: i64) -> bool {
    let head = &raw[..raw.len().min(HEAD_BYTES)];
    for line in head.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return false;
        }
        if line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            let text = String::from_utf8_lossy(&line[NAME.len()..]);
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            if let [_, at, nonce, _] = words[..] {
                let told = at.parse::<i64>().unwrap_or(i64::MIN / 2);
                if now.abs_diff(told) <= BELIEVED as u64 && words.join(" ") == value(secret, told, nonce) {
                    return true;
                }
            }
        }
    }
    false
}
