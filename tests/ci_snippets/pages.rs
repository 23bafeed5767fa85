//! The pages of `docs/ci`: each holds its snippets, word for word.

use std::fs;

use support::root;

use crate::snippet::snippets;

/// The page of each file.
fn page(name: &str) -> &'static str {
    match name {
        "github-archive.yml" | "github-pull-request.yml" | "github-rotation.yml" => "github.md",
        "gitlab-ci.yml" => "gitlab.md",
        "buildkite.yml" => "buildkite.md",
        "circleci.yml" => "circleci.md",
        "azure-pipelines.yml" => "azure.md",
        "Jenkinsfile" => "jenkins.md",
        "bitrise.yml" => "bitrise.md",
        _ if name.starts_with("xcode-cloud/") => "xcode-cloud.md",
        _ => panic!("{name} has no page"),
    }
}

fn text(page: &str) -> String {
    fs::read_to_string(root().join("docs/ci").join(page)).unwrap()
}

#[test]
fn each_page_holds_its_snippets() {
    for snippet in snippets() {
        let page = page(&snippet.name);
        let text = text(page);
        let link = format!("](../../examples/ci/{})", snippet.name);
        assert!(text.contains(&link), "{page}: no link to {}", snippet.name);
        let blocks: Vec<&str> = text.split("\n```").collect();
        let is_held = blocks.iter().any(|block| {
            let body = block.split_once('\n').map(|(_, body)| body);
            body == Some(snippet.text.trim_end())
        });
        assert!(is_held, "{page} shows another {}", snippet.name);
    }
}

#[test]
fn a_page_says_where_no_schema_was_at_hand() {
    for page in ["jenkins.md", "bitrise.md", "xcode-cloud.md"] {
        assert!(text(page).contains("No schema was at hand"), "{page}");
    }
    for page in [
        "github.md",
        "gitlab.md",
        "buildkite.md",
        "circleci.md",
        "azure.md",
    ] {
        assert!(text(page).contains("the schema of"), "{page}");
    }
}

#[test]
fn the_front_page_leads_to_each_page() {
    let front = text("README.md");
    for entry in fs::read_dir(root().join("docs/ci")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || front.contains(&format!("]({name})")),
            "{name}"
        );
    }
}
