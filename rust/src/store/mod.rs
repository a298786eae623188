//! Segments: append-only files of records, their chain, their frames, their index.
