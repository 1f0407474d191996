//! What does the target have, and what does it make of an item?

use std::collections::BTreeMap;

use anyhow::Context as _;
use cluster::{
    Client, ClusterError, Repeat, Request,
    indices::{self, Creation},
    path,
    templates::{self, TemplateKind},
};
use contract::{
    Failure, ServerVersion,
    metadata::{MetadataItem, MetadataKind, MetadataMode, MetadataOutcome},
};
use serde_json::{Value, json};
use transform::{Item, NeedKind, Stock, Task, Versions, apply, difference, needs};

use crate::plan::Work;

/// The target, and whether it may be written to.
pub(crate) struct Target {
    client: Client,
    mode: MetadataMode,
    templates: BTreeMap<MetadataKind, BTreeMap<String, Value>>,
    stock: Stock,
    version: ServerVersion,
}

impl Target {
    /// Reads which templates the target has; `coming` are the components that will be made.
    pub(crate) async fn look(
        client: Client,
        mode: MetadataMode,
        version: ServerVersion,
        coming: impl Iterator<Item = String>,
    ) -> anyhow::Result<Self> {
        let mut templates = BTreeMap::new();
        for (kind, template) in [
            (MetadataKind::LegacyTemplate, TemplateKind::Legacy),
            (MetadataKind::ComponentTemplate, TemplateKind::Component),
            (MetadataKind::IndexTemplate, TemplateKind::Index),
        ] {
            if template.is_known_to(version) {
                let found = templates::list(&client, template)
                    .await
                    .map_err(Failure::from)
                    .with_context(|| format!("listing each {kind} of the target"))?;
                templates.insert(kind, found);
            }
        }
        let mut stock = Stock::default();
        let there = templates.get(&MetadataKind::ComponentTemplate).into_iter().flatten();
        stock.add(NeedKind::ComponentTemplate, there.map(|(name, _)| name.clone()).chain(coming));
        Ok(Self { client, mode, templates, stock, version })
    }

    /// Makes an item, or says what would be made of it.
    pub(crate) async fn take(&mut self, work: Work) -> anyhow::Result<MetadataItem> {
        let Work { kind, name, task, mut changes } = work;
        let (outcome, reason) = match task {
            Task::Skip(reason) => (MetadataOutcome::Skipped, Some(reason)),
            Task::Refuse(reason) => match self.existing(kind, &name).await? {
                Some(_) => {
                    changes.clear();
                    changes.push("it could not be made from the source; it is as found".to_owned());
                    (MetadataOutcome::Exists, None)
                }
                None => (MetadataOutcome::Failed, Some(reason)),
            },
            Task::Make(item) => self.make(kind, &item, &mut changes).await?,
        };
        tracing::debug!(%kind, name, ?outcome, reason, "item");
        Ok(MetadataItem { kind, name, outcome, changes, reason })
    }

    async fn make(
        &mut self,
        kind: MetadataKind,
        item: &Item,
        changes: &mut Vec<String>,
    ) -> anyhow::Result<(MetadataOutcome, Option<String>)> {
        if let Some(body) = self.existing(kind, &item.name).await? {
            return Ok(self.exists(item, body, changes).await);
        }
        changes.extend(self.lacks(item).await);
        let refusal = match self.mode {
            MetadataMode::Evaluate => self.would_refuse(kind, item).await?,
            MetadataMode::Migrate => match self.put(kind, item).await {
                Ok(Put::Made) => None,
                Ok(Put::Found(body)) => return Ok(self.exists(item, body, changes).await),
                Err(error) => Some(refusal(error)?),
            },
        };
        if let Some(refusal) = refusal {
            return Ok((MetadataOutcome::Failed, Some(refusal)));
        }
        if self.mode == MetadataMode::Migrate && kind == MetadataKind::Index {
            self.tidy(item, changes).await?;
        }
        Ok((MetadataOutcome::Created, None))
    }

    /// Says how what is there differs; what would have been changed no longer matters.
    async fn exists(
        &mut self,
        item: &Item,
        body: Value,
        changes: &mut Vec<String>,
    ) -> (MetadataOutcome, Option<String>) {
        changes.clear();
        changes.extend(difference::from_body(item, body.clone()));
        if let Ok(there) = Item::read(item.kind, &item.name, body) {
            changes.extend(self.lacks(&there).await);
        }
        (MetadataOutcome::Exists, None)
    }

    /// Says what an item names that the target does not have. An answer that does not come is no
    /// reason to stop: that nobody knows is said then.
    async fn lacks(&mut self, item: &Item) -> Vec<String> {
        for kind in needs(item).into_iter().map(|need| need.kind) {
            let Some(endpoint) = kind.endpoint().filter(|_| self.stock.is_to_ask(kind)) else {
                continue;
            };
            match self.client.call(&Request::get(endpoint)).await {
                Ok(answer) => self.stock.learn(kind, &answer.json().unwrap_or_default()),
                Err(error) => self.stock.learn_error(kind, error.status(), error.to_string()),
            }
        }
        self.stock.lines(item)
    }

    /// Returns the body of an item that is there.
    async fn existing(&self, kind: MetadataKind, name: &str) -> anyhow::Result<Option<Value>> {
        if kind == MetadataKind::Index {
            return indices::get(&self.client, name)
                .await
                .map_err(Failure::from)
                .with_context(|| format!("looking for index `{name}` on the target"));
        }
        Ok(self.templates.get(&kind).and_then(|templates| templates.get(name)).cloned())
    }

    /// Makes an item under the condition that it is not there: another group may make it now.
    async fn put(&self, kind: MetadataKind, item: &Item) -> Result<Put, ClusterError> {
        let template = match kind {
            MetadataKind::Index => {
                return Ok(match indices::create(&self.client, &item.name, item.body()).await? {
                    Creation::Created => Put::Made,
                    Creation::Exists => {
                        let found = indices::get(&self.client, &item.name).await?;
                        Put::Found(found.unwrap_or_default())
                    }
                });
            }
            MetadataKind::LegacyTemplate => TemplateKind::Legacy,
            MetadataKind::ComponentTemplate => TemplateKind::Component,
            MetadataKind::IndexTemplate => TemplateKind::Index,
        };
        // With `create` nothing is overwritten that somebody put there meanwhile.
        let request =
            templates::put_request(template, &item.name, item.body()).query("create", "true");
        match self.client.call(&request).await {
            Ok(_) => Ok(Put::Made),
            Err(error) => match templates::get(&self.client, template, &item.name).await? {
                Some(body) => Ok(Put::Found(body)),
                None => Err(error),
            },
        }
    }

    /// Asks the target whether it would take an index, by the simulation of a template with the
    /// same settings and mappings: it is checked like an index, and nothing is made.
    async fn would_refuse(
        &self,
        kind: MetadataKind,
        item: &Item,
    ) -> anyhow::Result<Option<String>> {
        // The settings and mappings of a template may lean on those of another one.
        if kind != MetadataKind::Index || !TemplateKind::Index.is_known_to(self.version) {
            return Ok(None);
        }
        let mut settings = item.settings.clone();
        // The simulation has one shard, whatever the settings say.
        for name in ["index.routing_partition_size", "index.number_of_routing_shards"] {
            settings.remove(name);
        }
        let body = json!({
            "index_patterns": ["argosy-evaluates-an-index"],
            "priority": i32::MAX,
            "template": { "settings": settings.to_map(), "mappings": item.mappings, "aliases": item.aliases },
        });
        let request = Request::post("/_index_template/_simulate").json(body).repeat(Repeat::Safe);
        let response = self.client.send(&request).await.map_err(Failure::from)?;
        if response.is_success() {
            return Ok(None);
        }
        let refused = response.status == 400
            || response.error_type().as_deref() == Some("settings_exception");
        if refused {
            return Ok(Some(format!(
                "the target would refuse it: {}",
                inner(&response.error_reason())
            )));
        }
        tracing::warn!(
            status = response.status,
            index = item.name,
            "the target does not simulate: whether it takes this index shows when it is made"
        );
        Ok(None)
    }

    /// Takes away what templates of the target added to a new index, and notes what stays.
    async fn tidy(&self, item: &Item, changes: &mut Vec<String>) -> anyhow::Result<()> {
        let name = &item.name;
        let made = indices::get(&self.client, name)
            .await
            .map_err(Failure::from)
            .with_context(|| format!("looking at the new index `{name}`"))?;
        let Some(Ok(made)) = made.map(|body| Item::read(item.kind, name, body)) else {
            return Ok(());
        };
        for alias in difference::extra_aliases(item, &made) {
            let request = Request::delete(path(&[name, "_alias", &alias]));
            match self.client.call(&request).await {
                Err(error) if !error.is_missing() => {
                    return Err(Failure::from(error))
                        .with_context(|| format!("removing alias `{alias}` of `{name}`"));
                }
                _ => changes.push(format!(
                    "alias `{alias}`, which a template of the target added, was taken away"
                )),
            }
        }
        // Without what a server writes into each of its indices.
        let here = Versions { source: self.version, target: self.version };
        let made = apply(made, here).item;
        for (what, added) in [
            ("fields", difference::extra_fields(item, &made)),
            ("settings", difference::extra_settings(item, &made)),
        ] {
            if !added.is_empty() {
                let added = added.join("`, `");
                changes.push(format!("a template of the target added the {what} `{added}`"));
            }
        }
        Ok(())
    }
}

/// How it ended to make an item.
enum Put {
    /// It is there now.
    Made,
    /// Somebody else made it meanwhile, with this body.
    Found(Value),
}

/// Returns the target's reason if it refused this item, and an error if the fault is another one.
fn refusal(error: ClusterError) -> anyhow::Result<String> {
    match error {
        ClusterError::Refused { ref reason, .. } | ClusterError::Forbidden { ref reason, .. }
            if !error.is_temporary() =>
        {
            Ok(format!("the target refused it: {}", inner(reason)))
        }
        other => Err(Failure::from(other).into()),
    }
}

/// Returns what a server says of the item itself, without what it says of the request.
fn inner(reason: &str) -> &str {
    let cause =
        reason.split_once("invalid, cause [").and_then(|(_, inner)| inner.strip_suffix(']'));
    let reason = cause.map_or(reason, |cause| cause.trim_end_matches(';'));
    reason.split_once("after composition is invalid: ").map_or(reason, |(_, inner)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_about_the_item() {
        let reason = "index_template [simulate_template_x] invalid, cause [Validation Failed: 1: \
                      unknown setting [index.a];]";
        assert_eq!(inner(reason), "Validation Failed: 1: unknown setting [index.a]");
        assert_eq!(inner("No handler for type [x]"), "No handler for type [x]");
    }
}
