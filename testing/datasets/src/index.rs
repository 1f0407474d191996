//! How is an index made and filled on this server? What differs between releases, in one place:
//! mapping types, and which settings an index takes.

use serde_json::{Map, Value, json};
use test_servers::{
    distribution::{Distribution, Product},
    http::encoded,
};

use crate::call::{BulkLine, Call};

/// What a release asks for and knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    product: Product,
    major: u32,
    minor: u32,
}

impl Release {
    /// The release of a server.
    pub(crate) fn of(distribution: &Distribution) -> Self {
        let minor = distribution.version.split('.').nth(1).and_then(|minor| minor.parse().ok());
        let product = distribution.product;
        Self { product, major: distribution.major(), minor: minor.unwrap_or(0) }
    }

    /// Whose release it is.
    pub(crate) fn product(self) -> Product {
        self.product
    }

    /// The name of the mapping type that documents are written under, where the server asks for one:
    /// one that no client assumes.
    pub(crate) fn kind(self) -> Option<&'static str> {
        self.is_elasticsearch_before(7, 0).then_some("note")
    }

    /// Whether an index may have several mapping types.
    pub(crate) fn has_several_kinds(self) -> bool {
        self.is_elasticsearch_before(6, 0)
    }

    /// Settings that have an index delete documents in the way which is not the usual one there;
    /// none where there is only one way.
    pub(crate) fn other_deletes(self) -> Value {
        match (self.product, self.major, self.minor) {
            (Product::Elasticsearch, 6, 5..) => json!({"soft_deletes.enabled": true}),
            (Product::Elasticsearch, 7, _) | (Product::OpenSearch, 1, _) => {
                json!({"soft_deletes.enabled": false})
            }
            _ => json!({}),
        }
    }

    /// Settings that have each segment sorted by a field; none in a release that cannot.
    pub(crate) fn sorted_by(self, field: &str) -> Value {
        if self.is_elasticsearch_before(6, 0) {
            return json!({});
        }
        json!({"sort.field": field, "sort.order": "desc"})
    }

    fn is_elasticsearch_before(self, major: u32, minor: u32) -> bool {
        self.product == Product::Elasticsearch && (self.major, self.minor) < (major, minor)
    }
}

/// An index that is being described.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index<'a> {
    pub(crate) name: &'a str,
    pub(crate) release: Release,
}

impl Index<'_> {
    /// Makes it, with one shard unless the settings say otherwise; fields that the mapping does not
    /// name are not compared.
    pub(crate) fn create(&self, settings: &Value, mapping: &Value) -> Call {
        let settings = over(json!({"number_of_replicas": 0, "number_of_shards": 1}), settings);
        let mapping = over(json!({"dynamic": "false"}), mapping);
        let mappings = match self.release.kind() {
            Some(kind) => Value::Object(Map::from_iter([(kind.to_owned(), mapping)])),
            None => mapping,
        };
        let body = json!({"settings": settings, "mappings": mappings});
        Call::put(format!("/{}", encoded(self.name)), &body)
    }

    pub(crate) fn bulk(&self, lines: &[BulkLine]) -> Call {
        match self.release.kind() {
            Some(kind) => Call::bulk_to(format!("/{}/{kind}/_bulk", encoded(self.name)), lines),
            None => Call::bulk(self.name, lines),
        }
    }

    /// One document, kept by the server byte for byte.
    pub(crate) fn document(&self, id: &str, content_type: &'static str, body: &[u8]) -> Call {
        let kind = self.release.kind().unwrap_or("_doc");
        let path = format!("/{}/{kind}/{}", encoded(self.name), encoded(id));
        Call::document_to(path, content_type, body.to_vec())
    }

    pub(crate) fn act(&self, action: &str) -> Call {
        Call::act(self.name, action)
    }
}

/// An object with the members of another one over its own.
pub(crate) fn over(mut object: Value, members: &Value) -> Value {
    if let (Some(object), Some(members)) = (object.as_object_mut(), members.as_object()) {
        object.extend(members.clone());
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_servers::distribution::{
        ELASTICSEARCH_5_6, ELASTICSEARCH_6_2, ELASTICSEARCH_6_8, ELASTICSEARCH_7_3,
        ELASTICSEARCH_9_2, OPENSEARCH_1_3, OPENSEARCH_3_4,
    };

    use super::Release;

    #[test]
    fn a_release_is_told_only_what_it_knows() {
        let [on, off] = [true, false].map(|value| json!({"soft_deletes.enabled": value}));
        for (server, has_types, can_sort, deletes) in [
            (ELASTICSEARCH_5_6, true, false, json!({})),
            (ELASTICSEARCH_6_2, true, true, json!({})),
            (ELASTICSEARCH_6_8, true, true, on),
            (ELASTICSEARCH_7_3, false, true, off.clone()),
            (OPENSEARCH_1_3, false, true, off),
            (ELASTICSEARCH_9_2, false, true, json!({})),
            (OPENSEARCH_3_4, false, true, json!({})),
        ] {
            let release = Release::of(&server);
            assert_eq!(release.kind().is_some(), has_types, "{}", server.name);
            assert_eq!(release.sorted_by("a") != json!({}), can_sort, "{}", server.name);
            assert_eq!(release.other_deletes(), deletes, "{}", server.name);
        }
    }
}
