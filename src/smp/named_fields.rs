//! Reads of structures whose element names are only known while the program runs, for discovery.
//!
//! I/O, through the reader.

use super::answer;
use super::read_error::ReadError;
use super::reader::Reader;
use super::request::MethodCall;
use super::xml::Xml;

impl Reader {
    /// Generic named structures of `ResourceModel`, for discovery: fields by name.
    pub(crate) async fn structures<const N: usize>(
        &self,
        call: &MethodCall,
        names: [String; N],
    ) -> Result<Vec<[Option<String>; N]>, ReadError> {
        let method = call.method;
        self.call(call, move |body| {
            let mut xml = Xml::new(body);
            let mut found = Vec::new();
            if !answer::enter(&mut xml, method)? {
                return Ok(found);
            }
            let depth = xml.depth();
            while xml.child(depth)? {
                if xml.nil() {
                    xml.skip()?;
                    continue;
                }
                let wanted: [&str; N] = std::array::from_fn(|index| names[index].as_str());
                found.push(answer::fields(&mut xml, wanted)?);
            }
            xml.finish()?;
            Ok(found)
        })
        .await
    }

    /// The same for any number of elements; `list` says whether the answer is a list or one structure.
    pub(crate) async fn rows(
        &self,
        call: &MethodCall,
        names: &[String],
        list: bool,
    ) -> Result<Vec<Vec<Option<String>>>, ReadError> {
        let method = call.method;
        let names = names.to_vec();
        self.call(call, move |body| {
            let mut xml = Xml::new(body);
            let mut found = Vec::new();
            if !answer::enter(&mut xml, method)? {
                return Ok(found);
            }
            if !list {
                found.push(answer::fields_of(&mut xml, &names)?);
                return Ok(found);
            }
            let depth = xml.depth();
            while xml.child(depth)? {
                if xml.nil() {
                    xml.skip()?;
                    continue;
                }
                found.push(answer::fields_of(&mut xml, &names)?);
            }
            xml.finish()?;
            Ok(found)
        })
        .await
    }
}
