//! The page of a plan in a browser: it says nothing on the console, fits a phone and a desk, light and dark.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::run;

/// What `make setup` installs.
fn browser() -> PathBuf {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    found.expect("no chromium: `make setup` installs it")
}

/// The page of an example's plan.
fn page(example: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(example);
    let state = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
        .args(["plan", "--format", "html", "--state"])
        .arg(state.path())
        .current_dir(folder)
        .env_remove("SITEWRIGHT_LOG")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Opens a page and gives back what it measures, and what the browser said.
///
/// Windows of the browser are no narrower than 500 pixels, so the page stands in a frame. The page forbids itself every
/// script; the frame around it, of another document, measures it.
fn measured(page: &Path, width: u32, dark: bool) -> (String, String) {
    let folder = page.parent().unwrap();
    let frame = folder.join("frame.html");
    let name = page.file_name().unwrap().to_str().unwrap();
    let script = "const inside = document.querySelector('iframe').contentDocument; \
        const root = inside.documentElement; \
        const wide = [...inside.querySelectorAll('body *')].filter(one => !one.closest('svg, details') && \
          one.getBoundingClientRect().right > root.clientWidth + 1).map(one => one.tagName); \
        const cut = [...inside.querySelectorAll('svg[role=img]')].flatMap(svg => { \
          const box = svg.getBoundingClientRect(); \
          return [...svg.querySelectorAll('text')].filter(text => { \
            const at = text.getBoundingClientRect(); \
            return at.right > box.right + 1 || at.left < box.left - 1 || at.bottom > box.bottom + 1; \
          }).map(text => text.textContent); }); \
        document.title = `scroll ${root.scrollWidth} of ${root.clientWidth}; wide ${wide}; cut ${cut}; pictures \
          ${inside.querySelectorAll('svg[role=img]').length}; page ${inside.defaultView.getComputedStyle(inside.body).backgroundColor}`";
    std::fs::write(
        &frame,
        format!(
            "<!DOCTYPE html><meta name=\"color-scheme\" content=\"light dark\"><title>not measured</title>\
             <iframe src=\"{name}\" width=\"{width}\" height=\"4000\" style=\"border:0\" onload=\"{}\"></iframe>",
            script.replace('"', "&quot;")
        ),
    )
    .unwrap();
    let mut command = Command::new(browser());
    command
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--allow-file-access-from-files",
        ])
        .args([
            "--enable-logging=stderr",
            "--v=0",
            "--window-size=1400,4000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("browser").display()
        ));
    if dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    } else {
        command.arg("--blink-settings=preferredColorScheme=1");
    }
    command.arg(format!("file://{}", frame.display()));
    let (_, said) = run(&mut command, "");
    let title = said
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map_or_else(
            || format!("no title: {said}"),
            |(title, _)| title.to_owned(),
        );
    (title, said)
}

#[test]
fn the_page_of_a_plan_fits_wherever_it_is_read() {
    for example in ["deployment-site", "isolated-vlan"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.html");
        std::fs::write(&file, page(example)).unwrap();
        let mut grounds = Vec::new();
        for (width, dark) in [(390, false), (390, true), (1280, false), (1280, true)] {
            let (title, said) = measured(&file, width, dark);
            assert!(
                title.starts_with(&format!(
                    "scroll {width} of {width}; wide ; cut ; pictures 4; page "
                )),
                "{example} at {width}: {title}"
            );
            assert!(!said.contains("CONSOLE"), "{example} at {width}: {said}");
            grounds.push(title.rsplit_once("page ").unwrap().1.to_owned());
        }
        assert_ne!(grounds[0], grounds[1], "{example}: dark is as light");
    }
}
