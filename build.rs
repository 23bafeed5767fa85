//! Tells the program from which sources it is built: what one build has proven is not taken for what another would prove.
//!
//! The version alone does not tell builds apart, because a checkout may be built at any commit. So all that decides what is
//! proven goes into one number: the sources, and which libraries they are built with. It guards against mistakes and not
//! against people; whoever can choose the sources chooses the program.

use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    let mut number = Number(0xcbf2_9ce4_8422_2325);
    for path in ["src", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
        number.add_all(Path::new(path))?;
    }
    println!("cargo::rustc-env=COUNTERSIGN_SOURCES={:016x}", number.0);
    Ok(())
}

/// FNV-1a with 64 bits.
struct Number(u64);

impl Number {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
        // No two lists of texts look alike.
        self.add_length(bytes.len());
    }

    fn add_length(&mut self, length: usize) {
        for byte in length.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    /// Adds a file, or a folder with all that is in it, in the order of names.
    fn add_all(&mut self, path: &Path) -> io::Result<()> {
        self.add(path.as_os_str().as_encoded_bytes());
        if !path.is_dir() {
            // Whoever builds from a package may have no lock file.
            return match fs::read(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                read => read.map(|bytes| self.add(&bytes)),
            };
        }
        let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
        let mut paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
        paths.sort();
        paths.iter().try_for_each(|path| self.add_all(path))
    }
}
