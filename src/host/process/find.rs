//! Finding a program as a shell finds it.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The program that `name` means: a path where it holds a slash, else a name that is looked up in the directories of
/// `search`, which is written as `PATH` is. `None` if no such file can be run.
pub fn find_program(name: &OsStr, search: &OsStr) -> Option<PathBuf> {
    let path = Path::new(name);
    if name.as_encoded_bytes().contains(&b'/') {
        return is_program(path).then(|| path.to_owned());
    }
    env::split_paths(search)
        .map(|directory| directory.join(path))
        .find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_name_is_looked_up_in_order_and_a_path_is_taken_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let plain = make("a/tool", 0o644);
        let program = make("b/tool", 0o755);
        make("c/tool", 0o755);
        let search = env::join_paths(["a", "b", "c"].map(|name| directory.path().join(name)));
        let search = search.unwrap();
        let find = |name: &OsStr| find_program(name, &search);
        assert_eq!(find("tool".as_ref()), Some(program.clone()));
        assert_eq!(find("other".as_ref()), None);
        assert_eq!(find(program.as_os_str()), Some(program));
        assert_eq!(find(plain.as_os_str()), None);
    }
}
