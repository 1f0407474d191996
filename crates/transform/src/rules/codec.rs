//! Compression of stored fields.
//!
//! Replaces a codec that the target does not have by the nearest one that it has. A codec only
//! decides how documents are compressed. `zstd`, `zstd_no_dict` and `qat_*` are from OpenSearch
//! (since 2.9), `legacy_*` from Elasticsearch (since 8); `lz4` and `zlib` are OpenSearch's names
//! since 2.10 for `default` and `best_compression`.

use crate::rule::Rule;

const NAME: &str = "index.codec";

pub(crate) const RULE: Rule = Rule {
    id: "codec",
    applies: |_| true,
    run: |item, facts, changes| {
        let Some(codec) = item.settings.text(NAME) else { return };
        let modern = facts.to_opensearch_since(2, 9);
        let replacement = match codec.as_str() {
            "legacy_best_compression" if facts.to_opensearch() => "best_compression",
            "legacy_default" | "lucene_default" if facts.to_opensearch() => "default",
            "lucene_default" => "default",
            "zlib" | "zstd" | "zstd_no_dict" | "qat_deflate" if !modern => "best_compression",
            "lz4" | "qat_lz4" if !modern => "default",
            _ => return,
        };
        item.settings.set(NAME, replacement);
        changes.adapted(
            &format!("settings.{NAME}"),
            &format!("changed from `{codec}` to `{replacement}`"),
            "the target does not have this codec; only the size on disk differs",
        );
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{item::MetadataKind, rule::trial};

    fn codec(pair: (&str, &str), codec: &str) -> String {
        let body = json!({ "settings": { "index": { "codec": codec } } });
        let (body, _) = trial::run(&RULE, MetadataKind::Index, pair, body);
        body["settings"]["index.codec"].as_str().expect("a codec").to_owned()
    }

    #[test]
    fn a_codec_of_the_other_product_is_replaced() {
        assert_eq!(codec(("ES 8.19", "OS 2.19"), "legacy_best_compression"), "best_compression");
        assert_eq!(codec(("OS 2.19", "ES 8.19"), "zstd"), "best_compression");
        assert_eq!(codec(("OS 2.19", "OS 1.3"), "lz4"), "default");
    }

    #[test]
    fn a_codec_that_the_target_has_stays() {
        assert_eq!(codec(("OS 2.19", "OS 3.4"), "zstd_no_dict"), "zstd_no_dict");
        assert_eq!(codec(("ES 7.10", "OS 3.4"), "best_compression"), "best_compression");
    }
}
