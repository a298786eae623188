//! Sockets of the kernel: the swarm that plays a world to a receiver on this machine. Dialogue, plan and ledger are in `pure`;
//! here are connections, clock and the thread that they live in.

pub mod clock;
pub mod connect;
pub mod player;
pub mod session;
