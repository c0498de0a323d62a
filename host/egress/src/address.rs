//! Which network addresses a name may lead to.
//!
//! A connector's allow-list names hosts; whoever controls a name's DNS record decides where it leads. So
//! every address a name resolves to is judged before a connection is opened, and the judgement is the
//! same for all connectors: that is what makes it safe for them to share one pool of connections.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block of addresses in CIDR notation (`10.20.0.0/16`), which the operator opens to all connectors
/// because systems of the house live there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// True when the address lies in the block.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                u32::from(base) & mask == u32::from(address) & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                u128::from(base) & mask == u128::from(address) & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no block of addresses; write `10.20.0.0/16`");
        let (base, bits) = text.split_once('/').unwrap_or((text, ""));
        let base: IpAddr = base.parse().map_err(|_| wrong())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() { most } else { bits.parse().map_err(|_| wrong())? };
        if bits > most { Err(wrong()) } else { Ok(Self { base, bits }) }
    }
}

impl<'de> serde::Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// True when a name (other than `localhost`) may lead to the address: it is a public unicast address, or
/// the operator opened its block.
pub(crate) fn reachable(address: IpAddr, opened: &[Network]) -> bool {
    let address = address.to_canonical();
    if opened.iter().any(|network| network.contains(address)) {
        return true;
    }
    match address {
        IpAddr::V4(v4) => public_v4(v4),
        IpAddr::V6(v6) => public_v6(v6),
    }
}

fn public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        // 169.254.169.254 is where clouds hand out credentials.
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        // Carrier-grade NAT, which clouds use for their own services too.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        // Benchmarking.
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240)
}

fn public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [first, second, ..] = segments;
    // Addresses that carry an IPv4 address lead where that one leads: NAT64 and 6to4.
    let [.., high, low] = segments;
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    if first == 0x64 && second == 0xff9b {
        return public_v4(embedded(high, low));
    }
    if first == 0x2002 {
        let [_, high, low, ..] = segments;
        return public_v4(embedded(high, low));
    }
    // Only 2000::/3 is handed out; documentation and Teredo lie in it.
    first & 0xe000 == 0x2000 && !(first == 0x2001 && (second == 0xdb8 || second == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_addresses_are_out_of_reach() {
        let inner = [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
        ];
        for address in inner {
            assert!(!reachable(address.parse().unwrap(), &[]), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_in_reach() {
        for address in ["23.227.38.65", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(reachable(address.parse().unwrap(), &[]), "{address}");
        }
    }

    #[test]
    fn the_operator_can_open_a_block_and_nothing_beside_it() {
        let opened = ["10.20.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        assert!(reachable("10.20.7.7".parse().unwrap(), &opened));
        assert!(reachable("::ffff:10.20.7.7".parse().unwrap(), &opened));
        assert!(reachable("fd12::1".parse().unwrap(), &opened));
        assert!(!reachable("10.21.0.1".parse().unwrap(), &opened));
    }

    #[test]
    fn a_block_is_written_in_cidr_notation() {
        for wrong in ["10.0.0.0/33", "ten/8", "::/129", "10.0.0/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()));
    }
}
