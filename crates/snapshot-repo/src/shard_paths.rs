//! Where are the shards of an index? In `indices/`, or since OpenSearch 2.17 under a hashed name.
//!
//! ```text
//! FIXED            <base path>/indices/<index id>/<shard>/
//! HASHED_PREFIX    <hash>/<base path>/indices/<index id>/<shard>/     outside of the base path
//! HASHED_INFIX     <base path>/<hash>/indices/<index id>/<shard>/
//!
//! hash             FNV-1a, 64 bits, of <shard><index id>, written by algorithm
//!   0                all 64 bits, big-endian, as URL base64                  11 characters
//!   1                6 bits as URL base64, then 14 bits as `0` and `1`       15 characters
//!
//! paths file       snapshot_shard_paths/[snapshot_path_]<index id>.<index>.<shards>.<type>.<algorithm>
//!                  (2.17: `#` for `.`): {"paths": ["<folder of shard 0>/", ...]}
//! ```
//!
//! The server ignores a failure to write the paths file, so it may be absent. Paths begin at the
//! bucket, or at the location of a file system repository: how many levels that is above the
//! repository is known only for a bucket, and not for a copy in another place.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

/// How the path of a shard is formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShardPaths {
    /// `indices/<id>/<shard>/`.
    Fixed,
    /// With a hash before the base path.
    HashedPrefix,
    /// With a hash after the base path.
    HashedInfix,
    /// An unknown path type.
    Unknown(u64),
}

/// A folder, relative to a folder some levels above the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) levels_up: usize,
    pub(crate) folder: String,
}

/// A shard and the index that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardOfIndex<'a> {
    /// The index's name.
    pub(crate) name: &'a str,
    /// The index's id.
    pub(crate) id: &'a str,
    /// How many shards the index has.
    pub(crate) shards: u32,
    /// The shard's number.
    pub(crate) shard: u32,
}

/// The values of `algorithm` in the name of a paths file, the usual one first.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Composite, Algorithm::Base64];

#[derive(Clone, Copy, Debug)]
enum Algorithm {
    Base64,
    Composite,
}

impl ShardPaths {
    /// Returns the path type of a number; servers before 2.17 write none.
    pub(crate) fn of(number: Option<u64>) -> Self {
        match number {
            None | Some(0) => Self::Fixed,
            Some(1) => Self::HashedPrefix,
            Some(2) => Self::HashedInfix,
            Some(other) => Self::Unknown(other),
        }
    }

    fn number(self) -> u64 {
        match self {
            Self::Fixed => 0,
            Self::HashedPrefix => 1,
            Self::HashedInfix => 2,
            Self::Unknown(number) => number,
        }
    }
}

impl Algorithm {
    fn number(self) -> u64 {
        match self {
            Self::Base64 => 0,
            Self::Composite => 1,
        }
    }

    fn text(self, hash: u64) -> String {
        let all = URL_SAFE_NO_PAD.encode(hash.to_be_bytes());
        match self {
            Self::Base64 => all,
            // The first character encodes the first 6 bits.
            Self::Composite => {
                let first = all.chars().take(1);
                let bits = (44..58).rev().map(|bit| if hash >> bit & 1 == 1 { '1' } else { '0' });
                first.chain(bits).collect()
            }
        }
    }
}

impl ShardOfIndex<'_> {
    /// Returns the folder of a shard whose path is not hashed.
    pub(crate) fn fixed(&self) -> String {
        format!("indices/{}/{}", self.id, self.shard)
    }

    /// Returns the names that the index's paths file may have.
    pub(crate) fn paths_files(&self, paths: ShardPaths) -> Vec<String> {
        let Self { name, id, shards, shard: _ } = self;
        let kind = paths.number();
        let mut files = Vec::new();
        for (prefix, dot) in [("snapshot_path_", '.'), ("", '.'), ("", '#')] {
            for algorithm in ALGORITHMS.map(Algorithm::number) {
                files.push(format!(
                    "snapshot_shard_paths/{prefix}{id}{dot}{name}{dot}{shards}{dot}{kind}{dot}{algorithm}"
                ));
            }
        }
        files
    }

    /// Returns the folder that a paths file names, or none if the file is not about this shard.
    pub(crate) fn named(&self, paths_file: &[u8]) -> Option<String> {
        #[derive(Deserialize)]
        struct PathsFile {
            paths: Vec<String>,
        }
        let PathsFile { paths } = serde_json::from_slice(paths_file).ok()?;
        let path = paths.get(usize::try_from(self.shard).ok()?)?.trim_matches('/');
        path.ends_with(&self.fixed()).then(|| path.to_owned())
    }

    /// Returns where the shard's folder may be, the most likely place first.
    ///
    /// `repository` is the path from the store's root to the repository, `levels` the numbers of
    /// levels above the repository at which paths may begin, `named` what the paths file says.
    pub(crate) fn places(
        &self,
        paths: ShardPaths,
        named: Option<&str>,
        repository: &[String],
        levels: &[usize],
    ) -> Vec<Place> {
        let fixed = self.fixed();
        let mut places: Vec<Place> = Vec::new();
        let mut add = |levels_up: usize, folder: String| {
            let place = Place { levels_up, folder };
            if !places.contains(&place) {
                places.push(place);
            }
        };
        if let Some(named) = named {
            for levels_up in levels {
                add(*levels_up, named.to_owned());
            }
        }
        let hash = fnv1a(&format!("{}{}", self.shard, self.id));
        let hashes = ALGORITHMS.map(|algorithm| algorithm.text(hash));
        match paths {
            ShardPaths::HashedPrefix => {
                for levels_up in levels {
                    let base = repository.get(repository.len().saturating_sub(*levels_up)..);
                    let base = base.unwrap_or_default();
                    for hash in &hashes {
                        let parts = std::iter::once(hash).chain(base).chain([&fixed]);
                        let parts: Vec<&str> = parts.map(String::as_str).collect();
                        add(*levels_up, parts.join("/"));
                    }
                }
            }
            ShardPaths::HashedInfix => {
                for hash in hashes {
                    add(0, format!("{hash}/{fixed}"));
                }
            }
            ShardPaths::Fixed | ShardPaths::Unknown(_) => {}
        }
        add(0, fixed);
        places
    }
}

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Algorithm, Place, ShardOfIndex, ShardPaths, fnv1a};

    const SHARD: ShardOfIndex<'_> =
        ShardOfIndex { name: "shop-hash-a", id: "oSoM84BDSZGZn5IhQBVBRg", shards: 3, shard: 1 };

    fn places(
        paths: ShardPaths,
        named: Option<&str>,
        repository: &[&str],
        levels: &[usize],
    ) -> Vec<(usize, String)> {
        let repository: Vec<String> = repository.iter().copied().map(str::to_owned).collect();
        let places = SHARD.places(paths, named, &repository, levels).into_iter();
        places.map(|Place { levels_up, folder }| (levels_up, folder)).collect()
    }

    #[test]
    fn the_hash_is_that_of_the_published_test_vectors() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn hashes_are_those_that_servers_wrote() {
        for (text, composite) in [
            ("0oSoM84BDSZGZn5IhQBVBRg", "S11110101111011"),
            ("2oSoM84BDSZGZn5IhQBVBRg", "001100101010010"),
            ("0Z4Z7L98gSAqQp2Mo-WdfsQ", "-01000000111011"),
        ] {
            assert_eq!(Algorithm::Composite.text(fnv1a(text)), composite);
        }
        assert_eq!(Algorithm::Base64.text(0x0102_0304_0506_07ff), "AQIDBAUGB_8");
    }

    #[test]
    fn a_prefix_is_searched_at_the_bucket_first_and_without_hash_last() {
        let named = "l00111001011101/base/indices/oSoM84BDSZGZn5IhQBVBRg/1";
        let found = places(ShardPaths::HashedPrefix, Some(named), &["base"], &[1, 0]);
        let folders: Vec<(usize, &str)> =
            found.iter().map(|(levels_up, folder)| (*levels_up, folder.as_str())).collect();
        let fixed = "indices/oSoM84BDSZGZn5IhQBVBRg/1";
        let base64 = Algorithm::Base64.text(fnv1a("1oSoM84BDSZGZn5IhQBVBRg"));
        let expected = [
            (1, named),
            (0, named),
            (1, &format!("{base64}/base/{fixed}")),
            (0, &format!("l00111001011101/{fixed}")),
            (0, &format!("{base64}/{fixed}")),
            (0, fixed),
        ];
        assert_eq!(folders, expected);
    }

    #[test]
    fn an_infix_is_inside_the_repository() {
        let found = places(ShardPaths::HashedInfix, None, &["deep", "base"], &[2, 0, 1]);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], (0, "l00111001011101/indices/oSoM84BDSZGZn5IhQBVBRg/1".into()));
    }

    #[test]
    fn a_fixed_path_has_one_place() {
        let found = places(ShardPaths::Fixed, None, &["base"], &[1, 0]);
        assert_eq!(found, [(0, "indices/oSoM84BDSZGZn5IhQBVBRg/1".into())]);
    }

    #[test]
    fn a_paths_file_of_another_index_names_nothing() {
        let file = |id: &str| format!(r#"{{"paths":["x/","h/b/indices/{id}/1/"]}}"#);
        let named = SHARD.named(file(SHARD.id).as_bytes());
        assert_eq!(named.as_deref(), Some("h/b/indices/oSoM84BDSZGZn5IhQBVBRg/1"));
        assert_eq!(SHARD.named(file("other").as_bytes()), None);
    }

    #[test]
    fn the_paths_file_has_the_name_that_a_server_gave_it() {
        let files = SHARD.paths_files(ShardPaths::HashedPrefix);
        let name = "snapshot_shard_paths/snapshot_path_oSoM84BDSZGZn5IhQBVBRg.shop-hash-a.3.1.1";
        assert_eq!(files[0], name);
    }

    proptest! {
        #[test]
        fn no_paths_file_makes_it_panic(junk in any::<Vec<u8>>(), shard in any::<u32>()) {
            let shard = ShardOfIndex { shard, ..SHARD };
            drop(shard.named(&junk));
        }
    }
}
