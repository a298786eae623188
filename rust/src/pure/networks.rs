//! Networks that the operator lists: whose word on an address that is not theirs is taken.

use std::net::IpAddr;

/// A list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<(u128, u8, bool)>);

/// The bits of an address from the left, and whether it is of IPv6; one within `::ffff:0:0/96` counts as IPv4.
fn bits(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, false),
        IpAddr::V6(v6) => (v6.into(), true),
    }
}

fn masked(bits: u128, length: u8) -> u128 {
    match length {
        0 => 0,
        n => bits & (u128::MAX << (128 - u32::from(n))),
    }
}

impl Networks {
    /// From texts as `192.0.2.0/24`; an address alone is a network of one. The text that is none.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let one = |text: &String| {
            let (address, length) = match text.split_once('/') {
                Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
                None => (text.as_str(), None),
            };
            let (bits, six) = bits(address.parse().ok()?);
            let most = if six { 128 } else { 32 };
            let length = length.unwrap_or(most);
            (length <= most).then(|| (masked(bits, length), length, six))
        };
        let all = texts.iter().map(|text| one(text).ok_or_else(|| text.clone()));
        Ok(Networks(all.collect::<Result<_, _>>()?))
    }

    /// Whether one of them holds the address.
    pub fn hold(&self, address: IpAddr) -> bool {
        let (bits, six) = bits(address);
        self.0.iter().any(|(net, n, s)| *s == six && masked(bits, *n) == *net)
    }
}

#[cfg(test)]
mod tests {
    use super::Networks;

    #[test]
    fn an_address_is_held_by_its_network_and_by_no_other() {
        let texts = ["192.0.2.0/25", "198.51.100.7", "2001:db8::/33", "10.1.2.3/0"].map(String::from);
        let list = Networks::parse(&texts[..3]).unwrap();
        let held = |text: &str| list.hold(text.parse().unwrap());
        assert!(held("192.0.2.127") && !held("192.0.2.128"));
        assert!(held("198.51.100.7") && !held("198.51.100.6"));
        assert!(held("2001:db8:7fff::1") && !held("2001:db8:8000::1") && !held("2001:db9::1"));
        assert!(held("::ffff:192.0.2.1") && !held("c000:200::"));
        let all = Networks::parse(&texts[3..]).unwrap();
        assert!(all.hold("203.0.113.9".parse().unwrap()) && !all.hold("::1".parse().unwrap()));
        for bad in [
            "192.0.2.0/33",
            "192.0.2/24",
            "x",
            "",
            "1.2.3.4/",
            "::/129",
            "1.2.3.4/-1",
        ] {
            assert!(Networks::parse(&[bad.into()]).is_err(), "{bad}");
        }
    }
}
