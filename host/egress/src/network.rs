//! Which network addresses a name may resolve to.
//!
//! A connector's allow-list names hosts, but whoever controls a name's DNS record decides what it resolves to.
//! So every resolved address is checked before a connection is opened. The check is the same for all
//! connectors, which is what makes it safe for them to share one connection pool.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

/// A block of private addresses in CIDR notation (`10.20.0.0/16`) that the operator opens to all connectors,
/// for systems in the company's own network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// True when the address lies in the block.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    /// Reads a block; a single address is a block of one.
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .or_else(|_| text.parse().map(|address: IpAddr| address.into()))
            .map(Self)
            .map_err(|_| format!("`{text}` is not a block of addresses; write it like `10.20.0.0/16`"))
    }
}

impl<'de> serde::Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// True when a name (other than `localhost`) may resolve to the address: it is a public unicast address, or
/// the operator opened its block.
pub(crate) fn is_reachable(address: IpAddr, networks: &[Network]) -> bool {
    let address = address.to_canonical();
    if networks.iter().any(|network| network.contains(address)) {
        return true;
    }
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        // Clouds serve instance credentials at 169.254.169.254.
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        // Carrier-grade NAT, which clouds also use for their own services.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        // Benchmarking.
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [first, second, ..] = segments;
    // NAT64 and 6to4 addresses embed the IPv4 address that they reach.
    let [.., high, low] = segments;
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    if first == 0x64 && second == 0xff9b {
        return is_public_v4(embedded(high, low));
    }
    if first == 0x2002 {
        let [_, high, low, ..] = segments;
        return is_public_v4(embedded(high, low));
    }
    // Only 2000::/3 is allocated; it includes the documentation and Teredo prefixes.
    first & 0xe000 == 0x2000 && !(first == 0x2001 && (second == 0xdb8 || second == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_special_addresses_are_unreachable() {
        let addresses = [
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
        for address in addresses {
            assert!(!is_reachable(address.parse().unwrap(), &[]), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_reachable() {
        for address in ["23.227.38.65", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(is_reachable(address.parse().unwrap(), &[]), "{address}");
        }
    }

    #[test]
    fn an_opened_block_makes_only_its_own_addresses_reachable() {
        let networks = ["10.20.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        assert!(is_reachable("10.20.7.7".parse().unwrap(), &networks));
        assert!(is_reachable("::ffff:10.20.7.7".parse().unwrap(), &networks));
        assert!(is_reachable("fd12::1".parse().unwrap(), &networks));
        assert!(!is_reachable("10.21.0.1".parse().unwrap(), &networks));
    }

    #[test]
    fn a_block_is_parsed_from_cidr_notation() {
        for wrong in ["10.0.0.0/33", "ten/8", "::/129", "10.0.0/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        let one: Network = "10.0.0.1".parse().unwrap();
        assert!(one.contains("10.0.0.1".parse().unwrap()) && !one.contains("10.0.0.2".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()));
    }
}
