//! What does the target have, and does it accept an item?

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
use transform::{
    Action, ClusterFacts, Facts, Inventory, Item, RequirementKind, apply, difference, requirements,
};

use crate::plan::PlannedItem;

/// The target, what it has, and whether the step may change it.
pub(crate) struct Target {
    client: Client,
    mode: MetadataMode,
    templates: BTreeMap<MetadataKind, BTreeMap<String, Value>>,
    inventory: Inventory,
    version: ServerVersion,
}

impl Target {
    /// Reads which templates the target has.
    pub(crate) async fn read(
        client: Client,
        mode: MetadataMode,
        version: ServerVersion,
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
                    .with_context(|| format!("listing every {kind} of the target"))?;
                templates.insert(kind, found);
            }
        }
        let mut inventory = Inventory::default();
        let existing = templates.get(&MetadataKind::ComponentTemplate).into_iter().flatten();
        let existing = existing.map(|(name, _)| name.clone());
        inventory.add(RequirementKind::ComponentTemplate, existing);
        Ok(Self { client, mode, templates, inventory, version })
    }

    /// Returns what the rules may ask about the target. What cannot be read stays unknown.
    pub(crate) async fn facts(&self) -> ClusterFacts {
        let mut facts = ClusterFacts::from(self.version);
        match self.client.call(&Request::get(ClusterFacts::NODES_ENDPOINT)).await {
            Ok(response) => facts.record_nodes(&response.json().unwrap_or_default()),
            Err(error) => tracing::warn!(%error, "the nodes of the target could not be listed"),
        }
        facts.record_templates(self.templates.values().flatten());
        facts
    }

    /// Adds the component templates that this step will create.
    pub(crate) fn expect_components(&mut self, names: impl Iterator<Item = String>) {
        self.inventory.add(RequirementKind::ComponentTemplate, names);
    }

    /// Creates an item, or reports what would happen to it.
    pub(crate) async fn process(&mut self, item: PlannedItem) -> anyhow::Result<MetadataItem> {
        let PlannedItem { kind, name, action, mut changes } = item;
        let (outcome, reason) = match action {
            Action::Skip(reason) => (MetadataOutcome::Skipped, Some(reason)),
            Action::Refuse(reason) => {
                match self.existing(kind, &name).await? {
                    Some(_) => {
                        changes.clear();
                        changes.push("it cannot be created from the source, and the existing one is not changed".to_owned());
                        (MetadataOutcome::Exists, None)
                    }
                    None => (MetadataOutcome::Failed, Some(reason)),
                }
            }
            Action::Create(item) => self.create(kind, &item, &mut changes).await?,
        };
        tracing::debug!(%kind, name, ?outcome, reason, "item");
        Ok(MetadataItem { kind, name, outcome, changes, reason })
    }

    async fn create(
        &mut self,
        kind: MetadataKind,
        item: &Item,
        changes: &mut Vec<String>,
    ) -> anyhow::Result<(MetadataOutcome, Option<String>)> {
        if let Some(body) = self.existing(kind, &item.name).await? {
            return Ok(self.compare(item, body, changes).await);
        }
        changes.extend(self.missing_requirements(item).await);
        let refusal = match self.mode {
            MetadataMode::Evaluate => self.simulated_refusal(kind, item).await?,
            MetadataMode::Migrate => match self.put(kind, item).await {
                Ok(PutOutcome::Created) => None,
                Ok(PutOutcome::Exists(body)) => return Ok(self.compare(item, body, changes).await),
                Err(error) => Some(refusal(error)?),
            },
        };
        if let Some(refusal) = refusal {
            return Ok((MetadataOutcome::Failed, Some(refusal)));
        }
        if self.mode == MetadataMode::Migrate && kind == MetadataKind::Index {
            self.remove_template_additions(item, changes).await?;
        }
        Ok((MetadataOutcome::Created, None))
    }

    /// Replaces the changes of an item that exists by its differences.
    async fn compare(
        &mut self,
        item: &Item,
        body: Value,
        changes: &mut Vec<String>,
    ) -> (MetadataOutcome, Option<String>) {
        changes.clear();
        changes.extend(difference::from_body(item, body.clone()));
        if let Ok(existing) = Item::read(item.kind, &item.name, body) {
            changes.extend(self.missing_requirements(&existing).await);
        }
        (MetadataOutcome::Exists, None)
    }

    /// Returns a line for everything that an item uses and the target does not have. A failed
    /// request does not stop the step; the line says that it is unknown.
    async fn missing_requirements(&mut self, item: &Item) -> Vec<String> {
        for kind in requirements(item).into_iter().map(|requirement| requirement.kind) {
            let Some(endpoint) = kind.endpoint().filter(|_| self.inventory.is_unread(kind)) else {
                continue;
            };
            match self.client.call(&Request::get(endpoint)).await {
                Ok(response) => self.inventory.record(kind, &response.json().unwrap_or_default()),
                Err(error) => self.inventory.record_error(kind, error.status(), error.to_string()),
            }
        }
        self.inventory.missing(item)
    }

    /// Returns the body of an item that exists.
    async fn existing(&self, kind: MetadataKind, name: &str) -> anyhow::Result<Option<Value>> {
        if kind == MetadataKind::Index {
            return indices::get(&self.client, name)
                .await
                .map_err(Failure::from)
                .with_context(|| format!("reading index `{name}` of the target"));
        }
        Ok(self.templates.get(&kind).and_then(|templates| templates.get(name)).cloned())
    }

    /// Creates an item if it does not exist; another group may create it concurrently.
    async fn put(&self, kind: MetadataKind, item: &Item) -> Result<PutOutcome, ClusterError> {
        let template = match kind {
            MetadataKind::Index => {
                return Ok(match indices::create(&self.client, &item.name, item.body()).await? {
                    Creation::Created => PutOutcome::Created,
                    Creation::Exists => {
                        let found = indices::get(&self.client, &item.name).await?;
                        PutOutcome::Exists(found.unwrap_or_default())
                    }
                });
            }
            MetadataKind::LegacyTemplate => TemplateKind::Legacy,
            MetadataKind::ComponentTemplate => TemplateKind::Component,
            MetadataKind::IndexTemplate => TemplateKind::Index,
        };
        // With `create` a template that another process has created meanwhile is not overwritten.
        let request =
            templates::put_request(template, &item.name, item.body()).query("create", "true");
        match self.client.call(&request).await {
            Ok(_) => Ok(PutOutcome::Created),
            Err(error) => match templates::get(&self.client, template, &item.name).await? {
                Some(body) => Ok(PutOutcome::Exists(body)),
                None => Err(error),
            },
        }
    }

    /// Returns why the target would reject an index, if it would. It simulates a template with the
    /// same settings and mappings, which is validated like an index; nothing is created.
    async fn simulated_refusal(
        &self,
        kind: MetadataKind,
        item: &Item,
    ) -> anyhow::Result<Option<String>> {
        // The settings and mappings of a template may depend on those of another one.
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
        let is_refused = response.status == 400
            || response.error_type().as_deref() == Some("settings_exception");
        if is_refused {
            return Ok(Some(format!(
                "the target would reject it: {}",
                inner(&response.error_reason())
            )));
        }
        tracing::warn!(
            status = response.status,
            index = item.name,
            "the target cannot simulate this index; whether it accepts it is known when it is created"
        );
        Ok(None)
    }

    /// Removes the aliases that templates of the target added to a new index, and reports added
    /// fields and settings.
    async fn remove_template_additions(
        &self,
        item: &Item,
        changes: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let name = &item.name;
        let created = indices::get(&self.client, name)
            .await
            .map_err(Failure::from)
            .with_context(|| format!("reading the new index `{name}`"))?;
        let Some(Ok(created)) = created.map(|body| Item::read(item.kind, name, body)) else {
            return Ok(());
        };
        for alias in difference::extra_aliases(item, &created) {
            let request = Request::delete(path(&[name, "_alias", &alias]));
            match self.client.call(&request).await {
                Err(error) if !error.is_missing() => {
                    return Err(Failure::from(error))
                        .with_context(|| format!("removing alias `{alias}` of `{name}`"));
                }
                _ => changes.push(format!(
                    "alias `{alias}`, which a template of the target added, was removed"
                )),
            }
        }
        // The rules remove what a server adds to every index.
        let here = Facts::of_versions(self.version, self.version);
        let created = apply(created, &here).item;
        for (what, added) in [
            ("fields", difference::extra_fields(item, &created)),
            ("settings", difference::extra_settings(item, &created)),
        ] {
            if !added.is_empty() {
                let added = added.join("`, `");
                changes.push(format!("a template of the target added the {what} `{added}`"));
            }
        }
        Ok(())
    }
}

/// The outcome of creating an item.
enum PutOutcome {
    /// It was created.
    Created,
    /// Another process has created it meanwhile, with this body.
    Exists(Value),
}

/// Returns the target's reason if it rejected this item, and an error for any other fault.
fn refusal(error: ClusterError) -> anyhow::Result<String> {
    match error {
        ClusterError::Refused { ref reason, .. } | ClusterError::Forbidden { ref reason, .. }
            if !error.is_temporary() =>
        {
            Ok(format!("the target rejected it: {}", inner(reason)))
        }
        other => Err(Failure::from(other).into()),
    }
}

/// Returns the part of a reason that is about the item, without the part about the request.
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
