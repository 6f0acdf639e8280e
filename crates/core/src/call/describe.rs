//! Words of ours in a call's descriptions (SDP): what a side can do beside what the standards say. Others pass them over.

/// This side restores sound that was lost from what comes later (Opus' deep redundancy).
pub const RESTORES: &str = "a=x-hms-restores:1";
/// Words of the far side are shown here while they are typed.
pub const READS: &str = "a=x-hms-typed:1";

/// Does a description have this line?
#[must_use]
pub fn says(sdp: &str, word: &str) -> bool {
    sdp.lines().any(|line| line == word)
}

/// The description with words of ours before its first medium.
#[must_use]
pub fn mark(sdp: &str, words: &[&str]) -> String {
    let mut marked = String::with_capacity(sdp.len() + 200);
    let mut done = false;
    for line in sdp.lines() {
        if line.starts_with("m=") && !done {
            for word in words {
                marked.push_str(word);
                marked.push_str("\r\n");
            }
            done = true;
        }
        marked.push_str(line);
        marked.push_str("\r\n");
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_once_before_the_first_medium() {
        let marked = mark("v=0\r\nm=audio 9\r\nm=video 9\r\n", &[READS]);

        assert_eq!(marked, format!("v=0\r\n{READS}\r\nm=audio 9\r\nm=video 9\r\n"));
        assert!(says(&marked, READS) && !says(&marked, RESTORES));
    }
}
