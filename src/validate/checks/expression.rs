//! The `InvalidSubnets` expression: whether it compiles, what it forbids, and what to add to it.
//!
//! Pure. The SMP reads it with the expressions of .NET, which differ from ours: what both read alike is judged, what
//! only one of them knows is "cannot tell". A subnet is forbidden where the expression matches anywhere in its text.

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, ErrorKind};

use super::{article, some, subnet_object};
use crate::model::{Declared, Subnet};
use crate::plan::Severity;
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "invalid-subnets-regex",
    severity: "error; info where it cannot be told",
    phases: &[Phase::Declared, Phase::Live],
    holds_when: "the InvalidSubnets expression does not compile, or forbids a declared subnet",
    explanation: "InvalidSubnets is one regular expression for the whole SMP: a subnet that it matches is not created, \
             neither by inventory nor by anybody else. An expression with a fault forbids nothing, or everything; one \
             that is too wide forbids subnets that sites need. Anchor it with ^ and $, and write dots as \\. so that \
             they stand for dots. The SMP uses the expressions of .NET; what only .NET knows cannot be judged here.",
    sources: &[article::SUPERNETS],
    run: invalid_subnets,
}];

/// What an expression is, as far as both kinds of expressions agree.
#[derive(Debug)]
enum Reading {
    /// It compiles, and matches the same in both.
    Compiles(Regex),
    /// It compiles in neither, or not in .NET.
    Faulty(String),
    /// It may compile in .NET, and what it matches cannot be told.
    CannotTell(&'static str),
}

/// The declared expression, read once.
#[derive(Debug)]
pub(crate) struct InvalidSubnets(Option<Reading>);

impl InvalidSubnets {
    pub(super) fn declared(view: &View<'_>) -> Self {
        let declared = view
            .desired
            .and_then(|desired| desired.settings.invalid_subnets.as_ref());
        Self(declared.map(|declared| read(&declared.value)))
    }

    /// What to do about a subnet that should not be there.
    pub(super) fn remedy(&self, subnet: Subnet) -> String {
        let exact = exactly(subnet);
        let keeps = match &self.0 {
            Some(Reading::Compiles(expression)) if expression.is_match(&subnet.to_string()) => {
                "the declared `invalidSubnets` keeps it from coming back".to_owned()
            }
            Some(_) => {
                format!("`|{exact}` at the end of `invalidSubnets` keeps it from coming back")
            }
            None => format!("`invalidSubnets: '{exact}'` keeps it from coming back"),
        };
        format!(
            "declare exact subnets in its place, unless what lies inside is carved out on purpose; once it is gone, {keeps}"
        )
    }
}

/// The expression that matches one subnet and nothing else.
pub(super) fn exactly(subnet: Subnet) -> String {
    format!("^{}$", regex::escape(&subnet.to_string()))
}

fn invalid_subnets(view: &View<'_>) -> Vec<Finding> {
    let Some(desired) = view.desired else {
        return Vec::new();
    };
    let Some(Declared {
        value: expression,
        origin,
    }) = &desired.settings.invalid_subnets
    else {
        return Vec::new();
    };
    let finding = |severity, message: String, remedy: &str| Finding {
        objects: ["setting invalidSubnets".to_owned()].into(),
        severity,
        message,
        remedy: remedy.to_owned(),
        places: [origin.clone()].into(),
    };
    let compiled = match read(expression) {
        Reading::Compiles(compiled) => compiled,
        Reading::Faulty(fault) => {
            return vec![finding(
                Severity::Error,
                format!("`invalidSubnets` is no regular expression: {fault}"),
                "mend the expression: the SMP reads it with the rules of .NET",
            )];
        }
        Reading::CannotTell(what) => {
            return vec![finding(
                Severity::Info,
                format!("cannot tell what `invalidSubnets` forbids: {what}"),
                "try it on the server, or write it without",
            )];
        }
    };
    let forbidden: Vec<(Subnet, &crate::model::Origin)> = desired
        .sites
        .values()
        .filter_map(|site| site.subnets.as_ref())
        .flatten()
        .filter(|(subnet, _)| compiled.is_match(&subnet.to_string()))
        .map(|(subnet, origin)| (*subnet, origin))
        .collect();
    if forbidden.is_empty() {
        return Vec::new();
    }
    let mut found = finding(
        Severity::Error,
        format!(
            "`invalidSubnets` forbids {}, which {} declared",
            some(forbidden.iter().map(|(subnet, _)| subnet)),
            if forbidden.len() == 1 { "is" } else { "are" },
        ),
        "make the expression narrower, such as one that ends in the prefix and `$`",
    );
    found
        .objects
        .extend(forbidden.iter().map(|(subnet, _)| subnet_object(*subnet)));
    found.places.extend(
        forbidden
            .iter()
            .take(3)
            .map(|(_, origin)| (*origin).clone()),
    );
    vec![found]
}

fn read(expression: &str) -> Reading {
    if bracket_in_brackets(expression) {
        return Reading::CannotTell("it has a `[` inside brackets, which .NET reads otherwise");
    }
    let tree = match ast::parse::Parser::new().parse(expression) {
        Ok(tree) => tree,
        Err(error) => return refused(error.kind()),
    };
    if let Err(otherwise) = ast::visit(&tree, DotNet) {
        return otherwise;
    }
    match RegexBuilder::new(expression).size_limit(1 << 20).build() {
        Ok(compiled) => Reading::Compiles(compiled),
        Err(_) => Reading::CannotTell("it is too large to be tried here"),
    }
}

/// What our reader refuses: faults in both kinds of expressions, and what .NET may know.
fn refused(kind: &ErrorKind) -> Reading {
    match kind {
        ErrorKind::ClassUnclosed
        | ErrorKind::ClassRangeInvalid
        | ErrorKind::EscapeUnexpectedEof
        | ErrorKind::GroupUnclosed
        | ErrorKind::GroupUnopened
        | ErrorKind::GroupNameEmpty
        | ErrorKind::GroupNameUnexpectedEof
        | ErrorKind::RepetitionCountInvalid
        | ErrorKind::RepetitionMissing => Reading::Faulty(kind.to_string()),
        ErrorKind::UnsupportedLookAround => {
            Reading::CannotTell("it looks ahead or behind, which only .NET does")
        }
        ErrorKind::UnsupportedBackreference => {
            Reading::CannotTell("it refers back to a group, which only .NET does")
        }
        _ => Reading::CannotTell("it uses what only .NET may know"),
    }
}

/// Whether a `[` stands inside brackets: a class within a class to us, a character or a subtraction to .NET.
fn bracket_in_brackets(expression: &str) -> bool {
    let mut inside = false;
    let mut escaped = false;
    for character in expression.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' if inside => return true,
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
    }
    false
}

/// Finds what our reader takes and .NET refuses or reads otherwise.
struct DotNet;

impl ast::Visitor for DotNet {
    type Output = ();
    type Err = Reading;

    fn finish(self) -> Result<(), Reading> {
        Ok(())
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), Reading> {
        match tree {
            Ast::Repetition(repetition) if matches!(*repetition.ast, Ast::Repetition(_)) => Err(
                Reading::Faulty("a quantifier follows a quantifier".to_owned()),
            ),
            Ast::Group(group) => match &group.kind {
                ast::GroupKind::CaptureName {
                    starts_with_p: true,
                    name: _, // whatever it is called
                } => Err(Reading::Faulty("`(?P<` begins no group in .NET".to_owned())),
                ast::GroupKind::NonCapturing(flags) => flags_of_both(flags),
                ast::GroupKind::CaptureIndex(_) | ast::GroupKind::CaptureName { .. } => Ok(()),
            },
            Ast::Flags(flags) => flags_of_both(&flags.flags),
            Ast::ClassUnicode(_) => Err(Reading::CannotTell(
                "it names a class of Unicode characters, which .NET may call otherwise",
            )),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), Reading> {
        Err(Reading::CannotTell(
            "it has `&&`, `--` or `~~` in brackets, which .NET reads otherwise",
        ))
    }
}

/// Refuses the flags that .NET does not have.
fn flags_of_both(flags: &ast::Flags) -> Result<(), Reading> {
    let foreign = flags.items.iter().any(|item| {
        matches!(
            item.kind,
            ast::FlagsItemKind::Flag(ast::Flag::SwapGreed | ast::Flag::Unicode | ast::Flag::CRLF)
        )
    });
    if foreign {
        Err(Reading::Faulty(
            "it sets a flag that .NET does not have".to_owned(),
        ))
    } else {
        Ok(())
    }
}
