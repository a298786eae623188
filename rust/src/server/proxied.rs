//! The PROXY header of a connection from a listed relay, where the listener asks for one: before TLS, before the greeting.
//!
//! A connection that ends before its first byte is a relay that looked whether we are here; it is counted and no session.

use std::io::ErrorKind;

use tokio::time::{timeout, timeout_at, Duration, Instant};

use super::events::utc_now;
use super::link::Link;
use super::listen::Slot;
use super::trap::{seconds_of, Context};
use crate::pure::dialogue::Dialogue;
use crate::pure::proxy::{Gather, Said};

/// Read the header and take its client for the peer; how the session ended where there was none to believe.
pub(super) async fn read_header(
    link: &mut Link,
    dialogue: &mut Dialogue,
    context: &Context,
    slot: &Slot,
) -> Result<(), &'static str> {
    match gathered(link, dialogue, context, slot).await {
        Ok(()) => Ok(()),
        Err(how @ ("shed" | "drained" | "looked")) => Err(how),
        Err(why) => {
            dialogue.unproxied(why, utc_now());
            let _ = timeout(Duration::from_secs(1), link.send(&dialogue.bytes_to_send())).await;
            Err("unproxied")
        }
    }
}

async fn gathered(
    link: &mut Link,
    dialogue: &mut Dialogue,
    context: &Context,
    slot: &Slot,
) -> Result<(), &'static str> {
    let deadline = Instant::now() + seconds_of(context.limits.proxy_seconds);
    let mut gather = Gather::default();
    loop {
        tokio::select! {
            ready = timeout_at(deadline, link.readable()) => {
                ready.map_err(|_| "deadline")?.map_err(|_| "lost")?;
            }
            () = slot.wake.notified() => {}
        }
        if slot.shed.get() {
            return Err("shed");
        }
        if context.draining.get() {
            return Err("drained");
        }
        let read = link.try_read(&mut context.scratch.borrow_mut());
        match read {
            Ok(0) if gather.is_empty() => return Err("looked"),
            Ok(0) => return Err("closed"),
            Ok(n) => {
                let scratch = context.scratch.borrow();
                let (used, said) = gather.put(&scratch[..n]);
                match said {
                    Said::More => {}
                    Said::Header(header) => {
                        link.unread(&scratch[used..n]);
                        dialogue.proxied(&header, utc_now());
                        return Ok(());
                    }
                    Said::Wrong(wrong) => return Err(wrong.name()),
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // HAProxy and others end a look with a reset rather than wait for our end.
            Err(_) if gather.is_empty() => return Err("looked"),
            Err(_) => return Err("lost"),
        }
        // Whoever drips bytes never lets the timer speak.
        if Instant::now() >= deadline {
            return Err("deadline");
        }
    }
}
