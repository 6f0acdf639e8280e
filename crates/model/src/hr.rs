//! What HR receives: FHIR Condition (work status, limits, dates) and Appointment (that one exists, and when),
//! built field by field from closed vocabularies. Nothing is copied from a clinical resource, so nothing that
//! anyone typed can travel.

use crate::duty::DutyAdvice;
use crate::map::{concept, system};
use crate::time::Timestamp;
use serde_json::{json, Value};

/// The person as HR knows them: the employee number only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employee {
    /// Employee number.
    pub number: String,
}

/// Work status as Condition. The code is the status; the limits are evidence codes; the dates are the onset period.
#[must_use]
pub fn work_status(id: &str, employee: &Employee, decision: &DutyAdvice, decided: Timestamp) -> Value {
    // Both days as one period: R4 (con-4) allows an abatement only on what is no longer active.
    let mut period = json!({ "start": decision.from.to_string() });
    if let (Some(until), Some(map)) = (decision.until, period.as_object_mut()) {
        map.insert("end".into(), json!(until.to_string()));
    }
    let mut condition = json!({
        "resourceType": "Condition",
        "id": id,
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "code": concept(&system::codes("work-status"), decision.status.code()),
        "subject": employee_reference(employee),
        "onsetPeriod": period,
        "recordedDate": decided.to_instant(),
    });
    if let Some(map) = condition.as_object_mut() {
        if !decision.limits.is_empty() {
            let limits = decision
                .limits
                .iter()
                .map(|l| concept(&system::codes("limit"), l.code()));
            map.insert("evidence".into(), json!([{ "code": limits.collect::<Vec<_>>() }]));
        }
    }
    condition
}

/// That the person has an appointment at a time, without its kind or place.
#[must_use]
pub fn appointment(id: &str, employee: &Employee, start: Timestamp, end: Timestamp) -> Value {
    json!({
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "start": start.to_instant(),
        "end": end.to_instant(),
        "participant": [{ "actor": employee_reference(employee), "status": "accepted" }],
    })
}

fn employee_reference(employee: &Employee) -> Value {
    json!({ "identifier": { "system": system::codes("employee-number"), "value": employee.number } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duty::{Limit, WorkStatus};

    #[test]
    fn hr_gets_status_limits_and_dates_and_valid_r4() {
        let employee = Employee {
            number: "04417".into(),
        };
        let decision = DutyAdvice {
            status: WorkStatus::Restricted,
            limits: vec![Limit::NoLeftHand],
            from: "2026-11-21".parse().expect("day"),
            until: "2026-11-28".parse().ok(),
        };

        let condition = work_status("c", &employee, &decision, Timestamp(0));
        let booked = appointment("a", &employee, Timestamp(0), Timestamp(900_000));

        assert_eq!(hms_fhir::validate(&condition), Ok(()));
        assert_eq!(hms_fhir::validate(&booked), Ok(()));
        assert!(condition.to_string().contains("no-left-hand-use"));
    }
}
