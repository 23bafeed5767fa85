//! Where a hash stands among thousands that are in order.
//!
//! A binary search looks at a dozen of them, and each look waits for memory. Hashes are spread evenly, so their first bits
//! tell the place: the index remembers where those with the same first bits begin, and between two such places stands one
//! hash or two. Hashes that somebody chose to have the same first bits cost what a binary search costs.

use std::ops::Range;

/// An index over a list of hashes, by their first eight bytes as a number.
#[derive(Debug, Clone, Default)]
pub struct HashIndex {
    /// For each value of the first bits where its hashes begin, and in the end how many hashes there are.
    starts: Vec<u32>,
    /// How many bits the others are.
    others: u32,
}

impl HashIndex {
    /// An index over hashes that are in order. Of hashes in any other order some are not found.
    /// A list of more than four billion has no index: nothing is found in it.
    pub fn new(leading: impl ExactSizeIterator<Item = u64>) -> Self {
        let Ok(count) = u32::try_from(leading.len()) else {
            return Self::default();
        };
        let bits = (u32::BITS - count.leading_zeros()).clamp(1, 24);
        let others = u64::BITS - bits;
        let mut starts = vec![0; (1 << bits) + 1];
        for (end, hash) in (1..).zip(leading) {
            if let Some(next) = starts.get_mut(first_bits(hash, others).saturating_add(1)) {
                *next = end;
            }
        }
        let mut most = 0_u32;
        for start in &mut starts {
            most = most.max(*start);
            *start = most;
        }
        Self { starts, others }
    }

    /// Where hashes stand that begin as this one; if it is in the list, it is there.
    pub fn range(&self, hash: u64) -> Range<usize> {
        let first = first_bits(hash, self.others);
        let at = |bits: usize| self.starts.get(bits).map(|start| *start as usize);
        let start = at(first).unwrap_or_default();
        start..at(first.saturating_add(1)).unwrap_or(start)
    }
}

fn first_bits(hash: u64, others: u32) -> usize {
    usize::try_from(hash.checked_shr(others).unwrap_or_default()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are spread evenly.
    fn spread(count: u64) -> Vec<u64> {
        let mut spread: Vec<u64> = (1..=count)
            .map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .collect();
        spread.sort_unstable();
        spread
    }

    #[test]
    fn every_hash_of_the_list_is_where_the_index_says() {
        let chosen: Vec<u64> = (0..300).map(|low| 7 << 40 | low).collect();
        let lists = [
            Vec::new(),
            vec![0],
            vec![u64::MAX],
            vec![0, 0, u64::MAX, u64::MAX],
            spread(2),
            spread(1_000),
            chosen,
        ];
        for list in lists {
            let index = HashIndex::new(list.iter().copied());
            for (at, hash) in list.iter().enumerate() {
                assert!(index.range(*hash).contains(&at), "{at} of {}", list.len());
            }
            for absent in spread(50) {
                let range = index.range(absent);
                assert!(range.start <= range.end && range.end <= list.len());
            }
        }
        assert_eq!(HashIndex::default().range(9), 0..0);
    }

    #[test]
    fn few_hashes_begin_alike() {
        let list = spread(10_000);
        let index = HashIndex::new(list.iter().copied());
        let most = list.iter().map(|hash| index.range(*hash).len()).max();
        assert!(most < Some(8), "{most:?}");
    }

    #[test]
    fn a_list_that_is_not_in_order_gives_ranges_inside_of_it() {
        let mut list = spread(1_000);
        list.reverse();
        let index = HashIndex::new(list.iter().copied());
        for hash in &list {
            let range = index.range(*hash);
            assert!(range.start <= range.end && range.end <= list.len());
        }
    }
}
