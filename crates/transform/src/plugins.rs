//! Which plugin provides an analysis component or a field type?
//!
//! Only names that a server does not have without a plugin are listed, so that no plugin is reported
//! as missing without need.

const PLUGINS: [(&str, &[&str]); 12] = [
    (
        "analysis-icu",
        &[
            "icu_analyzer",
            "icu_collation",
            "icu_collation_keyword",
            "icu_folding",
            "icu_normalizer",
            "icu_tokenizer",
            "icu_transform",
        ],
    ),
    ("analysis-ik", &["ik_max_word", "ik_smart"]),
    (
        "analysis-kuromoji",
        &[
            "hiragana_uppercase",
            "ja_stop",
            "katakana_uppercase",
            "kuromoji",
            "kuromoji_baseform",
            "kuromoji_completion",
            "kuromoji_iteration_mark",
            "kuromoji_number",
            "kuromoji_part_of_speech",
            "kuromoji_readingform",
            "kuromoji_stemmer",
            "kuromoji_tokenizer",
        ],
    ),
    (
        "analysis-nori",
        &["nori", "nori_number", "nori_part_of_speech", "nori_readingform", "nori_tokenizer"],
    ),
    ("analysis-phonetic", &["phonetic"]),
    ("analysis-pinyin", &["pinyin"]),
    (
        "analysis-smartcn",
        &["smartcn", "smartcn_sentence", "smartcn_stop", "smartcn_tokenizer", "smartcn_word"],
    ),
    ("analysis-stempel", &["polish", "polish_stem", "polish_stop"]),
    ("analysis-ukrainian", &["ukrainian"]),
    ("mapper-annotated-text", &["annotated_text"]),
    ("mapper-murmur3", &["murmur3"]),
    ("mapper-size", &["_size"]),
];

/// Returns the plugin that provides an analysis component, a field type or a metadata field.
pub(crate) fn providing(word: &str) -> Option<&'static str> {
    PLUGINS.iter().find(|(_, words)| words.contains(&word)).map(|(plugin, _)| *plugin)
}
