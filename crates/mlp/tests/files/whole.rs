//! Files are written whole or not at all, also by a process that is killed and on a full disk.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use mlp::files::{Archive, FileProblem, write_whole};
use tape::Matrix;

use crate::support::{Folder, problem};

/// Where a test runs once more, in a process of its own: the file that it writes.
const CHILD: &str = "MLP_TEST_WRITES";

/// This test in a process of its own. `shell` runs it: `exec "$0" "$@"`, with limits if need be.
fn spawn(test: &str, path: &Path, shell: &str) -> Child {
    Command::new("sh")
        .args(["-c", shell])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(CHILD, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// 32 kB of one number.
fn filled(number: usize) -> Archive {
    let mut archive = Archive::new();
    archive.insert("w", &Matrix::filled(100, 40, number as f64));
    archive.insert_whole("number", &[number as u64]);
    archive
}

fn number_of(path: &Path) -> u64 {
    let archive = Archive::read(path).unwrap();
    let number = archive.whole("number").unwrap()[0];
    assert_eq!(archive, filled(number as usize));
    number
}

#[test]
fn a_process_that_is_killed_leaves_a_whole_file() {
    if let Some(path) = std::env::var_os(CHILD) {
        let began = Instant::now();
        // It ends by itself, should nobody kill it.
        for number in 1.. {
            filled(number).write(&path).unwrap();
            assert!(began.elapsed() < Duration::from_secs(20), "nobody killed this process");
        }
    }
    if !cfg!(unix) {
        eprintln!("SKIPPED: there is no sh");
        return;
    }
    let folder = Folder::new("killed");
    let path = folder.path("archive.safetensors");
    filled(0).write(&path).unwrap();
    let (mut written, mut unfinished) = (0, 0);
    let rounds = 12;
    for round in 0..rounds {
        filled(0).write(&path).unwrap();
        let test = "whole::a_process_that_is_killed_leaves_a_whole_file";
        let mut child = spawn(test, &path, r#"exec "$0" "$@""#);
        // It is read all the while, and the process is killed at a moment that is another one each time.
        let began = Instant::now();
        while number_of(&path) == 0 {
            assert!(began.elapsed() < Duration::from_secs(20), "no process came to write");
        }
        sleep(Duration::from_micros(round * 1_300));
        number_of(&path);
        sleep(Duration::from_micros(round * 700));
        child.kill().unwrap();
        child.wait().unwrap();
        written += number_of(&path);
        for file in folder.files().iter().filter(|file| file.ends_with(".tmp")) {
            fs::remove_file(folder.path(file)).unwrap();
            unfinished += 1;
        }
        assert_eq!(folder.files(), ["archive.safetensors"]);
    }
    println!("{unfinished} of {rounds} processes were killed within a file, after {written} whole ones");
}

/// The file may have 8 kB, the archive has 32.
#[test]
fn a_full_disk_leaves_the_old_file() {
    if let Some(path) = std::env::var_os(CHILD) {
        let FileProblem::Io { doing: "write", .. } = problem(filled(1).write(&path)) else {
            panic!("it was written");
        };
        return;
    }
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED: sizes of files are limited on Linux alone");
        return;
    }
    let folder = Folder::new("full");
    let path = folder.path("archive.safetensors");
    filled(0).write(&path).unwrap();
    let limited = r#"trap "" XFSZ; ulimit -f 16; exec "$0" "$@""#; // in blocks of 512 bytes
    let status = spawn("whole::a_full_disk_leaves_the_old_file", &path, limited).wait().unwrap();
    assert!(status.success());
    assert_eq!(number_of(&path), 0);
    assert_eq!(folder.files(), ["archive.safetensors"]);

    let full = problem(filled(1).write("/dev/full"));
    assert!(matches!(full, FileProblem::Io { doing: "write", kind: ErrorKind::StorageFull, .. }), "{full}");
    assert!(!fs::metadata("/dev/full").unwrap().is_file());
    write_whole("/dev/null", b"all of it").unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn what_is_no_place_for_a_file_is_refused() {
    let folder = Folder::new("places");
    fs::create_dir(folder.path("folder")).unwrap();
    fs::write(folder.path("file"), b"old").unwrap();
    let kind = |path: &Path| match problem(write_whole(path, b"new")) {
        FileProblem::Io { kind, .. } => kind,
        other => panic!("{other}"),
    };
    assert_eq!(kind(&folder.path("folder")), ErrorKind::IsADirectory);
    assert_eq!(kind(&folder.path("file/below")), ErrorKind::NotADirectory);
    assert_eq!(kind(&folder.path("nowhere/below")), ErrorKind::NotFound);
    kind(Path::new(""));
    kind(Path::new("/"));
    if cfg!(target_os = "linux") {
        kind(Path::new("/proc/archive.safetensors")); // where even the superuser makes no file
    }
    assert!(matches!(problem(Archive::read(folder.path("folder"))), FileProblem::Io { doing: "read", .. }));
    assert_eq!(folder.files(), ["file", "folder"]);
    assert_eq!(fs::read(folder.path("file")).unwrap(), b"old");
}

#[test]
fn a_file_is_replaced_where_it_is() {
    let folder = Folder::new("replaced");
    let path = folder.path("file");
    write_whole(&path, b"the first, which is longer").unwrap();
    write_whole(&path, b"second").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    write_whole(&path, b"").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", folder.path("link")).unwrap();
        write_whole(folder.path("link"), b"by the link").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"by the link");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(folder.path("link")).unwrap().is_symlink());
        assert_eq!(folder.files(), ["file", "link"]);
        // Also where the file, or a link on the way to it, is not there yet.
        symlink("new", folder.path("first")).unwrap();
        symlink(folder.path("first"), folder.path("second")).unwrap();
        write_whole(folder.path("second"), b"by two links").unwrap();
        assert_eq!(fs::read(folder.path("new")).unwrap(), b"by two links");
        assert!(["first", "second"].iter().all(|link| folder.path(link).is_symlink()));
        symlink("nowhere/below", folder.path("lost")).unwrap();
        assert!(write_whole(folder.path("lost"), b"to no folder").is_err());
        assert!(folder.path("lost").is_symlink());
    }
}

/// Many write the same file at once: it is always that of one of them.
#[test]
fn writers_do_not_meet() {
    let folder = Folder::new("writers");
    let path = folder.path("file");
    write_whole(&path, &[0; 5000]).unwrap();
    std::thread::scope(|scope| {
        for writer in 1..=4 {
            let path = &path;
            scope.spawn(move || (0..10).for_each(|_| write_whole(path, &[writer; 5000]).unwrap()));
        }
        for _ in 0..50 {
            let bytes = fs::read(&path).unwrap();
            assert!(bytes.len() == 5000 && bytes.iter().all(|byte| *byte == bytes[0]));
        }
    });
    assert_eq!(folder.files(), ["file"]);
}
