//! What is printed, also where nobody reads it any more (`ach queue | head -1`).

use std::io::{ErrorKind, Write as _};

/// Prints a line. Where the reader has gone the program ends, quietly and as wanted: `println!` would panic.
pub fn line(words: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    let said = out.write_fmt(words).and_then(|()| out.write_all(b"\n"));
    match said {
        Err(gone) if gone.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        // A full disk behind `>` is told where errors are told.
        Err(other) => eprintln!("ach: could not print: {other}"),
        Ok(()) => {}
    }
}

/// As `println!`, without the panic.
macro_rules! say {
    ($($words:tt)*) => { $crate::say::line(format_args!($($words)*)) };
}
pub(crate) use say;
