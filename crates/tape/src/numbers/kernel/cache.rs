//! How large the processor's caches are.

use std::sync::OnceLock;

/// Bytes of one core's second-level cache, as Linux tells them; elsewhere, what is common.
pub(crate) fn second_level_bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    const COMMON: usize = 1 << 20;
    *BYTES.get_or_init(|| {
        let text = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size");
        text.ok().and_then(|text| bytes(&text)).unwrap_or(COMMON)
    })
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
        assert!(second_level_bytes() >= 1 << 14);
    }
}
