//! SuperBlobs: an index of blobs, each with a magic number and a length (`superblob.h`, `blob.h`).
//!
//! Apple's reader takes any blob that lies within; of two with one type it takes the first. The strict check also wants
//! them to lie side by side, from the end of the index to the end of the whole. Both answers are given here:
//! [`SuperBlob::parse`] refuses what every system refuses, [`SuperBlob::irregularity`] tells what only the strict check does.

use std::ops::Range;

use super::words::{size, u32_at};

/// `kSecCodeMagicRequirement`.
pub const REQUIREMENT: u32 = 0xfade_0c00;
/// `kSecCodeMagicRequirementSet`.
pub const REQUIREMENT_SET: u32 = 0xfade_0c01;
/// `kSecCodeMagicCodeDirectory`.
pub const CODE_DIRECTORY: u32 = 0xfade_0c02;
/// `kSecCodeMagicEmbeddedSignature`.
pub const EMBEDDED_SIGNATURE: u32 = 0xfade_0cc0;
/// `kSecCodeMagicEntitlement`.
pub const ENTITLEMENTS: u32 = 0xfade_7171;
/// `kSecCodeMagicEntitlementDER`.
pub const ENTITLEMENTS_DER: u32 = 0xfade_7172;
/// `CSMAGIC_BLOBWRAPPER`: around the CMS message.
pub const WRAPPER: u32 = 0xfade_0b01;

/// How many bytes the magic number and the length of a blob have.
pub const HEADER: usize = 8;

/// The most blobs of one index: a signature with every component and alternate has 20.
pub const MAX_BLOBS: usize = 64;

/// Why bytes are not a blob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Another magic number.
    #[error("magic number {found:#010x} instead of {expected:#010x}")]
    Magic {
        /// The one that was wanted.
        expected: u32,
        /// The one that is there.
        found: u32,
    },
    /// The blob, or one inside of it, does not lie within what holds it.
    #[error("{0} reaches beyond the end")]
    Extent(&'static str),
    /// More blobs than any signature has.
    #[error("{0} blobs; at most {MAX_BLOBS} are read")]
    TooMany(u32),
    /// The length of the blob is not the one of the bytes.
    #[error("a blob of {said} bytes in {found} bytes")]
    Length {
        /// What the header says.
        said: usize,
        /// How many there are.
        found: usize,
    },
}

/// The magic number of a blob, and the blob without what follows it.
///
/// # Errors
/// It reaches beyond `bytes`.
pub fn blob(bytes: &[u8]) -> Result<(u32, &[u8]), BlobError> {
    let header = || Some((u32_at(bytes, 0)?, size(u32_at(bytes, 4)?)));
    let (magic, length) = header().ok_or(BlobError::Extent("the header of a blob"))?;
    if length < HEADER {
        return Err(BlobError::Extent("the header of a blob"));
    }
    let blob = bytes.get(..length).ok_or(BlobError::Extent("a blob"))?;
    Ok((magic, blob))
}

/// What follows the header of a blob that has this magic number and fills `bytes`.
///
/// # Errors
/// It does not.
pub fn payload(bytes: &[u8], magic: u32) -> Result<&[u8], BlobError> {
    let (found, whole) = blob(bytes)?;
    if found != magic {
        return Err(BlobError::Magic {
            expected: magic,
            found,
        });
    }
    if whole.len() != bytes.len() {
        return Err(BlobError::Length {
            said: whole.len(),
            found: bytes.len(),
        });
    }
    Ok(whole.get(HEADER..).unwrap_or_default())
}

/// An index of blobs, and the bytes that it was read from.
#[derive(Debug, Clone)]
pub struct SuperBlob<'a> {
    bytes: &'a [u8],
    /// Type and place of each blob that is there, in the order of the index.
    entries: Vec<(u32, Range<usize>)>,
    /// How many entries the index has, empty ones too.
    count: usize,
}

impl<'a> SuperBlob<'a> {
    /// Reads the index at the beginning of `bytes`; what follows the SuperBlob is left.
    ///
    /// # Errors
    /// Another magic number, too many blobs, or one that does not lie within.
    pub fn parse(bytes: &'a [u8], magic: u32) -> Result<Self, BlobError> {
        let (found, bytes) = blob(bytes)?;
        if found != magic {
            return Err(BlobError::Magic {
                expected: magic,
                found,
            });
        }
        let count = u32_at(bytes, HEADER).ok_or(BlobError::Extent("the index"))?;
        if size(count) > MAX_BLOBS {
            return Err(BlobError::TooMany(count));
        }
        let count = size(count);
        let index_end = HEADER + 4 + count * 8;
        if bytes.len() < index_end {
            return Err(BlobError::Extent("the index"));
        }
        let mut entries = Vec::with_capacity(count);
        for position in 0..count {
            let at = HEADER + 4 + position * 8;
            let (Some(kind), Some(offset)) = (u32_at(bytes, at), u32_at(bytes, at + 4)) else {
                return Err(BlobError::Extent("the index"));
            };
            let offset = size(offset);
            // An entry without a place is none.
            if offset == 0 {
                continue;
            }
            let rest = bytes
                .get(offset..)
                .filter(|_| offset >= index_end)
                .ok_or(BlobError::Extent("a blob"))?;
            let (_, whole) = blob(rest)?;
            entries.push((kind, offset..offset + whole.len()));
        }
        Ok(Self {
            bytes,
            entries,
            count,
        })
    }

    /// How many bytes it has.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The blob of a type, header included: the first, where there are several.
    pub fn find(&self, kind: u32) -> Option<&'a [u8]> {
        let mut entries = self.entries.iter();
        let (_, place) = entries.find(|(found, _)| *found == kind)?;
        self.bytes.get(place.clone())
    }

    /// Every blob with its type, in the order of the index.
    pub fn blobs(&self) -> impl Iterator<Item = (u32, &'a [u8])> {
        let bytes = self.bytes;
        self.entries
            .iter()
            .filter_map(move |(kind, place)| Some((*kind, bytes.get(place.clone())?)))
    }

    /// What the strict check objects to: a type that stands twice, gaps, overlaps, and bytes behind the last blob
    /// (`strictValidateBlob`); `None` where it objects to nothing.
    pub fn irregularity(&self) -> Option<String> {
        for (position, (kind, _)) in self.entries.iter().enumerate() {
            let earlier = self.entries.get(..position).unwrap_or_default();
            if earlier.iter().any(|(found, _)| found == kind) {
                return Some(format!("the {} stands twice", super::slot::name(*kind)));
            }
        }
        let mut places: Vec<&Range<usize>> = self.entries.iter().map(|(_, place)| place).collect();
        places.sort_by_key(|place| place.start);
        let mut end = HEADER + 4 + self.count * 8;
        for place in places {
            if place.start != end {
                let what = if place.start < end {
                    "two blobs overlap"
                } else {
                    "bytes between the blobs belong to none"
                };
                return Some(what.to_owned());
            }
            end = place.end;
        }
        (end != self.bytes.len()).then(|| "bytes behind the last blob belong to none".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(magic: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len() + HEADER).unwrap();
        [&magic.to_be_bytes()[..], &length.to_be_bytes(), payload].concat()
    }

    fn index(entries: &[(u32, u32)], rest: &[u8]) -> Vec<u8> {
        let mut payload = u32::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
        for (kind, offset) in entries {
            payload.extend(kind.to_be_bytes());
            payload.extend(offset.to_be_bytes());
        }
        payload.extend(rest);
        leaf(EMBEDDED_SIGNATURE, &payload)
    }

    #[test]
    fn blobs_are_found_by_type_and_the_first_wins() {
        let one = leaf(ENTITLEMENTS, b"a");
        let other = leaf(ENTITLEMENTS, b"b");
        let bytes = index(&[(5, 28), (5, 37)], &[one.clone(), other].concat());
        let found = SuperBlob::parse(&bytes, EMBEDDED_SIGNATURE).unwrap();
        assert_eq!(found.find(5), Some(&one[..]));
        assert_eq!(found.find(6), None);
        assert_eq!(found.blobs().count(), 2);
        assert_eq!(
            found.irregularity().unwrap(),
            "the entitlements stands twice"
        );
    }

    #[test]
    fn blobs_that_do_not_lie_within_are_refused() {
        let one = leaf(ENTITLEMENTS, b"a");
        for offset in [8, 19, 21, 30, u32::MAX] {
            let bytes = index(&[(5, offset)], &one);
            assert!(
                SuperBlob::parse(&bytes, EMBEDDED_SIGNATURE).is_err(),
                "{offset}"
            );
        }
        let whole = index(&[(5, 20)], &one);
        for end in 0..whole.len() {
            assert!(SuperBlob::parse(&whole[..end], EMBEDDED_SIGNATURE).is_err());
        }
        assert!(SuperBlob::parse(&whole, REQUIREMENT_SET).is_err());
        assert!(SuperBlob::parse(&whole, EMBEDDED_SIGNATURE).is_ok());
        let many = index(&[(5, 0); MAX_BLOBS + 1], &[]);
        let error = SuperBlob::parse(&many, EMBEDDED_SIGNATURE).unwrap_err();
        assert_eq!(error, BlobError::TooMany(65));
        let mut lying = whole;
        lying[8..12].copy_from_slice(&3u32.to_be_bytes());
        assert!(SuperBlob::parse(&lying, EMBEDDED_SIGNATURE).is_err());
    }

    #[test]
    fn gaps_overlaps_and_bytes_behind_are_irregular() {
        let one = leaf(ENTITLEMENTS, b"a");
        let regular = index(&[(5, 20)], &one);
        let says = |bytes: &[u8]| {
            SuperBlob::parse(bytes, EMBEDDED_SIGNATURE)
                .unwrap()
                .irregularity()
        };
        assert_eq!(says(&regular), None);
        let gap = index(&[(5, 21)], &[&[0], &one[..]].concat());
        assert_eq!(
            says(&gap).unwrap(),
            "bytes between the blobs belong to none"
        );
        let behind = index(&[(5, 20)], &[&one[..], &[0]].concat());
        assert_eq!(
            says(&behind).unwrap(),
            "bytes behind the last blob belong to none"
        );
        let overlap = index(&[(5, 28), (7, 28)], &one);
        assert_eq!(says(&overlap).unwrap(), "two blobs overlap");
        // An entry without a place is none, though the index keeps room for it.
        assert_eq!(says(&index(&[(5, 28), (7, 0)], &one)), None);
    }
}
