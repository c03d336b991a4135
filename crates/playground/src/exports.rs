//! What JavaScript calls. A question is written into the memory of the module, where [`room`] says, and its answer is read
//! where [`call`] says.

use std::cell::RefCell;

thread_local! {
    static QUESTION: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where a question of so many bytes is to be written.
#[allow(unsafe_code)] // the name alone: nothing unsafe is done
#[unsafe(no_mangle)]
extern "C" fn room(bytes: usize) -> *const u8 {
    QUESTION.with_borrow_mut(|question| {
        question.clear();
        question.resize(bytes, 0);
        question.as_ptr()
    })
}

/// Answers the question; how many bytes the answer has.
#[allow(unsafe_code)] // the name alone: nothing unsafe is done
#[unsafe(no_mangle)]
extern "C" fn call() -> usize {
    let question = QUESTION.take();
    let text = String::from_utf8_lossy(&question);
    ANSWER.with_borrow_mut(|answer| {
        *answer = crate::answer(&text).into_bytes();
        answer.len()
    })
}

/// Where the answer is.
#[allow(unsafe_code)] // the name alone: nothing unsafe is done
#[unsafe(no_mangle)]
extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}
