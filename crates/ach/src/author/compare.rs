//! `ach triage diff`, `paths` and `graph`.

use super::{files, say_json};
use crate::failure::Failure;
use crate::say::say;
use hms_triage::author::{self, Answered, CaseChange, Change, Drawing, RowChange};
use serde_json::json;
use std::path::Path;

/// Tells what changes between two packs.
pub fn diff(old: &Path, new: Option<&Path>, content: &Path, as_json: bool) -> Result<(), Failure> {
    let content = files::tables(content)?;
    let old = files::pack(old)?;
    let new = match new {
        Some(file) => files::pack(file)?,
        None => files::built(&content.tables, Some(old.version()))?.1,
    };
    let found = author::diff(&old, &new, &content.cases);
    let wrong = found.cases.iter().filter(|c| c.wrong).count();
    if as_json {
        say_json(&json!({"old": old.hash(), "new": new.hash(), "wrong": wrong, "difference": found}))?;
    } else {
        say!("old {} ({})", old.hash(), old.version());
        say!("new {} ({})", new.hash(), new.version());
        say!("Cases: {} of {} change.", found.cases.len(), found.looked_at);
        found.cases.iter().for_each(say_case);
        for (what, rows) in [
            ("Rules", &found.rules),
            ("Questions", &found.questions),
            ("Findings", &found.findings),
            ("Lines", &found.lines),
            ("Conditions", &found.conditions),
        ] {
            say!("{what}: {} change.", rows.len());
            rows.iter().for_each(say_row);
        }
    }
    match wrong {
        0 => Ok(()),
        n => Err(Failure::Content(format!(
            "{n} changes give a case an urgency it must not get"
        ))),
    }
}

fn say_case(case: &CaseChange) {
    let answered = match case.answered {
        Answered::No => "answered no",
        Answered::NotSure => "answered not sure",
    };
    let way = if case.now > case.was { "up" } else { "DOWN" };
    let wrong = if case.wrong { "  WRONG" } else { "" };
    say!(
        "  {way} {} -> {}  {} ({answered}): {}{wrong}",
        case.was.code(),
        case.now.code(),
        case.id,
        case.case
    );
}

fn say_row(row: &RowChange) {
    match &row.change {
        Change::Added => say!("  + {}", row.id),
        Change::Removed => say!("  - {}", row.id),
        Change::Changed(parts) => say!("  ~ {}: {}", row.id, parts.join(", ")),
    }
}

/// Prints how long interviews are.
pub fn paths(content: &Path, bound: usize, as_json: bool) -> Result<(), Failure> {
    let (_, pack) = files::built(&files::tables(content)?.tables, None)?;
    let walks = author::walks(&pack, bound);
    if as_json {
        return say_json(&walks);
    }
    say!(
        "{:<16} {:>8} {:>8} {:>9} {:>8} {:>13}",
        "complaint",
        "paths",
        "screens",
        "shortest",
        "longest",
        "to emergency"
    );
    for walk in &walks {
        let paths = match walk.complete {
            true => walk.paths.to_string(),
            false => format!(">{}", walk.paths),
        };
        let longest = match walk.complete {
            true => walk.longest.to_string(),
            false => format!(">={}", walk.longest),
        };
        let emergency = walk.to_emergency.map_or("-".to_owned(), |n| n.to_string());
        say!(
            "{:<16} {paths:>8} {:>8} {:>9} {longest:>8} {emergency:>13}",
            walk.complaint,
            walk.screens,
            walk.shortest
        );
    }
    say!("Questions of an interview, the complaint among them. \">\" means that more exist than were walked (--bound).");
    Ok(())
}

/// Draws a module.
pub fn graph(module: &str, content: &Path, dot: bool) -> Result<(), Failure> {
    let tables = files::tables(content)?.tables;
    let (_, pack) = files::built(&tables, None)?;
    let drawing = if dot { Drawing::Dot } else { Drawing::Mermaid };
    let picture = author::graph(&tables, &pack, module, drawing).map_err(|e| files::content(&e))?;
    say!("{}", picture.trim_end());
    Ok(())
}
