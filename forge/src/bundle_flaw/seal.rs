//! Flaws of sealed resources that are properly signed: rules that leave too much out, seals that lie or climb out.

use std::collections::BTreeMap;
use std::sync::Arc;

use plist::Value;

use super::{Flaw, Means};
use crate::bundle::{Bundle, Entry, Item, Layout, joined};
use crate::code_directory::HashType;
use crate::code_resources::{CodeResources, Rule, Seal, Sealed};

/// A flaw of the product's own seals.
fn seals(name: &str, change: fn(&mut CodeResources)) -> Flaw {
    seals_and_files(name, change, |_, _| {})
}

/// A flaw of the seals, and of the files after they are sealed.
fn seals_and_files(
    name: &str,
    change: impl Fn(&mut CodeResources) + Send + Sync + 'static,
    after: impl Fn(&mut Bundle, &Item) + Send + Sync + 'static,
) -> Flaw {
    let change = Arc::new(change);
    Flaw::new(name, Means::Key, move |product| {
        let mut spec = product.spec.clone();
        (spec.layout != Layout::Tool).then_some(())?;
        spec.sealing.hooks.push(change.clone());
        let mut signed = spec.sign();
        after(&mut signed.bundle, &spec);
        Some(signed)
    })
}

/// A link with this target that is in the bundle and sealed.
fn sealed_link(name: &str, target: &'static str) -> Flaw {
    const PATH: &str = "Resources/out";
    seals_and_files(
        name,
        move |seals| {
            let seal = Seal {
                what: Sealed::Link(target.to_owned()),
                optional: false,
            };
            seals.files2().insert(PATH.to_owned(), seal);
        },
        move |bundle, item| {
            let path = joined(item.layout.base(), PATH);
            bundle.put(&path, Entry::Link(target.to_owned()));
        },
    )
}

/// A flaw of seals of nested code, for products that have some.
fn nested_seals(name: &str, change: fn(&mut Vec<u8>, &mut String)) -> Flaw {
    Flaw::new(name, Means::Key, move |product| {
        let mut spec = product.spec.clone();
        let sealed = spec.layout == Layout::Deep && !spec.nested.is_empty();
        sealed.then_some(())?;
        spec.sealing
            .hooks
            .push(Arc::new(move |seals: &mut CodeResources| {
                for seal in seals.files2().values_mut() {
                    if let Sealed::Nested(cdhash, requirement) = &mut seal.what {
                        change(cdhash, requirement);
                    }
                }
            }));
        Some(spec.sign())
    })
}

fn file(bytes: &[u8]) -> Seal {
    let digests = vec![(HashType::Sha256, HashType::Sha256.digest(bytes))];
    Seal {
        what: Sealed::File(digests),
        optional: false,
    }
}

/// The first sealed plain file.
fn first(seals: &mut BTreeMap<String, Seal>) -> Option<(String, &mut Seal)> {
    let found = seals.iter_mut().find(|(path, seal)| {
        matches!(seal.what, Sealed::File(_)) && !seal.optional && !path.starts_with("embedded.")
    });
    found.map(|(path, seal)| (path.clone(), seal))
}

fn remove_last_resource(bundle: &mut Bundle, item: &Item) {
    // The last one: nothing links to it.
    let mut plain = item.resources.iter().rev();
    let plain = plain
        .find(|(path, entry)| matches!(entry, Entry::File { .. }) && !path.contains(".lproj/"));
    if let Some((path, _)) = plain {
        bundle.remove(&joined(item.layout.base(), path));
    }
}

/// A product whose seals name so many files that are not there: for bounds of memory and time. It is not among the named
/// flaws, because it takes long to make.
pub fn many_entries(count: usize) -> Flaw {
    Flaw::new(format!("entries-{count}"), Means::Key, move |product| {
        let mut spec = product.spec.clone();
        (spec.layout != Layout::Tool).then_some(())?;
        spec.sealing
            .hooks
            .push(Arc::new(move |seals: &mut CodeResources| {
                let seal = file(b"gone");
                for number in 0..count {
                    let path = format!("Resources/{number:07}");
                    seals.files2().insert(path, seal.clone());
                }
            }));
        Some(spec.sign())
    })
}

pub(super) fn flaws() -> Vec<Flaw> {
    let mut flaws = rules();
    flaws.extend(entries());
    flaws.extend(nested());
    flaws
}

fn rules() -> Vec<Flaw> {
    vec![
        seals("rule-for-everything-missing", |seals| {
            seals.rules2().retain(|rule| rule.pattern != "^.*");
        }),
        seals("rule-for-everything-omits", |seals| {
            seals.rules2().retain(|rule| rule.pattern != "^.*");
            seals.rules2().push(Rule::omitting("^.*", 1));
        }),
        seals_and_files(
            "rule-omits-programs",
            |seals| {
                seals
                    .rules2()
                    .push(Rule::omitting("^(MacOS|Helpers)/|^added$", 3000))
            },
            |bundle, item| {
                let path = match item.layout {
                    Layout::Deep => "Contents/MacOS/added",
                    _ => "added",
                };
                bundle.put(path, Entry::program("nobody sealed this"));
            },
        ),
        seals_and_files(
            "rule-omits-by-accident",
            // Unanchored: it is about every path that has such letters anywhere.
            |seals| {
                seals.rules2().push(Rule::omitting("ocket", 3000));
                seals.files2().retain(|path, _| !path.contains("ocket"));
            },
            |_, _| {},
        ),
        seals("rule-omits-the-profile", |seals| {
            seals.rules2().push(Rule::omitting(r"^embedded\.", 3000));
            seals
                .files2()
                .retain(|path, _| !path.starts_with("embedded."));
        }),
        seals("rules-of-one-weight-disagree", |seals| {
            seals.rules2().push(Rule::omitting("^.*$", 1));
        }),
        seals_and_files(
            "rule-makes-all-optional",
            |seals| {
                seals.rules2().push(Rule::optional("^Resources/.*", 3000));
                for seal in seals.files2().values_mut() {
                    if !matches!(seal.what, Sealed::Nested(..)) {
                        seal.optional = true;
                    }
                }
            },
            remove_last_resource,
        ),
        seals("rule-takes-for-ever", |seals| {
            let pattern = "^(((a*)*)*)*((.*)(.*)(.*)(.*)(.*)(.*))*b$";
            seals.rules2().push(Rule::weighing(pattern, 1));
        }),
        seals("rule-repeats-without-bound", |seals| {
            seals
                .rules2()
                .push(Rule::weighing("^((a{1,200}){1,200}){1,200}$", 1));
        }),
        seals("rule-not-an-expression", |seals| {
            seals.rules2().push(Rule::weighing("^([a-z$", 1));
        }),
        seals("rules-by-the-thousand", |seals| {
            for number in 0..5000 {
                seals
                    .rules2()
                    .push(Rule::weighing(&format!("^Rule{number}/"), 1));
            }
        }),
        seals("rules-missing", |seals| {
            let files = seals.files2().clone();
            seals.new = None;
            let paths = files
                .into_keys()
                .map(|path| (path, Value::Data(vec![0; 20])));
            seals
                .more
                .push(("files2".to_owned(), Value::Dictionary(paths.collect())));
        }),
        seals("rules-not-a-dictionary", |seals| {
            seals
                .more
                .push(("rules2".to_owned(), Value::Array(Vec::new())));
        }),
        seals("seals-not-a-dictionary", |seals| {
            seals.more.push(("files2".to_owned(), "all of them".into()));
        }),
        seals("seals-of-version-1-only", |seals| seals.new = None),
        seals("seals-of-nothing", |seals| {
            seals.old = None;
            seals.new = None;
        }),
    ]
}

fn entries() -> Vec<Flaw> {
    vec![
        seals("entry-missing", |seals| {
            if let Some((path, _)) = first(seals.files2()) {
                seals.files2().remove(&path);
            }
        }),
        seals("entries-none", |seals| seals.files2().clear()),
        seals_and_files(
            "entry-made-optional",
            |seals| {
                for seal in seals.files2().values_mut() {
                    seal.optional |= matches!(seal.what, Sealed::File(_));
                }
            },
            remove_last_resource,
        ),
        seals("entry-for-a-missing-file", |seals| {
            seals
                .files2()
                .insert("Resources/missing".to_owned(), file(b"gone"));
        }),
        seals("entry-with-a-wrong-digest", |seals| {
            if let Some((_, seal)) = first(seals.files2()) {
                *seal = file(b"something else");
            }
        }),
        seals("entry-with-sha1-only", |seals| {
            if let Some((
                _,
                Seal {
                    what: Sealed::File(digests),
                    ..
                },
            )) = first(seals.files2())
            {
                *digests = vec![(HashType::Sha1, digests[0].1[..20].to_vec())];
            }
        }),
        seals("entry-with-a-short-digest", |seals| {
            if let Some((
                _,
                Seal {
                    what: Sealed::File(digests),
                    ..
                },
            )) = first(seals.files2())
            {
                digests[0].1.truncate(1);
            }
        }),
        seals("entry-of-another-kind", |seals| {
            if let Some((_, seal)) = first(seals.files2()) {
                seal.what = Sealed::Link("elsewhere".to_owned());
            }
        }),
        seals("entry-is-code-but-is-none", |seals| {
            if let Some((_, seal)) = first(seals.files2()) {
                seal.what = Sealed::Nested(vec![0; 20], "always".to_owned());
            }
        }),
        seals("entry-for-the-executable", |seals| {
            seals
                .files2()
                .insert("MacOS/Rocket".to_owned(), file(b"itself"));
            seals.files2().insert("Rocket".to_owned(), file(b"itself"));
        }),
        seals("entry-climbs-out", |seals| {
            seals
                .files2()
                .insert("../../../../etc/hosts".to_owned(), file(b"hosts"));
        }),
        seals("entry-climbs-out-within", |seals| {
            seals
                .files2()
                .insert("Resources/../../../hosts".to_owned(), file(b"hosts"));
        }),
        seals("entry-absolute", |seals| {
            seals
                .files2()
                .insert("/etc/hosts".to_owned(), file(b"hosts"));
        }),
        seals("entry-empty", |seals| {
            seals.files2().insert(String::new(), file(b""));
        }),
        seals("entry-of-control-characters", |seals| {
            seals
                .files2()
                .insert("a\u{1b}[2Jb\nc".to_owned(), file(b""));
        }),
        sealed_link(
            "link-out-of-the-bundle-sealed",
            "../../../../../../etc/hosts",
        ),
        sealed_link("link-absolute-sealed", "/etc/hosts"),
        sealed_link("link-to-nothing-sealed", "nothing"),
        executable("executable-name-climbs-out", "../../../../bin/ls"),
        executable("executable-name-absolute", "/bin/ls"),
        executable("executable-name-of-nothing", "Missing"),
        executable("executable-name-empty", ""),
        Flaw::new("info-names-another-identifier", Means::Key, |product| {
            let mut spec = product.spec.clone();
            (spec.layout != Layout::Tool).then_some(())?;
            let key = "CFBundleIdentifier".to_owned();
            spec.info.insert(key, "com.acme.other".into());
            Some(spec.sign())
        })
        .in_context(),
        Flaw::new("info-of-noise", Means::Key, |product| {
            let mut spec = product.spec.clone();
            (spec.layout != Layout::Tool).then_some(())?;
            let path = joined(spec.layout.base(), spec.layout.info());
            spec.sealing
                .files
                .push(Arc::new(move |bundle: &mut Bundle| {
                    bundle.put(&path, Entry::file("<plist><dict>"));
                }));
            Some(spec.sign())
        }),
    ]
}

/// A signed `Info.plist` that names another executable.
fn executable(name: &'static str, says: &'static str) -> Flaw {
    Flaw::new(name, Means::Key, move |product| {
        let mut spec = product.spec.clone();
        (spec.layout != Layout::Tool).then_some(())?;
        spec.info
            .insert("CFBundleExecutable".to_owned(), says.into());
        Some(spec.sign())
    })
}

fn nested() -> Vec<Flaw> {
    vec![
        nested_seals("nested-seal-never", |_, requirement| {
            *requirement = "never".to_owned()
        }),
        nested_seals("nested-seal-of-another", |_, requirement| {
            *requirement = "identifier \"com.acme.other\" and anchor apple generic".to_owned();
        }),
        nested_seals("nested-seal-not-a-requirement", |_, requirement| {
            *requirement = "identifier and or (((".to_owned();
        }),
        nested_seals("nested-seal-deep", |_, requirement| {
            *requirement = format!("{}always{}", "(".repeat(2000), ")".repeat(2000));
        }),
        nested_seals("nested-seal-with-another-hash", |cdhash, _| cdhash[0] ^= 1),
        nested_seals("nested-seal-without-hash", |cdhash, _| cdhash.clear()),
    ]
}
