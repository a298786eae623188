//! Letters of other scripts, and of Latin, that look like one ASCII letter.
//!
//! The single-letter rows of UTS #39 for scripts that have capitals, or that nobody writes any more, and what reads so to
//! the eye. No digits and no letters of living scripts without case: in those a look-alike is chance, not disguise. Letters
//! that look like l stand at i: the fold has one class for both.

use std::sync::LazyLock;

/// By script: the ASCII letter, and what looks like it.
const ROWS: &[(char, &str)] = &[
    // Cyrillic
    ('a', "аА"),
    ('b', "вВьЬ"),
    ('c', "сС"),
    ('d', "ԁ"),
    ('e', "еЕёєҽ"),
    ('f', "ғ"),
    ('g', "ԍԌ"),
    ('h', "һНн"),
    ('i', "іІїӏӀꙇ"),
    ('j', "јЈ"),
    ('k', "кК"),
    ('m', "мМ"),
    ('n', "п"),
    ('o', "оОө"),
    ('p', "рР"),
    ('q', "ԛ"),
    ('r', "г"),
    ('s', "ѕЅ"),
    ('t', "тТ"),
    ('u', "ц"),
    ('v', "ѵѴ"),
    ('w', "ԝшѡԜ"),
    ('x', "хХ"),
    ('y', "уУүҮ"),
    // Greek
    ('a', "αΑ"),
    ('b', "βΒ"),
    ('c', "ϲϹ"),
    ('e', "εΕ"),
    ('f', "Ϝ"),
    ('h', "Η"),
    ('i', "ιΙ"),
    ('j', "ϳͿ"),
    ('k', "κΚ"),
    ('m', "ΜϺ"),
    ('n', "ηΝ"),
    ('o', "οΟσς"),
    ('p', "ρΡ"),
    ('r', "ᴦ"),
    ('t', "τΤ"),
    ('u', "υ"),
    ('v', "ν"),
    ('w', "ω"),
    ('x', "χΧ"),
    ('y', "γΥ"),
    ('z', "Ζ"),
    // Armenian
    ('f', "ք"),
    ('g', "ց"),
    ('h', "հ"),
    ('n', "ոռ"),
    ('o', "օՕ"),
    ('q', "զգ"),
    ('s', "Տ"),
    ('u', "սՍ"),
    ('w', "ա"),
    // Cherokee
    ('a', "Ꭺ"),
    ('b', "ᏏᏴ"),
    ('c', "Ꮯꮯ"),
    ('d', "ᏧᎠ"),
    ('e', "Ꭼ"),
    ('g', "ᏀᏳ"),
    ('h', "ᎻᏂ"),
    ('i', "ꭵᎥᏞꮮ"),
    ('j', "Ꭻ"),
    ('k', "Ꮶ"),
    ('m', "Ꮇ"),
    ('p', "Ꮲ"),
    ('r', "ꮁᎡᏒ"),
    ('s', "ᏚꮪᏕ"),
    ('t', "Ꭲ"),
    ('v', "Ꮩꮩ"),
    ('w', "ꮃᎳᏔ"),
    ('y', "ᎩᎽ"),
    ('z', "Ꮓꮓ"),
    // Latin
    ('a', "ɑᴀⱥ"),
    ('b', "ƅʙƄꞴƀɓ"),
    ('c', "ᴄƈȼ"),
    ('d', "đĐðᴅɖɗ"),
    ('e', "ꬲᴇɛǝɇ"),
    ('f', "ꬵꞙẝꞘꜰƒ"),
    ('g', "ɡᶃƍɢɠǥ"),
    ('h', "ħʜɦⱨ"),
    ('i', "ıłŁɩɪǀƖɨƗʟɫƚɭɬ"),
    ('j', "Ʝᴊɉ"),
    ('k', "ᴋƙⱪĸ"),
    ('m', "ᴍɱ"),
    ('n', "ɴɲƞŋ"),
    ('o', "øØɵᴏᴑꬽ"),
    ('p', "ᴘƥᵽ"),
    ('q', "ɋ"),
    ('r', "ʀꭇꭈƦɍɾɽ"),
    ('s', "ꜱƽʂ"),
    ('t', "ŧᴛƭʈ"),
    ('u', "ꞟᴜꭎꭒʋʉ"),
    ('v', "ᴠ"),
    ('w', "ɯᴡⱳ"),
    ('x', "Ꭓ"),
    ('y', "ʏɣᶌỿꭚɏƴ"),
    ('z', "ᴢƶȥʐ"),
    // Lisu
    ('a', "ꓮ"),
    ('b', "ꓐ"),
    ('c', "ꓚ"),
    ('d', "ꓒꓓ"),
    ('e', "ꓰ"),
    ('f', "ꓝ"),
    ('g', "ꓖ"),
    ('h', "ꓧ"),
    ('i', "ꓲꓡ"),
    ('j', "ꓙ"),
    ('k', "ꓗ"),
    ('m', "ꓟ"),
    ('n', "ꓠ"),
    ('o', "ꓳ"),
    ('p', "ꓑ"),
    ('r', "ꓣ"),
    ('s', "ꓢ"),
    ('t', "ꓔ"),
    ('u', "ꓴ"),
    ('v', "ꓦ"),
    ('w', "ꓪ"),
    ('x', "ꓫ"),
    ('y', "ꓬ"),
    ('z', "ꓜ"),
    // Canadian syllabics
    ('a', "ᗅ"),
    ('b', "ᑲᖯᗷ"),
    ('d', "ᑯᗞᗪ"),
    ('f', "ᖴ"),
    ('h', "ᕼ"),
    ('i', "ᒪ"),
    ('j', "ᒍ"),
    ('m', "ᗰ"),
    ('p', "ᑭ"),
    ('r', "ᖇ"),
    ('u', "ᑌ"),
    ('v', "ᐯ"),
    ('x', "ᕁᕽ"),
    // Coptic
    ('c', "ⲥⲤ"),
    ('h', "Ⲏ"),
    ('i', "ⲒⳐ"),
    ('k', "Ⲕ"),
    ('m', "Ⲙ"),
    ('n', "Ⲛ"),
    ('o', "ⲟⲞ"),
    ('p', "ⲣⲢ"),
    ('r', "ⲅ"),
    ('t', "Ⲧ"),
    ('x', "Ⲭ"),
    ('y', "Ⲩ"),
    // Deseret
    ('c', "𐐽𐐕"),
    ('i', "𐐛"),
    ('o', "𐐬𐐄"),
    ('s', "𐑈𐐠"),
    // Carian
    ('a', "𐊠"),
    ('b', "𐊡"),
    ('c', "𐊢"),
    ('f', "𐊥"),
    ('h', "𐋏"),
    ('m', "𐊰"),
    ('o', "𐊫"),
    ('t', "𐊱"),
    ('x', "𐊴"),
    ('y', "𐊲"),
    // Elbasan
    ('c', "𐔜"),
    ('f', "𐔥"),
    ('i', "𐔦"),
    ('k', "𐔘"),
    ('n', "𐔓"),
    ('o', "𐔖"),
    ('v', "𐔝"),
    ('x', "𐔧"),
    // Lycian
    ('b', "𐊂"),
    ('e', "𐊆"),
    ('f', "𐊇"),
    ('i', "𐊊"),
    ('o', "𐊒"),
    ('p', "𐊕"),
    ('s', "𐊖"),
    ('t', "𐊗"),
    ('x', "𐊐"),
    // Old Italic
    ('b', "𐌁"),
    ('c', "𐌂"),
    ('i', "𐌉"),
    ('m', "𐌑"),
    ('t', "𐌕"),
    ('x', "𐌗"),
    // Osage
    ('o', "𐓪𐓂"),
    ('r', "𐒴"),
    ('u', "𐓶𐓎"),
    // Runic
    ('i', "ᛁ"),
    ('k', "ᛕ"),
    ('m', "ᛖ"),
    ('x', "ᚷ"),
    // Tifinagh
    ('e', "ⴹ"),
    ('i', "ⵏ"),
    ('o', "ⵔ"),
    ('q', "ⵕ"),
    ('v', "ⴸ"),
    ('x', "ⵝ"),
    // Warang Citi
    ('e', "𑢦𑢮"),
    ('f', "𑣂𑢢"),
    ('i', "𑣃𑢣𑢲"),
    ('o', "𑣈𑣗𑢵"),
    ('s', "𑣁"),
    ('t', "𑢼"),
    ('u', "𑣘𑢸"),
    ('v', "𑣀𑢠"),
    ('y', "𑣜𑢤"),
    ('z', "𑣄𑢩"),
];

/// Sorted by code point.
static TABLE: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let mut table: Vec<(char, char)> = ROWS
        .iter()
        .flat_map(|(letter, signs)| signs.chars().map(|sign| (sign, *letter)))
        .collect();
    table.sort_unstable();
    table
});

/// The ASCII letter that `c` looks like.
pub fn confusable(c: char) -> Option<char> {
    match c {
        '\0'..='\u{7f}' => None,
        // Letters in dark circles and squares, which have no compatibility decomposition.
        '\u{1f150}'..='\u{1f169}' => char::from_u32(c as u32 - 0x1f150 + 97),
        '\u{1f170}'..='\u{1f189}' => char::from_u32(c as u32 - 0x1f170 + 97),
        _ => {
            let at = TABLE.binary_search_by_key(&c, |row| row.0).ok()?;
            Some(TABLE[at].1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_stands_in_two_rows() {
        assert!(TABLE.windows(2).all(|two| two[0].0 < two[1].0));
        assert!(TABLE
            .iter()
            .all(|row| row.1.is_ascii_lowercase() && row.1 != 'l' && !row.0.is_ascii()));
    }

    #[test]
    fn letters_of_six_scripts_are_seen_for_what_they_look_like() {
        for (sign, letter) in [
            ('а', 'a'),
            ('ρ', 'p'),
            ('ո', 'n'),
            ('Ꮩ', 'v'),
            ('ʀ', 'r'),
            ('ꓢ', 's'),
            ('🅐', 'a'),
        ] {
            assert_eq!(confusable(sign), Some(letter));
        }
        assert_eq!(confusable('ж'), None);
    }
}
