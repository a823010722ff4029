//! The `InvalidSubnets` expression.

use super::*;

fn said_of(expression: &str, expect: &str) {
    let wanted = desired()
        .site("HQ")
        .subnets("HQ", &["10.0.0.0/24", "10.0.1.0/24", "192.168.0.0/24"])
        .invalid_subnets(expression);
    finds_offline("invalid-subnets-regex", &wanted, expect);
    // The same where a server was asked.
    finds("invalid-subnets-regex", &wanted, &world(), expect);
}

#[test]
fn what_compiles_and_forbids_nothing_declared() {
    for right in [
        "^(0\\.|169\\.254\\.)",
        "",
        "^10\\.0\\.0\\.0/8$",
        "(?i)(?<name>^172)",
        "[a^]x??",
    ] {
        if right.is_empty() {
            continue; // matches everything, as the next test says
        }
        said_of(right, "");
    }
}

#[test]
fn what_forbids_declared_subnets() {
    said_of(
        "^10\\.0\\.0\\.",
        "Error: `invalidSubnets` forbids `10.0.0.0/24`, which is declared",
    );
    said_of(
        "^10\\.",
        "Error: `invalidSubnets` forbids `10.0.0.0/24` and `10.0.1.0/24`, which are declared",
    );
    let all = "Error: `invalidSubnets` forbids `10.0.0.0/24`, `10.0.1.0/24` and `192.168.0.0/24`, which are declared";
    said_of("", all);
    said_of("/24$", all);
}

#[test]
fn what_compiles_nowhere() {
    for (expression, fault) in [
        ("^(0", "unclosed group"),
        ("0)", "unopened group"),
        ("[0", "unclosed character class"),
        ("*0", "repetition operator missing expression"),
        (
            "0{3,1}",
            "invalid repetition count range, the start must be <= the end",
        ),
        (
            "0\\",
            "incomplete escape sequence, reached end of pattern prematurely",
        ),
        ("0**", "a quantifier follows a quantifier"),
        ("(?P<a>0)", "`(?P<` begins no group in .NET"),
        ("(?U)0", "it sets a flag that .NET does not have"),
    ] {
        said_of(
            expression,
            &format!("Error: `invalidSubnets` is no regular expression: {fault}"),
        );
    }
}

/// .NET knows more, and reads some of it otherwise: that is no error.
#[test]
fn what_cannot_be_told() {
    for (expression, what) in [
        (
            "^(?!10\\.)",
            "it looks ahead or behind, which only .NET does",
        ),
        ("(?<=1)0", "it looks ahead or behind, which only .NET does"),
        ("(1)\\1", "it refers back to a group, which only .NET does"),
        ("(?>10)", "it uses what only .NET may know"),
        ("(?(1)a|b)", "it uses what only .NET may know"),
        (
            "[0-9-[5]]",
            "it has a `[` inside brackets, which .NET reads otherwise",
        ),
        (
            "[[]",
            "it has a `[` inside brackets, which .NET reads otherwise",
        ),
        (
            "[0-9&&5]",
            "it has `&&`, `--` or `~~` in brackets, which .NET reads otherwise",
        ),
        (
            "\\pN",
            "it names a class of Unicode characters, which .NET may call otherwise",
        ),
        ("(\\d{900}){900}", "it is too large to be tried here"),
    ] {
        said_of(
            expression,
            &format!("Info: cannot tell what `invalidSubnets` forbids: {what}"),
        );
    }
}
