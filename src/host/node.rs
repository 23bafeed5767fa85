//! The name of this machine, and the current user.
//!
//! Observed here, judged in `context::gate::node`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::files::read_bounded;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::{HostName, IdError};

/// The processor architecture that the program was built for, as in `aarch64`.
pub const ARCHITECTURE: &str = std::env::consts::ARCH;

/// The operating systems that countersign tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OsFamily {
    /// macOS: production.
    MacOs,
    /// Linux: control planes and rehearsals.
    Linux,
    /// Another Unix: treated like Linux.
    Other,
}

impl OsFamily {
    /// The system that this program was built for.
    pub const fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(target_os = "linux") {
            Self::Linux
        } else {
            Self::Other
        }
    }

    /// Its usual name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MacOs => "macOS",
            Self::Linux => "Linux",
            Self::Other => "another Unix",
        }
    }
}

impl fmt::Display for OsFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// This machine's name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this machine's own name cannot be used: {0}")]
pub struct HostNameError(#[from] pub IdError);

impl Explain for HostNameError {
    fn code(&self) -> ErrorCode {
        ErrorCode::HostUnnamed
    }

    fn hint(&self) -> Option<String> {
        Some(
            "set the name with `sudo scutil --set HostName NAME` (macOS) or `hostnamectl hostname NAME` (Linux)"
                .into(),
        )
    }
}

/// What this machine calls itself: the same as `hostname` and `uname -n` print. On a Mac whose name was never set this
/// follows the network, so the hint for a refused host says how to set it.
///
/// # Errors
/// The name is empty or holds characters that no host name has.
pub fn host_name() -> Result<HostName, HostNameError> {
    let uname = rustix::system::uname();
    Ok(uname.nodename().to_string_lossy().parse()?)
}

/// Who runs this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The effective user id: what the system goes by.
    pub id: u32,
    /// The user's name, if it could be found.
    pub name: Option<String>,
}

/// A user by name or number, and their home directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user id.
    pub id: u32,
    /// The home directory; unknown for a number that `/etc/passwd` does not have.
    pub home: Option<PathBuf>,
}

impl Account {
    /// The user called `user`, or with that number; `None` for a name that `/etc/passwd` does not have.
    pub fn find(user: &str) -> Option<Self> {
        account_in_passwd(&passwd(), user)
    }
}

impl User {
    /// The user who runs this process. Their name is what `/etc/passwd` says about the id; macOS keeps most users
    /// elsewhere, so `login_name` (`$USER`) stands in. It is for people to read: nothing is granted by it.
    pub fn current(login_name: Option<&str>) -> Self {
        let id = rustix::process::geteuid().as_raw();
        let name = name_in_passwd(&passwd(), id);
        let stand_in = || {
            login_name
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
        };
        Self {
            id,
            name: name.or_else(stand_in),
        }
    }
}

/// `ci (501)`, or `501`.
impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

/// `/etc/passwd`; empty if it cannot be read.
fn passwd() -> String {
    const LIMIT: usize = 4 * 1024 * 1024;
    let bytes = read_bounded(Path::new("/etc/passwd"), LIMIT).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A user of passwd(5), by name or number: `name:password:id:group:comment:home:shell`, a user a line.
fn account_in_passwd(passwd: &str, user: &str) -> Option<Account> {
    let number: Option<u32> = user.parse().ok();
    let found = passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let id: u32 = fields.get(2)?.parse().ok()?;
        let is_meant = match number {
            Some(number) => id == number,
            None => fields.first() == Some(&user),
        };
        let home = fields.get(5).map(PathBuf::from);
        let home = home.filter(|home| home.is_absolute());
        is_meant.then_some(Account { id, home })
    });
    found.or(number.map(|id| Account { id, home: None }))
}

/// The name of a user id in the format of passwd(5): `name:password:id:…`, a user a line.
fn name_in_passwd(passwd: &str, id: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let own: u32 = fields.nth(1)?.parse().ok()?;
        (own == id).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_the_name_that_uname_prints() {
        let uname = rustix::system::uname();
        let nodename = uname.nodename().to_string_lossy();
        match host_name() {
            Ok(name) => assert_eq!(name.as_str(), nodename),
            Err(error) => assert!(error.hint().unwrap().contains("scutil"), "{error}"),
        }
    }

    #[test]
    fn users_are_found_in_passwd_by_their_id() {
        let passwd = "# comment\n\nroot:x:0:0:root:/root:/bin/sh\nci:x:501:20::/Users/ci:/bin/zsh\n:x:7:7:::\nodd\n";
        assert_eq!(name_in_passwd(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_in_passwd(passwd, 501).as_deref(), Some("ci"));
        assert_eq!(name_in_passwd(passwd, 7), None);
        assert_eq!(name_in_passwd("", 0), None);
    }

    #[test]
    fn accounts_are_found_by_name_and_by_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nci:x:501:20::/home/ci:/bin/sh\n7:x:9:9::rel:\nodd\n";
        let ci = Account {
            id: 501,
            home: Some("/home/ci".into()),
        };
        assert_eq!(account_in_passwd(passwd, "ci"), Some(ci.clone()));
        assert_eq!(account_in_passwd(passwd, "501"), Some(ci));
        let unknown = |id| Some(Account { id, home: None });
        assert_eq!(
            account_in_passwd(passwd, "7"),
            unknown(7),
            "a number is one"
        );
        assert_eq!(
            account_in_passwd(passwd, "9"),
            unknown(9),
            "no home is relative"
        );
        assert_eq!(account_in_passwd(passwd, "nobody"), None);
    }

    #[test]
    fn a_user_is_shown_by_name_and_id() {
        let user = |name: Option<&str>| User {
            id: 501,
            name: name.map(str::to_owned),
        };
        assert_eq!(user(Some("ci")).to_string(), "ci (501)");
        assert_eq!(user(None).to_string(), "501");
        let current = User::current(Some(""));
        assert_eq!(current.id, rustix::process::geteuid().as_raw());
        assert_ne!(current.name.as_deref(), Some(""));
    }
}
