//! The text of a table → rows, with what is wrong in each of them.
//!
//! Pure. The delimiter is found in the header line, columns are found by their names: in any order and case, with the
//! few other names that such tables use.

use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};

use super::Row;
use crate::manifest::Diagnostic;
use crate::model::{Name, NameError, Origin, Subnet, SubnetError};

/// How a table is read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Columns that are passed over, by name, whatever their case.
    pub ignored: Vec<String>,
    /// The platform that the declarations are for, where they have to say so.
    pub platform: Option<Name>,
}

/// The columns, with the names that stand for each. Blanks, `-` and `_` in a name do not count.
const COLUMNS: [(&str, &[&str]); 3] = [
    (
        "subnet",
        &["subnet", "network", "cidr", "prefix", "ipsubnet"],
    ),
    ("site", &["site", "sitename", "location"]),
    ("description", &["description", "comment", "remark", "note"]),
];

/// Where the columns stand.
struct Columns {
    subnet: usize,
    site: usize,
    description: Option<usize>,
    names: Vec<String>,
}

/// Reads the rows that are right in themselves, and tells what is wrong with the others.
pub(super) fn rows(
    name: &str,
    text: &str,
    options: &Options,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Row> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let file: Arc<str> = name.into();
    let mut table = Table {
        file: &file,
        lines: text.split('\n').collect(),
        faults,
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut columns = None;
    let mut rows = Vec::new();
    let mut counted = Lines::default();
    // Text in memory is UTF-8 and can be read to its end, so that nothing is lost behind an error.
    while reader.read_record(&mut record).is_ok_and(|more| more) {
        let line = counted.line_of(text, record.position().map_or(0, csv::Position::byte));
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue; // spreadsheets end in such rows
        }
        match &columns {
            None => match table.columns(&record, line, options) {
                Some(found) => columns = Some(found),
                None => return rows, // no row can be read without the columns
            },
            Some(columns) => rows.extend(table.row(&record, line, columns)),
        }
    }
    if columns.is_none() {
        let origin = table.origin(1, "");
        table.faults.push(
            Diagnostic::at("SW0951", origin, "expected a table, found nothing")
                .hint("its first line names the columns: subnet, site, description"),
        );
    }
    rows
}

/// Counts the lines up to a record. The reader's own count is one behind where lines end in CR LF.
#[derive(Default)]
struct Lines {
    at: usize,
    before: u32,
}

impl Lines {
    /// The line, from 1, of the record that begins at or behind an offset.
    fn line_of(&mut self, text: &str, offset: u64) -> u32 {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = text.get(offset..).unwrap_or_default();
        let start = offset + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = text.get(self.at..start).unwrap_or_default();
        let breaks = passed.bytes().filter(|byte| *byte == b'\n').count();
        self.before += u32::try_from(breaks).unwrap_or(u32::MAX);
        self.at = start;
        self.before.saturating_add(1)
    }
}

/// The delimiter that stands most often in the first line outside of quotes.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in first.unwrap_or_default().bytes() {
        if byte == b'"' {
            quoted = !quoted;
        }
        for (delimiter, count) in &mut counts {
            *count += usize::from(byte == *delimiter && !quoted);
        }
    }
    // The first of several that are as frequent: a comma where there is no delimiter at all.
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(delimiter, _)| *delimiter)
}

fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// A cell for a message.
fn short(cell: &str) -> String {
    let mut shown: String = (cell.chars().take(40))
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect();
    if cell.chars().count() > 40 {
        shown.push('…');
    }
    shown
}

struct Table<'t> {
    file: &'t Arc<str>,
    lines: Vec<&'t str>,
    faults: &'t mut Vec<Diagnostic>,
}

impl Table<'_> {
    /// The place of a cell: where its text stands first in the line of its row.
    fn origin(&self, line: u32, cell: &str) -> Origin {
        let index = usize::try_from(line).unwrap_or(1).saturating_sub(1);
        let text = self.lines.get(index).copied().unwrap_or_default();
        let before = text.find(cell).and_then(|at| text.get(..at));
        let column = before.map_or(0, |before| before.chars().count()) + 1;
        Origin {
            file: Arc::clone(self.file),
            line,
            column: u32::try_from(column).unwrap_or(1),
        }
    }

    fn tell(&mut self, code: &'static str, line: u32, cell: &str, message: String, hint: &str) {
        let origin = self.origin(line, cell);
        let length = u32::try_from(cell.chars().count()).unwrap_or(1);
        let mut fault = Diagnostic::spanning(code, origin, length, message);
        if !hint.is_empty() {
            fault = fault.hint(hint);
        }
        self.faults.push(fault);
    }

    fn columns(&mut self, header: &StringRecord, line: u32, options: &Options) -> Option<Columns> {
        let mut found: [Option<usize>; 3] = [None; 3];
        let before = self.faults.len();
        let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        for (position, name) in names.iter().enumerate() {
            let key = folded(name);
            let column = COLUMNS
                .iter()
                .position(|(_, names)| names.contains(&key.as_str()));
            let ignored = || options.ignored.iter().any(|other| folded(other) == key);
            match column.and_then(|column| found.get_mut(column)) {
                Some(seat @ None) => *seat = Some(position),
                Some(Some(_)) => {
                    let message =
                        format!("expected each column once, found `{}` again", short(name));
                    self.tell("SW0952", line, name, message, "");
                }
                None if ignored() => {}
                None if name.is_empty() => {} // a row with a value there is told
                None => {
                    let known = COLUMNS.map(|(name, _)| name);
                    let hint = match nearest(&key, &known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!(
                            "known are subnet, site and description; or pass --ignore {}",
                            if name.contains(' ') {
                                format!("'{}'", short(name))
                            } else {
                                short(name)
                            }
                        ),
                    };
                    let message = format!("expected a known column, found `{}`", short(name));
                    self.tell("SW0952", line, name, message, &hint);
                }
            }
        }
        let [subnet, site, description] = found;
        if subnet.is_none() && site.is_none() {
            // One fault that says it all, instead of one a cell.
            self.faults.truncate(before);
            let message = "expected the names of the columns, found none of them".to_owned();
            let hint = "the first line has to name them: subnet, site, description";
            self.tell(
                "SW0951",
                line,
                names.first().map_or("", String::as_str),
                message,
                hint,
            );
            return None;
        }
        for (name, column) in [("subnet", subnet), ("site", site)] {
            if column.is_none() {
                let message = format!("expected a column `{name}`, found none");
                self.tell("SW0953", line, "", message, "");
            }
        }
        Some(Columns {
            subnet: subnet?,
            site: site?,
            description,
            names,
        })
    }

    fn row(&mut self, record: &StringRecord, line: u32, columns: &Columns) -> Option<Row> {
        let Columns {
            subnet,
            site,
            description,
            names,
        } = columns;
        let cell = |position: usize| record.get(position).unwrap_or_default().trim();
        let before = self.faults.len();
        if let Some(cell) = record.iter().find(|cell| cell.contains('\n')) {
            let message = format!(
                "expected a cell on one line, found one on {} lines",
                cell.matches('\n').count() + 1
            );
            // A quote that is never closed would swallow every row behind it.
            self.tell(
                "SW0954",
                line,
                "",
                message,
                "is a closing double quote missing?",
            );
            return None;
        }
        for (position, cell) in record.iter().enumerate() {
            let named = names.get(position).is_some_and(|name| !name.is_empty());
            if !named && !cell.trim().is_empty() {
                let message = format!(
                    "expected {} cells, found `{}` in cell {}",
                    names.len(),
                    short(cell.trim()),
                    position + 1
                );
                let hint = "a cell that holds the delimiter stands between double quotes";
                self.tell("SW0954", line, cell.trim(), message, hint);
                break;
            }
        }
        let network = self.subnet(cell(*subnet), line);
        let owner = self.site(cell(*site), line);
        if self.faults.len() > before {
            return None;
        }
        Some(Row {
            subnet: network?,
            site: owner?,
            description: description.map_or_else(String::new, |position| cell(position).to_owned()),
            origin: self.origin(line, cell(*subnet)),
        })
    }

    fn subnet(&mut self, cell: &str, line: u32) -> Option<Subnet> {
        if cell.is_empty() {
            self.tell(
                "SW0955",
                line,
                "",
                "expected a subnet, found an empty cell".into(),
                "",
            );
            return None;
        }
        match cell.parse::<Subnet>() {
            Ok(subnet) => Some(subnet),
            Err(error) => {
                let hint = meant(cell, &error).unwrap_or_default();
                let shown = short(cell);
                let message = match &error {
                    SubnetError::HostBits { .. } => {
                        format!("expected a subnet, found host bits in `{shown}`")
                    }
                    SubnetError::NoPrefix(_) => {
                        format!("expected `network/prefix`, found `{shown}`")
                    }
                    SubnetError::Ipv6(_) => format!("expected IPv4, found `{shown}`"),
                    SubnetError::Octal(_) => {
                        format!("expected no leading zeros, found `{shown}`")
                    }
                    SubnetError::Prefix(_) => {
                        format!("expected a prefix from 1 to 32, found `{shown}`")
                    }
                    SubnetError::Address(_) => {
                        format!("expected four numbers from 0 to 255, found `{shown}`")
                    }
                };
                self.tell("SW0955", line, cell, message, &hint);
                None
            }
        }
    }

    fn site(&mut self, cell: &str, line: u32) -> Option<Name> {
        match Name::declared(cell) {
            Ok(name) => Some(name),
            Err(NameError::Empty) => {
                self.tell(
                    "SW0956",
                    line,
                    "",
                    "expected a site, found an empty cell".into(),
                    "",
                );
                None
            }
            Err(error) => {
                let message = format!("{error}, in the site `{}`", short(cell));
                self.tell("SW0956", line, cell, message, "");
                None
            }
        }
    }
}

/// What somebody who wrote `cell` most likely meant.
fn meant(cell: &str, error: &SubnetError) -> Option<String> {
    let said = |subnet: Subnet| Some(format!("did you mean `{subnet}`?"));
    let (address, rest) = cell.split_once('/').unwrap_or((cell, ""));
    match error {
        SubnetError::HostBits { network, .. } => said(*network),
        SubnetError::NoPrefix(_) => {
            // `10.0.0.0 255.255.255.0`, or one address.
            let mut words = cell.split_whitespace();
            let address = words.next()?.parse().ok()?;
            match words.next() {
                None => said(Subnet::host(address)).map(|hint| format!("for one address: {hint}")),
                Some(mask) => said(Subnet::containing(address, prefix_of(mask)?)?),
            }
        }
        SubnetError::Prefix(_) => {
            said(Subnet::containing(address.parse().ok()?, prefix_of(rest)?)?)
        }
        SubnetError::Octal(_) => {
            let octets: Vec<String> = (address.split('.'))
                .map(|octet| octet.parse::<u8>().map(|octet| octet.to_string()))
                .collect::<Result<_, _>>()
                .ok()?;
            let prefix = rest.parse().ok()?;
            said(Subnet::containing(octets.join(".").parse().ok()?, prefix)?)
        }
        SubnetError::Ipv6(_) => Some("the SMP handles IPv4 subnets only".into()),
        SubnetError::Address(_) => None,
    }
}

/// The prefix of a mask such as `255.255.255.0`.
fn prefix_of(mask: &str) -> Option<u8> {
    let mask: std::net::Ipv4Addr = mask.trim().parse().ok()?;
    ipnet::ip_mask_to_prefix(mask.into()).ok()
}

fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3)
        .min()
        .map(|(_, candidate)| candidate)
}
