//! The tables as they lie in the content folder.

use std::path::Path;

use hms_triage::author;

pub fn tables() -> author::Tables {
    changed(|_, text| text)
}

/// The tables, after each text was changed by its name.
pub fn changed(change: impl Fn(&str, String) -> String) -> author::Tables {
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("content");
    let mut files: Vec<(String, String)> = Vec::new();
    for folder in ["", "modules/", "examples/"] {
        for entry in std::fs::read_dir(content.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "yaml") {
                let name = format!("{folder}{}", path.file_name().unwrap().to_str().unwrap());
                let text = change(&name, std::fs::read_to_string(&path).unwrap());
                files.push((name, text));
            }
        }
    }
    author::Tables::parse(files.iter().map(|(n, t)| (n.as_str(), t.as_str()))).unwrap()
}
