//! Bytes of a message: charsets, transfer encodings, encoded words, multiparts, dates. The wrapping, not the words.

use super::picture::crc32;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 without line ends.
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i <= chunk.len() {
                out.push(DIGITS[(n >> (18 - 6 * i) & 63) as usize] as char);
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// Base64 in lines of 76.
fn base64_lines(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 7 / 5 + 80);
    for chunk in bytes.chunks(57) {
        out.push_str(&base64(chunk));
        out.push('\n');
    }
    out
}

/// Quoted-printable of a text with line ends of one byte.
fn quoted_printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 5 / 4);
    let mut column = 0;
    for (i, b) in bytes.iter().enumerate() {
        if *b == b'\n' {
            out.push('\n');
            column = 0;
            continue;
        }
        let last = matches!(bytes.get(i + 1), None | Some(b'\n'));
        let plain = (b'!'..=b'~').contains(b) && *b != b'=' || (*b == b' ' && !last);
        let width = if plain { 1 } else { 3 };
        if column + width > 73 {
            out.push_str("=\n");
            column = 0;
        }
        if plain {
            out.push(*b as char);
        } else {
            out.push_str(&format!("={b:02X}"));
        }
        column += width;
    }
    out
}

/// A text in a charset; in UTF-8 where the charset lacks a character. The label that is true of the bytes.
pub fn encode<'a>(text: &str, charset: &'a str) -> (Vec<u8>, &'a str) {
    if charset != "utf-8" {
        if let Some(encoding) = encoding_rs::Encoding::for_label(charset.as_bytes()) {
            let (bytes, _, lost) = encoding.encode(text);
            if !lost {
                return (bytes.into_owned(), charset);
            }
        }
    }
    (text.as_bytes().to_vec(), "utf-8")
}

/// A header value: as it is where ASCII allows and `plain` asks for it, else in encoded words.
pub fn header(text: &str, charset: &str, plain: bool) -> String {
    if plain && text.is_ascii() {
        return text.to_owned();
    }
    let (_, charset) = encode(text, charset);
    let letters: Vec<char> = text.chars().collect();
    let words: Vec<String> = letters
        .chunks(12)
        .map(|some| {
            let (bytes, charset) = encode(&some.iter().collect::<String>(), charset);
            format!("=?{charset}?B?{}?=", base64(&bytes))
        })
        .collect();
    words.join("\r\n ")
}

/// One part that contains no other.
pub struct Leaf {
    /// Its Content-Type and other fields, without the transfer encoding; no line end behind the last.
    pub head: String,
    /// Its bytes before transfer encoding, line ends of one byte if it is text.
    pub bytes: Vec<u8>,
    /// How it travels.
    pub how: How,
}

/// A transfer encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As it is, 7 or 8 bits.
    Plain,
    /// quoted-printable
    Quoted,
    /// base64
    Base64,
}

impl Leaf {
    /// A text part: `kind` is `plain` or `html`. `eight_bit` lets 8-bit bytes travel as they are.
    pub fn text(kind: &str, text: &str, charset: &str, eight_bit: bool) -> Self {
        let (bytes, charset) = encode(text, charset);
        let how = match charset {
            _ if bytes.is_ascii() || eight_bit => How::Plain,
            "iso-8859-1" | "windows-1252" | "iso-8859-2" => How::Quoted,
            _ => How::Base64,
        };
        Leaf {
            head: format!("Content-Type: text/{kind}; charset=\"{charset}\""),
            bytes,
            how,
        }
    }

    /// Field lines, an empty line and the body, line ends of one byte.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.as_bytes());
        match self.how {
            How::Plain if self.bytes.is_ascii() => {
                out.extend_from_slice(b"\n\n");
                out.extend_from_slice(&self.bytes);
            }
            How::Plain => {
                out.extend_from_slice(b"\nContent-Transfer-Encoding: 8bit\n\n");
                out.extend_from_slice(&self.bytes);
            }
            How::Quoted => {
                out.extend_from_slice(b"\nContent-Transfer-Encoding: quoted-printable\n\n");
                out.extend_from_slice(quoted_printable(&self.bytes).as_bytes());
            }
            How::Base64 => {
                out.extend_from_slice(b"\nContent-Transfer-Encoding: base64\n\n");
                out.extend_from_slice(base64_lines(&self.bytes).as_bytes());
            }
        }
    }
}

/// What stands behind `MIME-Version`: one part, or several within a multipart of `kind` (`mixed`, `alternative` ...).
pub fn body(leaves: &[Leaf], kind: &str, boundary: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(leaves.iter().map(|l| l.bytes.len()).sum::<usize>() + 512);
    if let [only] = leaves {
        only.write(&mut out);
        return out;
    }
    out.extend_from_slice(format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\n\n").as_bytes());
    for leaf in leaves {
        out.extend_from_slice(format!("--{boundary}\n").as_bytes());
        leaf.write(&mut out);
        if out.last() != Some(&b'\n') {
            out.push(b'\n');
        }
    }
    out.extend_from_slice(format!("--{boundary}--\n").as_bytes());
    out
}

/// Line ends of two bytes.
pub fn with_cr(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32 + 16);
    let mut from = 0;
    for i in memchr::memchr_iter(b'\n', bytes) {
        out.extend_from_slice(&bytes[from..i]);
        if i == 0 || bytes[i - 1] != b'\r' {
            out.push(b'\r');
        }
        from = i;
    }
    out.extend_from_slice(&bytes[from..]);
    out
}

/// A date as RFC 5322 writes it, `ahead` hours ahead of UTC.
pub fn date(at: i64, ahead: i64) -> String {
    let (week, day, month, year, time) = civil(at, ahead);
    let sign = if ahead < 0 { '-' } else { '+' };
    format!("{week}, {day:02} {month} {year} {time} {sign}{:02}00", ahead.abs())
}

/// A date as a `From ` line has it, UTC.
pub fn ctime(at: i64) -> String {
    let (week, day, month, year, time) = civil(at, 0);
    format!("{week} {month} {day:02} {time} {year}")
}

/// Day of the week, day of the month, month, year and time of day.
fn civil(at: i64, ahead: i64) -> (&'static str, i64, &'static str, i64, String) {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let seconds = at.div_euclid(1_000_000) + ahead * 3_600;
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 1 March of year 0, in eras of 400 years (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let month_day = of_year - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let time = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
    (
        DAYS[day.rem_euclid(7) as usize],
        month_day,
        MONTHS[month as usize],
        year,
        time,
    )
}

/// A boundary that no text of ours holds.
pub fn boundary(seed: u64) -> String {
    format!("=_{:08x}_{:016x}", crc32(&seed.to_le_bytes()), seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_published_one() {
        let known = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in known {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn quoted_lines_are_short_and_end_in_no_space() {
        let text = "Größe ".repeat(40) + "\nend \n";
        let coded = quoted_printable(text.as_bytes());
        assert!(coded.lines().all(|l| l.len() <= 76 && !l.ends_with(' ')));
        assert_eq!(
            coded
                .replace("=\n", "")
                .replace("=C3=B6", "ö")
                .replace("=C3=9F", "ß")
                .replace("=20", " "),
            text
        );
    }

    #[test]
    fn dates_are_right_at_the_edges_of_a_year() {
        assert_eq!(date(1_300_286_700_000_000, 0), "Wed, 16 Mar 2011 14:45:00 +0000");
        assert_eq!(date(0, 0), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(date(951_782_400_000_000, 0), "Tue, 29 Feb 2000 00:00:00 +0000");
        assert_eq!(date(1_293_836_400_000_000, 1), "Sat, 01 Jan 2011 00:00:00 +0100");
        assert_eq!(date(1_293_840_000_000_000, -5), "Fri, 31 Dec 2010 19:00:00 -0500");
    }

    #[test]
    fn what_a_charset_lacks_travels_as_utf_8() {
        assert_eq!(encode("Größe", "iso-8859-1"), (b"Gr\xf6\xdfe".to_vec(), "iso-8859-1"));
        assert_eq!(encode("часы", "iso-8859-1").1, "utf-8");
        assert_eq!(encode("часы", "koi8-r").0, [0xde, 0xc1, 0xd3, 0xd9]);
    }
}
