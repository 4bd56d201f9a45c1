//! The framing of a WebAssembly binary: its outermost sections, and the custom sections that hold manifest and signature.

use std::ops::Range;

use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{BinaryReader, Encoding};

/// Name of the custom section with the manifest.
pub const MANIFEST_SECTION: &str = "drls:manifest";
/// Name of the custom section with the signature, the last one of a signed file.
pub(crate) const SIGNATURE_SECTION: &str = "drls:signature";

const MAGIC: &[u8] = b"\0asm";
const HEADER: usize = 8;
const CUSTOM: u8 = 0;

/// A binary cut into its outermost sections.
#[derive(Debug)]
pub(crate) struct Binary<'a> {
    bytes: &'a [u8],
    pub(crate) encoding: Encoding,
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    id: u8,
    /// With its header.
    whole: Range<usize>,
    content: Range<usize>,
}

/// Why bytes are not a whole WebAssembly binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Empty,
    NotWasm,
    Truncated,
}

impl<'a> Binary<'a> {
    /// Cuts `bytes`. Looks at the framing only: what is in a section is the validator's to judge.
    pub(crate) fn cut(bytes: &'a [u8]) -> Result<Self, Broken> {
        if bytes.is_empty() {
            return Err(Broken::Empty);
        }
        let common = MAGIC.len().min(bytes.len());
        if bytes[..common] != MAGIC[..common] {
            return Err(Broken::NotWasm);
        }
        let header = bytes.get(..HEADER).ok_or(Broken::Truncated)?;
        let encoding = match header[6] {
            0 => Encoding::Module,
            _ => Encoding::Component,
        };
        let mut reader = BinaryReader::new(&bytes[HEADER..], HEADER);
        let mut sections = Vec::new();
        while !reader.eof() {
            let start = reader.original_position();
            let mut next = || {
                let id = reader.read_u8()?;
                let size = reader.read_var_u32()? as usize;
                let content = reader.original_position();
                reader.read_bytes(size)?;
                Ok::<_, wasmparser::BinaryReaderError>((id, content))
            };
            let (id, content) = next().map_err(|_| Broken::Truncated)?;
            let end = reader.original_position();
            sections.push(Section { id, whole: start..end, content: content..end });
        }
        Ok(Self { bytes, encoding, sections })
    }

    /// Content of the custom section `name`.
    pub(crate) fn custom(&self, name: &str) -> Option<&'a [u8]> {
        self.sections.iter().find_map(|s| self.named(s, name))
    }

    fn named(&self, section: &Section, name: &str) -> Option<&'a [u8]> {
        if section.id != CUSTOM {
            return None;
        }
        let mut reader = BinaryReader::new(&self.bytes[section.content.clone()], section.content.start);
        let found = reader.read_string().ok()?;
        (found == name).then(|| &self.bytes[reader.original_position()..section.content.end])
    }

    /// What stands before the custom section `name`, and its content, where that is the last section.
    pub(crate) fn last_custom(&self, name: &str) -> Option<(&'a [u8], &'a [u8])> {
        let last = self.sections.last()?;
        Some((&self.bytes[..last.whole.start], self.named(last, name)?))
    }

    /// The same binary without any custom section `name`.
    pub(crate) fn without_custom(&self, name: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len());
        out.extend_from_slice(&self.bytes[..HEADER]);
        for section in self.sections.iter().filter(|s| self.named(s, name).is_none()) {
            out.extend_from_slice(&self.bytes[section.whole.clone()]);
        }
        out
    }

    /// The same binary with `data` as its only custom section `name`, at the end.
    pub(crate) fn with_custom(&self, name: &str, data: &[u8]) -> Vec<u8> {
        let mut out = self.without_custom(name);
        CustomSection { name: name.into(), data: data.into() }.append_to_component(&mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_its_section_and_leaves_the_rest() {
        let component = wat::parse_str(r#"(component (@custom "other" "kept") (core module))"#).expect("wat");
        let once = Binary::cut(&component).expect("whole").with_custom("x", b"1");
        let twice = Binary::cut(&once).expect("whole").with_custom("x", b"two");
        let read = Binary::cut(&twice).expect("whole");
        assert_eq!(read.custom("x"), Some(&b"two"[..]));
        assert_eq!(read.custom("other"), Some(&b"kept"[..]));
        assert_eq!(twice.len(), once.len() + 2);
        wasmparser::validate(&twice).expect("valid");
    }

    #[test]
    fn tells_a_cut_file_from_a_foreign_one() {
        let component = wat::parse_str("(component (core module (func)))").expect("wat");
        for end in 1..component.len() {
            let cut = Binary::cut(&component[..end]).map(|b| b.sections.len());
            assert!(matches!(cut, Err(Broken::Truncated) | Ok(0)), "{end} bytes: {cut:?}");
        }
        assert_eq!(Binary::cut(b"").map(drop), Err(Broken::Empty));
        assert_eq!(Binary::cut(b"PK\x03\x04").map(drop), Err(Broken::NotWasm));
    }
}
