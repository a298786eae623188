//! Sockets of the kernel: the trap that listens, and the swarm that plays a world to a receiver on this machine. Dialogues, plan
//! and ledger are in `pure`, segments in `store`; here are connections, clock and threads.

pub mod clock;
pub mod commit;
pub mod connect;
pub mod events;
pub mod link;
pub mod listen;
pub mod manner;
pub mod mark;
pub mod minutes;
pub mod player;
mod proxied;
mod serve;
pub mod session;
pub mod syncs;
pub mod tls;
pub mod trap;
