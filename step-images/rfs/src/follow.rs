//! Follow: report how far the fleet is, and judge what the target rejected.

use contract::{Exit, Failure, Progress, fleet::FleetRole, rfs::RfsAnswer};
use coordination::{resolve, shard_work::ShardWork};
use fleet::{FollowedStep, Totals};
use load::{FAILED_DOCUMENTS_INDEX as INDEX, failed_documents};

use crate::roles::{Step, answer};

pub(crate) async fn follow(step: &Step) -> Result<RfsAnswer, Failure> {
    let totals = fleet::follow::<ShardWork>(&step.fleet(), &step.record(), step).await?;
    Ok(answer(FleetRole::Follow, totals.done, totals.ledger))
}

impl FollowedStep for Step {
    fn report(&self, progress: &Progress) {
        self.context.report(progress);
    }

    async fn has_work(&self) -> Result<bool, Failure> {
        let Self { request, client, opened, context: _ } = self;
        let group = resolve::group(client, opened, &request.migration, &request.group).await?;
        Ok(!group.indices.is_empty())
    }

    async fn judge(&self, totals: &Totals) -> Result<(), Failure> {
        let (rejected, allowed) = (totals.ledger.rejected, self.request.allowed_rejections);
        if rejected <= allowed {
            return Ok(());
        }
        let reasons = failed_documents::first_reasons(&self.client, &self.scope()).await?;
        let message = format!(
            "the target refused {rejected} documents and {allowed} are allowed; all of them are \
             kept with their reasons (`console clusters curl target '/{INDEX}/_search?pretty'`): \
             fix the mapping on the target and run `workflow resume`, or set `allowedRejections` \
             to accept the loss and submit the migration again; the first of them:\n- {}",
            reasons.join("\n- ")
        );
        Err(Failure::new(Exit::Failed, message))
    }
}
