//! The sheet that pages of HTML are written on: light and dark, to read on a screen or to print.
//!
//! Pure. A page needs nothing from anywhere: no script, no font, no picture, and it forbids itself to fetch any.

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --line: #c8d0d9; --page: #ffffff; --box: #f5f7f9; --bad: #a40e26; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaef; --dim: #a3adb8; --line: #3d4650; --page: #12161b; --box: #1a2027; --bad: #ff8c94; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 52rem; color: var(--ink); background: var(--page);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 2px solid var(--line); font-size: 1.15rem; }
p { margin: .6rem 0; }
code { font: .9em/1.4 ui-monospace, 'Cascadia Mono', Consolas, 'Liberation Mono', monospace; overflow-wrap: anywhere; }
.about { color: var(--dim); }
.blocked { margin: 1rem 0; padding: .5rem 1rem; border: 2px solid var(--bad); border-radius: .4rem; }
.blocked strong { color: var(--bad); }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .15rem .9rem; margin: .5rem 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .3rem; } }
@media print {
  @page { margin: 16mm 15mm; }
  :root { color-scheme: light; --ink: #000; --dim: #444; --line: #999; --page: #fff; --box: #fff; --bad: #000; }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  h2 { break-after: avoid; }
}
";

/// A whole page; `title` and `body` are HTML already, `style` is added to what all pages share.
pub(super) fn sheet(title: &str, style: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}
