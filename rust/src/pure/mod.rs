//! Functions from bytes to values: no file, no socket, no clock, no randomness of its own.

pub mod bounded;
pub mod capture;
pub mod charset;
pub mod columns;
pub mod dialogue;
pub mod digest;
pub mod dispute;
pub mod envelope;
pub mod facts;
pub mod fold;
pub mod header_end;
pub mod html;
pub mod language;
pub mod leaf;
pub mod limits;
pub mod links;
pub mod long_head;
pub mod mask;
pub mod mbox;
pub mod mboxrd;
pub mod origin;
pub mod peer;
pub mod second;
pub mod sketch;
pub mod sniff;
pub mod world;
