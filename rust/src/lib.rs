//! The kernel: four modules with arrows of their own, `pure` <- `store` <- `server` <- `py`.
//!
//! `pure` has no files, sockets or clock (a clippy list says so); `store` reads and writes segments;
//! `server` has the sockets (the trap, the swarm); `py` only converts and releases the interpreter lock.

pub mod pure;
#[allow(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod server;
#[allow(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod store;

#[cfg(feature = "python")]
#[allow(clippy::disallowed_methods, clippy::disallowed_types)]
mod py;
