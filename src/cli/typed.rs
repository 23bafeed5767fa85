//! The command line as it was typed, for commands that can be pasted.
//!
//! A `next:` line is of use where it can be copied as it stands. So it repeats which policy, manifest and directories were
//! named, and a step that is only an option is shown with the words that the option is missing from.

use std::ffi::OsString;

use crate::base::shell;

/// The words behind the program's name.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    words: Vec<String>,
}

/// The global options that say where things lie: a next command needs them too.
const PLACES: [&str; 4] = ["--policy", "--manifest", "--profiles", "--state-dir"];

/// The options that say which targets are meant, and of which project.
const SELECTION: [&str; 9] = [
    "--project",
    "--scheme",
    "--target",
    "--configuration",
    "--sdk",
    "--xcconfig",
    "--build-settings",
    "--kind",
    "--root",
];

/// Options whose values may be somebody's secrets: with them no command line is repeated.
const PRIVATE: [&str; 2] = ["--setting", "--sign-with-command"];

impl Typed {
    /// Of the arguments of the process, the program's name first.
    pub fn new(arguments: &[OsString]) -> Self {
        let words = arguments.iter().skip(1);
        Self {
            words: words.map(|word| shell::argument(word)).collect(),
        }
    }

    /// A command of ours with the places that were named: `countersign --policy FILE profile list`.
    pub fn command(&self, command: &str) -> String {
        let Some(rest) = command.strip_prefix("countersign ") else {
            return command.to_owned();
        };
        let named = self.options(&PLACES);
        [&["countersign"], named.as_slice(), &[rest]]
            .concat()
            .join(" ")
    }

    /// The same, about what was selected of a project.
    pub fn command_about_the_same(&self, command: &str) -> String {
        let selecting = self.options(&SELECTION).into_iter();
        let words = [self.command(command)].into_iter();
        let words = words.chain(selecting.map(str::to_owned));
        words.collect::<Vec<_>>().join(" ")
    }

    /// The options that select targets; `None` where they name no project, or some are not to be repeated.
    pub fn selection(&self) -> Option<String> {
        let is_whole = self.names("--project") && !self.is_private();
        is_whole.then(|| self.options(&SELECTION).join(" "))
    }

    /// Whether the option was typed.
    pub fn names(&self, option: &str) -> bool {
        self.own().iter().any(|word| option_of(word) == option)
    }

    /// Of these options those that were typed, with their values.
    fn options(&self, wanted: &[&str]) -> Vec<&str> {
        let mut found = Vec::new();
        let mut words = self.own().iter();
        while let Some(word) = words.next() {
            let option = option_of(word);
            if !wanted.contains(&option) {
                continue;
            }
            found.push(word.as_str());
            if word == option {
                found.extend(words.next().map(String::as_str));
            }
        }
        found
    }

    fn is_private(&self) -> bool {
        let mut words = self.words.iter();
        words.any(|word| PRIVATE.contains(&option_of(word)))
    }

    /// What was typed, with these words added; `None` where it is not to be repeated.
    pub fn with(&self, added: &str) -> Option<String> {
        if self.is_private() || self.words.is_empty() {
            return None;
        }
        let own = self.own();
        let behind = self.words.get(own.len()..).unwrap_or_default();
        let words = own.iter().map(String::as_str);
        let words = ["countersign"].into_iter().chain(words).chain([added]);
        let words = words.chain(behind.iter().map(String::as_str));
        Some(words.collect::<Vec<_>>().join(" "))
    }

    /// The words that are ours: not those of a command that is run.
    fn own(&self) -> &[String] {
        let end = self.words.iter().position(|word| word == "--");
        self.words
            .get(..end.unwrap_or(self.words.len()))
            .unwrap_or_default()
    }
}

/// The option that a word begins with, however the word is quoted.
fn option_of(word: &str) -> &str {
    let inner = word.strip_prefix('$').unwrap_or(word);
    let inner = inner.strip_prefix('\'').unwrap_or(inner);
    inner.split('=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> Typed {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        Typed::new(&words)
    }

    #[test]
    fn a_next_command_names_the_places_that_were_named() {
        let typed = typed(&[
            "countersign",
            "gate",
            "--policy=a.toml",
            "--profiles",
            "p",
            "--",
            "--manifest",
            "m",
        ]);
        assert_eq!(
            typed.command("countersign profile list"),
            "countersign --policy=a.toml --profiles p profile list"
        );
        assert_eq!(typed.command("mv a b"), "mv a b");
    }

    #[test]
    fn a_command_about_the_same_repeats_what_was_selected() {
        let init = typed(&[
            "countersign",
            "--policy",
            "a.toml",
            "init",
            "--yes",
            "--target=a b",
            "--setting",
            "KEY=secret",
            "--sdk",
            "iphoneos",
        ]);
        assert_eq!(
            init.command_about_the_same("countersign gate"),
            "countersign --policy a.toml gate '--target=a b' --sdk iphoneos"
        );
        assert!(init.names("--setting") && !init.names("--scheme"));
    }

    #[test]
    fn a_missing_option_is_added_before_the_command_that_is_run() {
        let run = typed(&["countersign", "run", "--", "make", "it's"]);
        assert_eq!(
            run.with("--project X.xcodeproj").as_deref(),
            Some(r"countersign run --project X.xcodeproj -- make 'it'\''s'")
        );
    }

    #[test]
    fn settings_are_not_repeated() {
        for words in [
            &["gate", "--setting", "KEY=secret"][..],
            &["gate", "--setting=KEY=secret"],
            &["gate", "--setting=KEY=a secret"],
            &["gate", "--setting=KEY=a\nsecret"],
        ] {
            let words = [&["countersign"], words].concat();
            assert_eq!(typed(&words).with("--scheme NAME"), None);
        }
    }
}
