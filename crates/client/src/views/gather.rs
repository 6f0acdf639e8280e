//! Which records the desk's pages are computed from. The store's searches find them: what a page costs is what is on it,
//! however much a desk holds.

use std::collections::BTreeSet;

use hms_model::map::task;
use hms_store::{Query, Store, StoreError, Stored};

use super::{queue, reference_id, Records};

/// Status of a Task that still asks for something: all that FHIR has but the closed ones of [`queue::is_open`].
const OPEN: [&str; 7] = [
    "draft",
    "requested",
    "received",
    "accepted",
    "ready",
    "in-progress",
    "on-hold",
];
/// How a record says whose it is: the first of these that its type has.
const WHOSE: [&str; 2] = ["patient", "subject"];
/// Types that are nobody's record: there are few, and pages name them by reference.
const STAFF_AND_PLACES: [&str; 3] = ["Practitioner", "Organization", "Location"];

/// Reads all records of these types from the store.
pub(crate) async fn load(store: &Store, kinds: &[&str]) -> Result<Records, StoreError> {
    let mut records = Records::default();
    for kind in kinds {
        add(&mut records, kind, store.list(kind).await?);
    }
    Ok(records)
}

/// What the queue is computed from: the open entries, and whose and about what they are.
pub(crate) async fn of_queue(store: &Store) -> Result<Records, StoreError> {
    let mut records = load(store, &["Practitioner"]).await?;
    for status in OPEN {
        add(
            &mut records,
            "Task",
            store.search("Task", "status", status).await?,
        );
    }
    let (mut patients, mut reports) = (BTreeSet::new(), BTreeSet::new());
    for entry in records.all("Task").filter(|task| queue::is_in_queue(task)) {
        patients.extend(task::patient(entry).map(|id| id.to_string()));
        reports.extend(task::report(entry).map(|id| id.to_string()));
    }
    for id in reports {
        let report = store.get("QuestionnaireResponse", &id).await?;
        let subject = report.as_ref().and_then(|report| report.resource.get("subject"));
        // The report may know its person before its entry does.
        patients.extend(
            subject
                .and_then(|s| reference_id(s, "Patient"))
                .map(str::to_owned),
        );
        add(&mut records, "QuestionnaireResponse", report);
    }
    for id in patients {
        add(&mut records, "Patient", store.get("Patient", &id).await?);
        let checks = theirs(store, "RiskAssessment", "patient", &id).await?;
        add(&mut records, "RiskAssessment", checks);
    }
    // A check that was made with a report of nobody known stays without a person when the report gets one.
    let unknown = nobodys(store, "RiskAssessment", "patient").await?;
    add(&mut records, "RiskAssessment", unknown);
    Ok(records)
}

/// Records of these types that the work on an entry is computed from: its person's, nobody's, staff and places. An
/// entry about nobody, or one that is not here, has them all.
pub(crate) async fn of_entry(store: &Store, kinds: &[&str], entry: &str) -> Result<Records, StoreError> {
    let known = store.get("Task", entry).await?;
    let patient = known.as_ref().and_then(|known| task::patient(&known.resource));
    let Some(patient) = patient.map(|id| id.to_string()) else {
        return load(store, kinds).await;
    };
    let mut records = Records::default();
    for kind in kinds {
        let whose = WHOSE
            .into_iter()
            .find(|param| hms_fhir::search_param(kind, param).is_some());
        match whose {
            _ if *kind == "Patient" => add(&mut records, kind, store.get(kind, &patient).await?),
            Some(param) if !STAFF_AND_PLACES.contains(kind) => {
                add(&mut records, kind, theirs(store, kind, param, &patient).await?);
                add(&mut records, kind, nobodys(store, kind, param).await?);
            }
            Some(_) | None => add(&mut records, kind, store.list(kind).await?),
        }
    }
    Ok(records)
}

fn add(records: &mut Records, kind: &str, found: impl IntoIterator<Item = Stored>) {
    records.add(kind, found.into_iter().map(|stored| stored.resource));
}

/// Records of a person.
async fn theirs(store: &Store, kind: &str, param: &str, patient: &str) -> Result<Vec<Stored>, StoreError> {
    store.search(kind, param, &format!("Patient/{patient}")).await
}

/// Records that name nobody.
async fn nobodys(store: &Store, kind: &str, param: &str) -> Result<Vec<Stored>, StoreError> {
    let query = Query::of(kind).where_is(&format!("{param}:missing"), "true")?;
    Ok(store.find(query).await?.records)
}

#[cfg(test)]
#[allow(dead_code, reason = "shared with the store's tests")]
#[path = "../../../store/tests/common/district.rs"]
mod district;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hms_model::secret::Secret;
    use hms_model::time::Timestamp;
    use hms_model::wire::sync::{ChangeBody, WireChange};
    use serde_json::{json, Value};

    use super::*;
    use crate::views::chart::{chart, KINDS};
    use crate::views::{text, Sending};

    const NOW: Timestamp = Timestamp(district::NOW_MS);
    const QUEUE_KINDS: &[&str] = &[
        "Task",
        "Patient",
        "QuestionnaireResponse",
        "RiskAssessment",
        "Practitioner",
    ];

    async fn store_with(dir: &tempfile::TempDir, resources: Vec<Value>) -> Store {
        let store = Store::open(dir.path(), &Secret::new([7; 32])).expect("opens");
        let changes = resources.into_iter().map(|resource| WireChange {
            change: ChangeBody::Resource(resource),
        });
        store
            .apply_page(changes.collect(), "c1".into(), NOW)
            .await
            .expect("applies");
        store
    }

    /// Pages computed from what was found are those that all records give.
    async fn assert_same_pages(store: &Store) -> usize {
        let all = load(store, QUEUE_KINDS).await.expect("read");
        let found = of_queue(store).await.expect("found");
        let shown = |records: &Records| queue::queue(records, "alvarez", &BTreeMap::new(), NOW);
        let entries = shown(&all);
        for (found, entry) in shown(&found).iter().zip(&entries) {
            assert_eq!(found, entry);
        }
        assert_eq!(shown(&found).len(), entries.len());

        let whole = load(store, KINDS).await.expect("read");
        for entry in &entries {
            let of_entry = of_entry(store, KINDS, &entry.task).await.expect("found");
            let shown = |records: &Records| chart(&entry.task, records, &Sending::default(), NOW, None);
            assert!(shown(&whole).is_some());
            assert_eq!(shown(&of_entry), shown(&whole), "{}", entry.task);
        }
        entries.len()
    }

    /// Makes some closed entries open ones, and some of nobody.
    fn district(most: usize) -> Vec<Value> {
        let mut made: Vec<Value> = district::people(3).take(most).collect();
        let mut tasks = 0;
        for record in &mut made {
            match text(record, &["resourceType"]) {
                Some("Task") => {
                    tasks += 1;
                    if tasks % 3 == 0 {
                        record["status"] = json!(OPEN[tasks % OPEN.len()]);
                    }
                    if tasks % 7 == 0 {
                        record.as_object_mut().expect("an object").remove("for");
                    }
                }
                Some("RiskAssessment" | "DocumentReference") if tasks % 5 == 0 => {
                    record.as_object_mut().expect("an object").remove("subject");
                }
                _ => {}
            }
        }
        made
    }

    #[tokio::test]
    async fn pages_of_what_was_found_are_the_pages_of_everything() {
        let dir = tempfile::tempdir().expect("dir");
        let store = store_with(&dir, district(3_000)).await;

        let entries = assert_same_pages(&store).await;

        assert!(entries > 50, "{entries}");
        let found = of_queue(&store).await.expect("found");
        let all = store.counts().await.expect("counts").resources;
        let read: usize = QUEUE_KINDS.iter().map(|kind| found.all(kind).count()).sum();
        assert!(read < all as usize, "{read} of {all}");
    }
}
