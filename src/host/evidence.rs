//! What the kernel and the loader say of this process: libraries that somebody put into it, and namespaces.
//!
//! Observed here, judged in `context::gate::process`. What can be seen is what the environment tells the loader, and on Linux
//! what the system tells it, which libraries are mapped, and the namespaces in `/proc`. What cannot be seen: a library that
//! also changes how this process reads `/proc` and its environment, code that a debugger writes into it, and a kernel that
//! lies. On macOS nothing but the environment is looked at; the loader ignores it for programs with the hardened runtime.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

use std::ffi::{OsStr, OsString};

#[cfg(not(target_os = "linux"))]
use self::elsewhere as system;
#[cfg(target_os = "linux")]
use self::linux as system;
use super::node::OsFamily;
use crate::context::gate::facts::{Evidence, HostEvidence};

/// The longest value of a variable that is told, in characters.
const SHOWN: usize = 200;

/// Looks at this process, whose environment is `variables`.
pub fn observe(host: HostEvidence, variables: &[(OsString, OsString)]) -> Evidence {
    Evidence {
        host,
        preloaded: preloaded(variables),
        user_namespace: system::user_namespace(),
        uts_namespace: system::uts_namespace(),
    }
}

fn preloaded(variables: &[(OsString, OsString)]) -> Option<Vec<String>> {
    let os = OsFamily::current();
    let mut found = told(os, variables);
    found.extend(told(os, &system::first_environment()));
    found.extend(system::told_by_the_system());
    found.extend(system::mapped()?);
    let mut seen = std::collections::HashSet::new();
    found.retain(|entry| seen.insert(entry.clone()));
    Some(found)
}

/// The variables by which a loader of `os` takes in libraries that nobody asked for. A path that is only searched
/// (`LD_LIBRARY_PATH`) puts nothing into a process by itself on Linux, where what is mapped can be seen; what dyld falls back to
/// and what it prints do neither.
fn told(os: OsFamily, variables: &[(OsString, OsString)]) -> Vec<String> {
    let is_meant = |name: &OsStr| {
        let name = name.to_string_lossy();
        match os {
            OsFamily::MacOs => name
                .strip_prefix("DYLD_")
                .is_some_and(|rest| !rest.starts_with("FALLBACK_") && !rest.starts_with("PRINT_")),
            OsFamily::Linux | OsFamily::Other => ["LD_PRELOAD", "LD_AUDIT"].contains(&&*name),
        }
    };
    variables
        .iter()
        .filter(|(name, value)| is_meant(name) && !value.is_empty())
        .map(|(name, value)| {
            let value: String = value.to_string_lossy().chars().take(SHOWN).collect();
            format!("{}={value}", name.display())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loader_has_its_variables() {
        let variables: Vec<(OsString, OsString)> = [
            ("HOME", "/home"),
            ("LD_PRELOAD", "/a.so:/b.so"),
            ("LD_AUDIT", ""),
            ("LD_LIBRARY_PATH", "/lib"),
            ("DYLD_INSERT_LIBRARIES", "/a.dylib"),
            ("DYLD_LIBRARY_PATH", "/lib"),
            ("DYLD_FALLBACK_LIBRARY_PATH", "/lib"),
            ("DYLD_PRINT_LIBRARIES", "1"),
            ("NO_DYLD_", "x"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        assert_eq!(
            told(OsFamily::Linux, &variables),
            ["LD_PRELOAD=/a.so:/b.so"]
        );
        assert_eq!(
            told(OsFamily::MacOs, &variables),
            ["DYLD_INSERT_LIBRARIES=/a.dylib", "DYLD_LIBRARY_PATH=/lib"]
        );
    }

    #[test]
    fn a_process_that_nothing_was_put_into_says_so() {
        assert_eq!(preloaded(&[]), Some(Vec::new()));
    }
}
