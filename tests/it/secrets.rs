//! Secrets stay secret: a whole run by every way that a secret may come, over every way to sign in, and nothing of it in
//! anything that is left behind, neither as it is nor as it looks in a header.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sitewright_sim::{Access, Options, Scheme, Server, World};

const USER: &str = r"CORP\svc-sitewright";
const PASSWORD: &str = "Unmistakable-P4ssword-7f3a";
const WRONG: &str = "Unmistakable-Wr0ng-9c1e";
const TOKEN: &str = "Unmistakable-T0ken-5b2d";

/// A workspace with its server.
struct Home {
    folder: tempfile::TempDir,
    server: Server,
    outputs: Vec<(String, Output)>,
}

/// What a secret may look like: itself, as Basic sends it, in UTF-16, in hexadecimal.
fn shapes() -> Vec<(String, Vec<u8>)> {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
    let mut shapes = Vec::new();
    for secret in [PASSWORD, WRONG, TOKEN] {
        let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let hex: String = secret.bytes().fold(String::new(), |mut hex, byte| {
            use std::fmt::Write as _;
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        let basic = base64.encode(format!("{USER}:{secret}"));
        shapes.push((format!("{secret} as text"), secret.as_bytes().to_vec()));
        shapes.push((format!("{secret} in UTF-16"), utf16));
        shapes.push((format!("{secret} in hexadecimal"), hex.into_bytes()));
        shapes.push((
            format!("{secret} in base64"),
            base64.encode(secret).into_bytes(),
        ));
        shapes.push((format!("{secret} for Basic"), basic.into_bytes()));
    }
    shapes
}

fn holds(bytes: &[u8], shape: &[u8]) -> bool {
    bytes
        .windows(shape.len())
        .any(|window| window.eq_ignore_ascii_case(shape))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

impl Home {
    /// A workspace that signs in so; `schemes` are those of the server.
    fn new(schemes: &[Scheme], auth: &str) -> Self {
        let access = Access::by(schemes)
            .with_account(USER, PASSWORD)
            .with_token(TOKEN);
        let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
        let server = Server::start_with(world, "127.0.0.1:0".parse().unwrap(), &access).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deployment-site");
        for file in files(&example) {
            let name = file.file_name().unwrap();
            if name != "sitewright.yaml" && file.parent() == Some(&example) {
                std::fs::copy(&file, folder.path().join(name)).unwrap();
            }
        }
        std::fs::create_dir(folder.path().join("profiles")).unwrap();
        std::fs::write(
            folder.path().join("profiles/hq.yaml"),
            server.world().profile(),
        )
        .unwrap();
        let workspace = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      url: {}\n      \
             server: {}\n      profile: profiles/hq.yaml\n      auth: {auth}\n",
            server.url(),
            server.world().platform_server(),
        );
        std::fs::write(folder.path().join("sitewright.yaml"), workspace).unwrap();
        Self {
            folder,
            server,
            outputs: Vec::new(),
        }
    }

    fn run(&mut self, secret: &str, arguments: &str) -> i32 {
        let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
            .current_dir(self.folder.path())
            .args(arguments.split(' '))
            .env("SMP_SECRET", secret)
            // Whatever is asked for: the crate that signs in would name keys.
            .env("SITEWRIGHT_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .output()
            .unwrap();
        let code = output.status.code().unwrap();
        self.outputs.push((arguments.to_owned(), output));
        code
    }

    /// Everything that was printed and written, but for the file that the secret is kept in.
    fn leaves_nothing(&self, kept: Option<&str>) {
        let mut left: Vec<(String, Vec<u8>)> = Vec::new();
        for (arguments, output) in &self.outputs {
            left.push((format!("output of {arguments}"), output.stdout.clone()));
            left.push((format!("errors of {arguments}"), output.stderr.clone()));
        }
        for path in files(self.folder.path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if Some(name.as_str()) != kept {
                left.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
        assert!(left.len() > 10);
        for (what, bytes) in &left {
            for (shape, pattern) in shapes() {
                assert!(!holds(bytes, &pattern), "{what} holds {shape}");
            }
        }
    }
}

/// Plans, applies, discovers, fails: with the right secret and with a wrong one.
fn whole_run(home: &mut Home, wrong: impl Fn(&Home), right: impl Fn(&Home)) {
    wrong(home);
    for arguments in [
        "plan -vv",
        "plan --format json",
        "apply --yes -vv",
        "profile discover --out profiles/wrong.yaml",
    ] {
        assert_eq!(home.run(WRONG, arguments), 1, "{arguments}");
    }
    right(home);
    assert_eq!(home.run(PASSWORD, "plan -vv --out plan.json"), 0);
    assert_eq!(home.run(PASSWORD, "plan --format json"), 0);
    assert_eq!(home.run(PASSWORD, "apply --yes -vv"), 4);
    assert_eq!(
        home.run(PASSWORD, "profile discover --out profiles/found.yaml -vv"),
        0
    );
    assert_eq!(home.run(PASSWORD, "plan -vv"), 0);
    let written = home
        .server
        .requests()
        .iter()
        .any(|request| request.writes && request.status == 200);
    assert!(written, "a run that signed in");
}

#[test]
fn a_password_of_the_environment_is_left_nowhere() {
    for (method, scheme) in [
        ("basic", Scheme::Basic),
        ("ntlm", Scheme::Ntlm),
        ("negotiate", Scheme::Negotiate),
    ] {
        let auth = format!(
            r"{{ method: {method}, username: '{USER}', passwordFrom: {{ env: SMP_SECRET }} }}"
        );
        let mut home = Home::new(&[scheme], &auth);
        whole_run(&mut home, |_| {}, |_| {});
        home.leaves_nothing(None);
    }
}

#[test]
fn a_password_of_a_file_or_a_program_is_left_nowhere() {
    let keep = |secret: &'static str| {
        move |home: &Home| {
            std::fs::write(home.folder.path().join("secret"), format!("{secret}\n")).unwrap();
        }
    };
    for from in ["{ file: secret }", "{ command: [cat, secret] }"] {
        let auth = format!(r"{{ username: '{USER}', passwordFrom: {from} }}");
        let mut home = Home::new(&[Scheme::Negotiate], &auth);
        whole_run(&mut home, keep(WRONG), keep(PASSWORD));
        home.leaves_nothing(Some("secret"));
    }
}

#[test]
fn a_token_is_left_nowhere() {
    let mut home = Home::new(
        &[Scheme::Bearer],
        "{ method: bearer, tokenFrom: { env: SMP_SECRET } }",
    );
    assert_eq!(home.run(WRONG, "plan -vv"), 1);
    assert_eq!(home.run(TOKEN, "plan -vv --out plan.json"), 0);
    assert_eq!(home.run(TOKEN, "apply --yes -vv"), 4);
    assert_eq!(
        home.run(TOKEN, "profile discover --out profiles/found.yaml"),
        0
    );
    home.leaves_nothing(None);
}

#[test]
fn a_program_that_fails_and_a_store_that_is_missing_say_so() {
    let auth = |from: &str| format!(r"{{ username: '{USER}', passwordFrom: {from} }}");
    for (from, told) in [
        (
            format!("{{ command: [sh, -c, 'echo {PASSWORD}; exit 3'] }}"),
            "`sh` gave no password",
        ),
        ("{ command: ['true'] }".to_owned(), "holds nothing"),
        (
            "{ keyring: { service: sitewright, account: hq } }".to_owned(),
            "the credential store",
        ),
    ] {
        let mut home = Home::new(&[Scheme::Negotiate], &auth(&from));
        assert_eq!(home.run(PASSWORD, "plan"), 1);
        let said = String::from_utf8_lossy(&home.outputs[0].1.stderr).into_owned();
        assert!(said.contains("SW0253") && said.contains(told), "{said}");
        for (shape, pattern) in shapes() {
            assert!(!holds(said.as_bytes(), &pattern), "{shape}");
        }
        assert!(home.server.requests().is_empty());
    }
}
