//! The page of a plan in a browser: it runs nothing and fetches nothing, and can be read on a phone and at a desk, light
//! and dark, and on paper.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

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

fn headless(folder: &Path, dark: bool) -> Command {
    let mut command = Command::new(browser());
    command
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .args([
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
            "--v=0",
        ])
        .args([
            "--window-size=1400,4000",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u8::from(!dark)
        ))
        .arg(format!(
            "--user-data-dir={}",
            folder.join("browser").display()
        ));
    command
}

/// Runs the program, and gives what it wrote.
fn sitewright(folder: &Path, state: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
        .args(arguments)
        .arg("--state")
        .arg(state)
        .current_dir(folder)
        .env_remove("SITEWRIGHT_LOG")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The page of an example's plan.
fn of_example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    let state = tempfile::tempdir().unwrap();
    sitewright(&folder, state.path(), &["plan", "--format", "html"])
}

/// The page of a plan for a thousand subnets: ten sites give most of what they have to others, and one is new, with
/// subnets inside others and a name that somebody chose who means ill.
fn of_enterprise() -> String {
    const HOSTILE: &str = r#"
---
apiVersion: sitewright/v1
kind: DeploymentSite
metadata:
  name: "Lab <img src=https://evil.example/x onerror=alert(1)>&\"' \u202egpj. 東京支店 WWWWWWWWWWWW"
spec:
  subnets: [10.0.1.12/32, 10.0.5.128/25, 10.0.5.192/26, 10.200.0.0/16]
  servers: [{ name: SRV00010.corp.example }, { name: SRV00011.corp.example }]
"#;
    let folder = tempfile::tempdir().unwrap();
    let (here, state) = (folder.path(), folder.path().join("state"));
    let platform = ["--platform", "sim:enterprise"];
    sitewright(
        here,
        &state,
        &[&["export", "--out", "all"], &platform[..]].concat(),
    );
    let file = here.join("all/sites.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut sites: Vec<String> = text.split("\n---\n").map(ToOwned::to_owned).collect();
    for giver in 5..15 {
        let (kept, given): (Vec<String>, Vec<String>) = {
            let mut given = Vec::new();
            let mut kept = Vec::new();
            for line in sites[giver].lines() {
                let list = if line.starts_with("    - 10.") && given.len() < 40 {
                    &mut given
                } else {
                    &mut kept
                };
                list.push(line.to_owned());
            }
            (kept, given)
        };
        assert_eq!(given.len(), 40);
        sites[giver] = kept.join("\n");
        let more = format!("  subnets:\n{}\n", given.join("\n"));
        sites[giver + 5] = sites[giver + 5].replace("  subnets:\n", &more);
    }
    let text = sites.join("\n---\n") + HOSTILE;
    std::fs::write(
        &file,
        text.replacen("constrainToSite: false", "constrainToSite: true", 1),
    )
    .unwrap();
    let plan = ["plan", "--format", "html", "-f", "all"];
    sitewright(here, &state, &[&plan, &platform[..]].concat())
}

/// What the frame around a page measures of it, in the words that the test looks for.
///
/// The page forbids itself every script, so the frame, of another document, does it.
const MEASURE: &str = r"
const measured = frame => {
  const page = frame.contentDocument, root = page.documentElement;
  const at = one => one.getBoundingClientRect();
  const pictures = [...page.querySelectorAll('svg[role=img]')];
  const texts = pictures.flatMap(svg => [...svg.querySelectorAll('text')].map(text => [svg, text]));
  const within = (box, text) =>
    text.left >= box.left - 1 && text.right <= box.right + 1 && text.top >= box.top - 1 && text.bottom <= box.bottom + 1;
  // A text that begins in a box ends in it.
  const box = (svg, text) => [...svg.querySelectorAll('rect:not(.mark)')].map(at).find(box =>
    box.left <= text.left && text.left <= box.right && box.top <= text.top + 4 && text.bottom - 4 <= box.bottom);
  const word = text => [...text.childNodes].filter(node => node.nodeType == 3).map(node => node.data).join('');
  const labels = texts.filter(([, text]) => text.matches('.end'));
  return {
    width: root.clientWidth,
    scrolls: root.scrollWidth,
    wide: [...page.querySelectorAll('body *')].filter(one => !one.closest('svg, details') &&
      at(one).right > root.clientWidth + 1).map(one => one.tagName),
    cut: texts.filter(([svg, text]) => !within(at(svg), at(text))).map(([, text]) => word(text)),
    over: texts.filter(([svg, text]) => {
      const its = box(svg, at(text));
      return its && at(text).right > its.right + 1;
    }).map(([, text]) => word(text)),
    meeting: labels.filter(([svg, one]) => labels.some(([other, two]) => svg == other && one != two &&
      at(one).right > at(two).left && at(two).right > at(one).left &&
      at(one).bottom - 3 > at(two).top && at(two).bottom - 3 > at(one).top)).map(([, one]) => word(one)),
    small: Math.min(...texts.map(([svg, text]) => parseFloat(getComputedStyle(text).fontSize) *
      at(svg).width / svg.viewBox.baseVal.width)),
    // On paper both worlds stand side by side, each 347 pixels wide, below a title and a legend.
    tall: pictures.map(svg => svg.viewBox.baseVal).map(box => box.height / box.width * 347).filter(high => high > 770),
    pictures: pictures.length,
    scripts: page.scripts.length,
    fetched: frame.contentWindow.performance.getEntriesByType('resource').map(one => one.name),
    ground: getComputedStyle(page.body).backgroundColor,
  };
};
addEventListener('load', () => {
  document.title = JSON.stringify([...document.querySelectorAll('iframe')].map(measured));
});
";

/// Opens a page in frames of some widths; gives what is measured in each, and what the browser said beside.
///
/// Windows of the browser are no narrower than 500 pixels, so the page stands in frames.
fn measured(page: &Path, widths: &[u32], dark: bool) -> (Vec<Value>, String) {
    let folder = page.parent().unwrap();
    let name = page.file_name().unwrap().to_str().unwrap();
    let frame = |width: &u32| {
        format!(
            "<iframe src=\"{name}\" width=\"{width}\" height=\"4000\" style=\"border:0\"></iframe>"
        )
    };
    let frames: Vec<String> = widths.iter().map(frame).collect();
    let frames = frames.concat();
    let outside = folder.join("frame.html");
    let text = format!(
        "<!DOCTYPE html><meta name=\"color-scheme\" content=\"light dark\"><title>not measured</title>\
         <script>{MEASURE}</script>{frames}"
    );
    std::fs::write(&outside, text).unwrap();
    let mut command = headless(folder, dark);
    command
        .arg("--dump-dom")
        .arg(format!("file://{}", outside.display()));
    let (_, said) = run(&mut command, "");
    let title = said
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map_or_else(|| panic!("no title: {said}"), |(title, _)| title.to_owned());
    let title = title
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let measured = serde_json::from_str(&title).unwrap_or_else(|error| panic!("{error}: {said}"));
    (measured, said)
}

/// Looks at a page wherever it is read.
fn check(page: &str, pictures: u64) {
    assert!(
        page.contains(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        )
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.html");
    std::fs::write(&file, page).unwrap();
    let mut grounds = Vec::new();
    for dark in [false, true] {
        let (frames, said) = measured(&file, &[390, 1280], dark);
        assert!(!said.contains("CONSOLE"), "{said}");
        for (one, width) in frames.iter().zip([390, 1280]) {
            for wrong in ["wide", "cut", "over", "meeting", "tall", "fetched"] {
                assert_eq!(
                    one[wrong],
                    serde_json::json!([]),
                    "{wrong} at {width}: {one}"
                );
            }
            assert_eq!(
                (&one["width"], &one["scrolls"]),
                (&width.into(), &width.into()),
                "{one}"
            );
            assert_eq!(
                (&one["pictures"], &one["scripts"]),
                (&pictures.into(), &0.into()),
                "{one}"
            );
            assert!(one["small"].as_f64() >= Some(9.9), "{one}");
        }
        grounds.push(frames[0]["ground"].clone());
    }
    assert_ne!(grounds[0], grounds[1], "dark is as light");
}

#[test]
fn the_page_of_a_small_plan_can_be_read_wherever_it_is() {
    check(&of_example("deployment-site"), 4);
    check(&of_example("isolated-vlan"), 4);
}

#[test]
fn the_page_of_a_large_plan_can_be_read_wherever_it_is() {
    let page = of_enterprise();
    assert!(page.contains("<figcaption>Before, 2 of "), "{page}");
    let pictures = page.matches("role=\"img\"").count();
    assert!(pictures > 8, "{pictures}");
    check(&page, u64::try_from(pictures).unwrap());
}

#[test]
fn the_policy_of_the_page_keeps_it_from_fetching() {
    // What no name may bring in is brought in here, to see that the policy alone holds it.
    let bad = "<img src=\"http://127.0.0.1:9/a.png\"><script>document.title = 'ran'</script>";
    let page = of_example("isolated-vlan").replace("<h1>", &format!("{bad}<h1>"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.html");
    std::fs::write(&file, page).unwrap();
    let mut command = headless(folder.path(), false);
    command
        .arg("--dump-dom")
        .arg(format!("file://{}", file.display()));
    let (_, said) = run(&mut command, "");
    assert!(
        said.contains("<title>Plan for SMP01.corp.example</title>"),
        "{said}"
    );
    for refused in ["Loading the image", "Executing inline script"] {
        let told = said.lines().find(|line| line.contains(refused));
        assert!(
            told.is_some_and(|line| line.contains("Content Security Policy")),
            "{said}"
        );
    }
}
