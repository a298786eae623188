//! A connection as the trap's loop sees it: bytes in, bytes out, plain or within TLS.
//!
//! A plain link costs no more than its socket. Within TLS the library keeps what it needs between reads; what it decrypts goes into the
//! caller's buffer.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{timeout_at, Instant};

use super::events::Shared;
use crate::pure::hello::{Gather, Handshake};

/// How long a peer may take to read what we send.
const SEND_SECONDS: u64 = 60;
/// Reads from the socket for one of ours: a peer that sends records without content gets no more of our time.
const ROUNDS: usize = 8;
/// First bytes of a handshake that the dialogue is told of.
const HEAD_BYTES: usize = 16;

/// One connection.
pub struct Link {
    stream: TcpStream,
    /// Read too far, and to be read again.
    early: Vec<u8>,
    tls: Option<Box<ServerConnection>>,
    /// Where replies are counted.
    shared: Arc<Shared>,
}

/// The socket for a library that reads and writes by itself.
struct Raw<'a>(&'a mut TcpStream, &'a mut Vec<u8>);

/// Read what is there. A read that leaves room in the buffer has emptied the socket: the runtime takes note of that here, and not
/// in `try_read`, so nobody asks the system a second time only to hear that there is nothing.
fn read_now(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = ReadBuf::new(buffer);
    let mut nobody = Context::from_waker(Waker::noop());
    match Pin::new(stream).poll_read(&mut nobody, &mut filled) {
        Poll::Ready(result) => result.map(|()| filled.filled().len()),
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1.is_empty() {
            return read_now(self.0, buffer);
        }
        let n = self.1.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.1[..n]);
        if n == self.1.len() {
            *self.1 = Vec::new();
        } else {
            self.1.drain(..n);
        }
        Ok(n)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Link {
    /// A plain connection.
    pub fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        let _ = stream.set_nodelay(true);
        Link {
            stream,
            early: Vec::new(),
            tls: None,
            shared,
        }
    }

    /// Wait until a read may bring something.
    pub async fn readable(&self) -> io::Result<()> {
        // What is decrypted already makes no socket readable.
        let waiting = !self.early.is_empty() || self.tls.as_ref().is_some_and(|tls| !tls.wants_read());
        match waiting {
            true => Ok(()),
            false => self.stream.readable().await,
        }
    }

    /// Read too far: these bytes are to be read again, first of all.
    pub fn unread(&mut self, bytes: &[u8]) {
        self.early.splice(..0, bytes.iter().copied());
    }

    /// Read what is there; 0 at the end.
    pub fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut raw = Raw(&mut self.stream, &mut self.early);
        let Some(tls) = &mut self.tls else {
            return raw.read(buffer);
        };
        for _ in 0..ROUNDS {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An end without close_notify is an end.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                other => return other,
            }
            tls.read_tls(&mut raw)?;
            if let Err(error) = tls.process_new_packets() {
                let _ = tls.write_tls(&mut raw);
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
        }
        Err(ErrorKind::WouldBlock.into())
    }

    /// Send all of it; replies are counted by class.
    pub async fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(SEND_SECONDS);
        self.shared.counts.replied(bytes);
        if let Some(tls) = &mut self.tls {
            tls.writer().write_all(bytes)?;
            return Box::pin(self.flush(deadline)).await;
        }
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    timeout_at(deadline, self.stream.writable()).await??;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Send what the library has to send.
    async fn flush(&mut self, deadline: Instant) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => flush(tls, &mut self.stream, deadline).await,
            None => Ok(()),
        }
    }

    /// Say that nothing more comes.
    pub async fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = Box::pin(self.flush(Instant::now() + Duration::from_secs(1))).await;
        }
    }

    /// Shake hands as the server; what came of it. Where that failed the link is good for nothing but closing.
    pub async fn secure(
        &mut self,
        config: Arc<ServerConfig>,
        deadline: Instant,
        scratch: &RefCell<Vec<u8>>,
    ) -> Handshake {
        let mut gather = Gather::default();
        let shaken = self.shake(config, deadline, scratch, &mut gather).await;
        let mut handshake = Handshake {
            hello: gather.hello(),
            head: gather.head(HEAD_BYTES).to_vec(),
            ..Handshake::default()
        };
        match shaken {
            Ok(tls) => {
                handshake.version = tls.protocol_version().map(|v| super::tls::version_name(v).to_owned());
                handshake.suite = tls
                    .negotiated_cipher_suite()
                    .and_then(|s| s.suite().as_str())
                    .map(|name| name.replacen("TLS13_", "TLS_", 1));
                self.tls = Some(tls);
            }
            Err(why) => handshake.failed = Some(why),
        }
        handshake
    }

    async fn shake(
        &mut self,
        config: Arc<ServerConfig>,
        deadline: Instant,
        scratch: &RefCell<Vec<u8>>,
        gather: &mut Gather,
    ) -> Result<Box<ServerConnection>, String> {
        let mut tls = Box::new(ServerConnection::new(config).map_err(|e| e.to_string())?);
        tls.set_buffer_limit(None);
        while tls.is_handshaking() {
            if self.early.is_empty() {
                let ready = timeout_at(deadline, self.stream.readable()).await;
                ready.map_err(|_| "deadline")?.map_err(|_| "lost")?;
            }
            let read = Raw(&mut self.stream, &mut self.early).read(&mut scratch.borrow_mut());
            match read {
                Ok(0) => return Err("closed".into()),
                Ok(n) => {
                    let taken = take(&mut tls, &scratch.borrow()[..n], gather, &mut self.early);
                    let flushed = flush(&mut tls, &mut self.stream, deadline).await;
                    taken?;
                    flushed.map_err(|_| "lost")?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err("lost".into()),
            }
            if Instant::now() >= deadline {
                return Err("deadline".into());
            }
        }
        Ok(tls)
    }

    /// The socket, for whoever only drains it.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }
}

/// Give the library the bytes of a handshake; what lies beyond it stays to be read.
fn take(tls: &mut ServerConnection, mut bytes: &[u8], gather: &mut Gather, rest: &mut Vec<u8>) -> Result<(), String> {
    gather.put(bytes);
    while tls.is_handshaking() && !bytes.is_empty() {
        tls.read_tls(&mut bytes).map_err(|e| e.to_string())?;
        tls.process_new_packets().map_err(|e| e.to_string())?;
    }
    if !bytes.is_empty() {
        let mut all = bytes.to_vec();
        all.append(rest);
        *rest = all;
    }
    Ok(())
}

async fn flush(tls: &mut ServerConnection, stream: &mut TcpStream, deadline: Instant) -> io::Result<()> {
    let mut nothing = Vec::new();
    while tls.wants_write() {
        match tls.write_tls(&mut Raw(stream, &mut nothing)) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => timeout_at(deadline, stream.writable()).await??,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
