//! Writes the minted files below `fixtures/`: see `scripts/make-fixtures`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    match write(root) {
        Ok(written) => {
            println!("{written} files written below fixtures/");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("make-fixtures: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes what differs, so that a second run writes nothing, and the p12's salts change only when its contents do.
fn write(root: &Path) -> std::io::Result<usize> {
    let mut written = 0;
    for (path, bytes) in forge::fixtures::all() {
        let file = root.join(&path);
        if std::fs::read(&file).is_ok_and(|old| forge::fixtures::same(&path, &old, &bytes)) {
            continue;
        }
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(file, bytes)?;
        written += 1;
    }
    Ok(written)
}
