//! One session of the trap, from greeting to end: reads, lets the machine think, does what it asks for, answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{timeout, timeout_at, Instant};

use super::commit::Item;
use super::events::utc_now;
use super::link::Link;
use super::listen::Slot;
use super::proxied::read_header;
use super::trap::{seconds_of, turn_away, Context};
use crate::pure::capture::Capture;
use crate::pure::dialogue::states::State;
use crate::pure::dialogue::{Dialogue, Event, Refused, Verdict};

/// How long a greeting waits for somebody who talks first.
const GREETING_WAIT: Duration = Duration::from_millis(1);

/// One session from greeting to end.
pub(super) async fn session(stream: TcpStream, peer: SocketAddr, context: &Context, slot: &Slot) {
    let mut link = Link::new(stream, context.shared.clone());
    let n = context.serial.get();
    context.serial.set(n + 1);
    let key = format!("{:x}.{n:x}", context.started);
    let mut peer = peer.ip();
    let text = peer.to_canonical().to_string();
    let mut dialogue = Box::new(Dialogue::new(context.settings.get(), text, key, utc_now()));
    let mut how = match begin(&mut link, &mut peer, &mut dialogue, context, slot).await {
        Ok(()) => converse(&mut link, &mut peer, &mut dialogue, context, slot).await,
        Err(how) => how,
    };
    if dialogue.looked() {
        how = "looked";
    }
    let counts = &context.shared.counts;
    match how {
        "looked" => counts.looked.fetch_add(1, Relaxed),
        "unproxied" => counts.unproxied.fetch_add(1, Relaxed),
        "shed" => counts.shed.fetch_add(1, Relaxed),
        "slow" => counts.timed_out.fetch_add(1, Relaxed),
        "tls_failed" => counts.tls_failed.fetch_add(1, Relaxed),
        _ => 0,
    };
    refusals(context, peer, dialogue.refused());
    if how == "lost" {
        dialogue.unheard(utc_now());
    }
    counts.bounced.fetch_add(dialogue.bounced() as u64, Relaxed);
    if let Some(capture) = dialogue.end(utc_now()) {
        let _ = context.items.send(Item { capture, answer: None });
    }
    if how != "looked" {
        counts.sessions.fetch_add(1, Relaxed);
        context.shared.log("session.ended", Value::Object(dialogue.facts(how)));
    }
    if how != "lost" {
        link.close().await;
    }
    if !matches!(how, "closed" | "lost" | "quit") {
        linger(link.socket(), context).await;
    }
}

/// Count what was refused by minute.
fn refusals(context: &Context, peer: IpAddr, refused: Refused) {
    let full = context.shared.full();
    context.shared.counts.no_room.fetch_add(refused.no_room, Relaxed);
    context.shared.minutes.refused(utc_now(), peer, refused, full);
}

/// What comes before the greeting.
async fn begin(
    link: &mut Link,
    peer: &mut IpAddr,
    dialogue: &mut Dialogue,
    context: &Context,
    slot: &Slot,
) -> Result<(), &'static str> {
    if context.proxied && dialogue.listed() {
        Box::pin(read_header(link, dialogue, context, slot)).await?;
        if !room_for_another(dialogue, peer, context, slot) {
            // In place of the greeting.
            let _ = dialogue.bytes_to_send();
            return Err(ended(link, dialogue, "Too many connections", "refused").await);
        }
    }
    if context.wrapped {
        Box::pin(secure(link, dialogue, context, slot)).await?;
        dialogue.wrapped();
    }
    Ok(())
}

/// Count the session for its true client where a relay has named one; false where there are too many of that one.
fn room_for_another(dialogue: &mut Dialogue, peer: &mut IpAddr, context: &Context, slot: &Slot) -> bool {
    let Some(client) = dialogue.moved() else {
        return true;
    };
    *peer = client;
    let moved = context
        .crowd
        .moved(slot, client, context.limits.connections_per_address);
    if let Err(turned) = moved {
        turn_away(turned, client, context);
    }
    moved.is_ok()
}

/// Let a peer read our last word: a socket closed over unread bytes takes it away.
async fn linger(stream: &TcpStream, context: &Context) {
    let end = Instant::now() + Duration::from_secs(1);
    while let Ok(Ok(())) = timeout_at(end, stream.readable()).await {
        if Instant::now() >= end {
            return;
        }
        let mut scratch = context.scratch.borrow_mut();
        match stream.try_read(&mut scratch) {
            Ok(0) => return,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// Read, think, answer; how the session ended.
async fn converse(
    link: &mut Link,
    peer: &mut IpAddr,
    dialogue: &mut Dialogue,
    context: &Context,
    slot: &Slot,
) -> &'static str {
    let limits = &context.limits;
    let _ = timeout(GREETING_WAIT, link.readable()).await;
    if dialogue.greeting_delay() > 0 {
        let delay = Duration::from_micros(dialogue.greeting_delay() as u64);
        let _ = timeout(delay, slot.wake.notified()).await;
    }
    let (mut stepped, mut read_at) = (Instant::now(), Instant::now());
    loop {
        let read = link.try_read(&mut context.scratch.borrow_mut());
        match read {
            Ok(0) => return "closed",
            Ok(n) => {
                read_at = Instant::now();
                let crowded = context.crowd.held.get() > limits.memory_bytes / 2;
                dialogue.set_full(crowded || context.shared.full());
                dialogue.receive(&context.scratch.borrow()[..n], utc_now());
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return "lost",
        }
        if !room_for_another(dialogue, peer, context, slot) {
            return ended(link, dialogue, "Too many connections", "refused").await;
        }
        while let Some(event) = dialogue.event() {
            match event {
                Event::Message(capture) => {
                    context.crowd.hold(slot, capture.raw.len() + dialogue.size_bytes());
                    let verdict = stored(*capture, context, slot).await;
                    if verdict == Verdict::Stored {
                        context.shared.minutes.taken(utc_now(), *peer);
                    }
                    dialogue.verdict(verdict, utc_now());
                }
                Event::Secure => {
                    if link.send(&dialogue.bytes_to_send()).await.is_err() {
                        return "lost";
                    }
                    // Boxed: a session that never asks for TLS does not hold the room for a handshake.
                    if let Err(how) = Box::pin(secure(link, dialogue, context, slot)).await {
                        return how;
                    }
                    dialogue.secured(utc_now());
                    stepped = Instant::now();
                }
            }
        }
        context.crowd.hold(slot, dialogue.size_bytes());
        refusals(context, *peer, dialogue.refused());
        let answer = dialogue.bytes_to_send();
        if !answer.is_empty() {
            if link.send(&answer).await.is_err() {
                return "lost";
            }
            stepped = Instant::now();
            slot.progress.set(stepped);
        }
        let state = dialogue.state();
        let within = matches!(state, State::Data | State::Chunk | State::Skip);
        // A stop lets it come to its end.
        let begun = within || matches!(state, State::Mail | State::Rcpt | State::Gather);
        if state == State::Closed {
            return match answer.starts_with(b"221") || answer.windows(5).any(|w| w == b"\n221 ") {
                true => "quit",
                false => "refused",
            };
        }
        if within && context.crowd.held.get() > limits.memory_bytes {
            refusals(context, *peer, Refused { all: 0, no_room: 1 });
            return ended(link, dialogue, "No memory", "shed").await;
        }
        if context.draining.get() && (!begun || slot.shed.get()) {
            return ended(link, dialogue, "Shutting down", "drained").await;
        }
        if slot.shed.get() {
            return ended(link, dialogue, "Too busy", "shed").await;
        }
        let deadline = if within {
            let earned = dialogue.received_bytes() as f64 / limits.bytes_per_second;
            let rate = stepped + seconds_of(limits.slow_seconds + earned);
            let whole = stepped + seconds_of(limits.message_seconds);
            rate.min(whole).min(read_at + seconds_of(limits.data_seconds))
        } else {
            stepped + seconds_of(limits.command_seconds)
        };
        // Whoever sends without a pause never lets the timer speak.
        if Instant::now() >= deadline {
            return ended(link, dialogue, "Too slow", "slow").await;
        }
        tokio::select! {
            ready = timeout_at(deadline, link.readable()) => match ready {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return "lost",
                Err(_) => return ended(link, dialogue, "Too slow", "slow").await,
            },
            () = slot.wake.notified() => {}
        }
    }
}

/// Shake hands, and let the machine write down what came of it; how the session ended where that failed.
async fn secure(link: &mut Link, dialogue: &mut Dialogue, context: &Context, slot: &Slot) -> Result<(), &'static str> {
    let config = context.tls.clone().expect("TLS is not offered without a certificate");
    let deadline = Instant::now() + seconds_of(context.limits.handshake_seconds);
    let mut shaking = Box::pin(link.secure(config, deadline, &context.scratch));
    let handshake = loop {
        tokio::select! {
            handshake = &mut shaking => break handshake,
            () = slot.wake.notified() => if slot.shed.get() {
                return Err("shed");
            }
        }
    };
    drop(shaking);
    let failed = handshake.failed.is_some();
    dialogue.shaken(handshake);
    if failed {
        return Err("tls_failed");
    }
    context.shared.counts.tls.fetch_add(1, Relaxed);
    Ok(())
}

/// Say 421 and why.
async fn ended(link: &mut Link, dialogue: &mut Dialogue, why: &str, how: &'static str) -> &'static str {
    dialogue.give_up(why, utc_now());
    let _ = timeout(Duration::from_secs(1), link.send(&dialogue.bytes_to_send())).await;
    how
}

/// Hand a message to the thread that commits, and wait.
async fn stored(capture: Capture, context: &Context, slot: &Slot) -> Verdict {
    let (answer, verdict) = oneshot::channel();
    slot.busy.set(true);
    context.shared.counts.waiting.fetch_add(1, Relaxed);
    let item = Item {
        capture,
        answer: Some(answer),
    };
    let sent = context.items.send(item).is_ok();
    // A commit thread that is gone has answered nothing: the message is not stored for all we know.
    let verdict = if sent {
        verdict.await.unwrap_or(Verdict::Failed)
    } else {
        Verdict::Failed
    };
    context.shared.counts.waiting.fetch_sub(1, Relaxed);
    slot.busy.set(false);
    verdict
}
