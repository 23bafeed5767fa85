//! Name constraints (RFC 5280 §4.2.1.10): the names that certificates below an authority may have.
//!
//! They hold for the subject and the alternative names of every certificate below, for the mailboxes in its subject, and
//! for the common name of a signer without a host's name among the alternative ones, if it looks like a host's: OpenSSL and
//! Apple do the same. A name that cannot be compared, and a constraint of a form that is not evaluated, refuse.

use super::general_name::GeneralName;
use super::name::{COMMON_NAME, EMAIL, Name};
use crate::apple::ber::{BerError, Element, Problem, Reader, Tag};

/// The constraints of one authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameConstraints<'a> {
    permitted: Vec<GeneralName<'a>>,
    excluded: Vec<GeneralName<'a>>,
}

impl<'a> NameConstraints<'a> {
    /// Reads NameConstraints from their own encoding.
    ///
    /// # Errors
    /// The bytes are none, or a subtree has a minimum or maximum, which RFC 5280 does not use.
    pub(super) fn from_der(der: &'a [u8]) -> Result<Self, BerError> {
        let mut reader = Reader::new(der);
        let constraints = reader.read(Tag::SEQUENCE, "name constraints")?;
        reader.end("the name constraints")?;
        let mut fields = constraints.reader()?;
        let permitted = fields.optional(Tag::context(0))?;
        let excluded = fields.optional(Tag::context(1))?;
        fields.end("the name constraints")?;
        let subtrees = |subtrees: Option<Element<'a>>| subtrees.map_or(Ok(Vec::new()), subtrees_in);
        Ok(Self {
            permitted: subtrees(permitted)?,
            excluded: subtrees(excluded)?,
        })
    }

    /// Whether all of these names are allowed.
    pub(super) fn allow(&self, names: &[GeneralName<'_>]) -> bool {
        let is_evaluated =
            |constraint: &GeneralName<'_>| !matches!(constraint, GeneralName::Other(_));
        self.permitted
            .iter()
            .chain(&self.excluded)
            .all(is_evaluated)
            && names.iter().all(|name| self.allows(name))
    }

    fn allows(&self, name: &GeneralName<'_>) -> bool {
        let mut permitted = self
            .permitted
            .iter()
            .filter_map(|constraint| holds(constraint, name))
            .peekable();
        let is_free = permitted.peek().is_none();
        let is_permitted = is_free || permitted.any(|matching| matching == Matching::Yes);
        let mut excluded = self
            .excluded
            .iter()
            .filter_map(|constraint| holds(constraint, name));
        is_permitted && excluded.all(|matching| matching == Matching::No)
    }
}

fn subtrees_in(element: Element<'_>) -> Result<Vec<GeneralName<'_>>, BerError> {
    let mut subtrees = Vec::new();
    let mut reader = element.reader()?;
    while let Some(subtree) = reader.next()? {
        let mut fields = subtree.expect(Tag::SEQUENCE, "a subtree")?.reader()?;
        let name = GeneralName::read(fields.any("a name")?)?;
        fields.end("the name of a subtree")?;
        if matches!(name, GeneralName::Ip(network) if !matches!(network.len(), 8 | 32)) {
            return Err(BerError {
                offset: subtree.offset,
                problem: Problem::Malformed("network"),
            });
        }
        subtrees.push(name);
    }
    if subtrees.is_empty() {
        reader.any("a subtree")?;
    }
    Ok(subtrees)
}

/// The names of a certificate that constraints are about.
///
/// # Errors
/// One is malformed.
pub(super) fn names_of<'a>(
    subject: &'a Name<'a>,
    alternative: Option<&'a [u8]>,
    is_signer: bool,
) -> Result<Vec<GeneralName<'a>>, BerError> {
    let mut names = match alternative {
        None => Vec::new(),
        Some(value) => GeneralName::read_all(Reader::new(value).any("names")?)?,
    };
    let has_host = names.iter().any(|name| matches!(name, GeneralName::Dns(_)));
    if !subject.is_empty() {
        names.push(GeneralName::Directory(subject.clone()));
    }
    names.extend(subject.texts(EMAIL).map(GeneralName::Email));
    if is_signer && !has_host {
        let common_names = subject.texts(COMMON_NAME);
        names.extend(
            common_names
                .filter(|name| is_like_a_host(name))
                .map(GeneralName::Dns),
        );
    }
    Ok(names)
}

/// Whether a text could be a host's name: labels of letters, digits, hyphens and underscores, more than one of them.
fn is_like_a_host(text: &str) -> bool {
    let mut labels = text.split('.');
    labels.clone().count() > 1
        && labels.all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
}

/// Whether a name is below a constraint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Matching {
    Yes,
    No,
    /// The name is such that it cannot be told.
    Unknown,
}

impl From<bool> for Matching {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

/// Whether `name` is below `constraint`; `None` if they are of different forms.
fn holds(constraint: &GeneralName<'_>, name: &GeneralName<'_>) -> Option<Matching> {
    Some(match (constraint, name) {
        (GeneralName::Directory(base), GeneralName::Directory(name)) => {
            name.starts_with(base).into()
        }
        (GeneralName::Dns(base), GeneralName::Dns(name)) => is_in_domain(name, base).into(),
        (GeneralName::Email(base), GeneralName::Email(name)) => mailbox(name, base),
        (GeneralName::Uri(base), GeneralName::Uri(name)) => match host(name) {
            Some(host) => is_host_or_below(host, base).into(),
            None => Matching::Unknown,
        },
        (GeneralName::Ip(base), GeneralName::Ip(address)) => network(address, base),
        _ => return None,
    })
}

/// Whether a host is `base` or has further labels in front of it; an empty `base` is every host's.
fn is_in_domain(name: &str, base: &str) -> bool {
    match strip_suffix(name, base) {
        Some(labels) => {
            labels.is_empty() || base.is_empty() || base.starts_with('.') || labels.ends_with('.')
        }
        None => false,
    }
}

/// Whether a host is `base`, or below it where it begins with a point.
fn is_host_or_below(host: &str, base: &str) -> bool {
    match strip_suffix(host, base) {
        Some("") => !base.starts_with('.'),
        Some(_) => base.starts_with('.'),
        None => false,
    }
}

/// What stands in front of `suffix`, whose letters may be of either case.
fn strip_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (front, back) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    back.eq_ignore_ascii_case(suffix).then_some(front)
}

/// A mailbox against a mailbox, a host or a domain.
fn mailbox(name: &str, base: &str) -> Matching {
    let Some((local, host)) = name.rsplit_once('@') else {
        return Matching::Unknown;
    };
    match base.rsplit_once('@') {
        Some(("", base)) => host.eq_ignore_ascii_case(base).into(),
        Some((base_local, base)) => {
            // Letter case counts in front of the sign and not behind it.
            (local == base_local && host.eq_ignore_ascii_case(base)).into()
        }
        None => is_host_or_below(host, base).into(),
    }
}

/// The host of a URI that has one.
fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    // An address in brackets is no host's name.
    let host = host.split(':').next()?;
    (!host.is_empty() && !host.starts_with('[')).then_some(host)
}

/// An address against a network. One of IPv6 is not in a network of IPv4.
fn network(address: &[u8], base: &[u8]) -> Matching {
    let Some((network, mask)) = base.split_at_checked(base.len() / 2) else {
        return Matching::Unknown;
    };
    if !matches!(address.len(), 4 | 16) {
        return Matching::Unknown;
    }
    let mut bytes = address.iter().zip(network).zip(mask);
    let is_inside = address.len() == network.len()
        && bytes.all(|((byte, network), mask)| byte & mask == network & mask);
    is_inside.into()
}
