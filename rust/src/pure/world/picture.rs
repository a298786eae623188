//! Small PNG pictures, as image spam has them: a campaign's own, which each variant disguises by another size, border and shade and
//! a line drawn through it, and each message by single pixels.

use super::philox::Draw;

const WIDTH: usize = 72;
const HEIGHT: usize = 48;
const GROUND: u8 = 232;
/// Of so many pixels one is a message's own.
const SPECKS: usize = 400;

/// Grey values, row after row.
#[derive(Clone)]
struct Grey {
    wide: usize,
    pixels: Vec<u8>,
}

impl Grey {
    fn flat(wide: usize, high: usize, shade: u8) -> Self {
        Grey {
            wide,
            pixels: vec![shade; wide * high],
        }
    }
    fn high(&self) -> usize {
        self.pixels.len() / self.wide
    }
    fn block(&mut self, (x, y): (usize, usize), (wide, high): (usize, usize), shade: u8) {
        let right = (x + wide).min(self.wide);
        for row in y..(y + high).min(self.high()) {
            self.pixels[row * self.wide + x.min(right)..row * self.wide + right].fill(shade);
        }
    }
}

/// CRC-32 (IEEE), bit by bit; for pictures of a kilobyte.
pub fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let mut table = [0u32; 16];
        let mut i = 0;
        while i < 16 {
            let (mut c, mut k) = (i as u32, 0);
            while k < 4 {
                c = if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 };
                k += 1;
            }
            table[i] = c;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0u32, |c, b| {
        let c = c ^ u32::from(*b);
        let c = TABLE[(c & 15) as usize] ^ (c >> 4);
        TABLE[(c & 15) as usize] ^ (c >> 4)
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), x| {
        let a = (a + u32::from(*x)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let from = out.len();
    out.extend_from_slice(kind);
    out.extend_from_slice(data);
    let crc = crc32(&out[from..]);
    out.extend_from_slice(&crc.to_be_bytes());
}

/// What a campaign shows: a block or two, and lines of words of which no letter can be told.
fn shown(of: &mut Draw) -> Grey {
    let mut out = Grey::flat(WIDTH, HEIGHT, GROUND);
    for _ in 0..1 + of.below(2) {
        let at = (of.below(WIDTH - 16), of.below(HEIGHT - 10));
        out.block(at, (8 + of.below(16), 6 + of.below(8)), 60 + of.below(100) as u8);
    }
    let mut y = 2 + of.below(4);
    while y + 4 < HEIGHT {
        let (tall, mut x, end) = (2 + of.below(3), 2 + of.below(12), WIDTH / 3 + of.below(WIDTH * 2 / 3));
        while x < end {
            let long = 2 + of.below(9);
            out.block((x, y), (long, tall), 30);
            x += long + 1 + of.below(3);
        }
        y += tall + 2 + of.below(6);
    }
    out
}

/// The same in another size, shade and border, a line through it.
fn disguised(picture: &Grey, of: &mut Draw) -> Grey {
    let size = |n: usize, of: &mut Draw| n * (85 + of.below(31)) / 100;
    let (wide, high) = (size(picture.wide, of), size(picture.high(), of));
    let (shade, edge) = (of.below(31) as i32 - 15, of.below(256) as u8);
    let (left, right, top, bottom) = (of.below(5), of.below(5), of.below(5), of.below(5));
    let mut out = Grey::flat(left + wide + right, top + high + bottom, edge);
    for y in 0..high {
        let row = y * picture.high() / high * picture.wide;
        for x in 0..wide {
            let value = i32::from(picture.pixels[row + x * picture.wide / wide]) + shade;
            out.pixels[(top + y) * out.wide + left + x] = value.clamp(0, 255) as u8;
        }
    }
    let line = top + of.below(high);
    out.block((left, line), (wide, 1), of.below(256) as u8);
    out
}

/// A picture: what is seen drawn from `campaign`, its disguise from `variant`, specks from `own`.
pub fn picture(campaign: &mut Draw, variant: &mut Draw, own: &mut Draw) -> Vec<u8> {
    let mut seen = disguised(&shown(campaign), variant);
    let all = seen.pixels.len();
    for _ in 0..all / SPECKS {
        seen.pixels[own.below(all)] = own.below(256) as u8;
    }
    png(&seen)
}

fn png(grey: &Grey) -> Vec<u8> {
    // Each row begins with its filter: none.
    let mut rows = Vec::with_capacity((grey.wide + 1) * grey.high());
    for row in grey.pixels.chunks(grey.wide) {
        rows.push(0);
        rows.extend_from_slice(row);
    }
    let mut packed = vec![0x78, 0x01, 1];
    packed.extend_from_slice(&(rows.len() as u16).to_le_bytes());
    packed.extend_from_slice(&(!(rows.len() as u16)).to_le_bytes());
    packed.extend_from_slice(&rows);
    packed.extend_from_slice(&adler32(&rows).to_be_bytes());
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend_from_slice(&(grey.wide as u32).to_be_bytes());
    head.extend_from_slice(&(grey.high() as u32).to_be_bytes());
    head.extend_from_slice(&[8, 0, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &head);
    chunk(&mut out, b"IDAT", &packed);
    chunk(&mut out, b"IEND", &[]);
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::pictures::{differing, look};
    use super::super::philox::key;
    use super::*;

    #[test]
    fn sums_are_the_published_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    fn of(campaign: u64, variant: u64, message: u64) -> Vec<u8> {
        let k = key(&["picture"]);
        let draw = |purpose, n| Draw::new(k, [purpose, n, 0]);
        picture(&mut draw(1, campaign), &mut draw(2, variant), &mut draw(3, message))
    }

    #[test]
    fn two_messages_of_a_variant_have_pictures_that_differ_in_few_pixels() {
        let (one, two) = (of(1, 2, 3), of(1, 2, 4));
        assert_eq!(one.len(), two.len());
        let unlike = one.iter().zip(&two).filter(|(a, b)| a != b).count();
        assert!((1..40).contains(&unlike), "{unlike}");
    }

    #[test]
    fn variants_show_the_picture_of_their_campaign_and_campaigns_another() {
        let look = |png: &[u8]| look(png, "png", &mut 1_000_000).unwrap().unwrap();
        let looks: Vec<Vec<u64>> = (0..30)
            .map(|c| (0..8).map(|v| look(&of(c, 100 * c + v, 0))).collect())
            .collect();
        let within = looks
            .iter()
            .flat_map(|own| own.iter().skip(1).map(|l| differing(own[0], *l)));
        let alike = within.filter(|bits| *bits <= 12).count();
        assert!(alike > 30 * 7 * 8 / 10, "{alike}");
        let between = (0..29).map(|c| differing(looks[c][0], looks[c + 1][0]));
        assert!(between.min() > Some(12));
    }
}
