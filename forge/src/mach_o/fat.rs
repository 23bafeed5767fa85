//! Files of several slices: a big-endian table, then each slice at its own alignment with zeros between.
//!
//! Apple's reader looks one entry behind the table's end for an arm64 slice: old systems must not see that one. A file
//! can hide it so.

use super::Arch;

/// One slice: its processor and its bytes.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The processor that the table names.
    pub arch: Arch,
    /// A thin Mach-O.
    pub image: Vec<u8>,
}

/// A fat file to be made.
#[derive(Clone, Debug)]
pub struct Fat {
    /// The slices in their order.
    pub slices: Vec<Slice>,
    /// log2 of every slice's alignment; 14 is what `lipo` takes for the present processors.
    pub align: u32,
    /// Whether the last slice stands behind the counted ones.
    pub hidden_last: bool,
    /// What fills the gaps: zero unless somebody hides something there.
    pub padding: u8,
    /// What follows the last slice: nothing unless somebody hides something there.
    pub trailing: Vec<u8>,
}

impl Fat {
    /// An honest file of these slices.
    pub fn new(slices: Vec<Slice>) -> Self {
        Self {
            slices,
            align: 14,
            hidden_last: false,
            padding: 0,
            trailing: Vec::new(),
        }
    }

    /// Offset and size of each slice.
    pub fn places(&self) -> Vec<(usize, usize)> {
        let mut at = 8 + 20 * self.slices.len();
        let mut places = Vec::new();
        for slice in &self.slices {
            at = at.next_multiple_of(1 << self.align);
            places.push((at, slice.image.len()));
            at += slice.image.len();
        }
        places
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let counted = self.slices.len() - usize::from(self.hidden_last);
        let mut out = Vec::new();
        out.extend(0xcafe_babe_u32.to_be_bytes());
        out.extend((counted as u32).to_be_bytes());
        let places = self.places();
        for (slice, (offset, size)) in self.slices.iter().zip(&places) {
            let (cpu, subtype) = slice.arch.cpu();
            for word in [cpu, subtype, *offset as u32, *size as u32, self.align] {
                out.extend(word.to_be_bytes());
            }
        }
        for (slice, (offset, _)) in self.slices.iter().zip(&places) {
            out.resize(*offset, self.padding);
            out.extend_from_slice(&slice.image);
        }
        out.extend_from_slice(&self.trailing);
        out
    }
}
