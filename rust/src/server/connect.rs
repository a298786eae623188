//! The one place of the kernel that opens a connection, and only within this machine.
//!
//! Both ends must be loopback addresses, before the socket is made and after it is connected. A socket bound to 127.x cannot
//! reach another machine either: the system drops such packets.

use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use tokio::net::{TcpSocket, TcpStream};

use crate::pure::swarm::loopback::Target;

/// A connection from a bot's address to the target.
pub async fn connect(source: Ipv4Addr, target: Target) -> Result<TcpStream> {
    let to = target.address();
    refuse_beyond(IpAddr::V4(source))?;
    refuse_beyond(IpAddr::V4(*to.ip()))?;
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddrV4::new(source, 0).into())?;
    let stream = socket.connect(to.into()).await?;
    refuse_beyond(stream.peer_addr()?.ip())?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn refuse_beyond(address: IpAddr) -> Result<()> {
    if address.is_loopback() {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::PermissionDenied,
            "not an address of this machine",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_beyond_this_machine_is_refused_before_a_socket_is_made() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let target = Target::parse("127.0.0.1:9").unwrap();
        for source in ["10.0.0.1", "0.0.0.0", "192.0.2.1", "128.0.0.1"] {
            let error = runtime.block_on(connect(source.parse().unwrap(), target)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        }
        for beyond in ["8.8.8.8", "::ffff:8.8.8.8", "::", "0.0.0.0"] {
            assert!(refuse_beyond(beyond.parse().unwrap()).is_err());
        }
    }
}
