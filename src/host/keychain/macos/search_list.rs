//! The search list: which keychains codesign looks into.
//!
//! It is one list per user, kept in a preferences file that is written without a lock, and `security` can only replace it
//! whole: two jobs that both read, change and write lose one of the changes, and a job that sets it to its own keychain
//! alone takes the login keychain away from everything else on the machine. So: read, change, write and read back under a
//! lock of ours; add at the end, so that nothing that was found before is shadowed; and take out only what we put in.
//!
//! That we put it in is remembered in a marker file, written before the list is changed: a keychain that somebody keeps
//! in the list for good stays there, and after a crash the entry is still known to be ours.
//!
//! What a lock of ours cannot do is stop others. Somebody else's change in the moment between our reading and our writing
//! is lost; reading back finds the opposite case, their writing over ours, and tries again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::securityd::Securityd;
use crate::host::keychain::error::KeychainError;
use crate::host::keychain::path::KeychainPath;
use crate::host::owned_files::{self, Lock};
use crate::host::state_dir::StateDir;

/// The search list of this user, changed under a lock and with memory in the state directory.
#[derive(Debug, Clone)]
pub(super) struct SearchList {
    state: StateDir,
}

impl SearchList {
    /// Keeps its lock and its markers below `state`: one and the same for all of a user's jobs.
    pub(super) fn new(state: StateDir) -> Self {
        Self { state }
    }

    /// Adds `keychain` at the end unless it is there.
    ///
    /// # Errors
    /// The list cannot be read or written, or does not keep what was written.
    pub(super) fn attach(
        &self,
        securityd: &dyn Securityd,
        keychain: &KeychainPath,
    ) -> Result<(), KeychainError> {
        let _lock = self.lock(OF_OPENING)?;
        let marker = self.state.search_list_marker(keychain);
        for _ in 0..ATTEMPTS {
            let mut list = securityd.search_list()?;
            if list.iter().any(|entry| keychain.is(entry)) {
                return Ok(());
            }
            owned_files::replace(&marker, keychain.as_str().as_bytes())?;
            list.push(keychain.as_path().to_owned());
            securityd.set_search_list(&list)?;
            let now = securityd.search_list()?;
            if list.iter().all(|entry| contains(&now, entry)) {
                return Ok(());
            }
        }
        Err(not_kept(keychain, "in the list", "not in it"))
    }

    /// Takes `keychain` out if it was we who put it in. Waits for `patience` for somebody else who changes the list.
    ///
    /// # Errors
    /// The list cannot be read or written, or does not keep what was written.
    pub(super) fn detach(
        &self,
        securityd: &dyn Securityd,
        keychain: &KeychainPath,
        patience: Duration,
    ) -> Result<(), KeychainError> {
        let marker = self.state.search_list_marker(keychain);
        if !marker.exists() && owned_files::half_written(&marker).is_empty() {
            return Ok(()); // never put in by us, or taken out already
        }
        let _lock = self.lock(patience)?;
        for half in owned_files::half_written(&marker) {
            owned_files::remove(&half)?;
        }
        if !marker.exists() {
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            let list = securityd.search_list()?;
            if !list.iter().any(|entry| keychain.is(entry)) {
                return Ok(owned_files::remove(&marker)?);
            }
            let others: Vec<PathBuf> = list
                .into_iter()
                .filter(|entry| !keychain.is(entry))
                .collect();
            securityd.set_search_list(&others)?;
        }
        Err(not_kept(keychain, "not in the list", "in it"))
    }

    fn lock(&self, patience: Duration) -> Result<Lock, KeychainError> {
        owned_files::make_directory(&self.state.search_list())?;
        let lock = Lock::acquire(&self.state.search_list_lock(), patience)?;
        // A write that is under way when we are killed must not come after the next one's.
        lock.share_with_children()?;
        Ok(lock)
    }
}

fn contains(list: &[PathBuf], entry: &Path) -> bool {
    list.iter().any(|other| {
        other == entry || KeychainPath::new(entry).is_ok_and(|keychain| keychain.is(other))
    })
}

fn not_kept(keychain: &KeychainPath, expected: &str, found: &str) -> KeychainError {
    KeychainError::NotDone {
        step: "changing the keychain search list",
        keychain: keychain.clone(),
        expected: expected.into(),
        found: found.into(),
    }
}

/// How long an opening, and an import, waits for who changes the list.
pub(super) const OF_OPENING: Duration = Duration::from_secs(60);
/// How long a closing does: the keychain is locked already, and whoever comes next takes it out.
pub(super) const OF_CLOSING: Duration = Duration::from_secs(5);
/// How often a list that others write over is written again.
const ATTEMPTS: usize = 5;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::apple::certificate::Certificate;
    use crate::host::keychain::kind::LockState;
    use crate::host::keychain::macos::securityd::PreparedLock;

    /// A search list in memory; `forgets` writes are lost, as if another job wrote over them.
    #[derive(Default)]
    struct Memory {
        list: Mutex<Vec<PathBuf>>,
        forgets: Mutex<usize>,
    }

    impl Securityd for Memory {
        fn status(&self, _: &KeychainPath) -> Result<LockState, KeychainError> {
            Ok(LockState::Locked)
        }
        fn lock(&self, _: &KeychainPath) -> Result<(), KeychainError> {
            Ok(())
        }
        fn prepare_lock(
            &self,
            keychain: &KeychainPath,
        ) -> Result<Box<dyn PreparedLock>, KeychainError> {
            Err(KeychainError::Missing(keychain.clone()))
        }
        fn delete(&self, _: &KeychainPath) -> Result<(), KeychainError> {
            Ok(())
        }
        fn search_list(&self) -> Result<Vec<PathBuf>, KeychainError> {
            Ok(self.list.lock().unwrap().clone())
        }
        fn set_search_list(&self, list: &[PathBuf]) -> Result<(), KeychainError> {
            let mut forgets = self.forgets.lock().unwrap();
            match *forgets {
                0 => *self.list.lock().unwrap() = list.to_vec(),
                _ => *forgets -= 1,
            }
            Ok(())
        }
        fn default_keychain(&self) -> Result<Option<PathBuf>, KeychainError> {
            Ok(None)
        }
        fn identities(&self, _: &KeychainPath) -> Result<Vec<Certificate>, KeychainError> {
            Ok(Vec::new())
        }
    }

    fn search_list_in(directory: &tempfile::TempDir) -> SearchList {
        SearchList::new(StateDir::new(directory.path()).unwrap())
    }

    fn keychain(name: &str) -> KeychainPath {
        KeychainPath::new(&Path::new("/k").join(name)).unwrap()
    }

    #[test]
    fn only_our_own_entry_comes_and_goes_and_the_order_stays() {
        let directory = tempfile::tempdir().unwrap();
        let search_list = search_list_in(&directory);
        let securityd = Memory::default();
        let before = vec![PathBuf::from("/k/login.keychain-db"), PathBuf::from("/k/b")];
        securityd.set_search_list(&before).unwrap();
        let ours = keychain("ci.keychain-db");
        search_list.attach(&securityd, &ours).unwrap();
        search_list.attach(&securityd, &ours).unwrap();
        let with_ours = [before.clone(), vec![ours.as_path().to_owned()]].concat();
        assert_eq!(securityd.search_list().unwrap(), with_ours);
        search_list.detach(&securityd, &ours, OF_CLOSING).unwrap();
        search_list.detach(&securityd, &ours, OF_CLOSING).unwrap();
        assert_eq!(securityd.search_list().unwrap(), before);
    }

    #[test]
    fn an_entry_that_somebody_keeps_there_for_good_stays() {
        let directory = tempfile::tempdir().unwrap();
        let search_list = search_list_in(&directory);
        let securityd = Memory::default();
        let ours = keychain("ci.keychain-db");
        let before = vec![ours.as_path().to_owned()];
        securityd.set_search_list(&before).unwrap();
        search_list.attach(&securityd, &ours).unwrap();
        search_list.detach(&securityd, &ours, OF_CLOSING).unwrap();
        assert_eq!(securityd.search_list().unwrap(), before);
    }

    #[test]
    fn an_entry_that_a_crash_left_is_still_known_to_be_ours() {
        let directory = tempfile::tempdir().unwrap();
        let securityd = Memory::default();
        let ours = keychain("ci.keychain-db");
        search_list_in(&directory)
            .attach(&securityd, &ours)
            .unwrap();
        search_list_in(&directory)
            .detach(&securityd, &ours, OF_CLOSING)
            .unwrap();
        assert!(securityd.search_list().unwrap().is_empty());
    }

    #[test]
    fn a_write_that_another_job_wrote_over_is_written_again_but_not_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let search_list = search_list_in(&directory);
        let securityd = Memory::default();
        let ours = keychain("ci.keychain-db");
        *securityd.forgets.lock().unwrap() = 2;
        search_list.attach(&securityd, &ours).unwrap();
        *securityd.forgets.lock().unwrap() = 2;
        search_list.detach(&securityd, &ours, OF_CLOSING).unwrap();
        *securityd.forgets.lock().unwrap() = 99;
        let error = search_list.attach(&securityd, &ours).unwrap_err();
        assert!(matches!(error, KeychainError::NotDone { .. }), "{error}");
    }

    #[test]
    fn jobs_at_once_leave_the_list_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let search_list = search_list_in(&directory);
        let securityd = Memory::default();
        let before = vec![PathBuf::from("/k/login.keychain-db")];
        securityd.set_search_list(&before).unwrap();
        std::thread::scope(|scope| {
            for job in 0..8 {
                let (search_list, securityd) = (&search_list, &securityd);
                scope.spawn(move || {
                    let ours = keychain(&format!("ci-{job}.keychain-db"));
                    for _ in 0..20 {
                        search_list.attach(securityd, &ours).unwrap();
                        let list = securityd.search_list().unwrap();
                        assert!(list.contains(&ours.as_path().to_owned()));
                        search_list.detach(securityd, &ours, OF_OPENING).unwrap();
                    }
                });
            }
        });
        assert_eq!(securityd.search_list().unwrap(), before);
    }
}
