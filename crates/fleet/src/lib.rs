//! How is work divided among processes, any of which can be killed at any instant?
//!
//! ```text
//!   prepare ---> items in the state store <--- take, renew, end --- work (any number of processes)
//!                        ^      ^
//!   follow --- totals ---+      +--- envelopes --- a run is taken over
//!      ^
//!      +--- record of the run --- give up (only if the fleet of workers has failed)
//! ```
//!
//! An item is an envelope (scope, lease, cursor, ledger) around one piece of [`Work`]. Four roles
//! share the items: prepare writes one for each piece ([`items::create_missing`],
//! [`items::continue_earlier`]), [`work`] takes items until none is left, [`follow`] reports
//! progress and is the judge, [`give_up`] records why a fleet failed. No role owns the items, and
//! each of them can be killed and started again: README.md draws the states of an item.
//!
//! Pure: the lease, [`Item`], the back-off, and the sums.

mod back_off;
mod error;
mod fleet_record;
mod follow;
mod give_up;
mod held_item;
mod item;
pub mod items;
mod lease;
mod stop;
mod totals;
mod work;
mod worker;

pub use self::{
    error::FleetError,
    fleet_record::{FleetRecord, FleetState},
    follow::{FollowedStep, follow},
    give_up::give_up,
    held_item::{HeldItem, Interrupt},
    item::{Item, ItemLease, ItemState, NewItem},
    lease::MAX_RENEWAL_INTERVAL,
    stop::StopSignal,
    totals::{Totals, totals},
    work::{IgnoredWork, Work},
    worker::{FleetScope, Reading, WorkReport, Worker, work},
};
