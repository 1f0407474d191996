//! The words that documents are made of: many scripts, and the characters that break careless
//! readers (surrogate pairs, joiners, right-to-left marks, line separators, quotes, controls).

use crate::random::Random;

pub(super) const NAMES: &[&str] = &[
    "Ada",
    "Łukasz",
    "Zoë",
    "山田 太郎",
    "أحمد",
    "Nguyễn",
    "Søren",
    "Ивана",
    "José",
    "Ἀριστοτέλης",
    "김민준",
    "O'Neil",
    "Anne-Marie",
    "שרה",
    "प्रिया",
    "Þóra",
];

pub(super) const CITIES: &[&str] = &[
    "Oslo",
    "München",
    "São Paulo",
    "東京",
    "Kraków",
    "القاهرة",
    "Reykjavík",
    "Київ",
    "Bengaluru",
    "Saint-Étienne",
];

pub(super) const WORDS: &[&str] = &[
    "amber", "anchor", "basket", "bright", "copper", "drift", "ember", "fjord", "garnet",
    "harbour", "indigo", "jasper", "kettle", "lantern", "meadow", "north", "ochre", "pebble",
    "quartz", "ribbon", "silver", "thistle", "umber", "velvet", "willow", "yarrow", "zephyr",
    "naïve", "façade", "straße",
];

const STRANGE: &[&str] = &[
    "🦀",
    "👩‍👩‍👧‍👦",
    "e\u{301}",
    "\u{202E}mirror\u{202C}",
    "line\u{2028}separator",
    "tab\there",
    "quote\"inside",
    "back\\slash",
    "bell\u{7}",
    "null\u{0}byte",
    "𝒳",
    "new\nline",
    "\r\nwindows",
    "</script>",
    "{{handlebars}}",
    "\u{FEFF}mark",
    "\u{10FFFF}",
    "a/b",
];

/// A sentence of so many words, one in twenty a strange one.
pub(super) fn sentence(random: &mut Random, count: u64) -> String {
    let mut text = String::new();
    for index in 0..count {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(if random.percent(5) { random.pick(STRANGE) } else { random.pick(WORDS) });
    }
    text
}

/// An instant of the year 2026.
pub(super) fn instant(random: &mut Random) -> String {
    format!(
        "2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        random.below(12) + 1,
        random.below(28) + 1,
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(1000)
    )
}
