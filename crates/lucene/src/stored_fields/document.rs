//! What are the stored fields of one document, and what kind of document is it?
//!
//! ```text
//! fields x { vlong (field number << 3 | type) | value }
//! 0 string  vint length, bytes      3 float   1 byte, or 4, or FF and 4
//! 1 bytes   vint length, bytes      4 long    1 byte: 0x20 = more bits follow as a vlong
//! 2 int     zigzag vint             5 double  1 byte, or 8, or FE and 4, or FF and 8
//! ```

use super::arena::{Arena, Span};
use crate::{
    error::Problem,
    field_infos::FieldInfos,
    id::{push_id, split_uid},
    live_docs::Liveness,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// The numbers of the metadata fields in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedFields {
    roles: Vec<(u32, Role)>,
}

impl WantedFields {
    /// Looks up the names. Each has at most one number, even if the file repeats it.
    pub fn new(fields: &FieldInfos) -> Self {
        let number = |name| fields.iter().find(|field| field.name == name).map(|it| it.number);
        let roles = ROLES.into_iter().filter_map(|(name, role)| Some((number(name)?, role)));
        Self { roles: roles.collect() }
    }

    fn role(&self, number: u64) -> Option<Role> {
        self.roles.iter().find(|(known, _)| u64::from(*known) == number).map(|(_, role)| *role)
    }
}

/// The places of one document's metadata fields in the arena of its chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DocumentFields {
    id: Option<Span>,
    uid: Option<Span>,
    routing: Option<Span>,
    parent: Option<Span>,
    kind: Option<Span>,
    /// The `_source`, as the client sent it.
    pub source: Option<Span>,
    /// The whole source of a recent document whose `_source` is filtered or disabled.
    pub recovery_source: Option<Span>,
}

/// The role of a stored document in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// A deleted entry without an id: the record of a no-op, or a child of a deleted document.
    NoOp,
}

impl DocumentFields {
    #[inline]
    pub(super) fn read(
        arena: &Arena,
        body: Span,
        count: u32,
        wanted: &WantedFields,
    ) -> Result<Self, Problem> {
        let mut fields = Fields { bytes: arena.get(body), at: 0 };
        let mut found = Self::default();
        for _ in 0..count {
            let key = fields.variable()?;
            match key & 7 {
                0 | 1 => {
                    let length = fields.variable()?;
                    let start = fields.at;
                    fields.skip(length)?;
                    if let Some(role) = wanted.role(key >> 3) {
                        let length = fields.at.saturating_sub(start);
                        *found.place(role) = body.part(start, length);
                    }
                }
                2 => fields.variable().map(drop)?,
                3 => match fields.byte()? {
                    0xff => fields.skip(4)?,
                    0x80.. => {}
                    _ => fields.skip(3)?,
                },
                4 => {
                    if fields.byte()? & 0x20 != 0 {
                        fields.variable()?;
                    }
                }
                5 => match fields.byte()? {
                    0xff => fields.skip(8)?,
                    0xfe => fields.skip(4)?,
                    0x80.. => {}
                    _ => fields.skip(7)?,
                },
                other => {
                    let value = i64::try_from(other).unwrap_or(i64::MAX);
                    return Err(Problem::OutOfRange { what: "the type of a field", value });
                }
            }
        }
        match fields.bytes.len().saturating_sub(fields.at) {
            0 => Ok(found),
            left => Err(Problem::TrailingBytes { count: u64::try_from(left).unwrap_or(u64::MAX) }),
        }
    }

    fn place(&mut self, role: Role) -> &mut Option<Span> {
        match role {
            Role::Id => &mut self.id,
            Role::Uid => &mut self.uid,
            Role::Source => &mut self.source,
            Role::RecoverySource => &mut self.recovery_source,
            Role::Routing => &mut self.routing,
            Role::Parent => &mut self.parent,
            Role::Kind => &mut self.kind,
        }
    }

    /// Appends the id to the text. Returns false for nested children and no-ops, which have none.
    #[inline]
    pub fn push_id(&self, arena: &Arena, text: &mut String) -> Result<bool, Problem> {
        match (self.uid, self.id) {
            (Some(uid), _) => text.push_str(split_uid(text_at(arena, uid, "a `_uid`")?)?.1),
            (None, Some(id)) => push_id(arena.get(id), text)?,
            (None, None) => return Ok(false),
        }
        Ok(true)
    }

    /// Returns the mapping type, where it is stored.
    #[inline]
    pub fn kind<'a>(&self, arena: &'a Arena) -> Result<Option<&'a str>, Problem> {
        match (self.uid, self.kind) {
            (Some(uid), _) => Ok(Some(split_uid(text_at(arena, uid, "a `_uid`")?)?.0)),
            (None, kind) => kind.map(|kind| text_at(arena, kind, "a `_type`")).transpose(),
        }
    }

    /// Returns the `_routing`.
    #[inline]
    pub fn routing<'a>(&self, arena: &'a Arena) -> Result<Option<&'a str>, Problem> {
        self.routing.map(|routing| text_at(arena, routing, "a `_routing`")).transpose()
    }

    /// Returns the `_parent`.
    #[inline]
    pub fn parent<'a>(&self, arena: &'a Arena) -> Result<Option<&'a str>, Problem> {
        self.parent.map(|parent| text_at(arena, parent, "a `_parent`")).transpose()
    }

    /// Returns the role of the document in the index.
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

fn text_at<'a>(arena: &'a Arena, place: Span, what: &'static str) -> Result<&'a str, Problem> {
    std::str::from_utf8(arena.get(place)).map_err(|_| Problem::NotUtf8 { what })
}

/// A reader of the fields of one document.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    #[inline]
    fn byte(&mut self) -> Result<u8, Problem> {
        let byte = *self.bytes.get(self.at).ok_or(Problem::UnexpectedEnd { wanted: 1 })?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    #[inline]
    fn skip(&mut self, count: u64) -> Result<(), Problem> {
        let left = self.bytes.len().saturating_sub(self.at);
        match usize::try_from(count) {
            Ok(count) if count <= left => {
                self.at = self.at.saturating_add(count);
                Ok(())
            }
            _ => {
                let left = u64::try_from(left).unwrap_or(u64::MAX);
                Err(Problem::UnexpectedEnd { wanted: count.saturating_sub(left) })
            }
        }
    }

    /// Reads a variable-length number; nearly all have one or two bytes.
    #[inline]
    fn variable(&mut self) -> Result<u64, Problem> {
        let mut value = 0_u64;
        for group in 0..10_u32 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).wrapping_shl(group.saturating_mul(7));
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Problem::OutOfRange { what: "a variable-length number", value: value.cast_signed() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{
        Arena, DocumentClass, DocumentFields, Liveness, Problem, Role, Span, WantedFields,
    };

    fn wanted() -> WantedFields {
        WantedFields { roles: vec![(1, Role::Source), (2, Role::Id), (40, Role::Routing)] }
    }

    fn read(bytes: &[u8], count: u32) -> Result<(DocumentFields, Arena), Problem> {
        let arena = Arena::holding(bytes);
        let body = Span::new(0, bytes.len()).expect("a span");
        DocumentFields::read(&arena, body, count, &wanted()).map(|fields| (fields, arena))
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
        let (fields, arena) = read(&bytes, 13).expect("fields");
        assert_eq!(fields.source.map(|place| arena.get(place)), Some(&b"{}"[..]));
        assert_eq!(fields.routing(&arena).expect("a routing"), Some("eu1"));
        let mut id = String::new();
        assert_eq!(fields.push_id(&arena, &mut id), Ok(true));
        assert_eq!(id, "a");
    }

    #[test]
    fn bytes_behind_the_last_field_are_refused() {
        let error = read(b"\x08\x00x", 1).expect_err("an error");
        assert!(error.to_string().contains("1 bytes follow"));
    }

    #[test]
    fn the_class_follows_from_liveness_and_what_is_stored() {
        let bare = DocumentFields::default();
        let with_id = DocumentFields { id: Span::new(0, 2), ..bare };
        let whole = DocumentFields { source: Span::new(2, 2), ..with_id };
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
            drop(read(&junk, count));
        }
    }
}
