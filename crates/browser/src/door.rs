//! The door between the page's memory and ours: two functions, bytes in and bytes out.
#![allow(unsafe_code, reason = "a browser calls by name, and writes into this memory")]

use std::cell::RefCell;

use crate::Core;

/// What the page wrote, and what it reads.
#[derive(Default)]
struct Door {
    core: Core,
    question: Vec<u8>,
    answer: String,
}

thread_local! {
    // A page has one thread.
    static DOOR: RefCell<Door> = RefCell::default();
}

/// Makes room for a question of so many bytes; the page writes it there.
#[no_mangle]
pub extern "C" fn room(length: usize) -> *mut u8 {
    DOOR.with_borrow_mut(|door| {
        door.question = vec![0; length];
        door.question.as_mut_ptr()
    })
}

/// Answers what was written: the answer's place in the upper half, its length in the lower one. It stays until the next
/// question.
#[no_mangle]
pub extern "C" fn ask() -> u64 {
    DOOR.with_borrow_mut(|door| {
        let question = std::mem::take(&mut door.question);
        door.answer = door.core.answer(&String::from_utf8_lossy(&question));
        ((door.answer.as_ptr() as u64) << 32) | door.answer.len() as u64
    })
}
