//! What a picture looks like, as 63 bits: pictures that look alike differ in few of them, whatever their size, colours, borders,
//! noise and file format.
//!
//! The first frame as grey values; its flat border peeled off; what is not background as *ink*, of bounded darkness, so that
//! colours hardly matter; 32 by 32 averages of that; of their discrete cosine transform the coefficients of 8 by 8 low
//! frequencies, those without a frequency in one direction left out, but the last; each bit says whether one lies above their
//! median. Method: perceptual hash by DCT, after Zauner (2010). All numbers are integers, so the bits are the same anywhere.
//!
//! Bounded in work: a file has so many bytes and pixels, a JPEG so many scans; what is beyond has no hash.

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

use super::limits::PICTURE_PIXELS;

/// Bits of a hash.
pub const BITS: u32 = 63;
/// Pictures looked at in a message, the first ones.
pub const KEPT: usize = 8;
/// Bytes of a picture's file.
const BYTES: usize = 4 << 20;
/// Pixels of a side.
const LONGEST: u32 = 8_192;
const SHORTEST: usize = 12;
/// Scans of a JPEG: each goes over all of it once more.
const SCANS: usize = 24;
/// Averages of a side, and frequencies.
const SIDE: usize = 32;
const LOW: usize = 8;
/// A grey value so far from the background is ink, and how much of it counts.
const FAR: i32 = 24;
const DARKEST: i32 = 96;
/// Of a thousand pixels of a border's line so many are alike within so many grey values.
const FLAT: usize = 900;
const ALIKE: i32 = 16;

/// Bits in which two hashes differ.
pub fn differing(one: u64, other: u64) -> u32 {
    (one ^ other).count_ones()
}

/// A picture that cannot be decoded, or is beyond a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread;

/// The hash of a picture; `pixels` are those that may still be decoded of the message.
///
/// `Err` where a picture cannot be decoded or is beyond a bound, `Ok(None)` where there is nothing to see in it (a spacer, a
/// pixel that counts readers) or it is no picture of a kind that is read.
pub fn look(bytes: &[u8], kind: &str, pixels: &mut usize) -> Result<Option<u64>, Unread> {
    let format = match kind {
        "png" => ImageFormat::Png,
        "gif" => ImageFormat::Gif,
        "jpeg" => ImageFormat::Jpeg,
        "bmp" => ImageFormat::Bmp,
        _ => return Ok(None),
    };
    let scans = || memchr::memmem::find_iter(bytes, b"\xff\xda").count();
    if bytes.len() > BYTES || kind == "jpeg" && scans() > SCANS {
        return Err(Unread);
    }
    // Decoders are others' code and see hostile bytes: one that fails loses its picture, not the message.
    let grey = std::panic::catch_unwind(|| decoded(bytes, format, *pixels)).map_err(|_| Unread)??;
    *pixels -= grey.as_ref().map_or(0, |g| g.values.len());
    Ok(grey.and_then(|g| hashed(&g)))
}

/// Grey values of a picture, row after row.
struct Grey {
    wide: usize,
    values: Vec<u8>,
}

/// None of a picture that is too small to show anything.
fn decoded(bytes: &[u8], format: ImageFormat, pixels: usize) -> Result<Option<Grey>, Unread> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST);
    limits.max_image_height = Some(LONGEST);
    limits.max_alloc = Some(PICTURE_PIXELS as u64 * 16);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|_| Unread)?;
    let (wide, high) = decoder.dimensions();
    let (wide, high) = (wide as usize, high as usize);
    if wide < SHORTEST || high < SHORTEST {
        return Ok(None);
    }
    if wide * high > pixels {
        return Err(Unread);
    }
    let shown = DynamicImage::from_decoder(decoder)
        .map_err(|_| Unread)?
        .to_luma_alpha8();
    // What is transparent is seen on white.
    let values = shown
        .pixels()
        .map(|p| {
            let [grey, opaque] = p.0.map(u32::from);
            ((grey * opaque + 255 * (255 - opaque)) / 255) as u8
        })
        .collect();
    Ok(Some(Grey { wide, values }))
}

/// Rows and columns `top..bottom`, `left..right` of a picture.
#[derive(Clone, Copy, PartialEq)]
struct Frame {
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
}

/// Most of these are alike: a line of a border, or of nothing.
fn flat(line: impl Iterator<Item = u8>, held: &mut Vec<u8>) -> bool {
    held.clear();
    held.extend(line);
    let middle = held.len() / 2;
    let median = i32::from(*held.select_nth_unstable(middle).1);
    let near = held.iter().filter(|v| (i32::from(**v) - median).abs() <= ALIKE).count();
    near * 1000 >= FLAT * held.len()
}

/// The picture without what surrounds it: borders, frames of one colour, empty margins.
fn peeled(grey: &Grey) -> Frame {
    let mut f = Frame {
        top: 0,
        bottom: grey.values.len() / grey.wide,
        left: 0,
        right: grey.wide,
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        let before = f;
        let mut row = |y: usize, f: Frame| {
            let line = &grey.values[y * grey.wide + f.left..y * grey.wide + f.right];
            flat(line.iter().copied(), &mut held)
        };
        while f.bottom - f.top > SHORTEST && row(f.top, f) {
            f.top += 1;
        }
        while f.bottom - f.top > SHORTEST && row(f.bottom - 1, f) {
            f.bottom -= 1;
        }
        let mut column = |x: usize, f: Frame| {
            let line = (f.top..f.bottom).map(|y| grey.values[y * grey.wide + x]);
            flat(line, &mut held)
        };
        while f.right - f.left > SHORTEST && column(f.left, f) {
            f.left += 1;
        }
        while f.right - f.left > SHORTEST && column(f.right - 1, f) {
            f.right -= 1;
        }
        if f == before {
            break;
        }
    }
    f
}

/// The commonest grey value, as the median of the commonest sixteenth.
fn background(grey: &Grey, f: Frame) -> i32 {
    let mut counts = [0usize; 256];
    for row in grey.values.chunks_exact(grey.wide).take(f.bottom).skip(f.top) {
        for v in &row[f.left..f.right] {
            counts[usize::from(*v)] += 1;
        }
    }
    let sixteenth = |i: usize| counts[i * 16..i * 16 + 16].iter().sum::<usize>();
    let commonest = (0..16).rev().max_by_key(|i| sixteenth(*i)).unwrap_or(15);
    let (mut seen, half) = (0, sixteenth(commonest) / 2);
    for (v, n) in counts.iter().enumerate().skip(commonest * 16) {
        seen += n;
        if seen > half {
            return v as i32;
        }
    }
    255
}

/// Averages of ink, `SIDE` by `SIDE`, in sixteenths.
fn averages(grey: &Grey, f: Frame, background: i32) -> [[i64; SIDE]; SIDE] {
    let (high, wide) = (f.bottom - f.top, f.right - f.left);
    let span = |i: usize, n: usize| (i * n / SIDE, ((i + 1) * n / SIDE).max(i * n / SIDE + 1));
    let mut out = [[0i64; SIDE]; SIDE];
    for (i, line) in out.iter_mut().enumerate() {
        let rows = span(i, high);
        for (j, cell) in line.iter_mut().enumerate() {
            let columns = span(j, wide);
            let mut sum = 0i64;
            for y in rows.0..rows.1 {
                let row = &grey.values[(f.top + y) * grey.wide + f.left..];
                for v in &row[columns.0..columns.1] {
                    let far = (i32::from(*v) - background).abs();
                    sum += i64::from(if far > FAR { far.min(DARKEST) } else { 0 });
                }
            }
            *cell = 16 * sum / ((rows.1 - rows.0) * (columns.1 - columns.0)) as i64;
        }
    }
    out
}

/// None where there is hardly any ink.
fn hashed(grey: &Grey) -> Option<u64> {
    let frame = peeled(grey);
    let cells = averages(grey, frame, background(grey, frame));
    let ink: i64 = cells.iter().flatten().sum();
    if ink < (SIDE * SIDE) as i64 * 4 {
        return None;
    }
    let wave = |u: usize, x: usize| {
        let angle = std::f64::consts::PI * (u * (2 * x + 1)) as f64 / (2 * SIDE) as f64;
        (angle.cos() * 16_384.0).round() as i64
    };
    let waves: Vec<[i64; SIDE]> = (1..=LOW).map(|u| std::array::from_fn(|x| wave(u, x))).collect();
    let mut found = [0i64; LOW * LOW];
    for (u, down) in waves.iter().enumerate() {
        let line: [i64; SIDE] = std::array::from_fn(|x| (0..SIDE).map(|y| down[y] * cells[y][x]).sum());
        for (v, across) in waves.iter().enumerate() {
            found[u * LOW + v] = (0..SIDE).map(|x| across[x] * (line[x] >> 14)).sum();
        }
    }
    let found = &found[..BITS as usize];
    let mut sorted = found.to_vec();
    let median = *sorted.select_nth_unstable(BITS as usize / 2).1;
    Some(
        (0..found.len())
            .filter(|i| found[*i] > median)
            .fold(0, |bits, i| bits | 1 << i),
    )
}
