//! Which shard a document belongs to, in indices created before Elasticsearch 7.
//!
//! Up to 6, a document belongs to the shard `hash(routing) % number_of_shards`. Since 7, the hash is
//! taken modulo a number of routing shards that is much larger by default, so documents move to
//! other shards. Two documents of one id that had different routing values and different shards
//! could meet in one shard, and the second would replace the first. With
//! `index.number_of_routing_shards` equal to the number of shards the old formula stays. Such an
//! index cannot be split later. Source: the page "Breaking changes in 7.0" ("the default for
//! `index.number_of_routing_shards`") and "Index modules" of Elasticsearch 7.

use crate::{
    change::Changes,
    facts::Facts,
    item::{Item, MetadataKind},
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule { id: "routing-shards", applies: Facts::to_typeless, run };

const NAME: &str = "index.number_of_routing_shards";

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    let shards = item.settings.text("index.number_of_shards");
    let shards = shards.and_then(|shards| shards.parse::<u32>().ok()).unwrap_or(1);
    if item.kind != MetadataKind::Index
        || !item.is_made_before(facts, 7, 0)
        || shards < 2
        || item.settings.get(NAME).is_some()
    {
        return;
    }
    item.settings.set(NAME, shards.to_string());
    let why = "documents stay in the shards in which they are, as in indices created before 7; the \
               index cannot be split later";
    changes.adapted(&format!("settings.{NAME}"), &format!("set to `{shards}`"), why);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::rule::trial;

    fn routing_shards(created: &str, kind: MetadataKind, settings: &Value) -> Value {
        let mut body = json!({ "settings": settings });
        body["settings"]["index.version.created"] = json!(created);
        let (body, _) = trial::run(&RULE, kind, ("ES 7.17", "OS 2.19"), body);
        body["settings"][NAME].clone()
    }

    #[test]
    fn old_indices_of_several_shards_keep_the_formula() {
        let index = MetadataKind::Index;
        let shards = |count: &str| json!({ "index.number_of_shards": count });
        assert_eq!(routing_shards("5061699", index, &shards("5")), "5");
        assert_eq!(routing_shards("6082399", index, &shards("12")), "12");
        let set = json!({ "index.number_of_shards": "2", NAME: "64" });
        assert_eq!(routing_shards("6082399", index, &set), "64");
        for (created, kind, settings) in [
            ("6082399", index, shards("1")),
            ("7000099", index, shards("5")),
            ("135249827", index, shards("5")),
            ("6082399", MetadataKind::LegacyTemplate, shards("5")),
        ] {
            assert_eq!(routing_shards(created, kind, &settings), Value::Null, "{created}");
        }
    }
}
