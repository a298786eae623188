//! The connecting peer as a counting unit and as a network.

/// Peer as what `peers` counts (IPv4 address or IPv6 /64) and its network (/24 or /48).
pub fn peer_units(address: &str) -> Option<(String, String)> {
    match address.parse::<std::net::IpAddr>().ok()? {
        std::net::IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Some((v4.to_string(), format!("{a}.{b}.{c}.0/24")))
        }
        std::net::IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => peer_units(&v4.to_string()),
            None => {
                let s = v6.segments();
                let unit = std::net::Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0);
                let net = std::net::Ipv6Addr::new(s[0], s[1], s[2], 0, 0, 0, 0, 0);
                Some((format!("{unit}/64"), format!("{net}/48")))
            }
        },
    }
}
