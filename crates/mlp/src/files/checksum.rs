//! The checksum of archives and of zip files.

/// CRC-32 of ISO 3309, as zip and PNG have it: the polynomial 0xEDB88320, bits from the lowest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crc32(u32);

/// For k = 0 … 7, what a byte does to the remainder that stands k bytes before its end.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 1 == 1 { 0xEDB8_8320 ^ (remainder >> 1) } else { remainder >> 1 };
            bit += 1;
        }
        tables[0][byte] = remainder;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            byte += 1;
        }
        k += 1;
    }
    tables
}

impl Crc32 {
    pub(crate) fn new() -> Self {
        Crc32(!0)
    }

    /// Of one text.
    pub(crate) fn of(bytes: &[u8]) -> u32 {
        let mut crc = Crc32::new();
        crc.add(bytes);
        crc.value()
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            let low = self.0 ^ u32::from_le_bytes([eight[0], eight[1], eight[2], eight[3]]);
            let [a, b, c, d] = low.to_le_bytes();
            self.0 = TABLES[7][a as usize]
                ^ TABLES[6][b as usize]
                ^ TABLES[5][c as usize]
                ^ TABLES[4][d as usize]
                ^ TABLES[3][eight[4] as usize]
                ^ TABLES[2][eight[5] as usize]
                ^ TABLES[1][eight[6] as usize]
                ^ TABLES[0][eight[7] as usize];
        }
        for &byte in rest {
            self.0 = TABLES[0][((self.0 ^ u32::from(byte)) & 0xff) as usize] ^ (self.0 >> 8);
        }
    }

    /// Adds a text with its length, so that two of them are not the same as one.
    #[cfg(feature = "safetensors")]
    pub(crate) fn add_whole(&mut self, bytes: &[u8]) {
        self.add(&(bytes.len() as u64).to_le_bytes());
        self.add(bytes);
    }

    pub(crate) fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of CRCs (reveng), and Python's zlib.crc32.
    #[test]
    fn published_values() {
        assert_eq!(Crc32::of(b""), 0);
        assert_eq!(Crc32::of(b"123456789"), 0xCBF4_3926);
        assert_eq!(Crc32::of(b"The quick brown fox jumps over the lazy dog"), 0x414F_A339);
        assert_eq!(Crc32::of(&[0; 32]), 0x190A_55AD);
        assert_eq!(Crc32::of(&[0xff; 32]), 0xFF6C_AB0B);
    }

    #[test]
    fn pieces_are_the_whole() {
        let bytes: Vec<u8> = (0..100_u8).collect();
        for cut in 0..=bytes.len() {
            let mut crc = Crc32::new();
            crc.add(&bytes[..cut]);
            crc.add(&bytes[cut..]);
            assert_eq!(crc.value(), Crc32::of(&bytes));
        }
    }
}
