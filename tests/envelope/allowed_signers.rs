//! The list of allowed signers: what a line means, and that a list with a line that cannot be read is not used.

use countersign::base::error::Explain as _;
use countersign::context::ssh::allowed_signers::{
    AllowedBy, AllowedSigners, LineProblem, ListError, NotAllowed,
};
use countersign::context::ssh::key::PublicKey;
use forge::ssh::{NAMESPACE, SshKey};

use super::scene::{instant, signer};

fn public(key: &SshKey) -> PublicKey {
    PublicKey::from_blob(&key.public()).unwrap()
}

/// What a list says of the signer's key at one instant, as nobody in particular.
fn check(list: &str, namespace: &str) -> Result<u64, NotAllowed> {
    let list = AllowedSigners::parse(list.as_bytes()).unwrap();
    let now = [instant("2026-07-06T14:45:00Z")];
    list.check(&public(&signer()), namespace, None, &now)
        .map(|by| by.line)
}

fn problem(list: &str) -> ListError {
    let error = AllowedSigners::parse(list.as_bytes()).unwrap_err();
    assert!(error.hint().is_some());
    error
}

#[test]
fn comments_and_blank_lines_are_no_lines_of_the_list() {
    let key = signer().allowed("ci", "");
    let list = format!("\n# {key}   \t\r\n \t# comment\n{key}");
    assert_eq!(check(&list, NAMESPACE), Ok(5));
    assert_eq!(
        check(&format!("# {key}"), NAMESPACE),
        Err(NotAllowed::Unknown)
    );
    // Without a final newline, with carriage returns, with tabs, without a comment.
    assert_eq!(check(key.trim_end(), NAMESPACE), Ok(1));
    assert_eq!(check(&key.replace('\n', "\r\n"), NAMESPACE), Ok(1));
    assert_eq!(check(&key.replace(' ', "\t"), NAMESPACE), Ok(1));
    assert_eq!(check(&key.replace(" a comment", ""), NAMESPACE), Ok(1));
}

#[test]
fn namespaces_are_a_list_of_patterns() {
    for (namespaces, is_allowed) in [
        ("countersign-envelope", true),
        ("git,countersign-*", true),
        ("*", true),
        ("git,file", false),
        ("*,!countersign-envelope", false),
        ("", false),
    ] {
        let list = signer().allowed("ci", &format!("namespaces=\"{namespaces}\""));
        let checked = check(&list, NAMESPACE);
        assert_eq!(checked.is_ok(), is_allowed, "{namespaces}");
        if let Err(why) = checked {
            assert!(matches!(why, NotAllowed::OtherNamespace { line: 1, .. }));
        }
    }
}

#[test]
fn any_line_that_allows_is_enough_and_the_first_says_why_none_does() {
    let old = signer().allowed("ci", r#"valid-before="20200101Z""#);
    let git = signer().allowed("ci", r#"namespaces="git""#);
    let good = signer().allowed("ci", "");
    assert_eq!(check(&[&*old, &git, &good].concat(), NAMESPACE), Ok(3));
    assert!(matches!(
        check(&[&*old, &git].concat(), NAMESPACE),
        Err(NotAllowed::NoLonger { line: 1, .. })
    ));
}

#[test]
fn a_certificate_authority_signs_nothing_itself() {
    let list = signer().allowed("*", "cert-authority");
    assert_eq!(
        check(&list, NAMESPACE),
        Err(NotAllowed::Authority { line: 1 })
    );
    let list = signer().allowed("*", r#"CERT-Authority,namespaces="git""#);
    assert_eq!(
        check(&list, NAMESPACE),
        Err(NotAllowed::Authority { line: 1 })
    );
}

#[test]
fn principals_are_a_list_of_patterns_and_may_be_quoted() {
    let now = [instant("2026-07-06T14:45:00Z")];
    for (principals, principal, is_allowed) in [
        ("a@acme.example,b@acme.example", "b@acme.example", true),
        ("*@acme.example,!b@acme.example", "b@acme.example", false),
        ("\"a b\"", "a b", true),
        ("\"a b\"", "a", false),
    ] {
        let list = signer().allowed(principals, "");
        let list = AllowedSigners::parse(list.as_bytes()).unwrap();
        let checked = list.check(&public(&signer()), NAMESPACE, Some(principal), &now);
        assert_eq!(checked.is_ok(), is_allowed, "{principals} {principal}");
        if let Ok(AllowedBy { principals: by, .. }) = checked {
            assert_eq!(by, principals.trim_matches('"'));
        }
    }
}

#[test]
fn lines_with_keys_that_cannot_sign_here_are_lines_all_the_same() {
    let key = |word: &str| {
        let length = u32::try_from(word.len()).unwrap();
        let blob = [&length.to_be_bytes(), word.as_bytes(), b"rest"].concat();
        format!("ci {word} {}\n", forge::certificate::base64(&blob))
    };
    let good = signer().allowed("ci", "");
    let list = [
        &*key("ssh-dss"),
        &key("ssh-rsa-cert-v01@openssh.com"),
        &good,
    ]
    .concat();
    assert_eq!(check(&list, NAMESPACE), Ok(3));
}

#[test]
fn a_line_that_cannot_be_read_makes_the_list_unusable() {
    let good = signer().allowed("ci", "");
    let key = good.strip_prefix("ci ").unwrap();
    let problem = |line: &str| {
        let list = [&*good, line].concat();
        let error = problem(&list);
        assert_eq!(error.line, 2, "{line}");
        error.problem
    };
    assert_eq!(problem("ci"), LineProblem::NoKey);
    assert_eq!(
        problem(key.split(" a ").next().unwrap()),
        LineProblem::NoKey
    );
    assert_eq!(problem("ci ssh-ed25519"), LineProblem::NoKey);
    assert_eq!(problem(&format!("ci \"{key}")), LineProblem::Quotation);
    assert_eq!(
        problem(&format!("ci no-touch {key}")),
        LineProblem::Option("no-touch".into())
    );
    assert_eq!(
        problem(&format!("ci cert-authority=\"yes\" {key}")),
        LineProblem::Option("cert-authority".into())
    );
    assert_eq!(
        problem(&format!("ci namespaces=git {key}")),
        LineProblem::NoValue("namespaces")
    );
    assert_eq!(
        problem(&format!("ci namespaces {key}")),
        LineProblem::NoValue("namespaces")
    );
    assert_eq!(
        problem(&format!("ci namespaces=\"a\",namespaces=\"b\" {key}")),
        LineProblem::Repeated("namespaces")
    );
    assert_eq!(
        problem(&format!("ci namespaces=\"a\", {key}")),
        LineProblem::Option(String::new())
    );
    assert_eq!(
        problem(&format!(
            "ci namespaces=\"a\" {}",
            key.replace("AAAA", "AA=A")
        )),
        LineProblem::Key
    );
    // The word and the key must agree.
    assert_eq!(
        problem(&format!(
            "ci cert-authority {}",
            key.replace("ssh-ed25519", "ssh-rsa")
        )),
        LineProblem::Key
    );
    let error = AllowedSigners::parse(b"ci \xff").unwrap_err();
    assert_eq!(error.problem, LineProblem::NotText);
}

#[test]
fn times_are_in_utc() {
    let problem = |option: &str| {
        let list = signer().allowed("ci", option);
        problem(&list).problem
    };
    for value in ["20260706", "202607061415", "20260706141500"] {
        assert_eq!(
            problem(&format!("valid-after=\"{value}\"")),
            LineProblem::LocalTime {
                option: "valid-after",
                value: value.into()
            }
        );
    }
    for value in [
        "",
        "Z",
        "2026",
        "20261306Z",
        "20260230Z",
        "2026070624Z",
        "202607062400Z",
        "20260706141560Z",
        "2026-07-06Z",
        "20260706T141500Z",
        "+0260706Z",
        "99999999999999Z",
    ] {
        assert_eq!(
            problem(&format!("valid-before=\"{value}\"")),
            LineProblem::Time {
                option: "valid-before",
                value: value.into()
            }
        );
    }
    assert_eq!(
        problem(r#"valid-after="20260706Z",valid-before="20260706Z""#),
        LineProblem::Never
    );
    let list = signer().allowed(
        "ci",
        r#"valid-before="20260706144500Z",VALID-AFTER="20260706Z""#,
    );
    assert_eq!(check(&list, NAMESPACE), Ok(1));
}
