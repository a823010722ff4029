//! `NSWebService/ItemModel`: what the console would offer to do with an item.
//!
//! Pure: builds calls and parses answers. What an action is made of no document says, and nothing here needs it: how many
//! there are is all that is read.

use std::io::BufRead;

use super::answer;
use super::request::MethodCall;
use super::xml::{AnswerError, Xml};
use crate::model::Guid;
use crate::profile::ServiceName;

pub(crate) fn get_actions_for_item(item: Guid) -> MethodCall {
    MethodCall::new(
        ServiceName::ItemModel,
        "GetActionsForItem",
        vec![("itemGuid", item.into())],
    )
}

/// Counts the elements of a list.
pub(crate) fn count(body: &mut dyn BufRead, method: &str) -> Result<usize, AnswerError> {
    let mut xml = Xml::new(body);
    let mut count = 0;
    if !answer::enter(&mut xml, method)? {
        return Ok(count);
    }
    let depth = xml.depth();
    while xml.child(depth)? {
        if !xml.nil() {
            count += 1;
        }
        xml.skip()?;
    }
    xml.finish()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn counted(result: &str) -> usize {
        let body = format!(
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>\
             <GetActionsForItemResponse xmlns='urn:x'>{result}</GetActionsForItemResponse></e:Body></e:Envelope>"
        );
        count(&mut body.as_bytes(), "GetActionsForItem").unwrap()
    }

    #[test]
    fn counts_actions_whatever_they_are_made_of() {
        let list =
            |inner: &str| format!("<GetActionsForItemResult>{inner}</GetActionsForItemResult>");
        assert_eq!(counted(""), 0);
        assert_eq!(counted(&list("")), 0);
        assert_eq!(
            counted(&list("<A><G>1</G><N>Open</N></A><A><N>Delete</N></A>")),
            2
        );
        assert_eq!(
            counted(&list(
                "<A xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:nil='true'/><A/>"
            )),
            1
        );
        assert!(count(&mut "<html/>".as_bytes(), "GetActionsForItem").is_err());
    }
}
