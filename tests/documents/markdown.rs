//! The documents and what stands in them: blocks of code, code within sentences, headings, links.

use std::fs;
use std::path::PathBuf;

use support::{files_below, root};

/// A block between two fences.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The nearest heading above it.
    pub(crate) heading: String,
    /// What the opening fence says: `console`, `text`, `toml` …
    pub(crate) language: String,
    /// The line of the opening fence, from 1.
    pub(crate) line: usize,
    /// The lines between the fences, each with its end.
    pub(crate) text: String,
}

/// A document, taken apart.
pub(crate) struct Document {
    /// Where it is, from the root of the repository.
    pub(crate) name: String,
    /// All of it.
    pub(crate) text: String,
    /// The blocks, in their order.
    pub(crate) blocks: Vec<Block>,
    /// The lines outside of blocks, with their numbers.
    pub(crate) prose: Vec<(usize, String)>,
}

impl Document {
    /// Reads the document of this name.
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let mut document = Self {
            name: name.to_owned(),
            blocks: Vec::new(),
            prose: Vec::new(),
            text: String::new(),
        };
        let mut heading = String::new();
        let mut open: Option<Block> = None;
        for (line, number) in text.lines().zip(1..) {
            match (line.strip_prefix("```"), &mut open) {
                (Some(""), Some(_)) => document.blocks.extend(open.take()),
                (_, Some(block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (Some(language), None) => {
                    open = Some(Block {
                        heading: heading.clone(),
                        language: language.to_owned(),
                        line: number,
                        text: String::new(),
                    });
                }
                (None, None) => {
                    if line.starts_with('#') {
                        heading = line.trim_start_matches('#').trim().to_owned();
                    }
                    document.prose.push((number, line.to_owned()));
                }
            }
        }
        assert!(open.is_none(), "{name}: a block has no end");
        document.text = text;
        document
    }

    /// What stands between backquotes in sentences, with the number of its line.
    pub(crate) fn code(&self) -> Vec<(usize, &str)> {
        let in_line = |(number, line)| {
            let odd = str::split(line, '`').skip(1).step_by(2);
            odd.map(move |code| (number, code))
        };
        let prose = self.prose.iter();
        prose
            .map(|(number, line)| (*number, line.as_str()))
            .flat_map(in_line)
            .collect()
    }

    /// Where headings are linked to, as GitHub and mdBook name them: small letters, no signs, blanks as `-`; a name that stood
    /// before gets a number.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors = Vec::new();
        for (_, line) in &self.prose {
            let Some(heading) = line.strip_prefix('#') else {
                continue;
            };
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter_map(|letter| match letter {
                ' ' => Some('-'),
                '-' | '_' => Some(letter),
                _ => letter.is_alphanumeric().then_some(letter),
            });
            let name: String = kept.collect();
            let again = |number: usize| match number {
                0 => name.clone(),
                _ => format!("{name}-{number}"),
            };
            let free = (0..).map(again).find(|name| !anchors.contains(name));
            anchors.extend(free);
        }
        anchors
    }

    /// Where the links of the document lead, with the number of the line.
    pub(crate) fn links(&self) -> Vec<(usize, &str)> {
        let in_line = |(number, line)| {
            let targets = str::split(line, "](").skip(1);
            targets.filter_map(move |rest| Some((number, rest.split_once(')')?.0)))
        };
        let prose = self.prose.iter();
        prose
            .map(|(number, line)| (*number, line.as_str()))
            .flat_map(in_line)
            .collect()
    }
}

/// Every document: README, changelog, and all that lies below `docs`.
pub(crate) fn documents() -> Vec<Document> {
    let mut names = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    names.extend(below_docs());
    names.iter().map(|name| Document::read(name)).collect()
}

/// The names of the documents below `docs`, sorted.
pub(crate) fn below_docs() -> Vec<String> {
    let files: Vec<PathBuf> = files_below(&root().join("docs"));
    let names = files.iter().map(|file| {
        let name = file.strip_prefix(root()).unwrap();
        name.to_str().unwrap().to_owned()
    });
    names.filter(|name| name.ends_with(".md")).collect()
}
