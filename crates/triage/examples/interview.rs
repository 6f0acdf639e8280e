//! Speaks the interview protocol on standard input and output, with the embedded pack.

use std::io::{BufRead, Write};

use hms_triage::{Interview, Pack};

fn main() -> std::io::Result<()> {
    let mut interview = Interview::new(Pack::embedded());
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        for reply in interview.line(&line?) {
            writeln!(out, "{reply}")?;
        }
        out.flush()?;
    }
    for reply in interview.finish() {
        writeln!(out, "{reply}")?;
    }
    Ok(())
}
