//! Tiny PNG pictures: grey blocks that a variant has in common, and single pixels that are each message's own.

use super::philox::Draw;

const WIDTH: usize = 48;
const HEIGHT: usize = 16;

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

/// A picture: blocks drawn from `common`, noise from `own`.
pub fn picture(common: &mut Draw, own: &mut Draw) -> Vec<u8> {
    let mut pixels = vec![240u8; WIDTH * HEIGHT];
    for _ in 0..12 {
        let (x, y) = (common.below(WIDTH - 8), common.below(HEIGHT - 4));
        let (wide, high, shade) = (2 + common.below(6), 1 + common.below(3), common.below(160) as u8);
        for row in y..y + high {
            pixels[row * WIDTH + x..row * WIDTH + x + wide].fill(shade);
        }
    }
    for _ in 0..10 {
        pixels[own.below(WIDTH * HEIGHT)] = own.below(256) as u8;
    }
    // Each row begins with its filter: none.
    let mut rows = Vec::with_capacity((WIDTH + 1) * HEIGHT);
    for row in pixels.chunks(WIDTH) {
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
    head.extend_from_slice(&(WIDTH as u32).to_be_bytes());
    head.extend_from_slice(&(HEIGHT as u32).to_be_bytes());
    head.extend_from_slice(&[8, 0, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &head);
    chunk(&mut out, b"IDAT", &packed);
    chunk(&mut out, b"IEND", &[]);
    out
}

#[cfg(test)]
mod tests {
    use super::super::philox::key;
    use super::*;

    #[test]
    fn sums_are_the_published_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn two_messages_of_a_variant_have_pictures_that_differ_in_few_pixels() {
        let k = key(&["picture"]);
        let one = picture(&mut Draw::new(k, [1, 0, 0]), &mut Draw::new(k, [2, 0, 0]));
        let two = picture(&mut Draw::new(k, [1, 0, 0]), &mut Draw::new(k, [3, 0, 0]));
        assert_eq!(one.len(), two.len());
        let unlike = one.iter().zip(&two).filter(|(a, b)| a != b).count();
        assert!((1..40).contains(&unlike), "{unlike}");
    }
}
