//! Findings as JUnit XML, which most CI systems show as test results.
//!
//! Each cause is a test case: one that blocks failed, one that warns passed with an output. Where nothing is found, one case
//! says that it passed; a report without any case looks like one that was never made.

use quick_xml::escape::escape;

use super::remedies;
use super::report;
use super::terminal::Terminal;
use crate::base::cause::{self, Cause};
use crate::base::finding::{Finding, Severity};
use crate::base::plain::plain;

/// The report of the command called `title`.
pub fn report(title: &str, findings: &[Finding], terminal: &Terminal) -> String {
    let suite = title.split(':').next().unwrap_or(title);
    let causes = cause::causes(findings);
    let failures = cause::blocking(&causes).count();
    let mut cases: String = causes
        .iter()
        .map(|cause| case(suite, cause, terminal))
        .collect();
    if causes.is_empty() {
        cases = format!(
            "    <testcase classname={} name=\"cleared\"/>\n",
            attribute(suite)
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name={} tests=\"{}\" failures=\"{failures}\" \
         errors=\"0\" skipped=\"0\">\n{cases}  </testsuite>\n</testsuites>\n",
        attribute(suite),
        causes.len().max(1),
    )
}

fn case(suite: &str, cause: &Cause<'_>, terminal: &Terminal) -> String {
    let first = cause.first;
    let headline = cause.headline();
    let mut lines = vec![headline.clone()];
    let next = remedies::next_of(cause);
    for (label, value) in [
        ("expected", first.expected.as_deref()),
        ("found", first.found.as_deref()),
        ("at", Some(report::place(&first.place).as_str())),
        ("do", first.hint.as_deref()),
        ("next", Some(next.as_str())),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            lines.push(format!("{label}: {}", remedies::for_many(value, cause)));
        }
    }
    let alike = cause.alike.iter().chain(&cause.follows);
    lines.extend(alike.map(|finding| format!("also: {}", finding.message)));
    let text: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    let text = text.join("\n");
    let place = terminal.checkout.place(first);
    let result = match first.severity {
        Severity::Block => format!(
            "<failure type=\"{}\" message={}>{text}</failure>",
            first.code,
            attribute(&headline)
        ),
        Severity::Warn | Severity::Info => format!("<system-out>{text}</system-out>"),
    };
    let class = format!("{suite}.{}", first.code.group());
    format!(
        "    <testcase classname={} name={} file={} line=\"{}\">{result}</testcase>\n",
        attribute(&class),
        attribute(&format!("{}: {headline}", first.code)),
        attribute(place.file.as_deref().unwrap_or_default()),
        place.line.unwrap_or(1),
    )
}

/// A text as XML. What XML cannot hold (its production Char) is replaced, as is what else a terminal would act on.
fn escaped(text: &str) -> String {
    let text = plain(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    escape(text).into_owned()
}

/// The same between quotes.
fn attribute(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Code;

    #[test]
    fn what_blocks_failed_and_what_warns_passed() {
        let all = [
            Finding::block(Code::ProfileMissing, "<a> & \"b\"\u{1b} is missing"),
            Finding::warn(Code::ProfileExpiresSoon, "soon"),
        ];
        let text = report("countersign gate: blocked", &all, &Terminal::default());
        assert!(
            text.contains("name=\"countersign gate\" tests=\"2\" failures=\"1\""),
            "{text}"
        );
        assert!(
            text.contains("message=\"&lt;a&gt; &amp; &quot;b&quot;\u{fffd} is missing\""),
            "{text}"
        );
        assert!(
            text.contains("<system-out>soon\nnext: countersign explain"),
            "{text}"
        );
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut depth = 0_i32;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(_) => depth += 1,
                quick_xml::events::Event::End(_) => depth -= 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(depth, 0);
    }

    #[test]
    fn nothing_found_is_one_case_that_passed() {
        let text = report("countersign gate: cleared", &[], &Terminal::default());
        assert!(text.contains("tests=\"1\" failures=\"0\""), "{text}");
        assert!(text.contains("name=\"cleared\"/>"), "{text}");
    }
}
