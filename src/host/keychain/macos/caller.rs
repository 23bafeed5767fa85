//! Calling `security` so that nobody sees a secret and no false success is accepted.
//!
//! A command with a secret goes through `security -i`, which reads commands from its standard input, one to a line
//! [Security-61901 `security.c`]: at most 4,095 characters and 32 arguments, a word in quotes may hold blanks, a backslash
//! takes the next character as it is. A command that fails makes it print `NAME: returned N` on standard error and go on,
//! so the exit code says something only about the last one. `-v` would print every argument and is never used.
//!
//! What the tool says on standard error ends up in error messages, so it is cut, stripped of control characters, and
//! every secret that was handed in is blotted out of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::known_errors;
use crate::base::secret::Password;
use crate::host::keychain::error::KeychainError;
use crate::host::process::{Bounds, Exit, Output, Standby, Tool, run};

/// One word of a command.
#[derive(Clone, Copy)]
pub(super) enum Word<'a> {
    /// May be seen by everybody.
    Plain(&'a str),
    /// Must not.
    Secret(&'a Password),
}

/// What a command did.
#[derive(Debug)]
pub(super) struct CommandOutcome {
    /// The command, with its secrets left out.
    pub(super) command: String,
    /// 0, or the OSStatus cut to eight bits, or 1, or 2: whatever the command gives.
    pub(super) code: i32,
    /// Its standard output.
    pub(super) stdout: Vec<u8>,
    /// Its standard error, without secrets.
    pub(super) stderr: String,
}

impl CommandOutcome {
    /// The error that a failed command amounts to where it has no meaning of its own.
    pub(super) fn failure(&self) -> KeychainError {
        if self.code == INTERACTION_NOT_ALLOWED {
            return KeychainError::InteractionNotAllowed {
                command: self.command.clone(),
            };
        }
        let (said, hint) = known_errors::with_cause(&self.stderr);
        KeychainError::Tool {
            command: self.command.clone(),
            status: format!("status {}", self.code),
            said,
            hint,
        }
    }

    /// Nothing but success is right.
    pub(super) fn ok(self) -> Result<Self, KeychainError> {
        if self.code == 0 {
            Ok(self)
        } else {
            Err(self.failure())
        }
    }
}

/// The program and the environment it is given.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) program: PathBuf,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) bounds: Bounds,
    /// Where tools are recorded while they run.
    pub(super) records: PathBuf,
}

impl Caller {
    pub(super) fn new(
        program: PathBuf,
        environment: Vec<(OsString, OsString)>,
        records: PathBuf,
    ) -> Self {
        Self {
            program,
            environment,
            records,
            bounds: Bounds {
                time: TOOL_TIME,
                output: MAX_OUTPUT,
            },
        }
    }

    /// Runs a command that holds no secret.
    pub(super) fn run_plain(&self, words: &[&str]) -> Result<CommandOutcome, KeychainError> {
        let tool = self.tool().args(words);
        let Output {
            exit,
            stdout,
            stderr,
        } = run(&tool, b"", self.bounds)?;
        Ok(CommandOutcome {
            command: format!("security {}", words.join(" ")),
            code: code(exit),
            stdout,
            stderr: readable(&stderr, &[]),
        })
    }

    /// Runs a command through standard input.
    pub(super) fn run_with_secrets(
        &self,
        words: &[Word<'_>],
    ) -> Result<CommandOutcome, KeychainError> {
        self.run_interactive(words, &self.tool().arg("-i"))
    }

    /// The same for a command that opens a keychain: it is not run unless it is recorded, because whoever closes after our
    /// death must end it first.
    pub(super) fn run_opening(&self, words: &[Word<'_>]) -> Result<CommandOutcome, KeychainError> {
        self.run_interactive(words, &self.tool().arg("-i").must_be_recorded())
    }

    fn run_interactive(
        &self,
        words: &[Word<'_>],
        tool: &Tool,
    ) -> Result<CommandOutcome, KeychainError> {
        let shown = words.iter().map(|word| match word {
            Word::Plain(text) => text,
            Word::Secret(_) => "…",
        });
        let command = format!("security {}", shown.collect::<Vec<_>>().join(" "));
        let line = line(words).ok_or_else(|| too_long(&command))?;
        let Output {
            exit,
            stdout,
            stderr,
        } = run(tool, &line, self.bounds)?;
        let secrets: Vec<&str> = words
            .iter()
            .filter_map(|word| match word {
                Word::Secret(password) => Some(password.expose()),
                Word::Plain(_) => None,
            })
            .collect();
        let name = match words.first() {
            Some(Word::Plain(name)) => *name,
            _ => "",
        };
        let code = returned(&stderr, name).unwrap_or_else(|| code(exit));
        Ok(CommandOutcome {
            command,
            code,
            stdout,
            stderr: readable(&stderr, &secrets),
        })
    }

    /// Runs two commands without secrets in one process; the second runs whatever the first does.
    ///
    /// # Errors
    /// Either failed.
    pub(super) fn run_two(
        &self,
        first: &[&str],
        second: &[&str],
    ) -> Result<CommandOutcome, KeychainError> {
        let mut input = Vec::new();
        for words in [first, second] {
            let words: Vec<Word<'_>> = words.iter().map(|word| Word::Plain(word)).collect();
            let line = line(&words).ok_or_else(|| too_long("security -i"))?;
            input.extend_from_slice(&line);
        }
        let Output {
            exit,
            stdout,
            stderr,
        } = run(&self.tool().arg("-i"), &input, self.bounds)?;
        let status = |words: &[&str]| returned(&stderr, words.first().copied().unwrap_or_default());
        let (failed, code) = match (status(first), status(second)) {
            (Some(code), _) => (first, code),
            (None, Some(code)) => (second, code),
            (None, None) => (second, code(exit)),
        };
        CommandOutcome {
            command: format!("security {}", failed.join(" ")),
            code,
            stdout,
            stderr: readable(&stderr, &[]),
        }
        .ok()
    }

    /// A tool that waits for commands.
    pub(super) fn standby(&self) -> Result<Standby, KeychainError> {
        // Not recorded: when we are dead, its input ends, and it does nothing.
        let tool = Tool::new(&self.program).envs(&self.environment).arg("-i");
        Ok(Standby::start(tool)?)
    }

    /// Has a tool that waits run two commands, which `input` holds, within `time`, and returns the status of each.
    pub(super) fn run_standby(
        &self,
        standby: Standby,
        input: &[u8],
        names: [&str; 2],
        time: Duration,
    ) -> Result<[i32; 2], KeychainError> {
        let bounds = Bounds {
            time,
            ..self.bounds
        };
        let output = standby.run(input, bounds)?;
        match output.exit {
            // A tool that somebody ended has done nothing, or not all.
            Exit::Code(_) => Ok(names.map(|name| returned(&output.stderr, name).unwrap_or(0))),
            Exit::Signal(_) => Err(KeychainError::Tool {
                command: "security -i".into(),
                status: output.exit.to_string(),
                said: readable(&output.stderr, &[]),
                hint: None,
            }),
        }
    }

    fn tool(&self) -> Tool {
        Tool::new(&self.program)
            .envs(&self.environment)
            .record_in(&self.records)
    }
}

pub(super) fn too_long(command: &str) -> KeychainError {
    KeychainError::TooLong {
        command: command.into(),
    }
}

/// The line for `security -i`, or nothing if it would not fit or would not be one line.
pub(super) fn line(words: &[Word<'_>]) -> Option<Zeroizing<Vec<u8>>> {
    // Filled in place: a growing buffer would leave copies of the secret behind.
    let mut line = Zeroizing::new(Vec::with_capacity(2 * MAX_LINE));
    for word in words {
        let text = match word {
            Word::Plain(text) => text,
            Word::Secret(password) => password.expose(),
        };
        line.push(b'"');
        for byte in text.bytes() {
            if byte.is_ascii_control() || line.len() >= MAX_LINE {
                return None;
            }
            if matches!(byte, b'"' | b'\\') {
                line.push(b'\\');
            }
            line.push(byte);
        }
        line.extend_from_slice(b"\" ");
    }
    line.pop();
    line.push(b'\n');
    (line.len() <= MAX_LINE && words.len() <= MAX_WORDS).then_some(line)
}

/// The status that `security -i` reports for the command `name`: `name: returned 51`.
fn returned(stderr: &[u8], name: &str) -> Option<i32> {
    let prefix = format!("{name}: returned ");
    stderr
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .filter_map(|line| line.trim_end().strip_prefix(&prefix)?.parse().ok())
        .next_back()
}

fn code(exit: Exit) -> i32 {
    match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => 128 + signal,
    }
}

/// Text for an error message: without secrets and control characters, the last lines, at most 400 characters.
pub(super) fn readable(said: &[u8], secrets: &[&str]) -> String {
    let mut text = String::from_utf8_lossy(said).into_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "…");
    }
    let text = text.replace(char::is_control, " ");
    let text = text.trim();
    let long = text.chars().count().saturating_sub(MAX_SAID);
    match long {
        0 => text.to_owned(),
        _ => format!("…{}", text.chars().skip(long).collect::<String>()),
    }
}

/// A path as an argument; keychain paths are checked to be text, others are ours.
pub(super) fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// How long one of `security`'s commands may take: deriving a key takes half a second on an old Mac, a hung dialog for
/// ever.
pub(super) const TOOL_TIME: Duration = Duration::from_secs(30);

/// errSecInteractionNotAllowed (−25308), cut to eight bits.
pub(super) const INTERACTION_NOT_ALLOWED: i32 = 36;

/// Longest line that `security -i` reads, with its line end.
const MAX_LINE: usize = 4_095;

/// Most words of a line.
const MAX_WORDS: usize = 32;

/// Listing a thousand certificates in PEM takes two megabytes.
const MAX_OUTPUT: usize = 8 << 20;

/// How much of what a tool said is shown.
const MAX_SAID: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.into())
    }

    #[test]
    fn words_are_quoted_so_that_security_reads_them_back() {
        let secret = password(r#"a "b" \c 'd'"#);
        let words = [
            Word::Plain("unlock-keychain"),
            Word::Plain("-p"),
            Word::Secret(&secret),
            Word::Plain("/Users/ci/my keychain"),
        ];
        assert_eq!(
            line(&words).unwrap().as_slice(),
            br#""unlock-keychain" "-p" "a \"b\" \\c 'd'" "/Users/ci/my keychain"
"#
        );
    }

    #[test]
    fn what_does_not_fit_a_line_is_refused_not_cut() {
        let long = password(&"x".repeat(MAX_LINE));
        assert!(line(&[Word::Secret(&long)]).is_none());
        let fits = password(&"x".repeat(MAX_LINE - 3));
        assert!(line(&[Word::Secret(&fits)]).is_some());
        assert!(line(&[Word::Plain("a\nunlock-keychain")]).is_none());
        assert!(line(&[Word::Plain("a"); 33]).is_none());
    }

    #[test]
    fn the_status_of_a_command_is_read_from_what_the_loop_prints() {
        let stderr = b"security: SecKeychainUnlock: no\nunlock-keychain: returned 51\n";
        assert_eq!(returned(stderr, "unlock-keychain"), Some(51));
        assert_eq!(returned(stderr, "lock-keychain"), None);
        assert_eq!(
            returned(b"unlock-keychain: returned x\n", "unlock-keychain"),
            None
        );
    }

    #[test]
    fn secrets_and_control_characters_do_not_reach_messages() {
        let said = readable(b"bad \x1b[31mhunter2\nhunter2 again\x00", &["hunter2"]);
        assert_eq!(said, "bad  [31m… … again");
        let long = readable(&[b'x'; 5_000], &[]);
        assert!(long.chars().count() <= MAX_SAID + 1);
    }
}
