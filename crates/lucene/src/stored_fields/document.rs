//! The stored fields of one document, and what kind of document it is.
//!
//! ```text
//! fields x { vlong (field number << 3 | type) | value }
//! 0 string  vint length, bytes      3 float   1 byte, or 4, or FF and 4
//! 1 bytes   vint length, bytes      4 long    1 byte: 0x20 = more bits follow as a vlong
//! 2 int     zigzag vint             5 double  1 byte, or 8, or FE and 4, or FF and 8
//! ```

use crate::bytes::Cursor;
use crate::error::{LuceneError, Problem};
use crate::field_infos::FieldInfos;
use crate::id::{Identity, decode_id, split_uid};
use crate::live_docs::Liveness;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Id,
    Uid,
    Source,
    RecoverySource,
    Routing,
    Parent,
    Kind,
}

const ROLES: [(&str, Role); 7] = [
    ("_id", Role::Id),
    ("_uid", Role::Uid),
    ("_source", Role::Source),
    ("_recovery_source", Role::RecoverySource),
    ("_routing", Role::Routing),
    ("_parent", Role::Parent),
    ("_type", Role::Kind),
];

/// The numbers that the metadata fields have in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFields {
    roles: Vec<(u32, Role)>,
}

impl WantedFields {
    /// Looks the names up.
    pub fn new(fields: &FieldInfos) -> Self {
        let role = |name: &str| ROLES.into_iter().find(|(known, _)| *known == name);
        let roles = fields
            .iter()
            .filter_map(|field| role(&field.name).map(|(_, role)| (field.number, role)))
            .collect();
        Self { roles }
    }

    fn role(&self, number: u64) -> Option<Role> {
        self.roles.iter().find(|(known, _)| u64::from(*known) == number).map(|(_, role)| *role)
    }
}

/// The metadata fields of one document, as they are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DocumentFields<'a> {
    /// The encoded `_id`.
    pub id: Option<&'a [u8]>,
    /// The `_uid`, type and id in one.
    pub uid: Option<&'a str>,
    /// The `_source`, as the client sent it.
    pub source: Option<&'a [u8]>,
    /// The whole source of a recent document whose `_source` is filtered or disabled.
    pub recovery_source: Option<&'a [u8]>,
    /// The `_routing`.
    pub routing: Option<&'a str>,
    /// The `_parent`.
    pub parent: Option<&'a str>,
    /// The `_type`, where it is stored for itself.
    pub kind: Option<&'a str>,
}

/// What a stored document is to the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentClass {
    /// A live document with its source.
    Document,
    /// A live document whose `_source` is not stored.
    WithoutSource,
    /// A live child in a nested field, which is part of its parent's source.
    Nested,
    /// A deleted or overwritten document.
    Deleted,
    /// A deleted entry with an id and no source: the record of a delete.
    Tombstone,
    /// A deleted entry without an id: the record of nothing done, or a child of a deleted document.
    NoOp,
}

impl<'a> DocumentFields<'a> {
    pub(super) fn read(
        cursor: &mut Cursor<'a>,
        count: u32,
        wanted: &WantedFields,
    ) -> Result<Self, LuceneError> {
        let mut found = Self::default();
        for _ in 0..count {
            let head = cursor.vlong()?;
            match head & 7 {
                0 | 1 => {
                    let length = cursor.vlength("the length of a field")?;
                    let value = cursor.take(length)?;
                    if let Some(role) = wanted.role(head >> 3) {
                        found.set(cursor, role, value)?;
                    }
                }
                2 => cursor.skip_variable(5)?,
                3 => skip_float(cursor)?,
                4 => {
                    if cursor.u8()? & 0x20 != 0 {
                        cursor.skip_variable(10)?;
                    }
                }
                5 => skip_double(cursor)?,
                other => {
                    let value = i64::try_from(other).unwrap_or(i64::MAX);
                    return Err(cursor.out_of_range("the type of a field", value));
                }
            }
        }
        match cursor.remaining() {
            0 => Ok(found),
            left => {
                let count = u64::try_from(left).unwrap_or(u64::MAX);
                Err(cursor.error(Problem::TrailingBytes { count }))
            }
        }
    }

    fn set(&mut self, cursor: &Cursor<'_>, role: Role, value: &'a [u8]) -> Result<(), LuceneError> {
        let text =
            |what| std::str::from_utf8(value).map_err(|_| cursor.error(Problem::NotUtf8 { what }));
        match role {
            Role::Id => self.id = Some(value),
            Role::Uid => self.uid = Some(text("a `_uid`")?),
            Role::Source => self.source = Some(value),
            Role::RecoverySource => self.recovery_source = Some(value),
            Role::Routing => self.routing = Some(text("a `_routing`")?),
            Role::Parent => self.parent = Some(text("a `_parent`")?),
            Role::Kind => self.kind = Some(text("a `_type`")?),
        }
        Ok(())
    }

    /// What the document is called; none for nested children and records of nothing done.
    pub fn identity(&self) -> Result<Option<Identity>, Problem> {
        match (self.uid, self.id) {
            (Some(uid), _) => split_uid(uid).map(Some),
            (None, Some(id)) => {
                let kind = self.kind.map(str::to_owned);
                decode_id(id).map(|id| Some(Identity { id, kind }))
            }
            (None, None) => Ok(None),
        }
    }

    /// What the document is to the index, given how it stands.
    pub fn class(&self, liveness: Liveness) -> DocumentClass {
        let has_identity = self.id.is_some() || self.uid.is_some();
        let has_source = self.source.is_some() || self.recovery_source.is_some();
        match (liveness, has_identity, has_source) {
            (Liveness::Live, true, _) if self.source.is_some() => DocumentClass::Document,
            (Liveness::Live, true, _) => DocumentClass::WithoutSource,
            (Liveness::Live, false, _) => DocumentClass::Nested,
            (_, true, true) => DocumentClass::Deleted,
            (_, true, false) => DocumentClass::Tombstone,
            (_, false, _) => DocumentClass::NoOp,
        }
    }
}

fn skip_float(cursor: &mut Cursor<'_>) -> Result<(), LuceneError> {
    match cursor.u8()? {
        0xff => cursor.skip(4),
        0x80.. => Ok(()),
        _ => cursor.skip(3),
    }
}

fn skip_double(cursor: &mut Cursor<'_>) -> Result<(), LuceneError> {
    match cursor.u8()? {
        0xff => cursor.skip(8),
        0xfe => cursor.skip(4),
        0x80.. => Ok(()),
        _ => cursor.skip(7),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Cursor, DocumentClass, DocumentFields, Liveness, Role, WantedFields};

    fn wanted() -> WantedFields {
        WantedFields { roles: vec![(1, Role::Source), (2, Role::Id), (40, Role::Routing)] }
    }

    #[test]
    fn fields_of_every_type_are_stepped_over() {
        let mut bytes = Vec::new();
        bytes.extend(b"\x08\x02{}");
        bytes.extend(b"\x1a\x85\x01");
        bytes.extend(b"\x1b\x81\x1b\x3f\x00\x00\x00\x1b\xff\x00\x00\x00\x00");
        bytes.extend(b"\x1c\x01\x1c\x21\x85\x01");
        bytes.extend(b"\x1d\x82\x1d\x3f\x00\x00\x00\x00\x00\x00\x00");
        bytes.extend(b"\x1d\xfe\x00\x00\x00\x00\x1d\xff\x00\x00\x00\x00\x00\x00\x00\x00");
        bytes.extend(b"\xc0\x02\x03eu1");
        bytes.extend(b"\x11\x02\xffa");
        let mut cursor = Cursor::new("", &bytes);
        let fields = DocumentFields::read(&mut cursor, 13, &wanted()).unwrap();
        assert_eq!(fields.source, Some(&b"{}"[..]));
        assert_eq!(fields.routing, Some("eu1"));
        assert_eq!(fields.identity().unwrap().unwrap().id, "a");
    }

    #[test]
    fn bytes_behind_the_last_field_are_refused() {
        let error = DocumentFields::read(&mut Cursor::new("", b"\x08\x00x"), 1, &wanted());
        assert!(error.unwrap_err().to_string().contains("1 bytes follow"));
    }

    #[test]
    fn the_class_follows_from_liveness_and_what_is_stored() {
        let bare = DocumentFields::default();
        let with_id = DocumentFields { id: Some(b"\xffa"), ..bare };
        let whole = DocumentFields { source: Some(b"{}"), ..with_id };
        assert_eq!(whole.class(Liveness::Live), DocumentClass::Document);
        assert_eq!(with_id.class(Liveness::Live), DocumentClass::WithoutSource);
        assert_eq!(bare.class(Liveness::Live), DocumentClass::Nested);
        assert_eq!(whole.class(Liveness::HardDeleted), DocumentClass::Deleted);
        assert_eq!(with_id.class(Liveness::SoftDeleted), DocumentClass::Tombstone);
        assert_eq!(bare.class(Liveness::SoftDeleted), DocumentClass::NoOp);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(junk in any::<Vec<u8>>(), count in any::<u32>()) {
            drop(DocumentFields::read(&mut Cursor::new("", &junk), count, &wanted()));
        }
    }
}
