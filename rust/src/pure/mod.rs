//! Functions from bytes to values: no file, no socket, no clock, no randomness of its own.

pub mod capture;
pub mod columns;
