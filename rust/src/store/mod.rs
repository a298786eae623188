//! Segments: append-only files of records, their chain, their frames, their index. `docs/reference/segment-format.md`. And the
//! index by which what comes later finds its group.

pub mod copies;
pub mod near;
pub mod read;
pub mod record;
pub mod seal;
pub mod segment;

use std::fmt;
use std::path::PathBuf;

/// What can go wrong with a segment; the path and, where there is one, the place are facts, not prose.
#[derive(Debug)]
pub enum StoreError {
    /// The operating system said no.
    Io {
        /// The file concerned.
        path: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
    /// Bytes are not what they were when written.
    Corrupt {
        /// The file concerned.
        path: PathBuf,
        /// Byte offset or ordinal of the damage.
        at: u64,
        /// What does not hold.
        what: &'static str,
    },
    /// The caller asked for something that is not there or passed too little.
    Misuse(&'static str),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Io { path, error } => write!(f, "{}: {error}", path.display()),
            StoreError::Corrupt { path, at, what } => write!(f, "{}: {what} (at {at})", path.display()),
            StoreError::Misuse(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for StoreError {}

/// Results of this module.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Attach the path to what the operating system said.
pub fn at_path<T>(path: &std::path::Path, result: std::io::Result<T>) -> Result<T> {
    result.map_err(|error| StoreError::Io {
        path: path.to_path_buf(),
        error,
    })
}
