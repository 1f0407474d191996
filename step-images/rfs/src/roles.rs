//! What do all roles share?

use std::time::Duration;

use cluster::Client;
use contract::{
    Ledger,
    fleet::FleetRole,
    rfs::{RfsAnswer, RfsRequest},
};
use coordination::{registration::GroupRecord, resolve::OpenSnapshot};
use fleet::FleetScope;
use state_store::Scope;
use step::Context;

/// What all roles need.
pub(crate) struct Step {
    pub(crate) request: RfsRequest,
    pub(crate) context: Context,
    pub(crate) client: Client,
    pub(crate) opened: OpenSnapshot,
}

impl Step {
    /// Returns the part of the state that is about this group and snapshot.
    pub(crate) fn scope(&self) -> Scope {
        self.opened.scope(&self.request.migration, &self.request.group)
    }

    /// Returns the fleet that restores this group.
    pub(crate) fn fleet(&self) -> FleetScope {
        FleetScope {
            client: self.client.clone(),
            scope: self.scope(),
            lease: Duration::from_secs(u64::from(self.request.limits.lease_seconds.max(1))),
        }
    }

    /// Returns the record of the run that owns this group.
    pub(crate) fn record(&self) -> GroupRecord {
        GroupRecord { client: self.client.clone(), scope: self.scope() }
    }
}

/// Makes the answer of a role that read nothing.
pub(crate) fn answer(role: FleetRole, items: u64, ledger: Ledger) -> RfsAnswer {
    RfsAnswer { role, items, ledger, bytes_read: 0 }
}
