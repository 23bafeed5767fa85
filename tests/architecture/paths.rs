//! Which file's items a file names.
//!
//! Paths are resolved as Rust resolves them: `crate::`, `self::`, `super::`, modules declared here, names brought in by
//! `use`. A name that a module only passes on (`pub use child::Item`, or an import that a child takes from its parent) is
//! followed to the file that declares it. Not followed are methods, fields and macros: whoever calls a method got the value
//! from a type or a function that it named, or from somebody who did.
//!
//! What counts as a mention is a use of an item: declaring a child (`mod child;`) is none, passing its items on
//! (`pub use child::Item`) is one only where the same file uses the name as well, and bringing a module in
//! (`use super::module`) is none until something in it is named.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::source::{Kind, Source, closing, sources};

/// An item of another file, named in this one.
#[derive(Debug, Clone)]
pub(crate) struct Mention {
    /// Where it is named.
    pub(crate) line: usize,
    /// The path from the crate's root, as far as it is known.
    pub(crate) path: Vec<String>,
    /// The file that declares it: an index into [`sources`]; none for a path that leads to no file of ours.
    pub(crate) file: Option<usize>,
}

/// One name that a `use` brings in.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    /// The name here; `*` for all.
    pub(crate) name: String,
    /// The path as it is written.
    pub(crate) path: Vec<String>,
    /// Whether it says `pub` without limits.
    pub(crate) is_public: bool,
    /// Whether it is passed on, to whomever.
    pub(crate) is_passed_on: bool,
    /// Its line.
    pub(crate) line: usize,
}

/// What a file declares and brings in.
struct File {
    imports: Vec<Import>,
    /// Paths of two or more words outside of `use`, as they are written.
    paths: Vec<(usize, Vec<String>)>,
    /// How often a single word stands outside of `use`, and where first.
    words: BTreeMap<String, usize>,
    /// Children: `mod name;` and `mod name { … }`, with whether they are `pub`.
    children: BTreeMap<String, bool>,
}

/// The items of other files, and paths outside of this crate, that a file names.
pub(crate) fn mentions(file: usize) -> &'static [Mention] {
    static MENTIONS: LazyLock<Vec<Vec<Mention>>> =
        LazyLock::new(|| (0..sources().len()).map(find_mentions).collect());
    &MENTIONS[file]
}

/// What the file brings in.
pub(crate) fn imports(file: usize) -> &'static [Import] {
    &FILES[file].imports
}

/// Whether each module on the way to a file is `pub`.
pub(crate) fn is_public(module: &[String]) -> bool {
    (0..module.len()).all(|length| {
        let parent = MODULES.get(&module[..length]).map(|parent| &FILES[*parent]);
        parent.is_some_and(|parent| parent.children.get(&module[length]) == Some(&true))
    })
}

/// The file that declares what a path names, as it is written in `file`.
pub(crate) fn declared_in(file: usize, path: &[String]) -> Option<usize> {
    resolve(&absolute(file, path)?, 0)
}

static MODULES: LazyLock<BTreeMap<Vec<String>, usize>> = LazyLock::new(|| {
    let mut modules = BTreeMap::new();
    for (index, source) in sources().iter().enumerate() {
        modules.insert(source.module.clone(), index);
    }
    // Modules inside a file are part of that file.
    for (index, source) in sources().iter().enumerate() {
        for child in FILES[index].children.keys() {
            let path = [source.module.as_slice(), std::slice::from_ref(child)].concat();
            modules.entry(path).or_insert(index);
        }
    }
    modules
});

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| sources().iter().map(read).collect());

fn read(source: &Source) -> File {
    let mut file = File {
        imports: Vec::new(),
        paths: Vec::new(),
        words: BTreeMap::new(),
        children: BTreeMap::new(),
    };
    let tokens = &source.tokens;
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.kind != Kind::Word {
            at += 1;
            continue;
        }
        let before = at.checked_sub(1).map(|at| &*tokens[at].text);
        if token.text == "use" && !matches!(before, Some("<" | ",")) {
            let is_public = before == Some("pub");
            let is_passed_on = is_public || before == Some(")");
            let mut end = at;
            while tokens[end].text != ";" {
                end += 1;
            }
            use_tree(source, at + 1, end, &[], &mut |name, path, line| {
                file.imports.push(Import {
                    name,
                    path,
                    is_public,
                    is_passed_on,
                    line,
                });
            });
            at = end;
            continue;
        }
        if token.text == "mod"
            && tokens
                .get(at + 1)
                .is_some_and(|next| next.kind == Kind::Word)
            && tokens
                .get(at + 2)
                .is_some_and(|next| [";", "{"].contains(&&*next.text))
        {
            let name = tokens[at + 1].text.clone();
            file.children.insert(name, before == Some("pub"));
            at += 2;
            continue;
        }
        if matches!(before, Some("::" | ".")) {
            at += 1;
            continue;
        }
        let mut path = vec![token.text.clone()];
        let mut next = at + 1;
        while source.reads(next, &["::"])
            && tokens.get(next + 1).is_some_and(|t| t.kind == Kind::Word)
        {
            path.push(tokens[next + 1].text.clone());
            next += 2;
        }
        file.words.entry(token.text.clone()).or_insert(token.line);
        if path.len() > 1 {
            file.paths.push((token.line, path));
        }
        at = next;
    }
    file
}

/// Takes a use tree (the tokens from `at` to `end`) apart.
fn use_tree(
    source: &Source,
    mut at: usize,
    end: usize,
    prefix: &[String],
    found: &mut impl FnMut(String, Vec<String>, usize),
) {
    let tokens = &source.tokens;
    let mut path = prefix.to_vec();
    let mut name = None;
    let mut line = tokens[at].line;
    while at < end {
        let token = &tokens[at];
        match &*token.text {
            "::" => {}
            "as" => {
                name = Some(tokens[at + 1].text.clone());
                at += 1;
            }
            "{" => {
                let close = closing(tokens, at);
                let mut begin = at + 1;
                let mut inner = begin;
                while inner < close {
                    if tokens[inner].text == "{" {
                        inner = closing(tokens, inner);
                    } else if tokens[inner].text == "," {
                        use_tree(source, begin, inner, &path, found);
                        begin = inner + 1;
                    }
                    inner += 1;
                }
                if begin < close {
                    use_tree(source, begin, close, &path, found);
                }
                return;
            }
            "self" if !path.is_empty() => line = token.line,
            word => {
                path.push(word.to_owned());
                line = token.line;
            }
        }
        at += 1;
    }
    if let Some(last) = path.last().cloned() {
        found(name.unwrap_or(last), path, line);
    }
}

/// The path from the crate's root; none if it leads out of the crate.
fn absolute(file: usize, path: &[String]) -> Option<Vec<String>> {
    let module = &sources()[file].module;
    let first = path.first()?;
    match &**first {
        "crate" | "countersign" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => {
            let ups = path.iter().take_while(|word| *word == "super").count();
            let kept = module.len().checked_sub(ups)?;
            Some([&module[..kept], &path[ups..]].concat())
        }
        _ if FILES[file].children.contains_key(first) => Some([module.as_slice(), path].concat()),
        _ => {
            let import = FILES[file]
                .imports
                .iter()
                .find(|import| import.name == *first)?;
            // `use foo::foo` would go round for ever.
            if import.path.first() == Some(first) {
                return None;
            }
            let whole = [import.path.as_slice(), &path[1..]].concat();
            absolute(file, &whole)
        }
    }
}

/// The file that declares what an absolute path names.
fn resolve(path: &[String], depth: usize) -> Option<usize> {
    let known = (0..=path.len())
        .rev()
        .find(|length| MODULES.contains_key(&path[..*length]))?;
    let file = MODULES[&path[..known]];
    let Some(item) = path.get(known) else {
        return Some(file);
    };
    if known == 0 && !is_declared(file, item) {
        return None;
    }
    if depth > 8 || is_declared(file, item) {
        return Some(file);
    }
    for import in &FILES[file].imports {
        let target = if import.name == *item {
            absolute(file, &import.path)
        } else if import.name == "*" {
            let mut path = import.path.clone();
            path.pop();
            path.push(item.clone());
            absolute(file, &path)
        } else {
            None
        };
        if let Some(target) = target
            && let Some(found) = resolve(&target, depth + 1)
            && (import.name != "*" || is_declared(found, item))
        {
            return Some(found);
        }
    }
    Some(file)
}

/// Whether the file itself has an item of that name.
fn is_declared(file: usize, item: &str) -> bool {
    const WORDS: &[&str] = &[
        "fn",
        "struct",
        "enum",
        "trait",
        "type",
        "const",
        "static",
        "union",
        "macro_rules",
    ];
    let source = &sources()[file];
    source.tokens.iter().enumerate().any(|(at, token)| {
        token.text == item
            && at > 0
            && (WORDS.contains(&&*source.tokens[at - 1].text)
                || source.tokens[at - 1].text == "!"
                    && WORDS.contains(&&*source.tokens[at - 2].text))
    })
}

fn find_mentions(file: usize) -> Vec<Mention> {
    let this = &FILES[file];
    let mut found = Vec::new();
    let mut add = |line, path: &[String]| {
        let Some(absolute) = absolute(file, path) else {
            found.push(Mention {
                line,
                path: path.to_vec(),
                file: None,
            });
            return;
        };
        let target = resolve(&absolute, 0).filter(|target| *target != file);
        found.push(Mention {
            line,
            path: absolute,
            file: target,
        });
    };
    for import in &this.imports {
        let brings_module = import.name != "*"
            && absolute(file, &import.path).is_some_and(|path| MODULES.contains_key(&path));
        let is_used = !import.is_passed_on || this.words.contains_key(&import.name);
        if is_used && !brings_module {
            add(import.line, &import.path);
        }
    }
    for (line, path) in &this.paths {
        match this.imports.iter().find(|import| import.name == path[0]) {
            None => add(*line, path),
            Some(import) => match absolute(file, &import.path) {
                Some(target) if MODULES.contains_key(&target) => add(*line, path),
                // `Type::new` says no more than the import of `Type`.
                Some(_) => {}
                None => add(*line, &[import.path.as_slice(), &path[1..]].concat()),
            },
        }
    }
    found
}
