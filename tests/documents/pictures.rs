//! The pictures of the README are what a terminal shows of its commands.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test documents` draws them anew.

use std::fs;

use anstyle::{Color, RgbColor};
use anstyle_svg::{Palette, Term};
use support::root;

use crate::markdown::Document;
use crate::scene::Scene;

/// The sixteen colours, light enough to be read on a dark ground.
const BRIGHT: Palette = Palette([
    RgbColor(0x48, 0x4f, 0x58),
    RgbColor(0xff, 0x7b, 0x72),
    RgbColor(0x3f, 0xb9, 0x50),
    RgbColor(0xd2, 0x99, 0x22),
    RgbColor(0x58, 0xa6, 0xff),
    RgbColor(0xbc, 0x8c, 0xff),
    RgbColor(0x39, 0xc5, 0xcf),
    RgbColor(0xb1, 0xba, 0xc4),
    RgbColor(0x6e, 0x76, 0x81),
    RgbColor(0xff, 0xa1, 0x98),
    RgbColor(0x56, 0xd3, 0x64),
    RgbColor(0xe3, 0xb3, 0x41),
    RgbColor(0x79, 0xc0, 0xff),
    RgbColor(0xd2, 0xa8, 0xff),
    RgbColor(0x56, 0xd4, 0xdd),
    RgbColor(0xf0, 0xf6, 0xfc),
]);

/// The command, and what it prints in colour: a dark terminal, whatever the page around it is.
fn drawn(script: &str) -> String {
    let scene = Scene::repository();
    let shown = scene.run_with(
        script,
        &[("CLICOLOR_FORCE", "1"), ("TERM", "xterm-256color")],
    );
    let prompt: Vec<String> = script.lines().map(str::to_owned).collect();
    let command = format!("$ {}\n", prompt.join("\n"));
    let terminal = Term::new()
        .palette(BRIGHT)
        .fg_color(Color::Rgb(RgbColor(0xd0, 0xd7, 0xde)))
        .bg_color(Color::Rgb(RgbColor(0x16, 0x1b, 0x22)));
    let drawn = terminal.render_svg(format!("{command}{}", shown.text).trim_end());
    // What is faint stays readable.
    let faint = ".dimmed { opacity: 0.4; }";
    assert!(drawn.contains(faint), "the style has changed: {drawn}");
    drawn.replace(faint, ".dimmed { opacity: 0.65; }")
}

#[test]
fn each_picture_is_what_the_command_above_it_prints() {
    let readme = Document::read("README.md");
    let mut pictures = Vec::new();
    for (line, link) in readme.links() {
        if !link.ends_with(".svg") {
            continue;
        }
        let before = readme.blocks.iter().rev().find(|block| block.line < line);
        let drawn = drawn(&before.unwrap().text);
        let file = root().join(link);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &drawn).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept == drawn,
            "{link} shows something else: run with UPDATE_SNAPSHOTS=1 and look at it"
        );
        pictures.push(link.to_owned());
    }
    assert_eq!(
        pictures,
        ["docs/pictures/cleared.svg", "docs/pictures/blocked.svg"]
    );
}
