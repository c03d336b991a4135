//! Whatever the bytes of a file are, they are read or refused: without a panic, without memory for what is only announced, and
//! never as something else than what was written.
#![cfg(feature = "safetensors")]
#![allow(unsafe_code)] // the allocator that counts

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use mlp::files::{Archive, FileProblem, Npy};
use mlp::{Activation, Error, Mlp, Pipeline, Preparation, Unseen};
use proptest::prelude::*;
use tape::matrix;

/// Knows how many bytes a thread holds, and held at most.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn note(more: usize, less: usize) {
    HELD.with(|held| {
        held.set(held.get() + more as isize);
        MOST.with(|most| most.set(most.get().max(held.get())));
        held.set(held.get() - less as isize);
    });
}

// SAFETY: every call is passed on as it is to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: the caller keeps the contract of `realloc`; `at` came from the system's allocator.
        unsafe { System.realloc(at, layout, size) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`; `at` came from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads, with little more memory than there are bytes: a tensor's name and shape are short in a file.
#[track_caller]
fn read(bytes: &[u8]) -> Result<Archive, Error> {
    let before = HELD.get();
    MOST.set(before);
    let archive = Archive::from_bytes(bytes);
    if let Ok(archive) = &archive {
        // What is read can be asked for, and refuses or gives.
        for name in archive.names() {
            let _ = (archive.matrix::<f32>(name), archive.matrix_of_any_values::<f64>(name));
            let _ = (archive.matrix_rounded::<f32>(name), archive.vector::<f64>(name), archive.whole(name));
        }
        let _ = (Mlp::<f32>::from_archive(archive), Mlp::<f64>::from_archive(archive));
        let _ = (archive.standardizer::<f64>(), archive.pipeline::<f32>(), archive.pipeline::<f64>());
    }
    let most = (MOST.get() - before) as usize;
    assert!(most <= 40 * bytes.len() + 20_000, "{most} bytes of memory for {} of a file", bytes.len());
    archive
}

#[track_caller]
fn refused(bytes: &[u8]) -> String {
    read(bytes).expect_err("it is refused").to_string()
}

fn pipeline() -> Pipeline<f64> {
    let categories = Preparation::OneHot { features: vec![1], unseen: Unseen::Zeros };
    let x = matrix![[1.0, f64::NAN], [3.0, 3.0]];
    Pipeline::fit(&[Preparation::Impute, categories, Preparation::Standardize], &x).unwrap()
}

fn archive() -> Archive {
    let network =
        Mlp::<f64>::new(2).layer(3, Activation::Elu(0.5)).layer(1, Activation::Sigmoid).build().unwrap();
    let mut archive = network.to_archive().unwrap();
    archive.insert_pipeline(&pipeline());
    archive.insert("single", &matrix![[1.5_f32]]);
    archive.insert_whole("random state", &[1, 2]);
    archive
}

/// A file of a header that somebody wrote by hand.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[test]
fn no_part_of_a_file_is_taken_for_one() {
    let bytes = archive().to_bytes().unwrap();
    assert_eq!(read(&bytes).unwrap(), archive());
    for length in 0..bytes.len() {
        refused(&bytes[..length]);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(refused(&longer), "archive: there are bytes after the last tensor");
    assert_eq!(
        refused(&bytes[..bytes.len() - 1]),
        "archive: the file ends within single: 4 bytes are announced, 3 are there"
    );
    assert_eq!(
        refused(b"1234"),
        "archive: the file ends within the length of the header: 8 bytes are announced, 4 are there"
    );
}

/// No byte of a file can change without a word. One that leaves the content as it is, as of a space, may.
#[test]
fn no_byte_changes_unnoticed() {
    let (bytes, archive) = (archive().to_bytes().unwrap(), archive());
    let mut same = 0;
    for at in 0..bytes.len() {
        for flipped in [1 << (at % 8), 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flipped;
            match read(&damaged) {
                Ok(found) => {
                    // Without its key the checksum is a text like others.
                    assert!(found == archive || found.texts().count() > archive.texts().count());
                    same += 1;
                }
                Err(Error::File(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(same < 100, "{same}");
    let last = bytes.len() - 1;
    let mut damaged = bytes;
    damaged[last] ^= 1;
    match read(&damaged) {
        Err(Error::File(error)) => {
            assert!(matches!(error.problem(), FileProblem::Checksum { .. }), "{error}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_only_announced_takes_no_memory() {
    for length in [1, 100, 1 << 20, 1 << 24, (1 << 24) + 1, 100_000_000, 1 << 40, u64::MAX / 2, u64::MAX] {
        let mut bytes = length.to_le_bytes().to_vec();
        refused(&bytes);
        bytes.extend_from_slice(b"{\"a\":");
        refused(&bytes);
    }
    let tensor = |shape: &str, end: &str| {
        file(&format!(r#"{{"a":{{"dtype":"F64","shape":{shape},"data_offsets":[0,{end}]}}}}"#), 0)
    };
    for (shape, end, text) in [
        (
            "[1000000,1000000]",
            "8000000000000",
            "the file ends within a: 8000000000000 bytes are announced, 0 are there",
        ),
        ("[1000000,1000000]", "0", "a tensor's bytes are not as many as its shape needs"),
        ("[4294967296,4294967296]", "0", "overflow computing buffer size from shape and/or element type"),
        ("[2305843009213693952]", "0", "overflow computing buffer size from shape and/or element type"),
        ("[18446744073709551615,0,3]", "8", "a tensor's bytes are not as many as its shape needs"),
    ] {
        assert_eq!(refused(&tensor(shape, end)), format!("archive: {text}"), "{shape}");
    }
    // No element, and a side that no matrix has.
    let empty = read(&tensor("[0,18446744073709551615]", "0")).unwrap();
    assert!(matches!(empty.matrix::<f64>("a"), Err(Error::Tape(tape::Error::SizeOverflow { .. }))));
    assert_eq!(read(&tensor("[0,3]", "0")).unwrap().matrix::<f64>("a").unwrap().shape(), (0, 3));
    for wrong in ["[18446744073709551616]", "[-1]", "[1.5]", "[\"1\"]", "{}", "7", "null"] {
        refused(&tensor(wrong, "8"));
    }
}

#[test]
fn places_that_do_not_fit_are_refused() {
    let two = |a: &str, b: &str, data| {
        let one = |name, at| format!(r#""{name}":{{"dtype":"F32","shape":[2],"data_offsets":{at}}}"#);
        file(&format!("{{{},{}}}", one("a", a), one("b", b)), data)
    };
    assert!(read(&two("[0,8]", "[8,16]", 16)).is_ok());
    assert!(read(&two("[8,16]", "[0,8]", 16)).is_ok());
    for (a, b, data) in [
        ("[0,8]", "[0,8]", 8), // on each other
        ("[0,8]", "[0,8]", 16),
        ("[0,8]", "[4,12]", 12),   // overlapping
        ("[0,8]", "[12,20]", 20),  // with a gap
        ("[4,12]", "[12,20]", 20), // which does not begin
        ("[0,8]", "[8,16]", 12),   // which does not end
        ("[0,8]", "[8,16]", 20),   // which ends before the file
        ("[8,0]", "[8,16]", 16),   // backwards
        ("[0,8]", "[8,18446744073709551615]", 16),
        ("[0,8]", "[8]", 16),
        ("[0,8]", "[8,16,24]", 16),
        ("[0,-8]", "[8,16]", 16),
    ] {
        refused(&two(a, b, data));
    }
}

#[test]
fn headers_that_say_something_else_are_refused() {
    let tensor = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
    let deep = "[".repeat(100_000);
    let cases = [
        String::new(),
        "{".to_string(),
        "[]".to_string(),
        "null".to_string(),
        format!(" {{{tensor}}}"),
        format!("{{{tensor}}}}}"),
        format!("{{{tensor},{tensor}}}"),
        format!(r#"{{{tensor},"__metadata__":{{"a":"1","a":"2"}}}}"#),
        format!(r#"{{"__metadata__":{{}},{tensor},"__metadata__":{{}}}}"#),
        format!(r#"{{{tensor},"__metadata__":{{"a":1}}}}"#),
        format!(r#"{{{tensor},"__metadata__":null}}"#),
        format!(r#"{{{tensor},"__metadata__":{{"crc32":"0"}}}}"#),
        format!(r#"{{{tensor},"__metadata__":{{"crc32":"+0000000"}}}}"#),
        format!(r#"{{{tensor},"__metadata__":{{"crc32":"00000000"}}}}"#),
        format!(r#"{{{tensor},"b":{deep}"#),
        r#"{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#.to_string(),
        r#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#.to_string(),
        r#"{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}"#.to_string(),
        r#"{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}}"#.to_string(),
    ];
    for header in cases {
        refused(&file(&header, 8));
    }
    assert_eq!(
        refused(&file(&format!("{{{tensor},{tensor}}}"), 8)),
        "archive: the header: the name \"a\" is there twice at line 1 column 57"
    );
    let mut no_text = file(&format!("{{{tensor}}}"), 8);
    no_text[10] = 0xff;
    refused(&no_text);
    // Many names in a small file take memory, but not more than a few times as much.
    let names: Vec<String> =
        (0..20_000).map(|n| format!(r#""{n}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#)).collect();
    assert_eq!(read(&file(&format!("{{{}}}", names.join(",")), 0)).unwrap().names().count(), 20_000);
    let zeros = vec!["0"; 300_000].join(",");
    let many = file(&format!(r#"{{"a":{{"dtype":"U8","shape":[{zeros}],"data_offsets":[0,0]}}}}"#), 0);
    assert_eq!(read(&many).unwrap().shape("a").unwrap().len(), 300_000);
}

/// As [`read`], of numpy's files.
#[track_caller]
fn read_numpy(bytes: &[u8]) -> (Result<Npy, Error>, Result<Archive, Error>) {
    let before = HELD.get();
    MOST.set(before);
    let read = (Npy::from_bytes(bytes), Archive::from_npz_bytes(bytes));
    let most = (MOST.get() - before) as usize;
    assert!(most <= 10 * bytes.len() + 20_000, "{most} bytes of memory for {} of a file", bytes.len());
    read
}

fn npz() -> (Archive, Vec<u8>) {
    let mut archive = Archive::new();
    archive.insert("x", &matrix![[1.0, 2.0, 3.0]]);
    archive.insert_vector("single", &[1.5_f32]);
    archive.insert_whole("y", &[]);
    let bytes = archive.to_npz_bytes().unwrap();
    (archive, bytes)
}

#[test]
fn numpys_files_are_read_whole_or_refused() {
    let npy = Npy::of_matrix(&matrix![[1.0, 2.0], [3.0, 4.0]]).to_bytes();
    let (archive, npz) = npz();
    for length in 0..npy.len() {
        assert!(read_numpy(&npy[..length]).0.is_err());
    }
    for length in 0..npz.len() {
        assert!(read_numpy(&npz[..length]).1.is_err());
    }
    let longer: Vec<u8> = npy.iter().copied().chain([0]).collect();
    let text = "archive: there are bytes after the last element";
    assert_eq!(read_numpy(&longer).0.unwrap_err().to_string(), text);
    for at in 0..npz.len() {
        for flipped in [1 << (at % 8), 0xff] {
            let mut damaged = npz.clone();
            damaged[at] ^= flipped;
            // Names, dates and versions have no checksum; elements have.
            if let Ok(found) = read_numpy(&damaged).1 {
                let elements = |archive: &Archive| {
                    archive
                        .names()
                        .map(|name| archive.vector_of_any_values::<f64>(name).ok())
                        .collect::<Vec<_>>()
                };
                assert_eq!(elements(&found).len(), elements(&archive).len());
            }
            if at < npy.len() {
                let mut damaged = npy.clone();
                damaged[at] ^= flipped;
                let _ = read_numpy(&damaged);
            }
        }
    }
}

/// Two files in one place would make much of a little.
#[test]
fn files_on_each_other_are_refused() {
    let (_, mut npz) = npz();
    let places: Vec<usize> = (0..npz.len() - 4).filter(|&at| npz[at..at + 4] == *b"PK\x01\x02").collect();
    let first: [u8; 46 + 10] = npz[places[0]..places[0] + 56].try_into().unwrap();
    assert_eq!(&first[46..], b"single.npy");
    npz.splice(places[1]..places[1] + 46 + 5, first);
    npz.splice(places[2] + 5..places[2] + 5 + 46 + 5, first);
    let end = npz.len() - 22;
    let size = (end - places[0]) as u32;
    npz[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    let text = "archive, single.npy: is not where the directory says, or where another file is";
    assert_eq!(read_numpy(&npz).1.unwrap_err().to_string(), text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        refused(&bytes);
    }

    #[test]
    fn random_headers_are_read_or_refused(
        header in r#"\{("(a|b|__metadata__)":(\{"dtype":"(F64|U64|F32|U8)","shape":\[[0-9]{0,2}(,[0-3])?\],"data_offsets":\[[0-9],[0-9]{1,2}\]\}|\{"a":"b"\})[,}]){0,3}"#,
        data in 0_usize..80,
    ) {
        let _ = read(&file(&header, data));
    }

    #[test]
    fn random_bytes_are_none_of_numpys(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend_from_slice(&bytes);
        prop_assert!(read_numpy(&npy).0.is_err());
        let mut npz = b"PK\x03\x04".to_vec();
        npz.extend_from_slice(&bytes);
        prop_assert!(read_numpy(&npz).1.is_err());
    }

    #[test]
    fn mutilated_files_of_numpy_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..5)
    ) {
        let mut bytes = npz().1;
        for (at, byte, what) in changes {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        let _ = read_numpy(&bytes);
    }

    /// A file with some bytes changed, cut out or put in is refused, or the same.
    #[test]
    fn mutilated_files_are_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..5)
    ) {
        let mut bytes = archive().to_bytes().unwrap();
        for (at, byte, what) in changes {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        if let Ok(found) = read(&bytes) {
            let archive = archive();
            prop_assert!(found == archive || found.texts().count() > archive.texts().count());
        }
    }
}
