//! The moment of a signature, which the signing device says.

use hms_fhir::{parse_date_range, Issue, IssueCode};
use serde_json::Value;

/// How far a moment may lie ahead of the server's clock: devices correct theirs by the server's, to about two minutes.
const AHEAD_MS: i64 = 5 * 60 * 1000;

/// Refuses a Composition that was signed later than now.
///
/// An earlier moment stands, however early: a desk may have been offline. When the signature reached the server is in
/// `meta.lastUpdated` and in the audit, which no client writes.
///
/// # Errors
/// An issue for each attester with such a time.
pub fn not_ahead(composition: &Value, now_ms: i64) -> Result<(), Vec<Issue>> {
    let attesters = composition.get("attester").and_then(Value::as_array);
    let issues: Vec<Issue> = attesters
        .into_iter()
        .flatten()
        .enumerate()
        .filter(|(_, attester)| {
            let time = attester.get("time").and_then(Value::as_str);
            // A date or a month counts from its first moment.
            time.and_then(parse_date_range)
                .is_some_and(|(first, _)| first > now_ms.saturating_add(AHEAD_MS))
        })
        .map(|(index, _)| Issue {
            path: format!("Composition.attester[{index}].time"),
            code: IssueCode::Value,
            detail: "a signature cannot be later than the server's time now".to_owned(),
        })
        .collect();
    if issues.is_empty() {
        Ok(())
    } else {
        Err(issues)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// 2026-11-21T12:00:00Z.
    const NOON: i64 = 1_795_262_400_000;

    fn good(time: &str) -> bool {
        let signed = json!({"attester": [{"mode": "legal", "time": time}]});
        not_ahead(&signed, NOON).is_ok()
    }

    #[test]
    fn a_signature_may_be_old_and_not_from_tomorrow() {
        for time in [
            "2026-11-21T12:00:00Z",
            "2026-11-21T12:05:00Z",
            "2026-11-21T06:04:00-06:00",
            "2026-10-01T12:00:00Z",
            "2026-11-21",
            "2026",
        ] {
            assert!(good(time), "{time}");
        }
        for time in [
            "2026-11-21T12:05:01Z",
            "2026-11-21T13:00:00+00:30",
            "2026-11-22",
            "2027",
        ] {
            assert!(!good(time), "{time}");
        }
        assert!(not_ahead(&json!({}), NOON).is_ok());
    }
}
