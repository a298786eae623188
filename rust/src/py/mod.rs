//! Bindings: convert, release the interpreter lock, call `pure`, `store` and `server`. Nothing is computed here.

mod batch;
mod capture;
mod columns;
mod dialogue;
mod digest;
mod group;
mod latent;
mod proxy;
mod store;
mod swarm;
mod trap;
mod world;

use pyo3::prelude::*;

/// The compiled kernel of spamtide.
#[pymodule]
fn _kernel(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<batch::CaptureBatch>()?;
    m.add_class::<batch::RecordBatch>()?;
    capture::register(m)?;
    dialogue::register(m)?;
    digest::register(m)?;
    group::register(m)?;
    latent::register(m)?;
    proxy::register(m)?;
    store::register(m)?;
    swarm::register(m)?;
    world::register(m)?;
    trap::register(m)?;
    Ok(())
}
