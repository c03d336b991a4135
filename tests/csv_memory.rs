//! The CSV reader holds numbers, and nothing else for every field.
#![allow(unsafe_code)] // the allocator that counts

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use mlp::tables::Csv;

/// Knows how many bytes are held, and were at most.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn note(more: usize, less: usize) {
    let held = HELD.fetch_add(more, Ordering::Relaxed) + more;
    MOST.fetch_max(held - less, Ordering::Relaxed);
    HELD.fetch_sub(less, Ordering::Relaxed);
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

/// The bytes held at most while a text is read, beyond the text itself. One test, so that no other counts along.
fn most_while_reading(text: &[u8]) -> usize {
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let table = Csv::new().parse(text, "t.csv").unwrap();
    assert_eq!(table.x.columns(), table.y.columns());
    MOST.load(Ordering::Relaxed) - before
}

#[test]
fn a_field_takes_no_more_than_its_number() {
    let fields = 1_000_000;
    // A number of 8 bytes in a list that may have grown to twice its length, and the targets once more as matrices;
    // a string for every field would be 24 bytes and an allocation.
    let allowed = 8 * 2 * fields + fields;
    for (row, m) in [("1,2,3,4,5,6,7,8,9,0\n", fields / 10), ("1,2,3,4,5,6,7,8,9,no\n", fields / 10)] {
        let text = row.repeat(m).into_bytes();
        let most = most_while_reading(&text);
        assert!(most <= allowed, "{most} bytes for {fields} fields");
    }
}
