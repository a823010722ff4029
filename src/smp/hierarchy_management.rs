//! `ASDK.NS/HierarchyManagementService`: whether the SMP is in a hierarchy, and what came from another SMP.
//!
//! Pure: builds calls and parses answers.

use std::io::BufRead;

use super::answer;
use super::request::MethodCall;
use super::xml::AnswerError;
use crate::model::Guid;
use crate::profile::ServiceName;

const SERVICE: ServiceName = ServiceName::HierarchyManagement;

pub(crate) fn is_hierarchy_member() -> MethodCall {
    MethodCall::new(SERVICE, "IsHierarchyMember", vec![])
}

pub(crate) fn is_hierarchy_managed(item: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "IsHierarchyManaged",
        vec![("itemGuid", item.into())],
    )
}

/// Reads yes or no.
pub(crate) fn boolean(body: &mut dyn BufRead, method: &str) -> Result<bool, AnswerError> {
    let text = answer::scalar(body, method)?.unwrap_or_default();
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(AnswerError::shape(
            format!("`true` or `false` from {method}"),
            format!("`{}`", other.chars().take(80).collect::<String>()),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn yes_and_no_in_any_shape() {
        for (body, expect) in [
            (
                "<boolean xmlns='http://Altiris.ASDK.NS.com'>true</boolean>",
                true,
            ),
            ("<boolean> False </boolean>", false),
            (
                "<e:Envelope xmlns:e='e'><e:Body><IsHierarchyMemberResponse><IsHierarchyMemberResult>1</IsHierarchyMemberResult></IsHierarchyMemberResponse></e:Body></e:Envelope>",
                true,
            ),
        ] {
            assert_eq!(
                boolean(&mut body.as_bytes(), "IsHierarchyMember").unwrap(),
                expect,
                "{body}"
            );
        }
        for body in ["<boolean/>", "<string>perhaps</string>", "<html/>"] {
            assert!(boolean(&mut body.as_bytes(), "IsHierarchyMember").is_err());
        }
    }
}
