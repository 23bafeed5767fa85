//! Every command line of countersign in the documents is one that its parser takes.

use std::fs;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ErrorKind};
use countersign::cli::Cli;

use support::workshop::ran;
use support::{files_below, root, start};

use crate::markdown::documents;

/// The commands of countersign in a script, as words: what stands from its name to the end of the simple command. What a shell
/// would put in stays as it is written, so `$x` and `"$(…)"` are words.
pub(crate) fn commands(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ");
    let mut commands = Vec::new();
    for line in script.lines() {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut depth = 0;
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match (letter, quote) {
                (_, Some(mark)) if letter == mark => quote = None,
                ('$', mark) if mark != Some('\'') && letters.peek() == Some(&'(') => {
                    depth += 1;
                    // What is within is a command of its own.
                    if depth == 1 {
                        let rest: String = letters.clone().skip(1).collect();
                        commands.extend(self::commands(&rest));
                    }
                    word.get_or_insert_default().push('$');
                }
                (')', _) if depth > 0 => depth -= 1,
                (_, _) if depth > 0 => {}
                (_, Some(_)) => word.get_or_insert_default().push(letter),
                ('\'' | '"', None) => {
                    quote = Some(letter);
                    word.get_or_insert_default();
                }
                ('\\', None) => word.get_or_insert_default().extend(letters.next()),
                (' ', None) => words.extend(word.take()),
                ('#', None) if word.is_none() => break,
                ('|' | '&' | ';' | ')' | '(' | '{' | '}' | '<' | '>', None) => {
                    // The number of a descriptor belongs to the redirection.
                    let is_number = |word: &String| word.bytes().all(|b| b.is_ascii_digit());
                    if !(matches!(letter, '<' | '>') && word.as_ref().is_some_and(is_number)) {
                        words.extend(word.take());
                    }
                    word = None;
                    keep(&mut commands, &mut words);
                    if matches!(letter, '<' | '>') {
                        // The file of a redirection is no command.
                        words.push(String::new());
                    }
                }
                (_, None) => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        keep(&mut commands, &mut words);
    }
    commands
}

/// Keeps the words if they call countersign, by its name or by a path, maybe behind assignments and `sudo -u USER`.
fn keep(commands: &mut Vec<Vec<String>>, words: &mut Vec<String>) {
    let words = std::mem::take(words);
    let name = words
        .iter()
        .position(|word| word == "countersign" || word.ends_with("/bin/countersign"));
    let is_called = name.is_some_and(|name| {
        let before = &words[..name];
        let is_prefix = |word: &String| {
            word.contains('=')
                || ["sudo", "runuser", "-u", "ci", "--", "if", "!"].contains(&word.as_str())
        };
        before.iter().all(is_prefix)
    });
    // A function of the shell that begins with countersign is no whole command, and a bare name is a path.
    let is_whole = words.iter().all(|word| word != "$@") && words.len() > name.unwrap_or(0) + 1;
    if let (true, true, Some(name)) = (is_called, is_whole, name) {
        commands.push(words[name..].to_vec());
    }
}

/// What the parser says against the words, if anything. `…` stands for more options, and of a value that a shell or the reader
/// puts in nobody can tell whether it is one.
pub(crate) fn refused(words: &[String]) -> Option<clap::Error> {
    let words = words.iter().filter(|word| *word != "…");
    let parsed = Cli::command().try_get_matches_from(words);
    parsed.err().filter(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => false,
        ErrorKind::ValueValidation => {
            let value = error.get(ContextKind::InvalidValue);
            !value.is_some_and(|value| is_to_be_filled_in(&value.to_string()))
        }
        _ => true,
    })
}

/// Whether a value stands for another: `$policy`, `SHA1`.
fn is_to_be_filled_in(value: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    value.starts_with('$') || value.bytes().all(is_name)
}

#[test]
fn every_command_line_of_a_block_parses() {
    let mut seen = 0;
    for document in documents() {
        let scripts = ["sh", "console", "bash", "yaml", "ini", "sh verify-by-hand"];
        for block in &document.blocks {
            if !scripts.contains(&block.language.as_str()) {
                continue;
            }
            for words in commands(&block.text) {
                seen += 1;
                let refused = refused(&words);
                assert!(
                    refused.is_none(),
                    "{}:{}: {words:?}: {}",
                    document.name,
                    block.line,
                    refused.unwrap()
                );
            }
        }
    }
    assert!(seen > 40, "{seen} commands are not all");
}

#[test]
fn every_block_is_what_its_fence_says() {
    let mut seen = 0;
    for document in documents() {
        for block in &document.blocks {
            let place = format!("{}:{}", document.name, block.line);
            seen += 1;
            match block.language.split(' ').next().unwrap() {
                "sh" | "console" | "bash" => {
                    let mut shell = start::command("bash", root());
                    shell
                        .args(["-n", "-c", &block.text])
                        .env("PATH", start::PATH);
                    let ran = ran(&mut shell);
                    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{place}");
                }
                "toml" => {
                    let read = toml::from_str::<toml::Table>(&block.text);
                    assert!(read.is_ok(), "{place}: {}", read.unwrap_err());
                }
                // The files of services are held to their schemas, and units and plugins by those who read them.
                "yaml" | "groovy" | "ini" | "ruby" | "text" | "" => seen -= 1,
                other => panic!("{place}: nobody knows what {other:?} is"),
            }
        }
    }
    assert!(seen > 30, "{seen} blocks are not all");
}

/// The snapshots are what `--help` prints, and man pages show the same examples.
#[test]
fn every_example_of_the_help_parses_and_calls_its_own_command() {
    for file in files_below(&root().join("tests/snapshots/help")) {
        let help = fs::read_to_string(&file).unwrap();
        let (_, examples) = help.split_once("\nExamples:\n").unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let own: Vec<&str> = name.split('-').collect();
        let commands = commands(examples);
        assert_eq!(
            commands.len(),
            examples
                .lines()
                .filter(|line| !line.starts_with("  # "))
                .count(),
            "{name}: {commands:?}"
        );
        for words in commands {
            assert!(
                refused(&words).is_none(),
                "{name}: {}",
                refused(&words).unwrap()
            );
            // A group shows what its commands do.
            assert_eq!(words[..own.len()], own, "{name}: another command");
        }
    }
}

#[test]
fn every_command_that_a_sentence_names_exists() {
    let mut seen = 0;
    for document in documents() {
        for (line, code) in document.code() {
            for words in commands(code) {
                seen += 1;
                // A sentence names a command without all that it needs.
                let refused = refused(&words).filter(|error| {
                    !matches!(
                        error.kind(),
                        ErrorKind::MissingRequiredArgument
                            | ErrorKind::MissingSubcommand
                            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    )
                });
                assert!(
                    refused.is_none(),
                    "{}:{line}: {code}: {}",
                    document.name,
                    refused.unwrap()
                );
            }
        }
    }
    assert!(seen > 60, "{seen} commands are not all");
}

#[test]
fn a_command_is_found_wherever_a_shell_would_find_it() {
    let words = |script: &str| -> Vec<String> {
        commands(script)
            .iter()
            .map(|words| words.join(" "))
            .collect()
    };
    assert_eq!(
        words("x=1 countersign gate --host \"a b\" | tee log # countersign no"),
        ["countersign gate --host a b"]
    );
    assert_eq!(
        words("a=$(countersign targets export \\\n  --as xcargs) || exit"),
        ["countersign targets export --as xcargs"]
    );
    assert_eq!(
        words("sudo -u ci /usr/local/bin/countersign run -- x 3< file; echo countersign gate"),
        ["/usr/local/bin/countersign run -- x"]
    );
    for wrong in ["countersign gaet", "countersign gate --projekt X"] {
        assert!(refused(&commands(wrong)[0]).is_some(), "{wrong}");
    }
}
