//! How many requests are left: `X-Rate-Limit: user-hour-lim:3500;user-hour-rem:500;`, for a rolling hour (Apple's
//! "Identifying Rate Limits").

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests an hour has.
    pub limit: u64,
    /// How many of them are left.
    pub remaining: u64,
}

impl RateLimit {
    /// Reads the header; none if it says something else.
    pub fn parse(header: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut parts = header.split(';');
            parts.find_map(|part| part.trim().strip_prefix(name)?.trim().parse().ok())
        };
        Some(Self {
            limit: value("user-hour-lim:")?,
            remaining: value("user-hour-rem:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_and_another_text_is_none() {
        let limit = RateLimit::parse("user-hour-lim:3500;user-hour-rem:12;").unwrap();
        assert_eq!((limit.limit, limit.remaining), (3_500, 12));
        assert_eq!(RateLimit::parse("user-hour-lim:3500"), None);
        assert_eq!(RateLimit::parse("user-hour-lim:x;user-hour-rem:1"), None);
    }
}
