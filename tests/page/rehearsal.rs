//! The page of a rehearsal: that it holds everything, that machines and instants alike stand together, and that it stays small.

use std::collections::BTreeMap;
use std::fs;

use countersign::base::digest::Digest;
use countersign::base::finding::{Code, Finding};
use countersign::cli::rotate::rehearsal::html;
use countersign::context::rotation::rehearsal::{
    Event, EventKind, FailCause, FaultKind, Moment, Outcome, PlannedKind, RehearsedFault,
    RehearsedNode, RehearsedStep, Rollback,
};
use countersign::ops::report::{Head, ManifestName};
use countersign::ops::rotate::{RehearsalDocument, RehearsedBranch, ShownBuilds, ShownGroup};
use jiff::{Timestamp, ToSpan as _};
use support::workshop::{Ran, Workshop, ran};

use super::assert_asks_for_nothing;

/// The instant at which rehearsals of this file begin.
const AT: &str = "2026-07-06T14:15:00Z";

fn begin() -> Timestamp {
    AT.parse().unwrap()
}

fn after(days: usize) -> Timestamp {
    let hours = 24 * i64::try_from(days).unwrap();
    begin().checked_add(hours.hours()).unwrap()
}

fn moment(at: Timestamp, what: EventKind, names: &[&str]) -> Moment {
    let names = names.iter().map(|name| (*name).to_owned());
    Moment {
        at,
        events: vec![Event {
            what,
            names: names.collect(),
            more: 0,
        }],
        steps: 0,
    }
}

fn manifest(revision: u64) -> ManifestName {
    ManifestName {
        digest: Digest::of(&revision.to_be_bytes()),
        revision,
    }
}

/// What is said of a build.
type Said = (Outcome, Option<FailCause>, Vec<Code>);

fn passes() -> Said {
    (Outcome::Passes, None, Vec::new())
}

fn expired() -> Said {
    let codes = vec![Code::ProfileExpired];
    (
        Outcome::BlockedRightly,
        Some(FailCause::ProfileExpired),
        codes,
    )
}

fn by_a_margin() -> Said {
    let codes = vec![Code::ProfileExpiresSoon];
    (Outcome::BlockedThoughItWouldBuild, None, codes)
}

fn missed() -> Said {
    (
        Outcome::PassesThoughItWouldFail,
        Some(FailCause::OtherProfile),
        Vec::new(),
    )
}

fn host(machine: usize) -> String {
    format!("signer-{machine:03}.acme.example")
}

/// A rehearsal on so many machines at these instants, of branches of these names.
fn document(
    machines: usize,
    mut calendar: Vec<Moment>,
    branches: &[&str],
    said: impl Fn(usize, usize, usize) -> Said,
) -> RehearsalDocument {
    let mut steps = Vec::new();
    for moment in &mut calendar {
        for event in &moment.events {
            let step = match event.what {
                EventKind::Stage => PlannedKind::Stage,
                EventKind::Promote => PlannedKind::Promote,
                EventKind::Retire => PlannedKind::Retire,
                _ => continue,
            };
            steps.push(RehearsedStep {
                step,
                product: event.names.first().cloned(),
                at: moment.at,
                revision: 8 + u64::try_from(steps.len()).unwrap(),
                rollback: Rollback::Restores,
            });
        }
        moment.steps = steps.len();
    }
    let mut builds = Vec::new();
    for (instant, moment) in calendar.iter().enumerate() {
        for (branch, name) in branches.iter().enumerate() {
            let mut groups: BTreeMap<Said, Vec<_>> = BTreeMap::new();
            for machine in 0..machines {
                let hosts = groups.entry(said(branch, machine, instant)).or_default();
                hosts.push(host(machine).parse().unwrap());
            }
            let groups = groups.into_iter();
            let groups = groups.map(|((outcome, fails, blocked_by), hosts)| ShownGroup {
                outcome,
                fails,
                blocked_by,
                hosts,
            });
            builds.push(ShownBuilds {
                at: moment.at,
                branch: (*name).to_owned(),
                groups: groups.collect(),
            });
        }
    }
    let node = |machine: usize| RehearsedNode {
        host: host(machine).parse().unwrap(),
        own: machine == 0,
        installs: 4,
        imports: Vec::new(),
        identities_known: machine != 0,
        unknown_files: 0,
    };
    let branches = branches.iter().zip(7..);
    RehearsalDocument {
        schema: "countersign.rehearsal.v1",
        manifest: manifest(7),
        at: begin(),
        steps,
        calendar,
        instants_left_out: 0,
        nodes: (0..machines).map(node).collect(),
        branches: branches
            .map(|(name, revision)| RehearsedBranch {
                name: (*name).to_owned(),
                manifest: manifest(revision),
            })
            .collect(),
        not_judged: vec!["the hour of a build: each instant stands for its day".to_owned()],
        builds,
        faults: faults(),
        findings: Vec::new(),
        head: Head::default(),
    }
}

fn faults() -> Vec<RehearsedFault> {
    let fault = |fault, counts: [usize; 4], causes: &[FailCause]| RehearsedFault {
        fault,
        builds: counts.iter().sum(),
        pass: counts[0],
        blocked_rightly: counts[1],
        blocked_though_they_would_build: counts[2],
        pass_though_they_would_fail: counts[3],
        causes: causes.to_vec(),
        blocked_by: Vec::new(),
        rollback: Rollback::Restores,
        prevented_by: None,
    };
    let mut faults = vec![
        fault(
            FaultKind::NodeWithoutSuccessors,
            [26, 52, 0, 0],
            &[FailCause::ProfileAbsent],
        ),
        fault(
            FaultKind::SkewedClock,
            [402, 60, 158, 0],
            &[FailCause::ProfileExpired],
        ),
        fault(
            FaultKind::CertificateRevoked,
            [0, 104, 0, 0],
            &[FailCause::IdentityAbsent],
        ),
        fault(
            FaultKind::OldBranch,
            [52, 26, 0, 0],
            &[FailCause::ProfileAbsent, FailCause::OtherProfile],
        ),
        fault(
            FaultKind::CrashBetweenFiles,
            [1_300, 988, 104, 0],
            &[FailCause::OtherProfile],
        ),
        fault(
            FaultKind::HalfOfAProduct,
            [0, 0, 0, 78],
            &[FailCause::CertificatesDiffer],
        ),
        fault(
            FaultKind::NoSuccessors,
            [130, 156, 26, 0],
            &[FailCause::ProfileExpired],
        ),
    ];
    faults[5].prevented_by = Some("a promotion changes all targets of a product in one revision");
    faults[6].rollback = Rollback::DoesNotApply;
    faults
}

/// Three steps of one product on one machine, and then the end of what is new.
fn of_one_machine() -> RehearsalDocument {
    let calendar = vec![
        moment(after(0), EventKind::Now, &[]),
        moment(after(40), EventKind::Stage, &[]),
        moment(after(41), EventKind::Promote, &["com.acme.rocket"]),
        moment(after(48), EventKind::Retire, &[]),
        moment(
            after(392),
            EventKind::ProfileEnds,
            &["Rocket 2047", "Widgets 2047"],
        ),
        moment(after(393), EventKind::DayAfter, &[]),
    ];
    document(
        1,
        calendar,
        &["this checkout"],
        |_, _, instant| match instant {
            0..4 => passes(),
            4 => by_a_margin(),
            _ => expired(),
        },
    )
}

/// Fifty-two products on twenty-six machines and two branches; on three machines something is wrong.
pub(crate) fn of_a_fleet() -> RehearsalDocument {
    let mut calendar = vec![
        moment(after(0), EventKind::Now, &[]),
        moment(after(12), EventKind::BeginBy, &[]),
        moment(after(30), EventKind::Stage, &[]),
    ];
    for product in 0..52 {
        let at = after(31).checked_add(i64::from(product).hours()).unwrap();
        let name = format!("com.acme.product{product:02}");
        calendar.push(moment(at, EventKind::Promote, &[&name]));
    }
    calendar.push(moment(after(41), EventKind::Retire, &[]));
    for end in 0..20 {
        let name = format!("Product {end} 2046");
        calendar.push(moment(
            after(60 + 9 * end),
            EventKind::ProfileEnds,
            &[&name],
        ));
        calendar.push(moment(after(61 + 9 * end), EventKind::DayAfter, &[]));
    }
    let name = "Apple Distribution: Acme Rockets, Inc (ACME4CI001)";
    calendar.push(moment(after(300), EventKind::CertificateEnds, &[name]));
    calendar.push(moment(after(301), EventKind::DayAfter, &[]));
    let said = |branch, machine, instant| match (branch, machine, instant) {
        (0, 17, 20..40) => missed(),
        (0, 4, 0..2) => (
            Outcome::BlockedRightly,
            Some(FailCause::IdentityAbsent),
            vec![Code::IdentityMissing],
        ),
        (1, _, 55..) => (
            Outcome::BlockedRightly,
            Some(FailCause::ProfileAbsent),
            vec![Code::ProfileMissing],
        ),
        (_, 9, 3..56) => by_a_margin(),
        (0, _, 97..) => expired(),
        (0, _, 90..) => by_a_margin(),
        _ => passes(),
    };
    let mut document = document(26, calendar, &["this checkout", "release/4.2"], said);
    document.nodes[4].imports = vec![name.to_owned()];
    document.nodes[9].unknown_files = 2;
    document.instants_left_out = 14;
    let host = host(17);
    document.findings = vec![
        Finding::block(
            Code::RotationGateMisses,
            format!("a build of this checkout on {host} would pass the gate and fail: Xcode could choose another profile"),
        )
        .values("a gate that blocks it", "20 such builds, the first at 2026-08-07T07:15:00Z: promote com.acme.product17")
        .hint("remove the profile that nobody pinned from that machine"),
        Finding::warn(
            Code::RotationBreaksBranch,
            "builds of release/4.2 are blocked from the step retire on",
        )
        .values("a passing gate", "profile-missing")
        .hint("take the manifest over into that branch"),
    ];
    document
}

/// So many machines, of each of which something else is said at every instant.
fn of_different_machines(machines: usize, instants: usize, run: usize) -> RehearsalDocument {
    let calendar =
        (0..instants).map(|days| moment(after(days), EventKind::ProfileEnds, &["Rocket"]));
    document(
        machines,
        calendar.collect(),
        &["this checkout"],
        |_, machine, instant| {
            // Codes tell machines apart; outcomes change after each run.
            let codes = [
                Code::ProfileMissing,
                Code::ProfileExpired,
                Code::ProfileShadowed,
            ];
            let mut codes: Vec<Code> = codes
                .into_iter()
                .enumerate()
                .filter(|(bit, _)| (machine >> ((bit + instant) % 9)) & 1 == 1)
                .map(|(_, code)| code)
                .collect();
            codes.push(Code::IdentityMissing);
            match (instant / run + machine) % 2 {
                0 => (
                    Outcome::BlockedRightly,
                    Some(FailCause::ProfileAbsent),
                    codes,
                ),
                _ => (Outcome::BlockedThoughItWouldBuild, None, codes),
            }
        },
    )
}

/// The rows of the table of steps, as they stand on the page.
pub(crate) fn rows_of_steps(document: &RehearsalDocument) -> Vec<String> {
    let rows = document.steps.iter().map(|step| {
        format!(
            "<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
            step.step.as_str(),
            step.product.as_deref().unwrap_or_default(),
            step.at.strftime("%Y-%m-%d %H:%M UTC"),
            step.revision,
            step.rollback.as_str()
        )
    });
    rows.collect()
}

fn page(document: &RehearsalDocument) -> String {
    html::page(document).unwrap()
}

/// The drawings of machines, without the timeline.
fn grids(page: &str) -> &str {
    let (_, grids) = page.split_once("<section id=\"builds\">").unwrap();
    grids.split_once("</section>").unwrap().0
}

fn bars(page: &str) -> usize {
    let classes = ["pass", "right", "would", "miss"];
    let bars = classes.map(|class| {
        grids(page)
            .matches(&format!("<path class=\"{class}\""))
            .count()
    });
    bars.iter().sum()
}

fn rows(page: &str) -> usize {
    grids(page).matches("<g transform=").count()
}

#[test]
fn every_step_machine_instant_fault_and_finding_stands_on_the_page() {
    for document in [of_one_machine(), of_a_fleet()] {
        let page = page(&document);
        let steps = rows_of_steps(&document);
        assert_eq!(steps.len(), document.steps.len());
        for step in steps {
            assert!(page.contains(&step), "{step}");
        }
        for node in &document.nodes {
            assert!(page.contains(node.host.as_str()), "{}", node.host);
        }
        for (place, moment) in document.calendar.iter().enumerate() {
            let at = moment.at.strftime("%Y-%m-%d %H:%M UTC");
            let row = format!(
                "<td>{}</td><td>{at}</td><td>{}</td>",
                place + 1,
                moment.title()
            );
            assert!(page.contains(&row), "{row}");
        }
        for branch in &document.branches {
            assert!(page.contains(&format!("<h3>{}</h3>", branch.name)));
            assert!(page.contains(&branch.manifest.digest.to_string()));
        }
        for fault in &document.faults {
            let row = format!("<td>{}</td><td>{}</td>", fault.fault.as_str(), fault.builds);
            assert!(page.contains(&row), "{row}");
        }
        assert!(
            page.contains("<td>a promotion changes all targets of a product in one revision</td>")
        );
        for finding in &document.findings {
            let head = format!("<b>{}</b> {}", finding.code, finding.message);
            assert!(page.contains(&head), "{head}");
            assert!(page.contains(finding.hint.as_deref().unwrap()));
        }
        for words in &document.not_judged {
            assert!(page.contains(&format!("<li>{words}</li>")));
        }
        assert!(page.contains("revision 7 <code>sha256:"), "{page}");
    }
    assert!(page(&of_a_fleet()).contains("14 later instants are left out"));
}

#[test]
fn the_headline_is_what_the_rehearsal_found() {
    let headline = |document: &RehearsalDocument| {
        let page = page(document);
        let (_, headline) = page.split_once("<h1 class=\"").unwrap();
        headline.split_once("</h1>").unwrap().0.to_owned()
    };
    let mut document = of_one_machine();
    let well = "as planned, no build would pass the gate and fail";
    assert_eq!(headline(&document), format!("ok\">{well}"));
    document.findings = of_a_fleet().findings.split_off(1);
    assert_eq!(headline(&document), format!("warn\">{well}; 1 warning"));
    let fleet = of_a_fleet();
    let problem = &fleet.findings[0].message;
    assert_eq!(headline(&fleet), format!("block\">{problem}"));
    document.findings = vec![
        Finding::block(
            Code::RotationStepBlocks,
            "the gate would block after the step stage",
        ),
        Finding::block(Code::RotationNotUndone, "a rollback does not restore"),
        Finding::block(Code::SuccessorMissing, "no successor"),
    ];
    assert!(
        headline(&document).ends_with("; and 2 more problems"),
        "{}",
        headline(&document)
    );
    // A page is no verdict.
    assert!(page(&document).contains("This page is no verdict"));
}

#[test]
fn machines_of_which_the_same_is_said_share_a_row_and_instants_of_one_outcome_a_bar() {
    let page = page(&of_a_fleet());
    // Of the first branch: machines 4, 9 and 17, and all others; of the second: machine 9, and all others.
    assert_eq!(rows(&page), 6);
    assert_eq!(bars(&page), 3 + 5 + 4 + 5 + 2 + 3);
    assert!(
        page.contains("</title>signer-000 and 22 more</text>"),
        "{}",
        grids(&page)
    );
    assert!(page.contains("signer-000.acme.example, signer-001.acme.example, "));
    // The row in which something is missed comes first, and its bar says which builds and why.
    let (first, _) = grids(&page).split_once("</text>").unwrap();
    assert!(
        grids(&page).find("signer-017").unwrap() < grids(&page).find("signer-000").unwrap(),
        "{first}"
    );
    assert!(page.contains("<title>passes though it would fail\n21–40: 2026-08-07 to 2026-08-08\nthe build fails: Xcode could choose another profile</title>"), "{}", grids(&page));
    assert!(page.contains(
        "the gate blocks: identity-missing\nthe build fails: a private key is not there"
    ));
}

#[test]
fn outcomes_are_told_by_a_sign_and_words_and_not_by_colour_alone() {
    let document = of_one_machine();
    let page = page(&document);
    for (sign, count, words) in [
        ("✓", 4, "pass"),
        ("■", 1, "blocked rightly"),
        ("□", 1, "blocked though they would build"),
        ("✗", 0, "pass though they would fail"),
    ] {
        assert!(
            page.contains(&format!(
                ">{sign}</span><b>{count}</b></p><p>{words}</p><p>The gate "
            )),
            "{words}"
        );
    }
    for word in [
        "✓ passes</text>",
        "■ blocked rightly</text>",
        "□ blocked</text>",
    ] {
        assert!(grids(&page).contains(word), "{word}: {}", grids(&page));
    }
}

#[test]
fn instants_at_which_steps_are_taken_are_marked_through_all_machines() {
    let one = page(&of_one_machine());
    for step in ["stage", "promote", "retire"] {
        // Once over the timeline, once over the machines.
        let mark = format!(">{step}</text></g>");
        assert_eq!(one.matches(&mark).count(), 2, "{step}");
    }
    let fleet = page(&of_a_fleet());
    assert_eq!(fleet.matches(">promote × 52</text></g>").count(), 3);
}

#[test]
fn two_branches_of_one_name_keep_their_builds() {
    let calendar = vec![moment(after(0), EventKind::Now, &[])];
    let document = document(
        2,
        calendar,
        &["same", "same"],
        |branch, _, _| match branch {
            0 => passes(),
            _ => missed(),
        },
    );
    let page = page(&document);
    let (first, second) = grids(&page)
        .split_once("<h3>same</h3>")
        .unwrap()
        .1
        .split_once("<h3>same</h3>")
        .unwrap();
    assert!(
        first.contains("<p>2 pass. ") && !first.contains("path class=\"miss\""),
        "{first}"
    );
    assert!(
        second.contains("<p>2 pass though they would fail. "),
        "{second}"
    );
}

#[test]
fn texts_of_others_are_text_and_nothing_else() {
    const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}\n</title></style>";
    let mut document = of_a_fleet();
    document.steps[0].product = Some(HOSTILE.to_owned());
    document.calendar[0].events[0].names = vec![HOSTILE.to_owned()];
    document.calendar[2].events[0].names = vec![HOSTILE.to_owned()];
    document.calendar[97].events[0].names = vec![HOSTILE.to_owned()];
    document.nodes[3].imports = vec![HOSTILE.to_owned()];
    document.not_judged.push(HOSTILE.to_owned());
    document.findings.push(
        Finding::warn(Code::SuccessorMissing, HOSTILE)
            .values(HOSTILE, HOSTILE)
            .hint(HOSTILE),
    );
    for builds in document
        .builds
        .iter_mut()
        .filter(|it| it.branch == "release/4.2")
    {
        builds.branch = HOSTILE.to_owned();
    }
    document.branches[1].name = HOSTILE.to_owned();
    let page = page(&document);
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains('\u{202e}'));
    let escaped = "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;\u{fffd}\u{fffd}&#60;/title&#62;&#60;/style&#62;";
    assert!(
        page.matches(escaped).count() > 12,
        "{}",
        page.matches(escaped).count()
    );
    assert_eq!(
        page.matches("alert(1)").count(),
        page.matches(escaped).count()
    );
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn a_page_of_a_rehearsal_asks_for_nothing_from_outside_and_runs_nothing() {
    assert_asks_for_nothing(&page(&of_a_fleet()));
}

#[test]
fn the_same_rehearsal_gives_the_same_page() {
    assert_eq!(page(&of_a_fleet()), page(&of_a_fleet()));
}

#[test]
fn a_page_grows_with_the_bars_and_no_further_than_so_many() {
    let of = |machines, run| {
        let page = page(&of_different_machines(machines, 400, run));
        (page.len(), bars(&page))
    };
    let (small, few) = of(50, 40);
    let (large, many) = of(200, 40);
    assert_eq!((few, many), (50 * 10, 200 * 10));
    // Each bar takes its share, and nothing else grows but the names.
    let each = (large - small) / (many - few);
    assert!((200..500).contains(&each), "{each} bytes for each bar");

    // Five hundred machines at four hundred instants, where nothing is like anything else.
    let worst = of_different_machines(500, 400, 1);
    let page = page(&worst);
    assert!(page.len() < 5 << 20, "{} bytes", page.len());
    assert_eq!(bars(&page), 12_000);
    assert!(page.contains("470 more machines are not drawn"));
    for node in &worst.nodes {
        assert!(page.contains(node.host.as_str()), "{}", node.host);
    }
}

/// `cargo test --test page -- --ignored --nocapture pages_to_look_at`
#[test]
#[ignore = "it writes pages for people"]
fn pages_to_look_at() {
    let folder = support::root().join("target/pages");
    fs::create_dir_all(&folder).unwrap();
    let empty = document(
        1,
        vec![moment(after(0), EventKind::Now, &[])],
        &["this checkout"],
        |_, _, _| passes(),
    );
    for (name, document) in [
        ("one-machine", of_one_machine()),
        ("fleet", of_a_fleet()),
        ("different-machines", of_different_machines(500, 400, 40)),
        ("worst", of_different_machines(500, 400, 1)),
        ("nothing", empty),
    ] {
        let file = folder.join(format!("rehearsal-{name}.html"));
        let page = page(&document);
        fs::write(&file, &page).unwrap();
        println!("{}: {} bytes", file.display(), page.len());
    }
    let file = folder.join("rehearsal-workshop.html");
    rehearsed(&workshop(), &["-o", file.to_str().unwrap()]).exits(0);
    println!("{}", file.display());
}

/// Where profiles end in 2046 and their successors are at hand.
fn workshop() -> Workshop {
    let workshop = Workshop::frozen();
    workshop.allow_waivers();
    fs::create_dir(workshop.path("successors")).unwrap();
    for spec in support::workshop::stock() {
        let name = format!("{} 2047", spec.name);
        let new = spec
            .named(&name)
            .valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
        workshop.write(format!("successors/{}", new.file_name()), new.mint());
    }
    workshop
}

fn rehearsed(workshop: &Workshop, words: &[&str]) -> Ran {
    let rehearse = [
        "rotate",
        "rehearse",
        "--successors",
        "successors",
        "--at",
        AT,
    ];
    ran(&mut workshop.command(&[&rehearse[..], words].concat()))
}

#[test]
fn the_page_is_written_beside_the_report_and_the_file_is_replaced_in_one_go() {
    let workshop = workshop();
    let yesterday = "<!doctype html>of yesterday";
    let file = workshop.write("rehearsal.html", yesterday);
    // Who reads the old one reads it to its end.
    fs::hard_link(&file, workshop.path("open.html")).unwrap();
    let told = rehearsed(&workshop, &["-o", "rehearsal.html"]).exits(0);
    let told = told.says(&["steps", "page rehearsal.html"]);
    assert!(!told.out.contains("<!doctype"), "{}", told.out);
    assert_eq!(workshop.read("open.html"), yesterday.as_bytes());
    let page = String::from_utf8(workshop.read("rehearsal.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>"));
    assert!(
        page.contains("<td>stage</td>") && page.contains("<td>retire</td>"),
        "{page}"
    );

    let document = rehearsed(&workshop, &["-o", "again.html", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(document["schema"], "countersign.rehearsal.v1");
    assert_eq!(workshop.read("again.html"), page.as_bytes());
}

#[test]
fn a_page_takes_the_place_of_a_page_and_of_nothing_else() {
    let workshop = workshop();
    for name in ["manifests/profiles.json", "manifests/signing.toml"] {
        let before = workshop.read(name);
        for words in [&["rotate", "rehearse", "--at", AT][..], &["report"]] {
            let words = [words, &["-o", name]].concat();
            let refused = workshop.run(&words).exits(11);
            refused.says(&[name, "is not a page of HTML", "name another file"]);
        }
        workshop
            .run(&["rotate", "probe", "-o", name])
            .exits(11)
            .says(&[name, "it stays as it is"]);
        assert_eq!(workshop.read(name), before);
    }
    // A probe takes the place of an earlier one.
    for _ in 0..2 {
        workshop
            .run(&["rotate", "probe", "-o", "probe.json"])
            .exits(0);
    }
    workshop.write("empty.html", "");
    rehearsed(&workshop, &["-o", "empty.html"]).exits(0);
}

#[test]
fn a_page_on_standard_output_stands_there_alone_and_the_exit_code_is_the_verdicts() {
    let workshop = workshop();
    let printed = rehearsed(&workshop, &["-o", "-"]).exits(0);
    assert!(
        printed.out.starts_with("<!doctype html>") && printed.out.ends_with("</html>"),
        "{}",
        printed.out
    );
    assert!(!workshop.path("-").exists());
    let printed = rehearsed(&workshop, &["-o", "-", "--format", "json"]).exits(0);
    assert!(
        printed.out.starts_with("<!doctype html>"),
        "{}",
        printed.out
    );

    // There is nothing to rehearse: the page says so, and so does standard error.
    let words = ["rotate", "rehearse", "--at", AT, "-o", "-"];
    let blocked = workshop.run(&words).exits(10);
    assert!(
        blocked.out.contains("<b>successor-missing"),
        "{}",
        blocked.out
    );
    assert!(
        blocked.out.contains("There is no step to take."),
        "{}",
        blocked.out
    );
    assert!(blocked.err.contains("successor-missing"), "{}", blocked.err);
}

#[test]
fn a_page_of_a_rehearsal_that_cannot_be_written_is_an_error() {
    let workshop = workshop();
    rehearsed(&workshop, &["-o", "missing/rehearsal.html"])
        .exits(11)
        .says(&["missing/rehearsal.html"]);
}
