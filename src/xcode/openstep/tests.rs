use std::borrow::Cow;

use super::next_step::{NEXT_STEP, next_step};
use super::*;

fn text(source: &str) -> String {
    read(source).unwrap().root.as_text().unwrap().to_owned()
}

fn refused(source: &str) -> ReadError {
    read(source).unwrap_err()
}

#[test]
fn reads_what_projects_hold() {
    let document = read(concat!(
        "// !$*UTF8*$!\n{\n\tobjects = {\n\t\tAB /* x */ = {isa = PBXGroup; children = (\n\t\t\tA,\n\t\t\t\"b c\",\n\t\t); };\n",
        "\t};\n\trootObject = AB /* Project object */;\n}\n"
    ))
    .unwrap();
    let root = document.root.as_map().unwrap();
    assert_eq!(root.text("rootObject"), Some("AB"));
    let objects = root.map("objects").unwrap();
    let group = objects.map("AB").unwrap();
    let children: Vec<_> = group
        .list("children")
        .iter()
        .filter_map(Node::as_text)
        .collect();
    assert_eq!(children, ["A", "b c"]);
    assert_eq!(document.line(objects.entry("AB").unwrap().at), Some(4));
    assert_eq!(document.line(group.list("children")[1].at), Some(6));
}

#[test]
fn undoes_every_escape() {
    assert_eq!(
        text(
            r#""a\tb\n\"q\" \\ \U00e9 \101 \216\
x""#
        ),
        "a\tb\n\"q\" \\ é A Î\nx"
    );
    assert_eq!(text(r#""\Ud83d\Ude00 \Ud83d""#), "😀 \u{fffd}");
    assert_eq!(text(r#"'it"s \é'"#), "it\"s é");
    assert_eq!(text("\"Home Assistant Δ.app\""), "Home Assistant Δ.app");
}

#[test]
fn the_nextstep_table_is_whole() {
    assert_eq!(NEXT_STEP.chars().count(), 128);
    assert_eq!(next_step(0xfb), 'ß');
    assert_eq!(next_step(0xae), 'ﬁ');
    assert_eq!(next_step(0xd0), '—');
}

#[test]
fn plain_strings_borrow_from_the_text() {
    for source in ["a/b.c", "\"a b\""] {
        let document = read(source).unwrap();
        assert!(matches!(document.root.kind, Kind::Text(Cow::Borrowed(_))));
    }
}

#[test]
fn data_and_odd_blanks_are_read() {
    let document = read("{ d = <0f Bd77>;\u{2028}e = (); f = {}; }").unwrap();
    let root = document.root.as_map().unwrap();
    assert_eq!(
        root.get("d").unwrap().kind,
        Kind::Data(vec![0x0f, 0xbd, 0x77])
    );
    assert!(root.list("e").is_empty());
    assert_eq!(root.map("f"), Some(&Map::default()));
    assert_eq!(refused("<0f0>").problem, Problem::BadData);
    assert_eq!(refused("<xy>").problem, Problem::BadData);
}

#[test]
fn a_merge_conflict_is_an_error_that_names_the_line() {
    for marker in ["<<<<<<< HEAD", "||||||| base", "=======", ">>>>>>> theirs"] {
        let error = refused(&format!("{{\n\ta = 1;\n{marker}\n\tb = 2;\n}}"));
        assert_eq!(error.line, 3, "{marker}");
        assert!(
            matches!(error.problem, Problem::ConflictMarker { .. }),
            "{error}"
        );
    }
    assert_eq!(refused("<<<<<<< HEAD\n{}").line, 1);
    let inside = refused("{ a = \"x\n<<<<<<< HEAD\ny\"; }");
    assert_eq!(inside.line, 2);
    // A heading underlined in a script is no conflict, nor is a longer row, nor a row inside a line.
    assert!(read("{ a = \"Title\n=======\n\"; b = \"<<<<<<< x\"; }").is_ok());
    assert_eq!(conflict_marker(b"========"), None);
}

#[test]
fn truncation_names_what_was_left_open() {
    let error = refused("{\n a = (\n  b,\n");
    assert_eq!(error.line, 4);
    assert_eq!(
        error.problem,
        Problem::Unclosed {
            opened: "list \"(\"",
            opened_line: 2
        }
    );
    for source in [
        "{ a = \"b",
        "{ a = b",
        "{ a",
        "{ /* x",
        "{ a = <0f",
        "",
        "{ a = \"b\\",
    ] {
        assert!(read(source).is_err(), "{source:?}");
    }
}

#[test]
fn unbalanced_and_foreign_text_is_refused_with_its_line() {
    for (source, line) in [
        ("{\n a = b\n c = d; }", 3),
        ("{ a = b; }\n}", 2),
        ("{\n a b; }", 2),
        ("(a\nb)", 2),
        ("{ a = ; }", 1),
        ("{ = a; }", 1),
        ("{ a = b); }", 1),
    ] {
        let error = refused(source);
        assert_eq!(error.line, line, "{source:?}: {error}");
        assert!(
            matches!(error.problem, Problem::Unexpected { .. }),
            "{source:?}: {error}"
        );
    }
}

#[test]
fn bottomless_nesting_is_refused() {
    let deep = "(".repeat(100_000);
    assert_eq!(refused(&deep).problem, Problem::TooDeep);
    let deep = "{a=".repeat(100_000);
    assert_eq!(refused(&deep).problem, Problem::TooDeep);
}

#[test]
fn xml_is_read_without_positions() {
    let document = read(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict><key>objectVersion</key><string>46",
        "</string><key>n</key><integer>3</integer><key>l</key><array><true/></array></dict></plist>"
    ))
    .unwrap();
    let root = document.root.as_map().unwrap();
    assert_eq!(root.text("objectVersion"), Some("46"));
    assert_eq!(root.text("n"), Some("3"));
    assert_eq!(root.list("l")[0].as_text(), Some("YES"));
    assert_eq!(document.line(root.entry("n").unwrap().at), None);
    assert!(matches!(
        refused("<?xml version=\"1.0\"?><plist><dict>").problem,
        Problem::Xml(_)
    ));
    assert_eq!(refused("<?xml?>\n<<<<<<< HEAD\n").line, 2);
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    let document = read("{ a = 1; a = 2; }").unwrap();
    assert_eq!(document.root.as_map().unwrap().text("a"), Some("2"));
}

#[test]
fn a_large_dictionary_answers_as_a_small_one_does() {
    let entries: String = (0..100).map(|at| format!("k{} = {at};", at % 40)).collect();
    let text = format!("{{ {entries} }}");
    let document = read(&text).unwrap();
    let root = document.root.as_map().unwrap();
    assert_eq!(root.entries().len(), 100);
    for key in 0..40 {
        let last = if key < 20 { key + 80 } else { key + 40 };
        assert_eq!(root.text(&format!("k{key}")), Some(&*last.to_string()));
    }
    assert_eq!(root.text("k40"), None);
    assert_eq!(root.text(""), None);
}
