//! Addresses of the swarm: where it may connect to, and which loopback address stands for which bot.
//!
//! The swarm must never leave the machine. A target is an address of 127.0.0.0/8 written out, or `localhost`; nothing is looked up.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

/// Networks of 256 addresses that bots may have: 127.1.0 to 127.254.255. The servers of a machine live in 127.0.
pub const NETWORKS: u32 = 254 * 256;

/// A place on this machine. There is no other way to make one than `parse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(SocketAddrV4);

impl Target {
    /// `HOST:PORT` with a literal address of 127.0.0.0/8 or `localhost`; anything else is refused with the reason.
    pub fn parse(text: &str) -> Result<Target, &'static str> {
        let (host, port) = text.rsplit_once(':').ok_or("has no port")?;
        let port = match port.parse::<u16>() {
            Ok(n) if n > 0 && port.bytes().all(|b| b.is_ascii_digit()) => n,
            _ => return Err("has no port between 1 and 65535"),
        };
        if host == "localhost" {
            return Ok(Target(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)));
        }
        match host.parse::<Ipv4Addr>() {
            Ok(address) if address.is_loopback() => Ok(Target(SocketAddrV4::new(address, port))),
            Ok(_) => Err("is not on this machine"),
            Err(_) => match host.trim_matches(['[', ']']).parse::<IpAddr>() {
                Ok(_) => Err("is no address of 127.0.0.0/8, and the bots' addresses are"),
                Err(_) => Err("is a name; names are not looked up"),
            },
        }
    }

    /// Address and port.
    pub fn address(self) -> SocketAddrV4 {
        self.0
    }
}

/// Whether nobody can own the domain of this address (RFC 2606, RFC 6761). A receiver on this machine may be one that relays, and
/// what the swarm says must not reach anybody through it. The null path, and a path without a domain, reach nobody either.
pub fn reaches_nobody(path: &str) -> bool {
    let Some((local, domain)) = path.rsplit_once('@') else {
        return !path.contains(['%', '!']);
    };
    let domain = domain.to_ascii_lowercase();
    let reserved = [
        "example",
        "test",
        "invalid",
        "localhost",
        "example.com",
        "example.net",
        "example.org",
    ];
    let within = |r: &str| domain == r || domain.strip_suffix(r).is_some_and(|d| d.ends_with('.'));
    // Routes within the local part (user%other@here, other!user) are obeyed by some relays.
    !local.contains(['%', '!', '@', ':']) && reserved.into_iter().any(within)
}

/// Gives each address of a world an address of 127.0.0.0/8, its network of 256 kept together (an IPv6 /48 counts as one).
#[derive(Debug)]
pub struct AddressBook {
    step: u32,
    offset: u32,
    networks: BTreeMap<u128, Net>,
    given: u32,
    hosts: BTreeMap<u128, Ipv4Addr>,
}

#[derive(Debug)]
struct Net {
    number: u32,
    hosts: u32,
}

impl AddressBook {
    /// The seed chooses the order of networks.
    pub fn new(seed: u64) -> Self {
        // An odd step that 127 does not divide visits each of 2^9 * 127 networks once.
        let step = ((seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as u32 % NETWORKS) | 1;
        let step = if step.is_multiple_of(127) { step + 2 } else { step };
        AddressBook {
            step,
            offset: (seed.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 40) as u32 % NETWORKS,
            networks: BTreeMap::new(),
            given: 0,
            hosts: BTreeMap::new(),
        }
    }

    /// The loopback address of a world's address; `None` when all networks are given away.
    pub fn loopback(&mut self, peer: IpAddr) -> Option<Ipv4Addr> {
        match peer {
            IpAddr::V4(v4) => {
                let bits = v4.to_bits();
                let number = self.network(u128::from(bits >> 8), false)?;
                Some(place(number, bits & 255))
            }
            IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                if let Some(address) = self.hosts.get(&bits) {
                    return Some(*address);
                }
                let key = (bits >> 80) | (1 << 100);
                let number = self.network(key, true)?;
                let net = self.networks.get_mut(&key)?;
                let address = place(number, net.hosts);
                net.hosts += 1;
                self.hosts.insert(bits, address);
                Some(address)
            }
        }
    }

    /// Another address for the same bot, in another network; stable. `None` when all networks are given away.
    pub fn other(&mut self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        let bits = address.to_bits();
        let number = self.network(u128::from(bits >> 8) | (1 << 101), false)?;
        Some(place(number, bits & 255))
    }

    fn network(&mut self, key: u128, fills: bool) -> Option<u32> {
        if let Some(net) = self.networks.get(&key) {
            if !fills || net.hosts < 256 {
                return Some(net.number);
            }
        }
        if self.given == NETWORKS {
            return None;
        }
        let number =
            ((u64::from(self.given) * u64::from(self.step) + u64::from(self.offset)) % u64::from(NETWORKS)) as u32;
        self.given += 1;
        self.networks.insert(key, Net { number, hosts: 0 });
        Some(number)
    }
}

fn place(number: u32, host: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits((127 << 24) | ((number + 256) << 8) | host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn only_this_machine_is_a_target() {
        for good in ["127.0.0.1:2525", "localhost:25", "127.255.0.9:1"] {
            assert!(Target::parse(good).unwrap().address().ip().is_loopback());
        }
        for bad in [
            "10.0.0.1:25",
            "0.0.0.0:25",
            "8.8.8.8:25",
            "128.0.0.1:25",
            "::ffff:8.8.8.8:25",
            "[::ffff:127.0.0.1]:25",
            "[::1]:25",
            "mx.example:25",
            "LOCALHOST.evil.example:25",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:0",
            "127.0.0.1:+25",
            "127.1:25",
            "2130706433:25",
            "0177.0.0.1:25",
            " 127.0.0.1:25",
            "127.0.0.1:65536",
            "127.0.0.1.example:25",
            "",
            ":25",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mail_for_anybody_is_told_from_mail_for_nobody() {
        for nobody in [
            "",
            "postmaster",
            "a@trap.example",
            "a@X.Example.COM",
            "a@localhost",
            "a@b.test",
        ] {
            assert!(reaches_nobody(nobody), "{nobody}");
        }
        for somebody in [
            "a@example.de",
            "a@notexample.com",
            "a@trap.example.de",
            "a@xexample",
            "a%b.example.de@trap.example",
            "@b.de:a@trap.example",
            "b.de!a@trap.example",
            "b.de!a",
            "a@[192.0.2.1]",
            "a@b@trap.example",
            "a@",
        ] {
            assert!(!reaches_nobody(somebody), "{somebody}");
        }
    }

    #[test]
    fn each_address_has_its_own_and_networks_stay_together() {
        for seed in [0, 1, 2, 77, 126, 127, u64::MAX] {
            let mut book = AddressBook::new(seed);
            let mut seen = BTreeSet::new();
            for net in 0..NETWORKS {
                let peer = IpAddr::V4(Ipv4Addr::from_bits((net << 8) | 7));
                let address = book.loopback(peer).unwrap();
                assert!(address.is_loopback() && address.octets()[1] > 0 && address.octets()[1] < 255);
                assert!(seen.insert(address));
                assert_eq!(book.loopback(peer), Some(address));
                let beside = book.loopback(IpAddr::V4(Ipv4Addr::from_bits((net << 8) | 8))).unwrap();
                assert_eq!(beside.to_bits() >> 8, address.to_bits() >> 8);
            }
            assert_eq!(book.loopback(IpAddr::V4(Ipv4Addr::new(254, 254, 254, 1))), None);
        }
    }

    #[test]
    fn addresses_of_ipv6_are_told_apart_beyond_256_in_one_network() {
        let mut book = AddressBook::new(3);
        let given: BTreeSet<_> = (0..600u128)
            .map(|n| {
                book.loopback(IpAddr::V6((0x2001_0db8_0001_u128 << 80 | n).into()))
                    .unwrap()
            })
            .collect();
        assert_eq!(given.len(), 600);
        let other = book.other(Ipv4Addr::new(127, 1, 2, 3)).unwrap();
        assert!(other.is_loopback() && other.octets()[3] == 3 && !given.contains(&other));
    }
}
