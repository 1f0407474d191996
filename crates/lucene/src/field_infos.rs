//! Which fields does a segment have, and by which numbers? (`.fnm`)
//!
//! ```text
//! header Lucene60FieldInfos 0..2 (big-endian), Lucene90FieldInfos 0, Lucene94FieldInfos 0..2 (little)
//! vint n | n x { string name | vint number | u8 bits (8 = the soft deletes field)
//!                u8 index options | u8 doc values kind | [94 v2] u8 skip index
//!                int64 doc values generation | map attributes
//!                vint point dimensions [ [60 v2, 90, 94] vint index dimensions | vint bytes ]
//!                [90, 94] vint vector dimensions | [94] u8 encoding | u8 similarity } | footer
//! ```
//!
//! The newest generation is valid: its doc values generations say where updated values are.

use std::collections::BTreeMap;

use crate::{
    bytes::{ByteOrder, Cursor},
    codec_header::{Header, ObjectId, content},
    error::{LuceneError, Problem},
};

/// The kind of doc values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocValuesKind {
    /// The field has none.
    None,
    /// One number for each document.
    Numeric,
    /// Bytes, sorted values, or several numbers.
    Other,
}

/// A field of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// The name in the mapping.
    pub name: String,
    /// The number in this segment's files.
    pub number: u32,
    /// What kind of doc values it has.
    pub doc_values: DocValuesKind,
    /// The generation of the files with its doc values, if these were updated.
    pub doc_values_generation: Option<u64>,
    /// What the codecs noted about the field.
    pub attributes: BTreeMap<String, String>,
    soft_deletes: bool,
    skip_index: bool,
}

/// The fields of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfos {
    fields: Vec<FieldInfo>,
    /// Indices into `fields`: an index may have many thousands.
    by_number: BTreeMap<u32, usize>,
}

/// The bit of the field whose value marks a document as deleted.
const SOFT_DELETES_BIT: u8 = 8;
/// The name of that field in Elasticsearch and OpenSearch.
const SOFT_DELETES_NAME: &str = "__soft_deletes";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layout {
    Lucene60,
    Lucene60IndexDimensions,
    Lucene90,
    Lucene94,
    Lucene94SkipIndex,
}

impl FieldInfos {
    /// Reads a whole `.fnm` file. Verifies its checksum, the segment's id and the generation.
    pub fn parse(
        file: &str,
        bytes: &[u8],
        id: &ObjectId,
        generation: &str,
    ) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, content(file, bytes)?);
        let header = Header::read(&mut cursor)?;
        let layout = match (header.name, header.version) {
            ("Lucene60FieldInfos", 0 | 1) => Layout::Lucene60,
            ("Lucene60FieldInfos", version) => {
                header.require_version(file, version.min(2), 2)?;
                Layout::Lucene60IndexDimensions
            }
            ("Lucene90FieldInfos", _) => {
                header.require_version(file, 0, 0)?;
                Layout::Lucene90
            }
            ("Lucene94FieldInfos", 0 | 1) => Layout::Lucene94,
            ("Lucene94FieldInfos", _) => {
                header.require_version(file, 2, 2)?;
                Layout::Lucene94SkipIndex
            }
            _ => return Err(header.unsupported(file)),
        };
        if layout >= Layout::Lucene90 {
            cursor.set_order(ByteOrder::Little);
        }
        header.require_id(file, id)?;
        header.require_suffix(file, generation)?;
        let count = cursor.vlength("the number of fields")?;
        let (mut fields, mut by_number) = (Vec::new(), BTreeMap::new());
        for place in 0..count {
            let field = FieldInfo::read(&mut cursor, layout)?;
            // With two such fields, the values of one would be taken for those of the other.
            if by_number.insert(field.number, place).is_some() {
                return Err(cursor.error(Problem::RepeatedField { number: field.number }));
            }
            fields.push(field);
        }
        Ok(Self { fields, by_number })
    }

    /// Returns all fields, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &FieldInfo> {
        self.fields.iter()
    }

    /// Returns the field of this number.
    pub(crate) fn by_number(&self, number: u32) -> Option<&FieldInfo> {
        self.by_number.get(&number).and_then(|place| self.fields.get(*place))
    }

    /// Returns the field whose value marks a document as deleted.
    pub fn soft_deletes(&self) -> Option<&FieldInfo> {
        self.fields.iter().find(|field| {
            field.doc_values == DocValuesKind::Numeric
                && (field.soft_deletes || field.name == SOFT_DELETES_NAME)
        })
    }
}

impl FieldInfo {
    fn read(cursor: &mut Cursor<'_>, layout: Layout) -> Result<Self, LuceneError> {
        let name = cursor.string("the field's name")?.to_owned();
        let number = cursor.vint()?;
        let bits = cursor.u8()?;
        cursor.skip(1)?;
        let doc_values = match cursor.u8()? {
            0 => DocValuesKind::None,
            1 => DocValuesKind::Numeric,
            2..=5 => DocValuesKind::Other,
            other => return Err(cursor.out_of_range("the kind of doc values", other.into())),
        };
        let skip_index = layout == Layout::Lucene94SkipIndex && cursor.u8()? != 0;
        let doc_values_generation = cursor.generation()?;
        let attributes = cursor.map("field attributes")?;
        if cursor.vint()? > 0 {
            if layout != Layout::Lucene60 {
                cursor.vint()?;
            }
            cursor.vint()?;
        }
        match layout {
            Layout::Lucene60 | Layout::Lucene60IndexDimensions => {}
            Layout::Lucene90 => {
                cursor.vint()?;
                cursor.skip(1)?;
            }
            Layout::Lucene94 | Layout::Lucene94SkipIndex => {
                cursor.vint()?;
                cursor.skip(2)?;
            }
        }
        let soft_deletes = bits & SOFT_DELETES_BIT != 0;
        Ok(Self {
            name,
            number,
            doc_values,
            doc_values_generation,
            attributes,
            soft_deletes,
            skip_index,
        })
    }

    /// Returns whether the entry of its doc values begins with a skip index.
    pub(crate) fn has_skip_index(&self) -> bool {
        self.skip_index
    }

    /// Returns the suffix in the names of the files with the field's doc values, such as
    /// `Lucene80_0`.
    pub(crate) fn doc_values_suffix(&self) -> Option<String> {
        let format = self.attributes.get("PerFieldDocValuesFormat.format")?;
        let suffix = self.attributes.get("PerFieldDocValuesFormat.suffix")?;
        Some(format!("{format}_{suffix}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{DocValuesKind, FieldInfos};
    use crate::codec_header::writing;

    fn fields(name: &str, version: u32) -> Vec<u8> {
        let mut bytes = vec![2];
        for (field, bits, kind, generation, points) in
            [("price", 0, 5, -1_i64, true), ("__soft_deletes", 8, 1, 3, false)]
        {
            bytes.push(u8::try_from(field.len()).expect("in range"));
            bytes.extend(field.as_bytes());
            bytes.extend([u8::from(points), bits, 0, kind]);
            if (name, version) == ("Lucene94FieldInfos", 2) {
                bytes.push(1);
            }
            if name == "Lucene60FieldInfos" {
                bytes.extend(generation.to_be_bytes());
            } else {
                bytes.extend(generation.to_le_bytes());
            }
            bytes.extend(b"\x02\x1ePerFieldDocValuesFormat.format\x08Lucene80");
            bytes.extend(b"\x1ePerFieldDocValuesFormat.suffix\x010");
            if points {
                bytes.push(1);
                if name != "Lucene60FieldInfos" || version == 2 {
                    bytes.push(1);
                }
                bytes.push(8);
            } else {
                bytes.push(0);
            }
            match name {
                "Lucene90FieldInfos" => bytes.extend([0, 0]),
                "Lucene94FieldInfos" => bytes.extend([0, 0, 0]),
                _ => {}
            }
        }
        bytes
    }

    #[test]
    fn every_layout_finds_the_soft_deletes_field() {
        for (name, version) in [
            ("Lucene60FieldInfos", 0),
            ("Lucene60FieldInfos", 1),
            ("Lucene60FieldInfos", 2),
            ("Lucene90FieldInfos", 0),
            ("Lucene94FieldInfos", 0),
            ("Lucene94FieldInfos", 1),
            ("Lucene94FieldInfos", 2),
        ] {
            let file = writing::file(name, version, "2", &fields(name, version));
            let infos =
                FieldInfos::parse("_0_2.fnm", &file, &writing::ID, "2").expect("valid content");
            let field = infos.soft_deletes().expect("the soft deletes field");
            assert_eq!(field.name, "__soft_deletes");
            assert_eq!(field.doc_values, DocValuesKind::Numeric);
            assert_eq!(field.doc_values_generation, Some(3));
            assert_eq!(field.doc_values_suffix().expect("a suffix"), "Lucene80_0");
            assert_eq!(field.has_skip_index(), (name, version) == ("Lucene94FieldInfos", 2));
            assert_eq!(infos.by_number(1).expect("a field").name, "price");
        }
    }

    #[test]
    fn two_fields_of_one_number_are_refused() {
        let field = b"\x01a\x07\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00";
        let bytes = [&[2], &field[..], field].concat();
        let file = writing::file("Lucene60FieldInfos", 2, "", &bytes);
        let error = FieldInfos::parse("_0.fnm", &file, &writing::ID, "").expect_err("an error");
        assert!(error.to_string().ends_with("two fields have the number 7"), "{error}");
    }

    #[test]
    fn an_unknown_version_is_refused() {
        let file = writing::file("Lucene60FieldInfos", 3, "", &[0]);
        let error = FieldInfos::parse("_0.fnm", &file, &writing::ID, "").expect_err("an error");
        assert_eq!(
            error.to_string(),
            "not supported: header `Lucene60FieldInfos version 3` in file `_0.fnm`"
        );
    }

    proptest! {
        #[test]
        fn random_content_never_panics(junk in any::<Vec<u8>>(), keep in 0..80_usize) {
            let mut bytes = fields("Lucene60FieldInfos", 2);
            bytes.truncate(keep);
            bytes.extend(junk);
            let file = writing::file("Lucene60FieldInfos", 2, "", &bytes);
            drop(FieldInfos::parse("_0.fnm", &file, &writing::ID, ""));
        }
    }
}
