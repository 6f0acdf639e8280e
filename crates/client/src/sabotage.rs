//! Parts that a test breaks on purpose: to prove that the checks of the scenario notice, and to end the process at every
//! moment at which it waits. Nothing of it is in a release build.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Whether a test asked for this part to be broken: `HMS_BREAK=push|receipt|relay` (`decode` is the media's own).
/// Never in a release build.
pub(crate) fn broken(part: &str) -> bool {
    cfg!(debug_assertions) && std::env::var("HMS_BREAK").is_ok_and(|wanted| wanted == part)
}

/// Work that ends the process without a word before it is woken so often: `HMS_DIE=exchange:7` at the seventh time that
/// an exchange goes on. In a release build, and without that word, the work itself.
pub(crate) fn dying<F: Future>(part: &str, work: F) -> impl Future<Output = F::Output> {
    let wanted = if cfg!(debug_assertions) {
        std::env::var("HMS_DIE").ok()
    } else {
        None
    };
    let left = wanted.and_then(|wanted| {
        let (named, at) = wanted.split_once(':')?;
        at.parse().ok().filter(|_| named == part)
    });
    Dying {
        left,
        work: Box::pin(work),
    }
}

struct Dying<F> {
    left: Option<u32>,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for Dying<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if let Some(left) = &mut self.left {
            if *left <= 1 {
                std::process::abort();
            }
            *left -= 1;
        }
        self.work.as_mut().poll(context)
    }
}
