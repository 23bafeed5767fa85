//! Where a password comes from: a file, a descriptor, an environment variable or a prompt, never an argument.
//!
//! Arguments show in `ps` and in every log of a pipeline; these four do not. In each case, one trailing line end is
//! not part of the password. An empty password is refused for a keychain: in pipelines, a secret that was never set looks
//! like one, and `security` takes none. A p12 may have an empty one ([`SecretSource::read_or_empty`]): the file itself tells
//! whether it is that.
//!
//! A password file that others may read is used, with a caution ([`Obtained::caution`]), and not refused: CI systems and
//! container platforms mount secrets world-readable inside a machine that nobody else uses, and there it cannot be
//! changed.

mod inherited;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::files::{ReadError, ReadErrorKind, read_bounded, read_stream_bounded};
use super::owned_files;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;
use crate::base::secret::Password;

/// The longest password, in bytes: what fits into one line of `security -i`, which is how it reaches the keychain.
pub const MAX_BYTES: usize = 4_095;

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file.
    File(PathBuf),
    /// A descriptor that this process was started with.
    Descriptor(u32),
    /// An environment variable.
    Environment(String),
    /// The terminal, asked with this text.
    Prompt(String),
}

/// A password, and what its user should know about the way it came.
#[derive(Debug)]
pub struct Obtained {
    /// The password.
    pub password: Password,
    /// A sentence for standard error: the way it came was not a safe one.
    pub caution: Option<String>,
}

/// A password could not be had. No variant holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file or descriptor cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A descriptor that is written to, not read from.
    #[error("descriptor {0} is for output")]
    OutputDescriptor(u32),
    /// Nobody opened the descriptor.
    #[error("descriptor {0} is not open")]
    NotOpen(u32),
    /// A descriptor that is a terminal: what is typed there would show.
    #[error("descriptor {0} is a terminal, where the password would show")]
    TerminalDescriptor(u32),
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// Nothing there.
    #[error("the password from {0} is empty")]
    Empty(SecretSource),
    /// Not UTF-8.
    #[error("the password from {0} is not UTF-8 text")]
    NotText(SecretSource),
    /// A line end or NUL inside.
    #[error("the password from {0} holds a line end or another control character")]
    NotOneLine(SecretSource),
    /// Longer than any keychain command can carry.
    #[error("the password from {0} is longer than {MAX_BYTES} bytes")]
    TooLong(SecretSource),
    /// There is no terminal to ask for the password on.
    #[error("there is no terminal to ask for the password: {0}")]
    NoTerminal(#[source] io::Error),
}

impl Explain for SecretError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::NotOpen(_) => ErrorCode::Usage,
            _ => ErrorCode::PasswordUnavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read(error) => return error.hint(),
            Self::OutputDescriptor(_) => "open descriptor 3 for the password, as in `3< FILE`".into(),
            Self::NotOpen(number) => {
                format!("open descriptor {number} for the password, as in `{number}< FILE`")
            }
            Self::TerminalDescriptor(_) => {
                "remove the option: then countersign asks for the password without echo".into()
            }
            Self::Unset(_) => {
                "pass the secret to this step, or pass the password in another way".into()
            }
            Self::Empty(_) => {
                "check the name of the secret and who may use it: a secret that was never set is empty".into()
            }
            Self::NotText(_) => "check that it is not a key or a p12".into(),
            Self::NotOneLine(_) => "give a password that is one line of text".into(),
            Self::TooLong(_) => "check that it is the password".into(),
            Self::NoTerminal(_) => {
                "pass the password in a file, a descriptor or an environment variable".into()
            }
        })
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Unset(_) | Self::NoTerminal(_) => Some(Remedy::GivePassword),
            _ => None,
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::Read(error) => error.place(),
            Self::Empty(SecretSource::File(path))
            | Self::NotText(SecretSource::File(path))
            | Self::NotOneLine(SecretSource::File(path))
            | Self::TooLong(SecretSource::File(path)) => Place::file(path),
            _ => Place::default(),
        }
    }
}

/// `the file p.txt`, `descriptor 3`, `the environment variable P12_PASSWORD`, `the terminal`
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Descriptor(number) => write!(f, "descriptor {number}"),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::Prompt(_) => f.write_str("the terminal"),
        }
    }
}

impl SecretSource {
    /// Gets the password. `environment` looks up a variable; only `cli/` has the real one.
    ///
    /// # Errors
    /// The source cannot be read, or what it holds is no password.
    pub fn read(
        &self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Obtained, SecretError> {
        let obtained = self.read_or_empty(environment)?;
        self.refuse_empty(obtained)
    }

    /// The same, for what may have an empty password.
    ///
    /// # Errors
    /// As [`Self::read`], but that an empty password is one.
    pub fn read_or_empty(
        &self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Obtained, SecretError> {
        self.read_with(environment, |prompt| rpassword::prompt_password(prompt))
    }

    fn refuse_empty(&self, obtained: Obtained) -> Result<Obtained, SecretError> {
        match obtained.password.expose().is_empty() {
            true => Err(SecretError::Empty(self.clone())),
            false => Ok(obtained),
        }
    }

    fn read_with(
        &self,
        environment: impl Fn(&str) -> Option<OsString>,
        ask: impl Fn(&str) -> io::Result<String>,
    ) -> Result<Obtained, SecretError> {
        let mut caution = None;
        let bytes = match self {
            Self::File(path) => match descriptor_named(path) {
                // A shell's `<(command)`: the file of that name is a pipe, which would be refused as a file.
                Some(number) => read_descriptor(number)?,
                None => {
                    let bytes = read_bounded(path, MAX_BYTES + LINE_END)?;
                    caution = caution_about(path);
                    bytes
                }
            },
            Self::Descriptor(number) => read_descriptor(*number)?,
            Self::Environment(name) => environment(name)
                .ok_or_else(|| SecretError::Unset(name.clone()))?
                .into_vec(),
            Self::Prompt(text) => ask(text).map_err(SecretError::NoTerminal)?.into_bytes(),
        };
        let password = self.password(bytes)?;
        Ok(Obtained { password, caution })
    }

    fn password(&self, bytes: Vec<u8>) -> Result<Password, SecretError> {
        let password =
            Password::from_file_bytes(bytes).map_err(|_| SecretError::NotText(self.clone()))?;
        let text = password.expose();
        if text.len() > MAX_BYTES {
            Err(SecretError::TooLong(self.clone()))
        } else if text.chars().any(char::is_control) {
            Err(SecretError::NotOneLine(self.clone()))
        } else {
            Ok(password)
        }
    }
}

/// The longest line end.
const LINE_END: usize = 2;

/// The number of a descriptor that is named as a file, as shells do for `<(command)`.
pub fn descriptor_named(path: &Path) -> Option<u32> {
    let text = path.to_str()?;
    if text == "/dev/stdin" {
        return Some(0);
    }
    let number = ["/dev/fd/", "/proc/self/fd/"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))?;
    number.parse().ok()
}

/// Reads a descriptor that we were started with.
fn read_descriptor(number: u32) -> Result<Vec<u8>, SecretError> {
    let name = format!("descriptor {number}");
    match number {
        0 => {
            let input = io::stdin();
            if input.is_terminal() {
                return Err(SecretError::TerminalDescriptor(number));
            }
            // Not through the library's buffer, where a copy would stay.
            let input = input.as_fd().try_clone_to_owned().map_err(|error| {
                ReadError::new(Path::new("standard input"), ReadErrorKind::Io(error))
            })?;
            Ok(read_stream_bounded(
                File::from(input),
                &name,
                MAX_BYTES + LINE_END,
            )?)
        }
        1 | 2 => Err(SecretError::OutputDescriptor(number)),
        _ => {
            let file = inherited::open(number).map_err(|error| {
                let path = PathBuf::from(format!("/dev/fd/{number}"));
                ReadError::new(Path::new(&name), ReadErrorKind::of(&path, error))
            })?;
            if file.is_terminal() {
                return Err(SecretError::TerminalDescriptor(number));
            }
            Ok(read_stream_bounded(file, &name, MAX_BYTES + LINE_END)?)
        }
    }
}

/// Sees to it that no process that we start finds the descriptor: a file could be read in it once more. Standard input is
/// for each spawner to decide on.
///
/// # Errors
/// Nothing is open there. To be asked early: later we may have opened something of our own under that number.
pub fn keep_from_commands(number: u32) -> Result<(), SecretError> {
    if number <= 2 {
        return Ok(());
    }
    let number = i32::try_from(number)
        .ok()
        .filter(|number| close_fds::iter_open_fds(*number).next() == Some(*number))
        .ok_or(SecretError::NotOpen(number))?;
    // All other descriptors are the command's to have, as without us.
    let others: Vec<i32> = close_fds::iter_open_fds(number.saturating_add(1)).collect();
    close_fds::CloseFdsBuilder::new()
        .keep_fds(&others)
        .cloexecfrom(number);
    Ok(())
}

/// What to say about a password file that others may read or write.
fn caution_about(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let what = match mode & 0o077 {
        0 => return None,
        open if open & 0o022 != 0 => "changed",
        _ => "read",
    };
    let quoted = owned_files::for_shell(path);
    let path = path.display();
    Some(format!(
        "the password file {path} can be {what} by others (mode {mode:04o}): chmod 600 {quoted}"
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    fn no_environment(_: &str) -> Option<OsString> {
        None
    }

    fn nobody(_: &str) -> io::Result<String> {
        Err(io::Error::other("No such device or address"))
    }

    fn get(source: &SecretSource) -> Result<Obtained, SecretError> {
        let obtained = source.read_with(|_| None, nobody)?;
        source.refuse_empty(obtained)
    }

    #[test]
    fn the_password_of_a_file_may_be_empty_where_that_is_asked_for() {
        for bytes in [&b""[..], b"\n", b"\r\n"] {
            let (_dir, source) = file(bytes, 0o600);
            let obtained = source.read_or_empty(|_| None).unwrap();
            assert_eq!(obtained.password.expose(), "");
            assert!(matches!(get(&source), Err(SecretError::Empty(_))));
        }
        let unset = SecretSource::Environment("P12_PASSWORD".to_owned());
        assert!(matches!(
            unset.read_or_empty(|_| None),
            Err(SecretError::Unset(_))
        ));
    }

    fn file(bytes: &[u8], mode: u32) -> (tempfile::TempDir, SecretSource) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, SecretSource::File(path))
    }

    #[test]
    fn a_file_gives_its_line() {
        let (_dir, source) = file("pass wörd \n".as_bytes(), 0o600);
        let obtained = get(&source).unwrap();
        assert_eq!(obtained.password.expose(), "pass wörd ");
        assert_eq!(obtained.caution, None);
    }

    #[test]
    fn a_file_that_others_may_read_is_used_with_a_caution() {
        for (mode, word) in [
            (0o644, "read"),
            (0o640, "read"),
            (0o666, "changed"),
            (0o602, "changed"),
        ] {
            let (_dir, source) = file(b"x", mode);
            let caution = get(&source).unwrap().caution.unwrap();
            assert!(
                caution.contains(&format!("can be {word} by others (mode {mode:04o})")),
                "{caution}"
            );
            assert!(caution.contains("chmod 600"), "{caution}");
        }
    }

    #[test]
    fn what_is_no_password_is_refused_without_telling_it() {
        let refused = |bytes: &[u8]| {
            let (_dir, source) = file(bytes, 0o600);
            let error = get(&source).unwrap_err();
            for said in [error.to_string(), format!("{error:?}")] {
                assert!(!said.contains("hunter2"), "{said}");
            }
            error
        };
        assert!(matches!(refused(b""), SecretError::Empty(_)));
        assert!(matches!(refused(b"\n"), SecretError::Empty(_)));
        assert!(matches!(refused(b"\r\n"), SecretError::Empty(_)));
        assert!(matches!(
            refused(b"hunter2\nhunter2\n"),
            SecretError::NotOneLine(_)
        ));
        assert!(matches!(refused(b"hunter2\0"), SecretError::NotOneLine(_)));
        assert!(matches!(refused(b"hunter2\xff"), SecretError::NotText(_)));
        assert!(matches!(
            refused(&[b'a'; MAX_BYTES + 1]),
            SecretError::TooLong(_)
        ));
        assert!(matches!(
            refused(&[b'a'; MAX_BYTES + 3]),
            SecretError::Read(_)
        ));
        let (_dir, longest) = file(&[b'a'; MAX_BYTES], 0o600);
        assert!(get(&longest).is_ok());
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            dir.path().to_owned(),
            dir.path().join("missing"),
            "/dev/zero".into(),
        ] {
            let error = get(&SecretSource::File(path)).unwrap_err();
            assert!(matches!(error, SecretError::Read(_)), "{error}");
        }
    }

    #[test]
    fn a_descriptor_gives_what_it_holds_also_under_the_name_of_a_file() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"from a pipe\n").unwrap();
        drop(writer);
        let number = u32::try_from(reader.as_raw_fd()).unwrap();
        let obtained = get(&SecretSource::Descriptor(number)).unwrap();
        assert_eq!(obtained.password.expose(), "from a pipe");

        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"substituted").unwrap();
        drop(writer);
        let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
        let obtained = get(&SecretSource::File(path)).unwrap();
        assert_eq!(obtained.password.expose(), "substituted");
        assert_eq!(obtained.caution, None);
    }

    #[test]
    fn descriptors_that_cannot_be_read_are_refused() {
        for output in [1, 2] {
            let error = get(&SecretSource::Descriptor(output)).unwrap_err();
            assert!(matches!(error, SecretError::OutputDescriptor(_)), "{error}");
        }
        let error = get(&SecretSource::Descriptor(9_999_999)).unwrap_err();
        assert!(matches!(error, SecretError::Read(_)), "{error}");
        assert!(error.to_string().contains("descriptor 9999999"), "{error}");
    }

    #[test]
    fn files_that_name_descriptors_are_known() {
        let named = |path: &str| descriptor_named(Path::new(path));
        assert_eq!(named("/dev/stdin"), Some(0));
        assert_eq!(named("/dev/fd/63"), Some(63));
        assert_eq!(named("/proc/self/fd/4"), Some(4));
        for other in [
            "/dev/fd/",
            "/dev/fd/x",
            "/dev/fd/-1",
            "/dev/fd/3/4",
            "p",
            "/tmp/dev/fd/3",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn a_variable_gives_its_value_and_an_unset_one_is_named() {
        let environment = |name: &str| (name == "P12_PASSWORD").then(|| OsString::from("x y\n"));
        let read =
            |name: &str| SecretSource::Environment(name.to_owned()).read_with(environment, nobody);
        assert_eq!(read("P12_PASSWORD").unwrap().password.expose(), "x y");
        let error = read("P12_PASSWROD").unwrap_err();
        assert!(matches!(error, SecretError::Unset(_)));
        assert!(error.to_string().contains("P12_PASSWROD"), "{error}");
        let empty = SecretSource::Environment("EMPTY".to_owned())
            .read(|_| Some(OsString::new()))
            .unwrap_err();
        assert!(
            empty
                .to_string()
                .contains("the environment variable EMPTY is empty"),
            "{empty}"
        );
    }

    #[test]
    fn a_prompt_asks_and_without_a_terminal_the_other_ways_are_named() {
        let source = SecretSource::Prompt("Password of acme.p12: ".to_owned());
        let obtained = source
            .read_with(no_environment, |prompt| {
                assert_eq!(prompt, "Password of acme.p12: ");
                Ok("typed".to_owned())
            })
            .unwrap();
        assert_eq!(obtained.password.expose(), "typed");
        let error = get(&source).unwrap_err();
        assert_eq!(error.remedy(), Some(Remedy::GivePassword));
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("file") && hint.contains("environment"),
            "{hint}"
        );
    }
}
