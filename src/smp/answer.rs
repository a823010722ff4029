//! Finds the result in an answer, whether it came by SOAP or by form.
//!
//! Pure. By SOAP it is the element `<Method>Result` somewhere in the body, by form the root itself.

use std::io::BufRead;

use super::xml::{AnswerError, Token, Xml};
use crate::model::Guid;

/// Moves to the result of `method`; `false` where there is none, or where it says that it is nil.
pub(crate) fn enter<R: BufRead>(xml: &mut Xml<R>, method: &str) -> Result<bool, AnswerError> {
    if xml.next()? != Token::Start {
        return Err(AnswerError::shape("XML", "nothing"));
    }
    if !xml.name().eq_ignore_ascii_case("Envelope") {
        if xml.name().eq_ignore_ascii_case("html") {
            return Err(AnswerError::shape(
                format!("the answer of {method}"),
                "an HTML page",
            ));
        }
        return Ok(!xml.nil());
    }
    let (response, result) = (format!("{method}Response"), format!("{method}Result"));
    let mut responded = false;
    loop {
        match xml.next()? {
            Token::Start if xml.name().eq_ignore_ascii_case(&result) => return Ok(!xml.nil()),
            Token::Start if xml.name().eq_ignore_ascii_case(&response) => responded = true,
            Token::Start if xml.name().eq_ignore_ascii_case("Fault") => {
                return Err(AnswerError::shape(
                    format!("the answer of {method}"),
                    "a fault",
                ));
            }
            Token::Done if responded => return Ok(false),
            Token::Done => {
                return Err(AnswerError::shape(
                    format!("`{response}`"),
                    "another answer",
                ));
            }
            Token::Start | Token::End | Token::Text => {}
        }
    }
}

/// Reads a result that is one value; `None` where there is none.
pub(crate) fn scalar(body: &mut dyn BufRead, method: &str) -> Result<Option<String>, AnswerError> {
    let mut xml = Xml::new(body);
    if !enter(&mut xml, method)? {
        return Ok(None);
    }
    let mut content = String::new();
    xml.content(&mut content)?;
    xml.finish()?;
    Ok(Some(content))
}

/// Reads a result that is one GUID; `None` where it is the empty one.
pub(crate) fn guid(body: &mut dyn BufRead, method: &str) -> Result<Option<Guid>, AnswerError> {
    let Some(text) = scalar(body, method)? else {
        return Ok(None);
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    let guid: Guid = text
        .parse()
        .map_err(|error| AnswerError::value(method, &error))?;
    Ok(Some(guid).filter(|guid| !guid.is_nil()))
}

/// Reads the named fields of the structure that began last; what is nil or absent is `None`.
pub(crate) fn fields<R: BufRead, const N: usize>(
    xml: &mut Xml<R>,
    names: [&str; N],
) -> Result<[Option<String>; N], AnswerError> {
    let mut found: [Option<String>; N] = std::array::from_fn(|_| None);
    take(xml, &names, &mut found)?;
    Ok(found)
}

/// The same for any number of names.
pub(crate) fn fields_of<R: BufRead>(
    xml: &mut Xml<R>,
    names: &[String],
) -> Result<Vec<Option<String>>, AnswerError> {
    let mut found = vec![None; names.len()];
    take(xml, names, &mut found)?;
    Ok(found)
}

fn take<R: BufRead>(
    xml: &mut Xml<R>,
    names: &[impl AsRef<str>],
    found: &mut [Option<String>],
) -> Result<(), AnswerError> {
    let depth = xml.depth();
    let mut content = String::new();
    while xml.child(depth)? {
        let index = names
            .iter()
            .position(|name| xml.name().eq_ignore_ascii_case(name.as_ref()));
        match index {
            Some(index) if !xml.nil() => {
                xml.content(&mut content)?;
                found[index] = Some(content.clone());
            }
            _ => xml.skip()?,
        }
    }
    Ok(())
}
