//! How large the processor's caches are.

use std::path::Path;
use std::sync::OnceLock;

/// Bytes of the caches that hold data, as a core has them for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caches {
    /// Of the second level.
    pub(crate) second: usize,
    /// A core's part of the third level, 0 if there is none.
    pub(crate) third: usize,
}

/// What is common, for processors and systems that do not tell.
const COMMON: Caches = Caches { second: 1 << 20, third: 4 << 20 };

/// The caches of this machine, as Linux tells them; elsewhere, what is common.
pub(crate) fn caches() -> Caches {
    static CACHES: OnceLock<Caches> = OnceLock::new();
    *CACHES.get_or_init(|| {
        let folder = Path::new("/sys/devices/system/cpu/cpu0/cache");
        let told = (0..8).map_while(|index| {
            let file =
                |name: &str| std::fs::read_to_string(folder.join(format!("index{index}")).join(name)).ok();
            Some([file("level")?, file("type")?, file("size")?, file("shared_cpu_list")?])
        });
        of_lists(&told.collect::<Vec<_>>())
    })
}

/// Of what the system tells about each cache: its level, type and size, and the processors that
/// share it.
fn of_lists(told: &[[String; 4]]) -> Caches {
    let data = told.iter().filter(|[_, kind, ..]| kind.trim() != "Instruction");
    let known: Vec<(&str, usize, usize)> =
        data.filter_map(|[level, _, size, cpus]| Some((level.trim(), bytes(size)?, count(cpus)?))).collect();
    let level = |level: &str| known.iter().find(|cache| cache.0 == level);
    let Some(&(_, second, sharing)) = level("2") else { return COMMON };
    // Two threads of one core share its first level: what they share with no other core is theirs
    // alone.
    let threads_of_a_core = level("1").map_or(1, |cache| cache.2);
    let of_a_core = |bytes: usize, sharing: usize| bytes / (sharing / threads_of_a_core).max(1);
    let third = level("3").map_or(0, |&(_, bytes, sharing)| of_a_core(bytes, sharing));
    Caches { second: of_a_core(second, sharing), third }
}

/// "1024K" or "2M", in bytes.
fn bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let (number, unit) = match text.strip_suffix('K') {
        Some(number) => (number, 1 << 10),
        None => (text.strip_suffix('M')?, 1 << 20),
    };
    number.parse::<usize>().ok()?.checked_mul(unit).filter(|&bytes| bytes > 0)
}

/// How many processors a list such as "0-3,8" names.
fn count(list: &str) -> Option<usize> {
    let parts = list.trim().split(',').map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    });
    parts.sum::<Option<usize>>().filter(|&count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(bytes("1024K\n"), Some(1 << 20));
        assert_eq!(bytes("2M"), Some(2 << 20));
        for nonsense in ["", "K", "12", "-1K", "0K", "99999999999999999999K"] {
            assert_eq!(bytes(nonsense), None, "{nonsense:?}");
        }
        assert!(caches().second >= 1 << 14);
    }

    #[test]
    fn processors_are_counted() {
        for (list, expected) in [("0", 1), ("0-1\n", 2), ("0-3,8", 5), ("0,16", 2)] {
            assert_eq!(count(list), Some(expected), "{list}");
        }
        for nonsense in ["", "a", "3-1", "0-"] {
            assert_eq!(count(nonsense), None, "{nonsense:?}");
        }
    }

    fn told(caches: &[[&str; 4]]) -> Caches {
        of_lists(&caches.iter().map(|cache| cache.map(str::to_owned)).collect::<Vec<_>>())
    }

    #[test]
    fn a_core_has_its_part_of_what_it_shares() {
        let (data, instructions) = (["1", "Data", "32K", "0"], ["1", "Instruction", "32K", "0"]);
        let zen_3 =
            told(&[data, instructions, ["2", "Unified", "512K", "0"], ["3", "Unified", "32768K", "0-1"]]);
        assert_eq!(zen_3, Caches { second: 512 << 10, third: 16 << 20 });
        // Eight cores of two threads each.
        let two = ["1", "Data", "48K", "0,8"];
        let threads = told(&[two, ["2", "Unified", "2M", "0,8"], ["3", "Unified", "16M", "0-15"]]);
        assert_eq!(threads, Caches { second: 2 << 20, third: 2 << 20 });
        // A second level that four cores share, and no third.
        assert_eq!(told(&[data, ["2", "Unified", "1M", "0-3"]]), Caches { second: 256 << 10, third: 0 });
        for nothing in [&[][..], &[data], &[data, ["2", "Unified", "?", "0"]]] {
            assert_eq!(told(nothing), COMMON);
        }
    }
}
