//! The verify step: is everything that the snapshot holds on the target?
//!
//! ```text
//!   ledgers of the work items ---+
//!                                +---> check, one report for each index ---> done, or a table of
//!   _count of the target --------+       ^                                   differences
//!                                        |
//!   snapshot and _mget, document by document (mode `documents`, or an index that existed)
//! ```
//!
//! In an index that held other documents before, the count says little: there, each document
//! of the snapshot is looked up by its id, in every mode.
//!
//! A query that fails is "unknown" and an error, never a zero.

mod comparison;
mod documents;
mod index_check;

use std::collections::BTreeMap;

use cluster::indices;
use contract::{
    Exit, Failure,
    verify::{VerifiedIndex, VerifyAnswer, VerifyMode, VerifyRequest},
};
use coordination::{
    count,
    resolve::{self, ResolvedIndex},
    shard_work::ShardWork,
};
use fleet::Item;
use load::FAILED_DOCUMENTS_INDEX;
use state_store::Stored;
use step::Context;

use crate::{
    documents::Depth,
    index_check::{Evidence, IndexReport},
};

/// Runs the step.
pub async fn run(request: VerifyRequest, context: Context) -> anyhow::Result<VerifyAnswer> {
    Ok(verify(&request, &context).await?)
}

/// Every fault is turned into a [`Failure`] where it leaves a library, so that it keeps its code.
async fn verify(request: &VerifyRequest, context: &Context) -> Result<VerifyAnswer, Failure> {
    let client = context.target(&request.target)?;
    let opened = resolve::open(&request.snapshot, &context.run, &context.storage).await?;
    let group = resolve::group(&client, &opened, &request.migration, &request.group).await?;
    let scope = opened.scope(&request.migration, &request.group);
    let items: Vec<Stored<Item<ShardWork>>> = fleet::items::of_scope(&client, &scope).await?;

    let mut reports = Vec::new();
    let mut rejected = 0;
    for ResolvedIndex { index, existed, documents: _ } in &group.indices {
        let metadata = opened.repository.index_metadata(&opened.snapshot, index).await?;
        let of_index: Vec<&Item<ShardWork>> = items
            .iter()
            .map(|stored| &stored.document)
            .filter(|item| item.index == index.name.as_str())
            .collect();
        let found = count::refresh_and_count(&client, &index.name).await?;
        let uuid = indices::uuid(&client, &index.name).await?;
        let evidence = Evidence {
            name: &index.name,
            existed: *existed,
            shards: metadata.number_of_shards,
            items: &of_index,
            found,
            uuid: uuid.as_deref(),
        };
        let report = index_check::check(evidence);
        rejected += report.index.rejected;
        reports.push(report);
    }
    for report in reports.iter_mut().filter(|report| report.problems.is_empty()) {
        let depth = match (request.mode, report.index.existed) {
            (VerifyMode::Documents, _) => Depth::Content,
            (VerifyMode::Counts, true) => Depth::Presence,
            (VerifyMode::Counts, false) => continue,
        };
        let compared = documents::compare(&client, &opened, &report.index.name, depth).await?;
        report.index.present = Some(compared.equal + compared.different);
        if depth == Depth::Content {
            report.index.compared = Some(compared.equal);
        }
        report.problems.extend(compared.differences(report.index.rejected));
    }
    conclude(reports, rejected, request.allowed_rejections)
}

/// Returns all differences, not only the first, or the answer if there are none.
fn conclude(
    reports: Vec<IndexReport>,
    rejected: u64,
    allowed: u64,
) -> Result<VerifyAnswer, Failure> {
    let mut problems: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut indices: Vec<VerifiedIndex> = Vec::new();
    for IndexReport { index, problems: found } in reports {
        if !found.is_empty() {
            problems.insert(index.name.clone(), found);
        }
        indices.push(index);
    }
    let answer = VerifyAnswer { indices };
    let mut lines: Vec<String> = problems
        .iter()
        .flat_map(|(index, found)| found.iter().map(move |found| format!("- `{index}`: {found}")))
        .collect();
    if rejected > allowed {
        lines.push(format!(
            "- the target refused {rejected} documents and {allowed} are allowed; see the index \
             `{FAILED_DOCUMENTS_INDEX}`"
        ));
    }
    if lines.is_empty() {
        return Ok(answer);
    }
    let table = contract::Summary::summary(&answer);
    let message = format!(
        "what is on the target is not what the snapshot holds:\n{}\n{table}",
        lines.join("\n")
    );
    Err(Failure::new(Exit::Failed, message))
}
