//! The swarm without its sockets: dialects, the client's side of a dialogue, the plan, the ledger.

pub mod bucket;
pub mod client;
pub mod databody;
pub mod dialects;
pub mod ledger;
pub mod loopback;
pub mod outcome;
pub mod plan;
pub mod replies;
mod verbs;
