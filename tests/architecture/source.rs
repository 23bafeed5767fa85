//! The sources as tokens: no comments, no documentation, nothing that only tests compile.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or a keyword.
    Word,
    /// `::` or one other sign.
    Sign,
    /// A string, without its quotes; escapes as they are written.
    Text,
    /// A number, a character, a lifetime.
    Literal,
    /// `(`, `[` or `{`.
    Open,
    /// What closes it.
    Close,
}

/// A token and its line.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// How it is written.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// A file below `src/`.
#[derive(Debug)]
pub(crate) struct Source {
    /// `src/host/journal.rs`.
    pub(crate) path: String,
    /// `host`, `journal`; empty for `lib.rs`, `main` for `main.rs`.
    pub(crate) module: Vec<String>,
    /// What is compiled outside of tests.
    pub(crate) tokens: Vec<Token>,
}

impl Source {
    /// Its room.
    pub(crate) fn room(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }

    /// Whether the tokens from `at` on are written like this; a text is no code.
    pub(crate) fn reads(&self, at: usize, words: &[&str]) -> bool {
        reads(&self.tokens, at, words)
    }

    /// Whether the token at `at` is a name that is called.
    pub(crate) fn is_called(&self, at: usize) -> bool {
        self.tokens.get(at + 1).is_some_and(|next| next.text == "(")
    }

    /// Where tokens are written like this.
    pub(crate) fn places<'a>(&'a self, words: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
        (0..self.tokens.len()).filter(move |at| self.reads(*at, words))
    }

    /// `file:line` of a token.
    pub(crate) fn at(&self, token: usize) -> String {
        self.line(self.tokens[token].line)
    }

    /// `file:line`.
    pub(crate) fn line(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder of the repository, sorted.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path as it is from the root of the repository.
pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// Every file below `src/` that is compiled outside of tests.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let mut of_tests = BTreeSet::new();
        let mut sources = Vec::new();
        for file in files("src") {
            let path = relative(&file);
            let all = tokens(&fs::read_to_string(&file).unwrap());
            let (tokens, modules) = without_tests(&all);
            let module = module_of(&path);
            for name in modules {
                of_tests.insert([module.as_slice(), &[name]].concat());
            }
            sources.push(Source {
                path,
                module,
                tokens,
            });
        }
        sources.retain(|source| {
            let mut prefixes = (1..=source.module.len()).map(|length| &source.module[..length]);
            !prefixes.any(|prefix| of_tests.contains(prefix))
        });
        sources
    });
    &SOURCES
}

fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_prefix("src/").unwrap();
    let path = path.strip_suffix(".rs").unwrap();
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "lib" => Vec::new(),
        _ => path.split('/').map(str::to_owned).collect(),
    }
}

/// The place of the bracket that closes the one at `open`.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 1 => return at,
            Kind::Close => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

fn reads(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(offset, word)| {
        let token = tokens.get(at + offset);
        token.is_some_and(|token| token.kind != Kind::Text && token.text == *word)
    })
}

/// Leaves out items under `#[test]` and `#[cfg(test)]`; names the modules among them.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        let is_test = ["test", "cfg(test)", "cfg(all(test,"]
            .iter()
            .any(|condition| {
                reads(tokens, at, &["#", "["]) && {
                    let close = closing(tokens, at + 1);
                    let words: String = tokens[at + 2..close]
                        .iter()
                        .map(|token| &*token.text)
                        .collect();
                    words == *condition || condition.ends_with(',') && words.starts_with(condition)
                }
            });
        if !is_test {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        while reads(tokens, at, &["#", "["]) {
            at = closing(tokens, at + 1) + 1;
        }
        // An item ends with its braces or a semicolon; after these keywords, braces do not end it.
        let mut ends_with_braces = true;
        while at < tokens.len() {
            match &*tokens[at].text {
                "mod" => modules.push(tokens[at + 1].text.clone()),
                "use" | "static" | "let" | "type" => ends_with_braces = false,
                ";" => break,
                "{" => {
                    at = closing(tokens, at);
                    if ends_with_braces {
                        break;
                    }
                }
                "(" | "[" => at = closing(tokens, at),
                _ => {}
            }
            at += 1;
        }
        at += 1;
    }
    (kept, modules)
}

/// Cuts a file into tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let begin = at;
        let begin_line = line;
        let kind = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                at = end_of(&chars, at, |rest| rest[0] == '\n');
                continue;
            }
            '/' if chars.get(at + 1) == Some(&'*') => {
                let end = end_of(&chars, at, |rest| rest.starts_with(&['*', '/'])) + 2;
                line += lines(&chars[at..end]);
                at = end;
                continue;
            }
            c if c.is_whitespace() => {
                line += usize::from(c == '\n');
                at += 1;
                continue;
            }
            '"' => {
                at = end_of_text(&chars, at);
                Kind::Text
            }
            '\'' => {
                // 'a' and '\n' are characters, 'a is a lifetime.
                at = match (chars.get(at + 1), chars.get(at + 2)) {
                    (Some('\\'), _) => end_of(&chars, at + 3, |rest| rest[0] == '\'') + 1,
                    (_, Some('\'')) => at + 3,
                    _ => end_of(&chars, at + 1, |rest| !is_word(rest[0])),
                };
                Kind::Literal
            }
            c if is_word(c) => {
                at = end_of(&chars, at, |rest| !is_word(rest[0]));
                let prefix: String = chars[begin..at].iter().collect();
                let is_prefix = ["r", "b", "br", "c", "cr"].contains(&&*prefix);
                let marks = chars[at..].iter().take_while(|c| **c == '#').count();
                if is_prefix && chars.get(at + marks) == Some(&'"') {
                    at = if prefix.contains('r') {
                        let close: Vec<char> = format!("\"{}", "#".repeat(marks)).chars().collect();
                        end_of(&chars, at + marks + 1, |rest| rest.starts_with(&close))
                            + close.len()
                    } else {
                        end_of_text(&chars, at)
                    };
                    Kind::Text
                } else if prefix == "b" && chars.get(at) == Some(&'\'') {
                    at = end_of(&chars, at + 2, |rest| rest[0] == '\'') + 1;
                    Kind::Literal
                } else if c.is_ascii_digit() {
                    Kind::Literal
                } else {
                    Kind::Word
                }
            }
            c => {
                at += if chars[at..].starts_with(&[':', ':']) {
                    2
                } else {
                    1
                };
                match c {
                    '(' | '[' | '{' => Kind::Open,
                    ')' | ']' | '}' => Kind::Close,
                    _ => Kind::Sign,
                }
            }
        };
        at = at.min(chars.len());
        line += lines(&chars[begin..at]);
        let mut text: String = chars[begin..at].iter().collect();
        if kind == Kind::Text {
            let from = text.find('"').unwrap() + 1;
            let to = text.rfind('"').unwrap().max(from);
            text = text[from..to].to_owned();
        }
        tokens.push(Token {
            kind,
            text,
            line: begin_line,
        });
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn lines(chars: &[char]) -> usize {
    chars.iter().filter(|c| **c == '\n').count()
}

/// The first place from `at` on where `is_end` says so of the rest.
fn end_of(chars: &[char], at: usize, is_end: impl Fn(&[char]) -> bool) -> usize {
    (at..chars.len())
        .find(|at| is_end(&chars[*at..]))
        .unwrap_or(chars.len())
}

/// The place after the string whose opening quote is at `at`.
fn end_of_text(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

#[test]
fn tokens_are_cut_as_rust_cuts_them() {
    let text = "/// Doc \"x\"\nuse a::{b, c}; /* x */\nlet s = \"a \\\" b\"; // \"no\"\nlet r = r#\"q\"q\"#;\nlet c = ['\"', '\\'', b'\"'];\nfn f<'a>(x: &'a u8) {}\n";
    let found = tokens(text);
    let words: Vec<String> = found
        .iter()
        .map(|token| format!("{}:{}", token.line, token.text))
        .collect();
    assert_eq!(
        words.join(" "),
        "2:use 2:a 2::: 2:{ 2:b 2:, 2:c 2:} 2:; 3:let 3:s 3:= 3:a \\\" b 3:; 4:let 4:r 4:= 4:q\"q 4:; \
         5:let 5:c 5:= 5:[ 5:'\"' 5:, 5:'\\'' 5:, 5:b'\"' 5:] 5:; \
         6:fn 6:f 6:< 6:'a 6:> 6:( 6:x 6:: 6:& 6:'a 6:u8 6:) 6:{ 6:}"
    );
    assert_eq!(
        found
            .iter()
            .filter(|token| token.kind == Kind::Text)
            .count(),
        2
    );
}

#[test]
fn what_only_tests_compile_is_left_out() {
    let text = "#[cfg(test)]\nuse a::{b};\n#[cfg(test)]\n#[allow(x)]\nmod tests { fn gone() {} }\nfn stays() {}\n\
                #[cfg(test)]\nmod others;\nimpl X { #[test] fn gone() {} fn stays_too() {} }\n#[cfg(not(test))]\nfn stays_three() {}";
    let (kept, modules) = without_tests(&tokens(text));
    let names: Vec<&str> = kept
        .windows(2)
        .filter(|pair| pair[0].text == "fn")
        .map(|pair| &*pair[1].text)
        .collect();
    assert_eq!(names, ["stays", "stays_too", "stays_three"]);
    assert_eq!(modules, ["tests", "others"]);
}
