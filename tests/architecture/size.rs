//! Small files.

use std::fs;

use super::hold;
use super::source::{files, relative};

/// One noun each needs no more.
const LONGEST: usize = 800;

#[test]
fn no_file_is_longer_than_800_lines() {
    let mut offences = Vec::new();
    for folder in [
        "src",
        "tests",
        "forge",
        "benches",
        "examples",
        "fuzz/examples",
        "fuzz/fuzz_targets",
    ] {
        for file in files(folder) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            if lines > LONGEST {
                offences.push(format!("{}: {lines} lines", relative(&file)));
            }
        }
    }
    hold("no_file_is_longer_than_800_lines", &offences);
}
