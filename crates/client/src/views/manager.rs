//! The manager's page: who is hurt, and which decisions wait. Reads Tasks only; nothing clinical comes here.

use std::collections::BTreeSet;

use hms_model::map::task::{self, TaskKind};
use hms_model::view::{DecisionView, ManagerView, NoticeView};
use serde_json::Value;

use hms_views::people::display;
use hms_views::queue::is_open;
use hms_views::summary::duty_view;

use super::{moment, text, Records};

/// Types that the page is computed from.
pub(crate) const KINDS: &[&str] = &["Task", "Patient"];

/// The page.
pub(crate) fn manager(records: &Records, me: &str, as_of: Option<f64>) -> ManagerView {
    let mine = |task: &&Value| task::owner(task).is_none_or(|owner| owner == me);
    let of = |kind: TaskKind| {
        records
            .all("Task")
            .filter(mine)
            .filter(move |t| task::kind(t) == Some(kind))
    };
    let mut notices: Vec<NoticeView> = of(TaskKind::SupervisorNotice)
        .map(|t| notice(t, records))
        .collect();
    notices.sort_by(|a, b| {
        let key = |n: &NoticeView| n.happened_at.unwrap_or_default();
        a.acknowledged
            .cmp(&b.acknowledged)
            .then(key(b).total_cmp(&key(a)))
    });
    let mut decisions: Vec<DecisionView> = of(TaskKind::DutyDecision)
        .filter_map(|t| decision(t, records))
        .collect();
    decisions.sort_by(|a, b| {
        a.decision
            .is_some()
            .cmp(&b.decision.is_some())
            .then(b.asked_at.total_cmp(&a.asked_at))
    });
    let mut seen = BTreeSet::new();
    decisions.retain(|d| seen.insert(d.task.clone()));
    ManagerView {
        notices,
        decisions,
        as_of,
    }
}

fn notice(task: &Value, records: &Records) -> NoticeView {
    NoticeView {
        task: text(task, &["id"]).unwrap_or_default().to_owned(),
        name: name(task, records),
        happened_at: task::input_text(task, "happened")
            .and_then(hms_model::time::Timestamp::parse)
            .map(hms_model::time::Timestamp::as_f64),
        place: task::input_text(task, "place").map(str::to_owned),
        due_at: moment(task, &["restriction", "period", "end"]).map(hms_model::time::Timestamp::as_f64),
        acknowledged: !is_open(task) || text(task, &["status"]) == Some("accepted"),
    }
}

fn decision(task: &Value, records: &Records) -> Option<DecisionView> {
    Some(DecisionView {
        task: text(task, &["id"])?.to_owned(),
        name: name(task, records),
        advice: duty_view(&task::advice_in(task, "input")?),
        decision: task::advice_in(task, "output").as_ref().map(duty_view),
        asked_at: moment(task, &["authoredOn"]).unwrap_or_default().as_f64(),
    })
}

fn name(task: &Value, records: &Records) -> String {
    task.get("for")
        .and_then(|f| display(f, "Patient", records))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hms_model::ids::{PatientId, TaskId};
    use hms_model::time::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manager_sees_own_notices_with_name_time_and_place() {
        let patient = PatientId::parse("dana").expect("id");
        let make = |id: &str, manager: &str| {
            let id = TaskId::parse(id).expect("id");
            let mut task = task::supervisor_notice(
                &id,
                &patient,
                manager,
                "2026-11-21T10:40:00-06:00",
                Some("RR 7"),
                Timestamp(0),
            );
            task["for"]["display"] = json!("Dana Reyes");
            task
        };
        let records = Records::of(vec![make("a", "maria"), make("b", "other")]);

        let view = manager(&records, "maria", None);

        assert_eq!(view.notices.len(), 1);
        let notice = &view.notices[0];
        assert_eq!(
            (notice.name.as_str(), notice.place.as_deref()),
            ("Dana Reyes", Some("RR 7"))
        );
        assert_eq!(notice.due_at, Some(86_400_000.0));
        assert!(!notice.acknowledged);
    }
}
