//! Which host is asked.

use std::net::SocketAddr;

/// The host that requests go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    base: String,
    is_loopback: bool,
}

impl Origin {
    /// Apple's.
    pub fn apple() -> Self {
        Self {
            base: "https://api.appstoreconnect.apple.com".to_owned(),
            is_loopback: false,
        }
    }

    /// A stand-in on this machine, without TLS; none if the address is one of another machine.
    pub fn loopback(address: SocketAddr) -> Option<Self> {
        address.ip().is_loopback().then(|| Self {
            base: format!("http://{address}"),
            is_loopback: true,
        })
    }

    /// Scheme and host, without a path.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether it is on this machine, where no proxy leads.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_on_this_machine_or_is_none() {
        for far in ["192.0.2.1:80", "[2001:db8::1]:80", "0.0.0.0:80"] {
            assert_eq!(Origin::loopback(far.parse().unwrap()), None, "{far}");
        }
        let near = Origin::loopback("127.0.0.1:8080".parse().unwrap()).unwrap();
        assert_eq!(near.base(), "http://127.0.0.1:8080");
        assert!(Origin::loopback("[::1]:80".parse().unwrap()).is_some());
        assert!(!Origin::apple().is_loopback());
    }
}
