//! One blob of a repository is damaged: either the damage is refused, with the name of what is
//! damaged and the place, or exactly the right documents and metadata come out. Nothing else, no
//! panic, no hang, no memory without bound.
//!
//! `ARGOSY_MUTATION_CASES=10000` is the long mode, `ARGOSY_SEED` repeats a run,
//! `ARGOSY_MUTATION_FIXTURE` keeps to one repository, and `ARGOSY_MUTATION_FOLDER` names another
//! folder of fixtures. Each kind of file gets the same share of the cases, and in a compound file
//! each file inside of it.

#[path = "fixture/document.rs"]
mod document;
mod folder;
mod random;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use document::Document;
use folder::files_below;
use random::Random;
use snapshot_repo::{Location, Position, Repository, RepositoryError};
use tempfile::TempDir;

/// Cases in all, unless the environment asks for more.
const CASES: usize = 400;
/// How many repositories are worked on at a time.
const WORKERS: usize = 2;
/// No case takes longer, on the slowest machine.
const LIMIT: Duration = Duration::from_mins(2);
/// More memory than this was never needed for repositories of a few hundred kilobytes.
const MEMORY_LIMIT_KB: u64 = 1 << 20;
/// Kinds of files without the name of their snapshot: one whole file cannot be distinguished from
/// another. (Nor can the lists of files of two empty shards.)
const NAMELESS: &[&str] = &["metadata", "index-metadata"];
/// The first bytes of every Lucene file and every container.
const MAGIC: &[u8] = &[0x3f, 0xd7, 0x6c, 0x17];

fn corpus() -> PathBuf {
    if let Some(folder) = std::env::var_os("ARGOSY_MUTATION_FOLDER") {
        return folder.into();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots")
}

fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var_os(name).map(|value| value.to_str().expect("UTF-8").parse().expect("a number"))
}

/// Everything that a repository says, in one order.
#[derive(Clone, Debug, PartialEq)]
struct Everything {
    snapshots: BTreeMap<String, BTreeMap<String, Index>>,
    /// Templates, settings and the like of each snapshot.
    global: BTreeMap<String, String>,
}

/// An index of a snapshot; no documents where no shard of it is in the snapshot.
#[derive(Clone, Debug, PartialEq)]
struct Index {
    metadata: String,
    documents: Vec<Document>,
}

impl Everything {
    async fn read(folder: &Path) -> Result<Self, RepositoryError> {
        let repository = Repository::open(&Location::folder(folder.join("repo")))?;
        let (mut snapshots, mut global) = (BTreeMap::new(), BTreeMap::new());
        for summary in repository.contents().await?.snapshots {
            let snapshot = repository.snapshot(&summary.name).await?;
            let found = repository.global_metadata(&snapshot).await?;
            let text = format!("{found:?} {:?} {:?}", snapshot.version, snapshot.state);
            global.insert(snapshot.name.clone(), text);
            let mut indices = BTreeMap::new();
            for index in &snapshot.indices {
                let metadata = repository.index_metadata(&snapshot, index).await?;
                let mut documents = Vec::new();
                if snapshot.failures.iter().all(|failure| failure.index != index.name) {
                    documents = Self::documents(&repository, &snapshot, &metadata).await?;
                }
                let metadata = format!("{metadata:?}");
                indices.insert(index.name.clone(), Index { metadata, documents });
            }
            snapshots.insert(snapshot.name.clone(), indices);
        }
        Ok(Self { snapshots, global })
    }

    async fn documents(
        repository: &Repository,
        snapshot: &snapshot_repo::Snapshot,
        metadata: &snapshot_repo::IndexMetadata,
    ) -> Result<Vec<Document>, RepositoryError> {
        let index = snapshot.index(&metadata.name).expect("the index");
        let mut documents = Vec::new();
        for shard in 0..metadata.number_of_shards {
            let files = repository.shard_files(snapshot, index, shard).await?;
            let mut stream = repository.documents(files, Position::START);
            while let Some(batch) = stream.next().await? {
                documents.extend(batch.documents().map(Document::from));
            }
        }
        Ok(documents)
    }

    /// Whether this is right and whole. A damaged `index.latest` may lead to an older list of
    /// snapshots, which is right in itself.
    fn is_part_of(&self, right: &Self) -> bool {
        !self.snapshots.is_empty()
            && self.snapshots.iter().all(|(name, found)| right.snapshots.get(name) == Some(found))
            && self.global.iter().all(|(name, found)| right.global.get(name) == Some(found))
    }
}

/// A repository that may be damaged, and its blobs by kind.
struct Patient {
    name: String,
    folder: TempDir,
    right: Everything,
    kinds: BTreeMap<String, Vec<PathBuf>>,
}

impl Patient {
    async fn admit(original: &Path) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let from = original.join("repo");
        let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for file in files_below(&from) {
            let to = folder
                .path()
                .join("repo")
                .join(file.strip_prefix(&from).expect("a path in the folder"));
            fs_err::create_dir_all(to.parent().expect("a parent folder")).expect("a new folder");
            fs_err::copy(&file, &to).expect("a copied file");
            kinds.entry(kind(&file)).or_default().push(to);
        }
        let right = Everything::read(folder.path()).await.expect("a whole repository");
        let name =
            original.file_name().expect("a file name").to_str().expect("a UTF-8 path").to_owned();
        Self { name, folder, right, kinds }
    }

    /// Damages one blob, reads everything, and restores the blob.
    async fn case(&self, kind: &str, seed: u64, outcomes: &mut Outcomes) {
        let mut random = Random::new(seed);
        let files = &self.kinds[kind];
        let file = random.pick(files);
        let original = fs_err::read(file).expect("a readable file");
        let mut bytes = original.clone();
        let other = random.pick(files);
        let donor = fs_err::read(other).expect("a readable file");
        let what = damage(&mut bytes, &donor, &mut random);
        let is_of_same_snapshot = file.file_name() == other.file_name();
        if bytes == donor && (is_of_same_snapshot || NAMELESS.contains(&kind)) {
            return;
        }
        if bytes == original {
            return;
        }
        fs_err::write(file, bytes).expect("a writable file");
        let shown = file.strip_prefix(self.folder.path()).expect("a path in the folder").display();
        let case = format!("{} ARGOSY_SEED={seed}: {kind} `{shown}`: {what}", self.name);
        let read = tokio::time::timeout(LIMIT, Everything::read(self.folder.path())).await;
        match read.unwrap_or_else(|_| panic!("{case}: no end after {LIMIT:?}")) {
            // A panic on a decoding thread shows as this error.
            Err(RepositoryError::Stopped { .. }) => panic!("{case}: a decoder panicked"),
            Err(error) => {
                assert!(names_a_place(&error), "{case}: {error}");
                outcomes.refused += 1;
            }
            Ok(found) => {
                assert!(found.is_part_of(&self.right), "{case}: something else came out");
                outcomes.harmless += 1;
            }
        }
        fs_err::write(file, original).expect("a writable file");
    }
}

/// How many cases ended in each way.
#[derive(Clone, Copy, Debug, Default)]
struct Outcomes {
    refused: u64,
    harmless: u64,
}

/// What kind of file a blob is: by the name in its header, or by its own.
fn kind(file: &Path) -> String {
    let bytes = fs_err::read(file).expect("a readable file");
    let name = file.file_name().expect("a file name").to_str().expect("a UTF-8 path");
    let header = bytes.strip_prefix(MAGIC).and_then(|rest| {
        let (length, rest) = rest.split_first()?;
        String::from_utf8(rest.get(..usize::from(*length))?.to_vec()).ok()
    });
    let own = || name.split(['-', '_']).next().unwrap_or(name).to_owned();
    match header {
        // One name for those of the root and those of shards.
        Some(header) if header == "snapshot" => {
            let depth = file.components().filter(|part| part.as_os_str() == "indices").count();
            format!("snapshot {}", if depth == 0 { "of the root" } else { "of a shard" })
        }
        Some(header) => header,
        None => own(),
    }
}

/// The file itself, or where it holds other files, one of these.
fn part(bytes: &[u8], random: &mut Random) -> Range<usize> {
    let starts: Vec<usize> = bytes
        .windows(MAGIC.len())
        .enumerate()
        .filter(|(_, w)| *w == MAGIC)
        .map(|it| it.0)
        .collect();
    let Some(chosen) = (!starts.is_empty()).then(|| random.below(starts.len())) else {
        return 0..bytes.len();
    };
    starts[chosen]..starts.get(chosen + 1).copied().unwrap_or(bytes.len())
}

/// Changes some bytes, or their order, or their number.
fn damage(bytes: &mut Vec<u8>, donor: &[u8], random: &mut Random) -> String {
    if bytes.is_empty() {
        bytes.push(0);
        return "a byte added".to_owned();
    }
    let part = part(bytes, random);
    let at = part.start + random.below(part.len());
    let length = 1 + random.below(24);
    let end = (at + length).min(bytes.len());
    match random.below(12) {
        0 => {
            bytes.truncate(at);
            format!("cut at byte {at}")
        }
        1 => {
            bytes.extend(donor.iter().take(length));
            format!("{length} bytes added")
        }
        2 => {
            bytes.drain(at..end);
            format!("bytes {at} to {end} dropped")
        }
        3 => {
            bytes[at..end].fill(0);
            format!("bytes {at} to {end} zeroed")
        }
        4 => {
            let from = random.below(donor.len());
            let piece = donor[from..].iter().take(length).copied().collect::<Vec<_>>();
            let end = (at + piece.len()).min(bytes.len());
            let count = end - at;
            bytes[at..end].copy_from_slice(&piece[..count]);
            format!("bytes {at} to {end} of another file, from {from}")
        }
        5 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
            format!("bytes {at} to {end} doubled")
        }
        6 => {
            let other = part.start + random.below(part.len());
            bytes.swap(at, other);
            format!("bytes {at} and {other} swapped")
        }
        7 => {
            *bytes = donor.to_vec();
            "another file of its kind in its place".to_owned()
        }
        8 => {
            // Two bits, so that counts may still add up.
            let other = part.start + random.below(part.len());
            let bit = random.below(8);
            bytes[at] ^= 1 << bit;
            bytes[other] ^= 1 << bit;
            format!("bit {bit} of the bytes {at} and {other} turned")
        }
        9 => {
            bytes[at] = u8::try_from(random.below(256)).expect("in range");
            format!("byte {at} set to {}", bytes[at])
        }
        _ => {
            let bit = random.below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} turned")
        }
    }
}

/// Whether an error says which file is wrong, and where.
fn names_a_place(error: &RepositoryError) -> bool {
    let said = error.to_string();
    match error {
        RepositoryError::DamagedFile { .. } => said.contains(" at byte "),
        RepositoryError::Decode { .. } => {
            said.contains(" at byte ") || said.contains("` is missing from the shard's file list")
        }
        _ => said.contains('`'),
    }
}

/// The most memory that this process had, in kilobytes.
fn most_memory() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_damaged_blob_is_refused_or_harmless() {
    let seed = number_from_environment("ARGOSY_SEED").unwrap_or(20_261_121);
    let cases = number_from_environment("ARGOSY_MUTATION_CASES")
        .map_or(CASES, |cases| usize::try_from(cases).expect("in range"));
    let only = std::env::var_os("ARGOSY_MUTATION_FIXTURE");
    let mut folders: Vec<PathBuf> = fs_err::read_dir(corpus())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.retain(|folder| only.as_ref().is_none_or(|only| folder.file_name() == Some(only)));
    folders.sort();
    let each = cases.div_ceil(folders.len());
    println!("{cases} cases, {each} for each repository; ARGOSY_SEED={seed} repeats them");
    let shares: Vec<Vec<PathBuf>> = (0..WORKERS)
        .map(|worker| folders.iter().skip(worker).step_by(WORKERS).cloned().collect())
        .collect();
    let workers: Vec<_> = shares
        .into_iter()
        .map(|share| std::thread::spawn(move || work(&share, seed, each)))
        .collect();
    let mut all: BTreeMap<String, Outcomes> = BTreeMap::new();
    for worker in workers {
        for (kind, outcomes) in worker.join().expect("a thread without a panic") {
            let sum = all.entry(kind).or_default();
            sum.refused += outcomes.refused;
            sum.harmless += outcomes.harmless;
        }
    }
    for (kind, Outcomes { refused, harmless }) in &all {
        println!("{kind:45} {refused:6} refused {harmless:6} harmless");
    }
    let checked: BTreeSet<&str> = all
        .iter()
        .filter(|(_, outcomes)| outcomes.harmless == 0 && outcomes.refused > 0)
        .map(|(kind, _)| kind.as_str())
        .collect();
    // These are read in full, so no damage to them is harmless.
    for kind in ["snapshot of the root", "metadata", "index-metadata"] {
        assert!(checked.contains(kind), "damage to `{kind}` is not always noticed");
    }
    assert!(most_memory() < MEMORY_LIMIT_KB, "{} kB", most_memory());
}

/// Damage under a checksum that fits may go unnoticed; but nothing panics or hangs.
#[tokio::test]
async fn a_damaged_container_with_a_right_checksum_never_panics() {
    let cases = number_from_environment("ARGOSY_MUTATION_CASES").unwrap_or(400) / 4;
    let seed = number_from_environment("ARGOSY_SEED").unwrap_or(20_261_121);
    let patient = Patient::admit(&corpus().join("es717-partial")).await;
    let files: Vec<&PathBuf> = patient.kinds.values().flatten().collect();
    let files: Vec<&PathBuf> =
        files.into_iter().filter(|file| file.extension().is_some_and(|it| it == "dat")).collect();
    for case in 0..cases {
        let seed = seed.wrapping_add(case);
        let mut random = Random::new(seed);
        let file = *random.pick(&files);
        let original = fs_err::read(file).expect("a readable file");
        let mut bytes = original[..original.len() - 16].to_vec();
        let what = damage(&mut bytes, &original, &mut random);
        bytes.extend([0xc0, 0x28, 0x93, 0xe8, 0, 0, 0, 0]);
        let sum = u64::from(crc32fast::hash(&bytes));
        bytes.extend(sum.to_be_bytes());
        fs_err::write(file, bytes).expect("a writable file");
        let read = tokio::time::timeout(LIMIT, Everything::read(patient.folder.path())).await;
        let panicked = matches!(read, Err(_) | Ok(Err(RepositoryError::Stopped { .. })));
        assert!(!panicked, "ARGOSY_SEED={seed}: {} {what}", file.display());
        fs_err::write(file, original).expect("a writable file");
    }
}

fn work(folders: &[PathBuf], seed: u64, cases: usize) -> BTreeMap<String, Outcomes> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut all: BTreeMap<String, Outcomes> = BTreeMap::new();
    for folder in folders {
        let patient = runtime.block_on(Patient::admit(folder));
        let kinds: Vec<&String> = patient.kinds.keys().collect();
        for case in 0..cases {
            let kind = kinds[case % kinds.len()];
            let seed = seed.wrapping_add(u64::try_from(case).expect("in range"));
            let outcomes = all.entry(kind.clone()).or_default();
            runtime.block_on(patient.case(kind, seed, outcomes));
        }
    }
    all
}
