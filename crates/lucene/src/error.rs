//! What can be wrong with the bytes of a shard, and where?

/// Why a shard's files cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LuceneError {
    /// The bytes of a file contradict its format or themselves.
    #[error("`{file}` at byte {offset}: {problem}")]
    Malformed {
        /// Name of the Lucene file, also for a file inside a compound file.
        file: String,
        /// Offset from the start of that file.
        offset: u64,
        /// What is wrong there.
        problem: Problem,
    },
    /// A document inside a chunk contradicts the format.
    #[error("`{file}`, document {document} in the chunk at byte {chunk}: {problem}")]
    Document {
        /// Name of the Lucene file, also for a file inside a compound file.
        file: String,
        /// Offset of the chunk from the start of that file.
        chunk: u64,
        /// Number of the document within the segment.
        document: u32,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The header names a format, or a version of it, that this crate does not read.
    #[error("not supported: header `{header}` in file `{file}`")]
    Unsupported {
        /// Name of the Lucene file.
        file: String,
        /// The header string, with the version when only the version is unknown.
        header: String,
    },
    /// A file that the shard must have is not in its file list.
    #[error("`{file}` is missing from the shard's file list")]
    MissingFile {
        /// Name of the Lucene file, or a pattern such as `segments_N`.
        file: String,
    },
    /// The caller supplied another number of bytes than was requested.
    #[error("`{file}`: {requested} bytes were requested, but {received} were supplied")]
    WrongLength {
        /// Name of the requested Lucene file.
        file: String,
        /// Number of requested bytes.
        requested: u64,
        /// Number of supplied bytes.
        received: u64,
    },
}

/// What is wrong at one offset of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file ends inside a value.
    #[error("the file ends here, but {wanted} more bytes belong to it")]
    UnexpectedEnd {
        /// How many bytes are missing at least.
        wanted: u64,
    },
    /// The first four bytes are not those of a Lucene file.
    #[error("not a Lucene file: it starts with {found:#010x}")]
    HeaderMagic {
        /// The bytes found, as a big-endian number.
        found: u32,
    },
    /// The last sixteen bytes are not a footer.
    #[error("the file has no footer, so it was cut short or overwritten")]
    FooterMagic,
    /// The CRC32 of the content is not the one in the footer.
    #[error("checksum is {computed:08x} but the footer says {stored:08x}")]
    Checksum {
        /// The checksum of the bytes.
        computed: u32,
        /// The checksum in the footer.
        stored: u64,
    },
    /// The file belongs to another segment.
    #[error("the file belongs to another segment or generation: its {part} differs")]
    Foreign {
        /// Which part of the header shows it.
        part: &'static str,
    },
    /// A number is outside its allowed range.
    #[error("{what} cannot be {value}")]
    OutOfRange {
        /// What the number means.
        what: &'static str,
        /// The number.
        value: i64,
    },
    /// A number of several bytes is longer than allowed.
    #[error("a variable-length number does not fit into {bits} bits")]
    NumberTooLong {
        /// How many bits it may have.
        bits: u32,
    },
    /// Two fields have one number.
    #[error("two fields have the number {number}")]
    RepeatedField {
        /// The number.
        number: u32,
    },
    /// Two counts that must be equal differ.
    #[error("{what}: {found} found, {expected} expected")]
    CountMismatch {
        /// What was counted.
        what: &'static str,
        /// The count that the bytes give.
        found: u64,
        /// The count that was declared elsewhere.
        expected: u64,
    },
    /// A string is not UTF-8.
    #[error("{what} is not UTF-8")]
    NotUtf8 {
        /// What the string means.
        what: &'static str,
    },
    /// A compressed block cannot be decompressed.
    #[error("broken {method} data: {detail}")]
    Compressed {
        /// The compression method.
        method: &'static str,
        /// What is wrong.
        detail: &'static str,
    },
    /// Bytes follow where the content should have ended.
    #[error("{count} bytes follow the end of the content")]
    TrailingBytes {
        /// How many.
        count: u64,
    },
}
