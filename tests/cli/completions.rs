//! Completions: the shells themselves load the scripts, complete with them, and run nothing that help says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::start;
use support::workshop::{Ran, Workshop, ran};

/// A home with the script of a shell; and every word that a shell would run if help stood in the script, as a program that leaves
/// a mark.
struct Scene {
    workshop: Workshop,
    script: PathBuf,
}

impl Scene {
    fn new(shell: &str) -> Self {
        let workshop = Workshop::new();
        let script = workshop.run(&["completions", shell]).exits(0).out;
        let script = workshop.write("_countersign", script);
        fs::create_dir(workshop.path("bin")).unwrap();
        for word in runnable() {
            let program = workshop.write(
                format!("bin/{word}"),
                "#!/bin/sh\necho \"${0##*/} $*\" >>\"$HOME/ran\"\n",
            );
            fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { workshop, script }
    }

    /// The shell with a script that gets the completion script as `$1`; none where the shell is not installed. Whatever it waits
    /// for, it ends.
    fn run(&self, shell: &[&str], script: &str) -> Option<Ran> {
        let mut command = start::command("timeout", &self.workshop.path("home"));
        command
            .arg("120")
            .args(shell)
            .arg(script)
            // Where a script's own arguments begin, bash and zsh take the first for its name.
            .args((shell[0] != "fish").then_some("script"))
            .arg(&self.script)
            .current_dir(self.workshop.path("home"))
            .env("TERM", "dumb")
            .env("XDG_CONFIG_HOME", self.workshop.path("home"))
            .env(
                "PATH",
                format!("{}:{}", self.workshop.path("bin").display(), start::PATH),
            );
        let is_runnable = is_installed(shell[0]) && is_installed("timeout");
        is_runnable.then(|| ran(&mut command))
    }

    /// What of help was run.
    fn ran(&self) -> String {
        fs::read_to_string(self.workshop.path("home/ran")).unwrap_or_default()
    }
}

/// Whether there is such a program; says so if not.
fn is_installed(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        eprintln!("skipped: {program} is not installed");
    }
    is_there
}

/// The first words of what help holds between backquotes and in `$(…)`.
fn runnable() -> Vec<String> {
    let mut words = vec!["countersign".to_owned()];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/help");
    for entry in fs::read_dir(folder).unwrap() {
        let help = fs::read_to_string(entry.unwrap().path()).unwrap();
        let quoted = help.split('`').skip(1).step_by(2);
        let nested = help.split("$(").skip(1);
        for code in quoted.chain(nested) {
            let word = code.split_whitespace().next().unwrap_or_default();
            if !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase()) {
                words.push(word.to_owned());
            }
        }
    }
    words
}

/// What is typed, and what it may become.
const TYPED: &[(&str, &[&str])] = &[
    ("countersign ga", &["gate"]),
    ("countersign prof", &["profile"]),
    ("countersign manifest fr", &["freeze"]),
    ("countersign gate --expect-p", &["--expect-policy"]),
    ("countersign gate --format j", &["json", "junit"]),
    ("countersign targets export --as xca", &["xcargs"]),
];

#[test]
fn bash_completes_and_runs_nothing() {
    let scene = Scene::new("bash");
    let script = r#"
source "$1" || exit
complete -p countersign >/dev/null || exit
while read -r line; do
  COMP_WORDS=($line)
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  function=$(complete -p countersign | sed 's/.*-F \([^ ]*\).*/\1/')
  "$function" countersign "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  echo "$line: ${COMPREPLY[*]}"
done <<<"$TYPED"
"#;
    let typed: Vec<&str> = TYPED.iter().map(|(typed, _)| *typed).collect();
    let script = format!("TYPED='{}'\n{script}", typed.join("\n"));
    let Some(ran) = scene.run(&["bash", "--norc", "-c"], &script) else {
        return;
    };
    let ran = ran.exits(0);
    let expected: Vec<String> = TYPED
        .iter()
        .map(|(typed, words)| format!("{typed}: {}", words.join(" ")))
        .collect();
    assert_eq!(ran.out.lines().collect::<Vec<_>>(), expected);
    assert_eq!((ran.err.as_str(), scene.ran().as_str()), ("", ""));
}

#[test]
fn fish_completes_and_runs_nothing() {
    let scene = Scene::new("fish");
    for (typed, words) in TYPED {
        let script = format!("source $argv[1]; complete -C '{typed}'");
        let Some(ran) = scene.run(&["fish", "--no-config", "-c"], &script) else {
            return;
        };
        let ran = ran.exits(0);
        let completed: Vec<&str> = ran.out.lines().map(str::trim).collect();
        assert_eq!(completed, *words, "{typed}");
        assert_eq!((ran.err.as_str(), scene.ran().as_str()), ("", ""));
    }
}

/// Zsh completes in a terminal alone: a line editor is asked for the completions of what is typed.
#[test]
fn zsh_completes_and_runs_nothing() {
    let scene = Scene::new("zsh");
    let script = r#"
zmodload zsh/zpty
# It may be loaded as a function of fpath and as a file.
zsh -n "$1" || exit
zpty shell zsh -f -i
zpty -w shell "PROMPT=; fpath=(${1:h} \$fpath); autoload -U compinit; compinit -u -D; setopt no_beep"
# What is completed stands in the buffer, which a key prints. The terminal shows the definition as well, so its marks are made of parts.
zpty -w shell "show() { print -r -- '<''<'\$BUFFER'>''>'; zle kill-buffer }; zle -N show; bindkey '^X' show; echo rea''dy"
zpty -r shell said '*ready*' || exit
while read -r line; do
  zpty -w -n shell "$line"$'\t'$'\x18'
  zpty -r shell said '*<<*>>*' || exit
  print -r -- "${${said##*<<}%%>>*}"
done <<<"$TYPED"
zpty -d shell
"#;
    let alone: Vec<_> = TYPED.iter().filter(|(_, words)| words.len() == 1).collect();
    let typed: Vec<&str> = alone.iter().map(|(typed, _)| *typed).collect();
    let script = format!("TYPED='{}'\n{script}", typed.join("\n"));
    let Some(ran) = scene.run(&["zsh", "-f", "-c"], &script) else {
        return;
    };
    let ran = ran.exits(0);
    // An option that takes a value gets its sign at once, and a word its blank.
    let lines = ran.out.lines();
    let completed: Vec<&str> = lines
        .map(|line| line.trim_end_matches([' ', '=']))
        .collect();
    let expected: Vec<String> = alone
        .iter()
        .map(|(typed, words)| {
            let (before, _) = typed.rsplit_once(' ').unwrap();
            format!("{before} {}", words[0])
        })
        .collect();
    assert_eq!(completed, expected, "{}", ran.err);
    assert_eq!((ran.err.as_str(), scene.ran().as_str()), ("", ""));
}

/// What fish would do with help between double quotes, which is how these tests know that it did not.
#[test]
fn fish_would_run_what_stands_in_a_description() {
    let scene = Scene::new("fish");
    let line = "complete -c countersign -a x -d \"in $(countersign gate)\"\n";
    let script = fs::read_to_string(&scene.script).unwrap();
    fs::write(&scene.script, script + line).unwrap();
    let script = "source $argv[1]; complete -C 'countersign ga'";
    let Some(ran) = scene.run(&["fish", "--no-config", "-c"], script) else {
        return;
    };
    ran.exits(0);
    assert_eq!(scene.ran(), "countersign gate\n");
}
