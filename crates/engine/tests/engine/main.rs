//! What the engine promises, with real processes: the shapes of workflows that real Argo ran, what
//! is refused, and what happens when engines, steps and people get in each other's way.

mod fleets;
mod gates;
mod killed;
mod refusals;
mod resumed;
mod shapes;
mod support;
mod watch;
