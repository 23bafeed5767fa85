//! `.xcconfig` files, as Xcode reads them.
//!
//! A line is an include, an assignment, a comment or blank. The rules are those of Xcode's build engine (swift-build,
//! `MacroConfigFileParser.swift` and `MacroConfigFileLoader.swift`), quirks included:
//!
//! - a byte order mark at the start of the file makes its first line one that cannot be read;
//! - `//` starts a comment wherever it stands, so `SITE = https://a.b` assigns `https:`;
//! - one `;` at the end of a value is dropped, and a `\` there joins the next line;
//! - an included file takes effect where the `#include` stands: what follows may override it;
//! - `#include` looks beside the including file, then beside those that included it, then in the project's directory,
//!   and the extension may be left out; `#include?` is silent about a file that is not there;
//! - a file that includes itself, directly or around corners, is skipped there and only warned about.
//!
//! What Xcode calls an error is a finding that blocks, with its line, and the rest of the file counts all the same.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::assignment::{Assignment, Condition, LeftSide, Table, skip_blanks};
use super::budget::Share;
use super::openstep::conflict_marker;
use super::sources::{SourceError, Sources, normalized};
use crate::base::finding::{Code, Finding};

/// How deep files may include each other.
const MAX_DEPTH: usize = 64;
/// How many files, repetitions counted, one configuration may include.
const MAX_INCLUDES: usize = 2_000;
/// How many complaints are listed.
const MAX_FINDINGS: usize = 1_000;

/// What one line says (two lines, where one is continued).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement<'a> {
    /// `#include "path"`, `#include? "path"`.
    Include {
        /// The path as written.
        path: &'a str,
        /// Whether a missing file is fine.
        optional: bool,
    },
    /// `NAME[conditions] = value`.
    Assign {
        /// The setting.
        name: &'a str,
        /// When it counts.
        conditions: Vec<Condition>,
        /// The value: comment, surrounding blanks and a final `;` removed.
        value: Cow<'a, str>,
    },
}

/// The statements of one file, each with its line from 1; a line that Xcode would complain about gives the complaint
/// instead.
pub fn read(text: &str) -> impl Iterator<Item = (u64, Result<Statement<'_>, String>)> {
    let mut lines = lines(text).zip(1_u64..);
    std::iter::from_fn(move || {
        loop {
            let (line, number) = lines.next()?;
            let content = skip_blanks(line);
            if content.is_empty() || content.starts_with("//") {
                continue;
            }
            let statement = if content.starts_with('\u{feff}') {
                Err("it begins with a byte order mark; save the file without one".to_owned())
            } else if let Some(marker) = conflict_marker(line.as_bytes()) {
                Err(format!("unresolved merge conflict ({marker})"))
            } else if let Some(directive) = content.strip_prefix('#') {
                include(directive)
            } else {
                assignment(content, &mut || lines.next().map(|(line, _)| line))
            };
            return Some((number, statement));
        }
    })
}

fn include(directive: &str) -> Result<Statement<'_>, String> {
    let directive = skip_blanks(directive);
    let (word, rest) = directive
        .split_once(|c: char| c.is_ascii_whitespace())
        .unwrap_or((directive, ""));
    let optional = match word {
        "include" => false,
        "include?" => true,
        word if before_comment(word).is_empty() => {
            return Err("\"#\" without a directive".to_owned());
        }
        _ => {
            return Err(format!(
                "unknown directive \"#{word}\": there is #include only"
            ));
        }
    };
    let (path, after) = skip_blanks(rest)
        .strip_prefix('"')
        .and_then(|quoted| quoted.split_once('"'))
        .ok_or("the name of the included file needs double quotes")?;
    // Two slashes in the name are no comment; behind it they are.
    match skip_blanks(before_comment(after)) {
        "" => Ok(Statement::Include { path, optional }),
        extra => Err(format!("unexpected text after the file's name: {extra}")),
    }
}

/// Reads an assignment; asks `next_line` for more while the value ends in a backslash.
fn assignment<'a>(
    content: &'a str,
    next_line: &mut dyn FnMut() -> Option<&'a str>,
) -> Result<Statement<'a>, String> {
    let (LeftSide { name, conditions }, rest) = LeftSide::parse(content)?;
    let value = rest
        .strip_prefix('=')
        .ok_or_else(|| format!("expected \"=\" after {name}"))?;
    let mut value = Cow::Borrowed(value_of(value));
    // Each piece is trimmed; an empty one, or the end of the file, ends the value too.
    while let Some(head) = value.strip_suffix('\\') {
        let mut joined = head.trim().to_owned();
        let next = next_line().map_or("", value_of);
        if !next.is_empty() {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(next);
        }
        value = Cow::Owned(joined);
        if next.is_empty() {
            break;
        }
    }
    Ok(Statement::Assign {
        name,
        conditions,
        value,
    })
}

/// The value that a line's rest holds: without comment, surrounding blanks and one final semicolon.
fn value_of(text: &str) -> &str {
    let blanks = [' ', '\t', '\u{b}', '\u{c}'];
    let value = skip_blanks(before_comment(text)).trim_end_matches(blanks);
    match value.strip_suffix(';') {
        Some(value) => value.trim_end_matches(blanks),
        None => value,
    }
}

fn before_comment(text: &str) -> &str {
    text.split_once("//").map_or(text, |(before, _)| before)
}

/// Lines as Xcode counts them: they end in `\n`, `\r`, `\r\n`, U+2028 or U+2029.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.find(['\n', '\r', '\u{2028}', '\u{2029}']) {
            Some(end) => {
                let (line, after) = text.split_at_checked(end)?;
                rest = after.strip_prefix("\r\n").or_else(|| {
                    let mut characters = after.chars();
                    characters.next();
                    Some(characters.as_str())
                });
                Some(line)
            }
            None => rest.take(),
        }
    })
}

/// Loads configuration files with their includes, each file read once, and collects what is not right with them.
pub struct Loader<'s> {
    sources: &'s dyn Sources,
    /// Where includes are looked for last.
    project_directory: PathBuf,
    files: HashMap<PathBuf, Result<Arc<ParsedFile>, SourceError>>,
    tables: HashMap<PathBuf, Arc<Table>>,
    /// Of each table the files that it was made from.
    reached: HashMap<PathBuf, HashSet<PathBuf>>,
    findings: Vec<Finding>,
    /// All complaints ever made, each once.
    complaints: HashSet<Finding>,
}

/// One file, parsed.
struct ParsedFile {
    name: Arc<Path>,
    items: Vec<Item>,
}

enum Item {
    Include {
        path: Box<str>,
        optional: bool,
        line: u64,
    },
    Assign(Assignment),
}

/// Why an include gives no file.
enum Unfound {
    /// The place that it means does not give one.
    Source(SourceError),
    /// The place that it means has none, and project files may not reach the next one.
    BeyondReach(SourceError),
}

/// The state of flattening one configuration.
struct Flattening {
    assignments: Vec<Assignment>,
    /// The files around the cursor, outermost first.
    around: Vec<PathBuf>,
    /// Every file that was around it once.
    reached: HashSet<PathBuf>,
    included: usize,
}

impl<'s> Loader<'s> {
    /// A loader that takes files from `sources`, for a project in `project_directory`.
    pub fn new(sources: &'s dyn Sources, project_directory: &Path) -> Self {
        Self {
            sources,
            project_directory: project_directory.to_path_buf(),
            files: HashMap::new(),
            tables: HashMap::new(),
            reached: HashMap::new(),
            findings: Vec::new(),
            complaints: HashSet::new(),
        }
    }

    /// The assignments of the file at `path`, includes in their places.
    ///
    /// # Errors
    /// The file itself cannot be had. What is wrong inside of it, or with what it includes, is a finding.
    pub fn load(&mut self, path: &Path) -> Result<Arc<Table>, SourceError> {
        let path = normalized(path);
        if let Some(table) = self.tables.get(&path) {
            return Ok(Arc::clone(table));
        }
        let file = self.file(&path)?;
        let mut flattening = Flattening {
            assignments: Vec::new(),
            around: vec![path.clone()],
            reached: HashSet::from([path.clone()]),
            included: 0,
        };
        self.flatten(&file, &mut flattening);
        let table = Arc::new(Table::new(flattening.assignments));
        self.reached.insert(path.clone(), flattening.reached);
        self.tables.insert(path, Arc::clone(&table));
        Ok(table)
    }

    /// The files that the loaded file at `path` is made of: itself and all that it includes.
    pub fn reached(&self, path: &Path) -> impl Iterator<Item = &Path> {
        let reached = self.reached.get(&normalized(path));
        reached.into_iter().flatten().map(PathBuf::as_path)
    }

    /// What is not right with the files loaded so far; each complaint once, however often its file was included.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    fn file(&mut self, path: &Path) -> Result<Arc<ParsedFile>, SourceError> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let parsed = match self.sources.read(path) {
            Ok(bytes) => self
                .sources
                .budget()
                .take(Share::Configuration, bytes.len(), path)
                .map_err(SourceError::OverBudget)
                // A byte order mark is a character of the first line, which Xcode does not know.
                .map(|()| self.parse(path, &String::from_utf8_lossy(&bytes))),
            Err(error) => Err(error),
        };
        self.files.insert(path.to_path_buf(), parsed.clone());
        parsed
    }

    fn parse(&mut self, path: &Path, text: &str) -> Arc<ParsedFile> {
        let name: Arc<Path> = path.into();
        let mut items = Vec::new();
        let budget = self.sources.budget().clone();
        for (line, statement) in read(text) {
            if budget.take(Share::Assignments, 1, path).is_err() {
                break;
            }
            match statement {
                Ok(Statement::Include { path, optional }) => items.push(Item::Include {
                    path: path.into(),
                    optional,
                    line,
                }),
                Ok(Statement::Assign {
                    name: setting,
                    conditions,
                    value,
                }) => items.push(Item::Assign(Assignment {
                    conditions: conditions.into(),
                    file: Some(Arc::clone(&name)),
                    line: Some(line),
                    ..Assignment::plain(setting, value.as_ref())
                })),
                Err(problem) => self.complain(
                    Finding::block(
                        Code::XcconfigSyntax,
                        format!("Xcode cannot read this line: {problem}"),
                    )
                    .hint("write NAME = value, #include \"file\", or a // comment"),
                    &name,
                    line,
                ),
            }
        }
        Arc::new(ParsedFile { name, items })
    }

    /// Adds what `file` says, unless the budget is spent.
    fn flatten(&mut self, file: &ParsedFile, into: &mut Flattening) {
        let budget = self.sources.budget().clone();
        for item in &file.items {
            let length = match item {
                Item::Assign(assignment) => assignment.name.len() + assignment.value.len(),
                Item::Include { path, .. } => path.len(),
            };
            let taken = budget
                .take(Share::Assignments, 1, &file.name)
                .and_then(|()| budget.take(Share::Configuration, length, &file.name));
            if taken.is_err() {
                return;
            }
            match item {
                Item::Assign(assignment) => into.assignments.push(assignment.clone()),
                Item::Include {
                    path,
                    optional,
                    line,
                } => self.include(file, path, *optional, *line, into),
            }
        }
    }

    fn include(
        &mut self,
        from: &ParsedFile,
        path: &str,
        optional: bool,
        line: u64,
        into: &mut Flattening,
    ) {
        let found = match self.find(path, &into.around) {
            Ok(found) => found,
            Err(Unfound::Source(SourceError::Missing)) if optional => return,
            Err(Unfound::BeyondReach(problem)) => {
                let finding = Finding::block(
                    Code::ProjectFileOutsideRoot,
                    format!(
                        "the included configuration file is not where the include means it, and Xcode looks for it in \
                         another place too, which was not looked at: {problem}"
                    ),
                )
                .hint("create the file where the include means it, be it empty: then Xcode looks no further");
                return self.complain(finding.found(path), &from.name, line);
            }
            Err(Unfound::Source(problem)) => {
                let finding = problem.finding(
                    Code::XcconfigMissing,
                    "the included configuration file",
                    "create the file, correct its name, or write #include? if it may be missing",
                );
                return self.complain(finding.found(path), &from.name, line);
            }
        };
        let (path, file) = found;
        if let Some(start) = into.around.iter().position(|around| *around == path) {
            let circle = into.around.iter().skip(start).chain([&path]);
            let names: Vec<_> = circle
                .map(|path| path.file_name().unwrap_or_default().to_string_lossy())
                .collect();
            let finding = Finding::warn(
                Code::XcconfigIncludeCycle,
                "this include names a file that includes this one; Xcode skips it",
            )
            .found(names.join(" → "))
            .hint("move the settings that both files need into a third file");
            return self.complain(finding, &from.name, line);
        }
        if into.around.len() >= MAX_DEPTH || into.included >= MAX_INCLUDES {
            let finding = Finding::block(
                Code::XcconfigIncludeCycle,
                "the includes are too many or too deep; the rest was not read",
            )
            .expected(format!(
                "at most {MAX_DEPTH} levels and {MAX_INCLUDES} files"
            ));
            return self.complain(finding, &from.name, line);
        }
        into.included += 1;
        into.reached.insert(path.clone());
        into.around.push(path);
        self.flatten(&file, into);
        into.around.pop();
    }

    /// The file that an include inside of `around` means. A place that project files may not reach ends the search: if the
    /// file is there, Xcode reads that one and no later one.
    fn find(
        &mut self,
        path: &str,
        around: &[PathBuf],
    ) -> Result<(PathBuf, Arc<ParsedFile>), Unfound> {
        let mut is_first = true;
        let path = Path::new(path);
        let directories: Vec<PathBuf> = around
            .iter()
            .rev()
            .filter_map(|file| file.parent())
            .chain([self.project_directory.as_path()])
            .map(Path::to_path_buf)
            .collect();
        for directory in directories {
            // Joining an absolute path gives that path, so that the directory does not matter then.
            let mut candidates = vec![directory.join(path)];
            if path.extension().is_none() {
                candidates.push(directory.join(path).with_extension("xcconfig"));
            }
            for candidate in candidates {
                let candidate = normalized(&candidate);
                match self.file(&candidate) {
                    Ok(file) => return Ok((candidate, file)),
                    Err(SourceError::Missing) => {}
                    Err(problem) if problem.is_out_of_reach() && !is_first => {
                        return Err(Unfound::BeyondReach(problem));
                    }
                    Err(problem) => return Err(Unfound::Source(problem)),
                }
                is_first = false;
            }
        }
        Err(Unfound::Source(SourceError::Missing))
    }

    /// Notes a complaint, unless it was made before. A file of another kind, named as a configuration file, has one on every
    /// line; after [`MAX_FINDINGS`] a last one says that there are more, and blocks whatever they are.
    fn complain(&mut self, finding: Finding, file: &Path, line: u64) {
        if self.complaints.len() >= MAX_FINDINGS {
            return;
        }
        let finding = finding.in_file(file).at_line(line);
        if !self.complaints.insert(finding.clone()) {
            return;
        }
        self.findings.push(finding);
        if self.complaints.len() == MAX_FINDINGS {
            self.findings.push(
                Finding::block(
                    Code::XcconfigSyntax,
                    "the configuration files have more mistakes than are listed",
                )
                .expected(format!("fewer than {MAX_FINDINGS}"))
                .hint("check that this is a configuration file")
                .in_file(file)
                .at_line(line),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Severity;
    use crate::xcode::sources::InMemory;

    fn assigned(text: &str) -> Vec<String> {
        read(text)
            .map(|(line, statement)| match statement {
                Ok(Statement::Assign {
                    name,
                    conditions,
                    value,
                }) => {
                    let conditions: String = conditions
                        .iter()
                        .map(|c| format!("[{}={}]", c.parameter, c.pattern))
                        .collect();
                    format!("{line} {name}{conditions}={value}")
                }
                Ok(Statement::Include { path, optional }) => {
                    format!("{line} include{} {path}", if optional { "?" } else { "" })
                }
                Err(problem) => format!("{line} {problem}"),
            })
            .collect()
    }

    #[test]
    fn lines_are_read_as_xcode_reads_them() {
        let text = concat!(
            "// comment\n",
            "A = one two // trailing\r\n",
            "  B=x:y=z;\n",
            "C = https://example.com\n",
            "D[sdk=iphoneos*] [arch=*] = conditional\n",
            "E =\n",
            "F = ;\n",
            "G = a; b ;\n",
            "\n",
            "#include \"x.xcconfig\" // why\n",
            "# include? \"y\"\r",
            "H = $(inherited) \"quoted // not\"\u{2028}I = last",
        );
        assert_eq!(
            assigned(text),
            [
                "2 A=one two",
                "3 B=x:y=z",
                "4 C=https:",
                "5 D[sdk=iphoneos*][arch=*]=conditional",
                "6 E=",
                "7 F=",
                "8 G=a; b",
                "10 include x.xcconfig",
                "11 include? y",
                "12 H=$(inherited) \"quoted",
                "13 I=last",
            ]
        );
    }

    #[test]
    fn a_backslash_joins_the_next_line() {
        assert_eq!(
            assigned("A = one \\\n  two;\\\n  three // c\nB = x\\\n\nC = y\\"),
            ["1 A=one two; three", "4 B=x", "6 C=y"]
        );
        assert_eq!(
            assigned("A = 1 \\\n 2 \\\n 3\nB = 4"),
            ["1 A=1 2 3", "4 B=4"]
        );
    }

    #[test]
    fn what_xcode_cannot_read_is_said_with_its_line() {
        let said = assigned(
            "A\n1B = 2\n[sdk=x] = 3\nC[sdk] = 4\nD[sdk=x = 5\n#import \"x\"\n#\n#include x\n#include \"x\" y\n#include \"x\n<<<<<<< HEAD\n+",
        );
        let lines: Vec<_> = said.iter().map(|s| s.split(' ').next().unwrap()).collect();
        assert_eq!(
            lines,
            [
                "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"
            ]
        );
        assert!(said[10].contains("merge conflict"), "{}", said[10]);
        assert!(said[5].contains("#import"), "{}", said[5]);
    }

    /// MacroConfigFileParser reads bytes, and the mark is none that a line begins with.
    #[test]
    fn a_byte_order_mark_costs_the_first_line() {
        let sources = InMemory::new().with("/p/a.xcconfig", "\u{feff}// why\nA = 1\n");
        let (said, findings) = load(&sources, "/p/a.xcconfig");
        assert_eq!(said, ["A=1 a.xcconfig:2"]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].code, Code::XcconfigSyntax);
        assert_eq!(findings[0].place.line, Some(1));
        assert!(
            findings[0].message.contains("byte order mark"),
            "{findings:?}"
        );
    }

    fn load(sources: &InMemory, path: &str) -> (Vec<String>, Vec<Finding>) {
        let mut loader = Loader::new(sources, Path::new("/project"));
        let table = loader.load(Path::new(path)).unwrap();
        let said = table
            .assignments()
            .iter()
            .map(|a| {
                let file = a.file.as_ref().unwrap().file_name().unwrap().display();
                format!("{}={} {file}:{}", a.name, a.value, a.line.unwrap())
            })
            .collect();
        (said, loader.take_findings())
    }

    #[test]
    fn includes_take_effect_where_they_stand_and_are_found_where_xcode_looks() {
        let sources = InMemory::new()
            .with(
                "/project/c/top.xcconfig",
                "A = 1\n#include \"sub/one\"\n#include? \"none\"\n#include \"common.xcconfig\"\nA = 2\n",
            )
            // Beside the including file's includer, and in the project's directory.
            .with(
                "/project/c/sub/one.xcconfig",
                "B = 1\n#include \"two.xcconfig\"\n",
            )
            .with("/project/c/two.xcconfig", "C = 1")
            .with("/project/common.xcconfig", "D = 1");
        let (said, findings) = load(&sources, "/project/c/top.xcconfig");
        assert_eq!(
            said,
            [
                "A=1 top.xcconfig:1",
                "B=1 one.xcconfig:1",
                "C=1 two.xcconfig:1",
                "D=1 common.xcconfig:1",
                "A=2 top.xcconfig:5",
            ]
        );
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[test]
    fn a_missing_include_blocks_at_its_line_and_the_rest_counts() {
        let sources = InMemory::new().with("/p/a.xcconfig", "A = 1\n#include \"gone\"\nB = 2\n");
        let (said, findings) = load(&sources, "/p/a.xcconfig");
        assert_eq!(said.len(), 2);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].code, Code::XcconfigMissing);
        assert_eq!(findings[0].severity, Severity::Block);
        assert_eq!(findings[0].place.line, Some(2));
        assert_eq!(findings[0].place.file.as_deref(), Some("/p/a.xcconfig"));
    }

    #[test]
    fn a_circle_is_reported_and_not_followed() {
        let sources = InMemory::new()
            .with("/p/a.xcconfig", "A = 1\n#include \"b.xcconfig\"\n")
            .with(
                "/p/b.xcconfig",
                "B = 1\n#include \"../p/a.xcconfig\"\nB = 2\n",
            );
        let (said, findings) = load(&sources, "/p/a.xcconfig");
        assert_eq!(
            said,
            ["A=1 a.xcconfig:1", "B=1 b.xcconfig:1", "B=2 b.xcconfig:3"]
        );
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].code, Code::XcconfigIncludeCycle);
        assert_eq!(findings[0].severity, Severity::Warn);
        assert_eq!(findings[0].place.line, Some(2));
        assert_eq!(
            findings[0].found.as_deref(),
            Some("a.xcconfig → b.xcconfig → a.xcconfig")
        );
    }

    #[test]
    fn a_file_included_twice_takes_effect_twice_but_is_complained_about_once() {
        let sources = InMemory::new()
            .with("/p/a.xcconfig", "#include \"b\"\n#include \"b\"\n")
            .with("/p/b.xcconfig", "B = 1\n?\n");
        let (said, findings) = load(&sources, "/p/a.xcconfig");
        assert_eq!(said.len(), 2);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].code, Code::XcconfigSyntax);
    }

    #[test]
    fn includes_that_multiply_are_cut_off() {
        let mut sources = InMemory::new();
        for level in 0..40 {
            let next = format!("#include \"{0}\"\n#include \"{0}\"\nA = 1\n", level + 1);
            sources = sources.with(format!("/p/{level}.xcconfig"), next);
        }
        let sources = sources.with("/p/40.xcconfig", "A = 1");
        let (said, findings) = load(&sources, "/p/0.xcconfig");
        assert!(said.len() < 10_000);
        assert!(findings.iter().any(|f| f.severity == Severity::Block));
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let sources = InMemory::new();
        let mut loader = Loader::new(&sources, Path::new("/p"));
        assert_eq!(
            loader.load(Path::new("/p/x.xcconfig")).unwrap_err(),
            SourceError::Missing
        );
    }

    /// Found by fuzzing: a project file named as its own configuration took minutes to complain about.
    #[test]
    fn complaints_end_somewhere_and_say_so() {
        let files = InMemory::new().with("/p/a.xcconfig", "no setting\n".repeat(100_000));
        let mut loader = Loader::new(&files, Path::new("/p"));
        assert!(loader.load(Path::new("/p/a.xcconfig")).is_ok());
        let findings = loader.take_findings();
        assert_eq!(findings.len(), MAX_FINDINGS + 1);
        let last = findings.last().unwrap();
        assert_eq!(last.severity, Severity::Block);
        assert!(last.message.contains("more mistakes"), "{last:?}");
        assert!(loader.load(Path::new("/p/a.xcconfig")).is_ok());
        assert!(loader.take_findings().is_empty());
    }
}
