//! Ids that follow from their cause.

use uuid::Uuid;

/// The namespace of every id that the server derives.
const NAMESPACE: Uuid = Uuid::from_u128(0x5c1f_4a36_8f0b_4d0e_9d57_2f7b_6a11_c0de);

/// The id of what is made for this reason: the same reason always gives the same id.
#[must_use]
pub fn id(what: &str, cause: &[&str]) -> String {
    // The separator cannot be part of a FHIR id, so two lists of causes never run together.
    let name = format!("{what}|{}", cause.join("|"));
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_same_cause_gives_the_same_id_and_another_cause_another() {
        assert_eq!(
            super::id("notice", &["r1", "maria"]),
            super::id("notice", &["r1", "maria"])
        );
        assert_ne!(
            super::id("notice", &["r1", "maria"]),
            super::id("notice", &["r1m", "aria"])
        );
    }
}
