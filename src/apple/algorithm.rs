//! Algorithm identifiers (RFC 5280 §4.1.1.2): an algorithm and its parameters, as certificates and messages name them.

use super::ber::{BerError, Element, Oid, Tag};

/// An AlgorithmIdentifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmIdentifier<'a> {
    /// The algorithm.
    pub algorithm: Oid<'a>,
    /// Its parameters.
    pub parameters: Parameters<'a>,
}

/// The parameters of an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameters<'a> {
    /// None, or NULL, which stands for none: RSA and the digests have it, ECDSA has not, and both are read either way
    /// (RFC 3370 §2.1, RFC 5754 §2).
    None,
    /// An object identifier: the curve of a public key on it.
    Oid(Oid<'a>),
    /// Anything else, not looked into: no algorithm that is accepted has any.
    Other,
}

impl<'a> AlgorithmIdentifier<'a> {
    /// Reads an AlgorithmIdentifier.
    ///
    /// # Errors
    /// The element is none.
    pub fn read(element: Element<'a>) -> Result<Self, BerError> {
        let mut fields = element
            .expect(Tag::SEQUENCE, "an algorithm identifier")?
            .reader()?;
        let algorithm = fields.any("an algorithm")?.oid()?;
        let parameters = match fields.next()? {
            None => Parameters::None,
            Some(parameters) if parameters.null().is_ok() => Parameters::None,
            Some(parameters) => parameters.oid().map_or(Parameters::Other, Parameters::Oid),
        };
        fields.end("algorithm parameters")?;
        Ok(Self {
            algorithm,
            parameters,
        })
    }

    /// The algorithm, if it has no parameters: of those that are accepted, only keys on a curve have some.
    pub fn without_parameters(self) -> Option<Oid<'a>> {
        (self.parameters == Parameters::None).then_some(self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apple::ber::Reader;

    fn read(bytes: &[u8]) -> Result<AlgorithmIdentifier<'_>, BerError> {
        AlgorithmIdentifier::read(Reader::new(bytes).any("it")?)
    }

    #[test]
    fn null_stands_for_none() {
        let none = read(&[0x30, 3, 6, 1, 0x2a]).unwrap();
        assert_eq!(none, read(&[0x30, 5, 6, 1, 0x2a, 5, 0]).unwrap());
        assert_eq!(none.without_parameters(), Some(Oid(&[0x2a])));
    }

    #[test]
    fn other_parameters_are_told_apart() {
        let curve = read(&[0x30, 6, 6, 1, 0x2a, 6, 1, 0x2b]).unwrap();
        assert_eq!(curve.parameters, Parameters::Oid(Oid(&[0x2b])));
        assert_eq!(curve.without_parameters(), None);
        for other in [
            &[0x30, 6, 6, 1, 0x2a, 2, 1, 7][..],
            &[0x30, 6, 6, 1, 0x2a, 5, 1, 0],
            &[0x30, 6, 6, 1, 0x2a, 6, 1, 0x80],
            &[0x30, 7, 6, 1, 0x2a, 0x30, 2, 5, 9],
        ] {
            let other = read(other).unwrap();
            assert_eq!(other.parameters, Parameters::Other, "{other:?}");
            assert_eq!(other.without_parameters(), None);
        }
    }

    #[test]
    fn nothing_else_may_stand_there() {
        for bad in [
            &[0x30, 0][..],
            &[0x31, 3, 6, 1, 0x2a],
            &[0x30, 3, 2, 1, 7],
            &[0x30, 7, 6, 1, 0x2a, 5, 0, 5, 0],
            &[0x30, 5, 6, 1, 0x2a, 5, 1],
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
