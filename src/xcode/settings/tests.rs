//! Claims about resolving settings, on layers of a few lines and on small projects.

use super::*;
use crate::base::finding::Severity;
use crate::xcode::sources::InMemory;

mod products;

/// A scope of layers given highest first, `NAME = value` each.
fn scope(layers: &[(Layer, &[(&str, &str)])]) -> Scope {
    let layers = layers
        .iter()
        .map(|(layer, assignments)| {
            let assignments = assignments
                .iter()
                .zip(1_u64..)
                .map(|((key, value), line)| Assignment {
                    file: Some(Path::new("f").into()),
                    line: Some(line),
                    ..Assignment::with_key(key, *value)
                })
                .collect();
            (*layer, Arc::new(Table::new(assignments)))
        })
        .collect();
    Scope::new(
        layers,
        Bindings {
            sdk: "iphoneos18.0".into(),
            is_sdk_version_known: true,
            sdk_fallback: None,
            configuration: "Release".into(),
            target: "App".into(),
        },
    )
}

fn one(assignments: &[(&str, &str)]) -> Scope {
    scope(&[(Layer::Target, assignments)])
}

fn value(scope: &Scope, name: &str) -> String {
    scope.evaluate(name).unwrap().value
}

#[test]
fn references_of_every_spelling_are_expanded() {
    let scope = one(&[
        ("A", "x"),
        ("B_x", "nested"),
        ("PAREN", "<$(A)>"),
        ("BRACE", "<${A}>"),
        ("SQUARE", "<$[A]>"),
        ("BARE", "<$A>"),
        ("NEST", "$(B_$(A))"),
        ("ODD", "$B_$(A)"),
        ("ESCAPED", "$$(A) $ $"),
        ("DOTTED", "$A.plist"),
        ("UNICODE", "Δ$(A)é"),
        ("OPEN", "$(A"),
    ]);
    for (name, expected) in [
        ("PAREN", "<x>"),
        ("BRACE", "<x>"),
        ("SQUARE", "<x>"),
        ("BARE", "<x>"),
        ("NEST", "nested"),
        ("ODD", "nested"),
        ("ESCAPED", "$(A) $ $"),
        // A dot is part of a name without brackets, and a name that means nothing stays.
        ("DOTTED", "$A.plist"),
        ("UNICODE", "Δxé"),
        ("OPEN", "x"),
    ] {
        assert_eq!(value(&scope, name), expected, "{name}");
    }
}

#[test]
fn a_profile_for_every_target_is_found_through_a_computed_name() {
    let scope = one(&[
        (
            "SPECIFIER",
            "$(CSN_$(PRODUCT_BUNDLE_IDENTIFIER:c99extidentifier))",
        ),
        ("PRODUCT_BUNDLE_IDENTIFIER", "com.example.app-1"),
        (
            "CSN_com_example_app_1",
            "026760ef-f2cd-4ba8-bf44-a3697149965e",
        ),
    ]);
    assert_eq!(
        value(&scope, "SPECIFIER"),
        "026760ef-f2cd-4ba8-bf44-a3697149965e"
    );
}

#[test]
fn operators_chain_and_defaults_expand() {
    let scope = one(&[
        ("NAME", "My App"),
        ("FALLBACK", "Automatic"),
        ("A", "$(NAME:c99extidentifier:lower)"),
        ("B", "$(NONE:default=$FALLBACK)"),
        ("C", "$(NONE:default=$(NAME:upper))"),
        ("D", "$(NAME:default=unused)"),
        ("E", "$(NONE:default=a:upper)"),
        ("F", "$(NAME:shout)"),
    ]);
    assert_eq!(value(&scope, "A"), "my_app");
    assert_eq!(value(&scope, "B"), "Automatic");
    assert_eq!(value(&scope, "C"), "MY APP");
    assert_eq!(value(&scope, "D"), "My App");
    assert_eq!(value(&scope, "E"), "A");
    let unknown = scope.evaluate("F").unwrap();
    assert_eq!(unknown.value, "My App");
    assert_eq!(unknown.unknown_operators, ["shout".into()]);
    assert!(scope.evaluate("B").unwrap().undefined.is_empty());
}

#[test]
fn higher_layers_hide_lower_ones_and_inherit_from_them() {
    let scope = scope(&[
        (
            Layer::Target,
            &[("FLAGS", "$(inherited) target"), ("HIDDEN", "")],
        ),
        (Layer::TargetXcconfig, &[("FLAGS", "$(FLAGS) xcconfig")]),
        (
            Layer::Project,
            &[("HIDDEN", "project"), ("FLAGS[sdk=macosx*]", "mac")],
        ),
        (
            Layer::ProjectXcconfig,
            &[("FLAGS", "base"), ("FLAGS", "$(inherited) more")],
        ),
    ]);
    let flags = scope.evaluate("FLAGS").unwrap();
    assert_eq!(flags.value, "base more xcconfig target");
    let lines: Vec<_> = flags
        .trail
        .iter()
        .map(|step| (step.origin.layer, step.origin.line.unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            (Layer::Target, 1),
            (Layer::TargetXcconfig, 1),
            (Layer::ProjectXcconfig, 2),
            (Layer::ProjectXcconfig, 1)
        ]
    );
    assert_eq!(flags.origin.unwrap().layer, Layer::Target);
    // Assigned nothing is not the same as not assigned.
    let hidden = scope.evaluate("HIDDEN").unwrap();
    assert_eq!((hidden.value.as_str(), hidden.trail.len()), ("", 1));
    assert_eq!(scope.evaluate("NONE"), None);
}

#[test]
fn inheriting_goes_on_below_an_outer_value() {
    // A → B → A means the next lower A, as in Xcode.
    let scope = scope(&[
        (Layer::Target, &[("A", "t-$(B)"), ("B", "b-$(A)")]),
        (Layer::Project, &[("A", "p")]),
    ]);
    let a = scope.evaluate("A").unwrap();
    assert_eq!(a.value, "t-b-p");
    assert!(a.circular.is_empty());
}

#[test]
fn a_circle_is_reported_and_not_followed() {
    let scope = one(&[("A", "a$(B)"), ("B", "b$(C)"), ("C", "c$(A)")]);
    let a = scope.evaluate("A").unwrap();
    assert_eq!(a.value, "abc");
    assert_eq!(a.circular.len(), 1);
    assert_eq!(&*a.circular[0].name, "A");
    assert_eq!(a.circular[0].origin.line, Some(1));
    // A setting that only adds to itself is ordinary.
    let own = one(&[("A", "$(A) x")]);
    assert!(own.evaluate("A").unwrap().circular.is_empty());
}

#[test]
fn undefined_references_are_noted_with_who_refers_to_them() {
    let scope = one(&[
        ("ID", "com.$(TEAM).$(SUFFIX_$(X))$(OTHER:default=)"),
        ("TEAM", "$(NOBODY)"),
    ]);
    let id = scope.evaluate("ID").unwrap();
    assert_eq!(id.value, "com..");
    let noted: Vec<_> = id
        .undefined
        .iter()
        .map(|u| {
            (
                &*u.name,
                u.computed,
                u.origin.as_ref().unwrap().line.unwrap(),
            )
        })
        .collect();
    assert_eq!(
        noted,
        [("NOBODY", false, 2), ("X", false, 1), ("SUFFIX_", true, 1)]
    );
}

#[test]
fn expansion_that_explodes_is_cut_off() {
    let mut assignments = vec![("V0".to_owned(), "x".repeat(64))];
    for level in 1..60 {
        let below = level - 1;
        assignments.push((format!("V{level}"), format!("$(V{below})$(V{below})")));
    }
    let pairs: Vec<_> = assignments
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let resolved = one(&pairs).evaluate("V59").unwrap();
    assert!(resolved.cut);
    assert!(resolved.value.len() <= 1 << 20);

    let deep = "$(".repeat(100_000);
    let resolved = one(&[("A", &deep)]).evaluate("A").unwrap();
    assert!(resolved.cut);

    let chain = |length: usize| {
        let chain: Vec<_> = (0..length)
            .map(|at| (format!("C{at}"), format!("$(C{})-{at}", at + 1)))
            .collect();
        let pairs: Vec<_> = chain
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        one(&pairs).evaluate("C0").unwrap()
    };
    assert!(chain(2_000).cut);
    let deep = chain(600);
    assert!(!deep.cut);
    assert!(deep.value.ends_with("-2-1-0"), "{}", deep.value);
}

#[test]
fn operators_apply_to_an_empty_text_and_not_to_an_empty_list() {
    let scope = one(&[
        ("DEVELOPMENT_TEAM", ""),
        ("MY_TEAM", ""),
        ("TEXT", "<$(DEVELOPMENT_TEAM:quote)>"),
        ("LIST", "<$(MY_TEAM:quote)>"),
        ("UNSET", "<$(PRODUCT_NAME:not)>"),
    ]);
    assert_eq!(value(&scope, "TEXT"), "<\"\">");
    assert_eq!(value(&scope, "LIST"), "<>");
    assert_eq!(value(&scope, "UNSET"), "<YES>");
}

#[test]
fn a_backslash_takes_a_reference_literally_in_a_list_alone() {
    let scope = one(&[
        ("X", "x"),
        ("MY_LIST", "\\$(X) $(X)"),
        ("PRODUCT_NAME", "\\$(X)"),
    ]);
    assert_eq!(value(&scope, "MY_LIST"), "\\$(X) x");
    assert_eq!(value(&scope, "PRODUCT_NAME"), "\\x");
}

#[test]
fn a_truth_value_is_told_by_its_first_character() {
    for (text, expected) in [
        ("YES", true),
        ("y", true),
        ("True", true),
        ("2", true),
        ("YEAH", true),
        ("NO", false),
        ("0", false),
        ("on", false),
        ("", false),
    ] {
        assert_eq!(is_yes(text), expected, "{text:?}");
    }
}

#[test]
fn a_value_of_some_versions_of_the_sdk_is_passed_over_and_told() {
    let mut scope = one(&[
        ("A", "any"),
        ("A[sdk=iphoneos18*]", "some"),
        ("B", "any"),
        ("B[sdk=macosx15*]", "other"),
        ("C[sdk=iphoneos*]", "all"),
    ]);
    assert_eq!(value(&scope, "A"), "some");
    assert!(scope.evaluate("A").unwrap().passed_over.is_empty());
    scope.bindings.sdk = "iphoneos0.0".into();
    scope.bindings.is_sdk_version_known = false;
    let resolved = scope.evaluate("A").unwrap();
    assert_eq!(resolved.value, "any");
    let lines: Vec<_> = resolved
        .passed_over
        .iter()
        .map(|step| step.origin.line)
        .collect();
    assert_eq!(lines, [Some(2)]);
    for name in ["B", "C"] {
        assert!(
            scope.evaluate(name).unwrap().passed_over.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn a_condition_may_name_the_target_or_the_configuration_that_is_used() {
    let scope = one(&[
        ("A", "none"),
        ("A[target=App][config=Release]", "both"),
        ("B", "none"),
        ("B[target=Other]", "other"),
    ]);
    assert_eq!(value(&scope, "A"), "both");
    assert_eq!(value(&scope, "B"), "none");
}

#[test]
fn of_two_conditions_on_the_sdk_the_first_counts_in_a_project() {
    let mut scope = one(&[
        ("A", "none"),
        ("A[sdk=iphoneos*][sdk=macosx*]", "first"),
        ("B", "none"),
        ("B[sdk=macosx*][sdk=iphoneos*]", "second"),
    ]);
    assert_eq!(value(&scope, "A"), "first");
    assert_eq!(value(&scope, "B"), "none");
    // From outside of the project all must hold.
    for (layer, _) in &mut scope.layers {
        *layer = Layer::OverrideXcconfig;
    }
    assert_eq!(value(&scope, "A"), "none");
}

/// SDKRegistry.settingConditionValues: only the tables of a project are bound to one of the names beforehand.
#[test]
fn the_second_name_of_an_sdk_counts_beside_the_first_outside_of_the_project() {
    let assignments: &[(&str, &str)] = &[
        ("A[sdk=iphoneos*]", "first"),
        ("A[sdk=embedded*]", "second"),
    ];
    for (layer, expected) in [
        (Layer::ProjectXcconfig, "first"),
        (Layer::Target, "first"),
        (Layer::CommandLine, "second"),
        (Layer::OverrideXcconfig, "second"),
    ] {
        let mut scope = scope(&[(layer, assignments)]);
        scope.bindings.sdk_fallback = Some("embedded");
        assert_eq!(value(&scope, "A"), expected, "{layer}");
    }
}

/// MacroEvaluationResultBuilder: an empty text is one element, an empty list has none.
#[test]
fn operators_apply_to_the_elements_of_a_value() {
    let scope = one(&[
        ("DEVELOPMENT_TEAM", ""),
        ("LIST", ""),
        ("OF_TEXT", "$(DEVELOPMENT_TEAM)"),
        ("OF_LIST", "$(LIST)"),
        ("PRODUCT_NAME", "$(NOTHING)"),
        ("A", "$(DEVELOPMENT_TEAM:quote)"),
        ("B", "$(LIST:quote)"),
        ("C", "$(OF_TEXT:quote)"),
        ("D", "$(OF_LIST:quote)"),
        ("E", "$(PRODUCT_NAME:quote)"),
        ("F", "$(NOTHING:quote)"),
        ("G", "x$($(OF_TEXT)LIST:quote)"),
        ("H", "$(LIST:default=:quote)"),
        ("I", "$(LIST:isancestor=/a)"),
    ]);
    for (name, expected) in [
        ("A", "\"\""),
        ("B", ""),
        ("C", "\"\""),
        ("D", ""),
        ("E", ""),
        ("F", ""),
        ("G", "x"),
        ("H", "\"\""),
        ("I", ""),
    ] {
        assert_eq!(value(&scope, name), expected, "{name}");
    }
}

#[test]
fn a_text_that_is_no_setting_expands_too() {
    let scope = one(&[("A", "x"), ("value", "v")]);
    assert_eq!(scope.expand("$(A)-$(inherited)-$(value)").value, "x--v");
    assert_eq!(scope.expand("").value, "");
}

/// App with a project and a target configuration on xcconfigs each.
fn layered() -> (Project, InMemory) {
    let text = "{ objects = {
P = {isa = PBXProject; targets = (T, A); buildConfigurationList = PL; mainGroup = G; };
PL = {isa = XCConfigurationList; buildConfigurations = (PR); defaultConfigurationName = Release; };
PR = {isa = XCBuildConfiguration; name = Release; baseConfigurationReference = XP; buildSettings = {
  LAYER = project; ID_BASE = \"com.example\"; SDKROOT = iphoneos; NAMED = \"$(TARGET_NAME)\"; };
};
T = {isa = PBXNativeTarget; name = \"My App\"; buildConfigurationList = TL; productType = \"com.apple.product-type.application\"; };
TL = {isa = XCConfigurationList; buildConfigurations = (TR); };
TR = {isa = XCBuildConfiguration; name = Release; baseConfigurationReference = XT; buildSettings = {
  LAYER = \"$(inherited)>target\";
  PRODUCT_BUNDLE_IDENTIFIER = \"$(ID_BASE).$(PRODUCT_NAME:rfc1034identifier)\";
  DERIVE_MACCATALYST_PRODUCT_BUNDLE_IDENTIFIER = YES; };
};
A = {isa = PBXNativeTarget; name = Bare; buildConfigurationList = AL; };
AL = {isa = XCConfigurationList; buildConfigurations = (AR); };
AR = {isa = XCBuildConfiguration; name = Release;
  baseConfigurationReference = XG; };
XP = {isa = PBXFileReference; path = p.xcconfig; };
XT = {isa = PBXFileReference; path = t.xcconfig; };
XG = {isa = PBXFileReference; path = gone.xcconfig; };
}; rootObject = P; }";
    let project = Project::parse(Path::new("/src/App.xcodeproj"), text).unwrap();
    let sources = InMemory::new()
        .with("/src/p.xcconfig", "LAYER = base\nONLY_BASE = 1\n")
        .with("/src/t.xcconfig", "LAYER = $(inherited)>t\n")
        .with(
            "/ci.xcconfig",
            "LAYER = $(inherited)>ci\nSTYLE[sdk=iphoneos*] = Manual\n",
        );
    (project, sources)
}

#[test]
fn a_project_is_layered_as_xcode_layers_it() {
    let (project, sources) = layered();
    let overrides = Overrides::default()
        .with_arguments(["LAYER=$(inherited)>cli", "X[sdk=iphoneos*]=a=b"])
        .unwrap()
        .with_xcconfig("/ci.xcconfig");
    let settings = ProjectSettings::load(&project, &sources, &overrides);
    let scope = settings.scope(TargetIndex(0), "Release", Some(Platform::Ios));
    assert_eq!(value(&scope, "LAYER"), "project>t>target>cli>ci");
    assert_eq!(value(&scope, "ONLY_BASE"), "1");
    assert_eq!(value(&scope, "NAMED"), "My App");
    assert_eq!(
        value(&scope, "PRODUCT_BUNDLE_IDENTIFIER"),
        "com.example.My-App"
    );
    assert_eq!(value(&scope, "X"), "a=b");
    assert_eq!(value(&scope, "STYLE"), "Manual");
    assert_eq!(
        scope.evaluate("STYLE").unwrap().origin.unwrap().layer,
        Layer::OverrideXcconfig
    );
    assert_eq!(value(&scope, "WRAPPER_NAME"), "My App.app");
    assert_eq!(value(&scope, "SRCROOT"), "/src");
    assert_eq!(value(&scope, "CONFIGURATION"), "Release");
    assert_eq!(value(&scope, "EFFECTIVE_PLATFORM_NAME"), "-iphoneos");
}

#[test]
fn catalyst_has_the_macs_sdk_and_a_bundle_id_of_its_own() {
    let (project, sources) = layered();
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    let scope = settings.scope(TargetIndex(0), "Release", Some(Platform::MacCatalyst));
    assert_eq!(value(&scope, "SDKROOT"), "macosx");
    assert_eq!(
        value(&scope, "PRODUCT_BUNDLE_IDENTIFIER"),
        "maccatalyst.com.example.My-App"
    );
    assert!(scope.is_yes("IS_MACCATALYST"));
    let before = settings.scope(TargetIndex(0), "Release", None);
    assert_eq!(value(&before, "SDKROOT"), "iphoneos");
}

#[test]
fn a_missing_base_file_blocks_at_its_line_and_the_rest_resolves() {
    let (project, sources) = layered();
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    let [finding] = &settings.findings()[..] else {
        panic!("{:?}", settings.findings())
    };
    assert_eq!(finding.code, Code::XcconfigMissing);
    assert_eq!(finding.severity, Severity::Block);
    assert_eq!(finding.place.target.as_deref(), Some("Bare"));
    assert_eq!(finding.place.line, Some(17));
    assert_eq!(finding.found.as_deref(), Some("/src/gone.xcconfig"));
    let scope = settings.scope(TargetIndex(1), "Release", Some(Platform::Ios));
    assert_eq!(value(&scope, "LAYER"), "project");
}

#[test]
fn the_projects_default_configuration_goes_below_one_it_does_not_have() {
    let (project, sources) = layered();
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    let scope = settings.scope(TargetIndex(0), "Beta", Some(Platform::Ios));
    assert_eq!(value(&scope, "LAYER"), "project>t>target");
    assert_eq!(value(&scope, "CONFIGURATION"), "Beta");
}

#[test]
fn what_is_defined_anywhere_is_told_from_what_nobody_defines() {
    let (project, sources) = layered();
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    assert!(settings.defines("ONLY_BASE"));
    assert!(settings.defines("ID_BASE"));
    assert!(!settings.defines("NOBODY"));
    assert!(is_set_by_xcode("HOME"));
}

#[test]
fn arguments_that_are_no_settings_are_refused() {
    for argument in ["NAME", "=x", "1A=2", "A[sdk=2", "-quiet", ""] {
        assert!(
            Overrides::default().with_arguments([argument]).is_err(),
            "{argument}"
        );
    }
}

#[test]
fn what_the_environment_takes_part_in_is_known_and_not_shown() {
    let scope = scope(&[
        (
            Layer::Target,
            &[
                ("A", "a-$(TOKEN)"),
                ("B", "$(OWN_$(TOKEN))"),
                ("C", "$(OWN:default=$(TOKEN))"),
                ("D", "$(inherited)"),
                ("OWN", "own"),
                ("OWN_s3cret", "found"),
            ],
        ),
        (
            Layer::Environment,
            &[
                ("TOKEN", "s3cret"),
                ("D", "$(s3cret:s3cret) $s3cret"),
                ("OWN", "of the environment"),
            ],
        ),
    ]);
    for (name, value, from) in [
        ("A", "a-s3cret", "$(TOKEN) from the environment"),
        ("B", "found", "$(TOKEN) from the environment"),
        ("C", "own", "$(TOKEN) from the environment"),
        ("D", " $s3cret", "$(D) from the environment"),
    ] {
        let resolved = scope.evaluate(name).unwrap();
        assert_eq!((&*resolved.value, &*resolved.shown()), (value, from));
        assert!(!format!("{resolved:?}").contains("s3cret"), "{resolved:?}");
        assert_eq!(resolved.undefined, []);
        assert!(resolved.unknown_operators.is_empty());
    }
    // A name that the project assigns hides the variable.
    let own = scope.evaluate("OWN").unwrap();
    assert_eq!((&*own.value, &*own.shown()), ("own", "own"));
}
