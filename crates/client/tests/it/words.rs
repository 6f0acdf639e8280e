//! What the person reads: the windows' own catalogue.

/// The English words behind a key; every key is there in Spanish, too.
pub fn words(key: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/words");
    let find = |language: &str| {
        ["shared", "carrier", "staff"].iter().find_map(|part| {
            let text = std::fs::read_to_string(folder.join(format!("{part}.{language}.ts"))).ok()?;
            let line = text.lines().find_map(|line| {
                line.trim()
                    .strip_prefix(&format!("\"{key}\": \""))?
                    .strip_suffix("\",")
            });
            line.map(str::to_owned)
        })
    };
    assert!(find("es").is_some(), "{key} in Spanish");
    find("en").unwrap_or_else(|| panic!("no words for {key}"))
}
