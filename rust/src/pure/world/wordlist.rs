//! Words and names of our own making. Nothing here was ever sent by anyone; every domain is a reserved one.

use super::philox::Draw;

/// Plain words for tags, hash-busters and names of files.
pub const WORDS: [&str; 120] = [
    "amber", "anchor", "apple", "autumn", "basket", "beacon", "bridge", "candle", "canyon", "cedar", "cobalt",
    "copper", "cotton", "crystal", "dolphin", "ember", "fabric", "falcon", "feather", "forest", "fountain", "garden",
    "glacier", "granite", "harvest", "hazel", "island", "jasmine", "ladder", "lagoon", "lantern", "lemon", "linen",
    "maple", "marble", "meadow", "melody", "mirror", "mountain", "nectar", "oasis", "olive", "orchard", "paper",
    "pebble", "pepper", "pilgrim", "planet", "prairie", "quartz", "raven", "ribbon", "river", "saddle", "sapphire",
    "shadow", "silver", "spruce", "summer", "sunset", "thunder", "timber", "topaz", "tulip", "tunnel", "valley",
    "velvet", "violet", "walnut", "willow", "window", "winter", "yellow", "zephyr", "acorn", "barley", "birch",
    "blossom", "bottle", "breeze", "button", "cabin", "carpet", "castle", "cherry", "clover", "corner", "curtain",
    "daisy", "desert", "drawer", "engine", "evening", "farmer", "ferry", "finger", "flower", "frost", "ginger",
    "hammer", "helmet", "honey", "insect", "jacket", "kettle", "kitchen", "leather", "letter", "locust", "magnet",
    "market", "morning", "muffin", "needle", "notebook", "onion", "oyster", "pencil", "pocket", "pumpkin",
];

const SYLLABLES: [&str; 36] = [
    "ba", "be", "bo", "da", "de", "di", "do", "fa", "fi", "ga", "go", "ha", "ka", "ko", "la", "le", "li", "lo", "ma",
    "mi", "mo", "na", "ne", "no", "pa", "pe", "ra", "re", "ri", "ro", "sa", "se", "ta", "te", "to", "vi",
];

/// A made-up name of four syllables.
pub fn name(draw: &mut Draw) -> String {
    let mut n = draw.below(36 * 36 * 36 * 36);
    let mut out = String::with_capacity(8);
    for _ in 0..4 {
        out.push_str(SYLLABLES[n % 36]);
        n /= 36;
    }
    out
}

/// `n` plain words.
pub fn words(draw: &mut Draw, n: usize) -> String {
    let mut out = String::with_capacity(n * 8);
    for i in 0..n {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(WORDS[draw.below(WORDS.len())]);
    }
    out
}

/// The same with a capital at the beginning.
pub fn sentence(draw: &mut Draw, n: usize) -> String {
    let mut out = words(draw, n);
    out[..1].make_ascii_uppercase();
    out
}
