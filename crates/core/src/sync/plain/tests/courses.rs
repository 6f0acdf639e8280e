use super::pretend::{Next, Pretend};
use super::Ask;
use crate::sync::plain::{Abilities, Ability, Course, Cursor, Finding, PageEnd};
use serde_json::{json, Value};
use std::collections::BTreeMap;

const BASE: &str = "https://clinic.example/baseR4";

fn task(n: usize) -> Value {
    json!({ "resourceType": "Task", "id": format!("t{n}"), "status": "requested", "description": "words" })
}

/// Reads Tasks to the end of a pass into `here`; gives the news and the pages.
fn read(
    server: &mut Pretend,
    cursor: &mut Cursor,
    abilities: &mut Abilities,
    here: &mut BTreeMap<String, Value>,
) -> (usize, usize, PageEnd) {
    let (mut news, mut pages) = (0, 0);
    loop {
        // Every page is kept and read again, as after a restart.
        *cursor = Cursor::read(BASE, Some(&cursor.write()));
        let mut course = Course::new(cursor, "Task", None);
        let url = course.ask(abilities);
        let reply = server.answer(&Ask::get(url));
        pages += 1;
        assert!(pages < 2_000, "it ends");
        if reply.status >= 300 {
            assert!(course.refused(reply.status, abilities), "asks in another way");
            continue;
        }
        let (found, end) = course.page(BASE, &reply.body.expect("a page"), abilities);
        news += found.len();
        for finding in found {
            match finding {
                Finding::Here { there, record, .. } => here.insert(there, record),
                Finding::Gone { there, .. } => here.remove(&there),
            };
        }
        if end != PageEnd::More {
            return (news, pages, end);
        }
    }
}

fn check(bad: impl Fn(&mut Pretend)) {
    let mut server = Pretend::at(BASE);
    server.page = 7;
    bad(&mut server);
    let (mut cursor, mut abilities, mut here) =
        (Cursor::read(BASE, None), Abilities::of(BASE), BTreeMap::new());
    for n in 0..40 {
        server.put(task(n));
    }
    let (news, _, end) = read(&mut server, &mut cursor, &mut abilities, &mut here);
    assert_eq!((news, end), (40, PageEnd::Done));
    // What was changed and made is news once, also within the overlap; what was deleted goes where that shows.
    for round in 0..4 {
        let mut changed = task(round);
        changed["status"] = json!("accepted");
        server.put(changed);
        server.put(task(100 + round));
        server.delete(&format!("Task/t{}", 20 + round));
        let (news, _, _) = read(&mut server, &mut cursor, &mut abilities, &mut here);
        let expected = match (abilities.history, abilities.last_updated) {
            (Ability::Yes, _) => 3,
            (_, Ability::No) => 2,
            _ => 2,
        };
        assert_eq!(news, expected, "round {round}");
    }
    let (news, _, _) = read(&mut server, &mut cursor, &mut abilities, &mut here);
    assert_eq!(news, 0, "nothing twice");
    for record in server.list("Task") {
        let id = format!("Task/{}", record["id"].as_str().expect("an id"));
        assert_eq!(here.get(&id), Some(record));
    }
    if abilities.history == Ability::Yes {
        assert_eq!(here.len(), server.list("Task").len());
    }
}

#[test]
fn everything_comes_once_by_history() {
    check(|_| ());
}

#[test]
fn everything_comes_once_by_the_last_change() {
    check(|it| it.no_history = true);
}

#[test]
fn everything_comes_once_where_the_server_gives_no_links() {
    check(|it| (it.no_history, it.next) = (true, Next::Nowhere));
}

#[test]
fn everything_comes_once_where_the_server_does_not_tell_what_is_new() {
    check(|it| (it.no_history, it.no_last_updated) = (true, true));
}

/// R2: what was stored late, with a moment before the newest, still comes.
#[test]
fn what_is_stored_late_under_an_earlier_moment_still_comes() {
    for history in [true, false] {
        let mut server = Pretend::at(BASE);
        server.no_history = !history;
        let (mut cursor, mut abilities, mut here) =
            (Cursor::read(BASE, None), Abilities::of(BASE), BTreeMap::new());
        server.put(task(1));
        server.now += 60_000;
        server.put(task(2));
        read(&mut server, &mut cursor, &mut abilities, &mut here);
        let now = std::mem::replace(&mut server.now, 1_795_000_030_000);
        server.put(task(3));
        server.now = now;

        read(&mut server, &mut cursor, &mut abilities, &mut here);

        assert!(here.contains_key("Task/t3"), "{history}");
    }
}

/// N6: a link to another host is not followed, a circle is left, and the moment stays where it was.
#[test]
fn a_list_that_leads_elsewhere_or_in_a_circle_is_left_and_read_again_later() {
    for next in [Next::OtherHost, Next::Circle] {
        let mut server = Pretend::at(BASE);
        (server.page, server.next) = (7, next);
        let (mut cursor, mut abilities, mut here) =
            (Cursor::read(BASE, None), Abilities::of(BASE), BTreeMap::new());
        for n in 0..20 {
            server.put(task(n));
        }

        let (_, pages, end) = read(&mut server, &mut cursor, &mut abilities, &mut here);

        assert_eq!(end, PageEnd::Broken);
        assert!(pages <= 2, "{pages}");
        assert!(server.asked.iter().all(|it| !it.contains("elsewhere")));
        server.next = Next::Page;
        let (_, _, end) = read(&mut server, &mut cursor, &mut abilities, &mut here);
        assert_eq!((here.len(), end), (20, PageEnd::Done));
    }
}

#[test]
fn a_cursor_of_another_server_or_of_another_kind_begins_anew() {
    let mut cursor = Cursor::read(BASE, None);
    Course::new(&mut cursor, "Task", None).ask(&Abilities::of(BASE));
    assert_eq!(Cursor::read(BASE, Some(&cursor.write())), cursor);
    let fresh = Cursor::read("https://other.example/fhir", None);
    assert_eq!(
        Cursor::read("https://other.example/fhir", Some(&cursor.write())),
        fresh
    );
    assert_eq!(
        Cursor::read("https://other.example/fhir", Some("1.20.ab.7")),
        fresh
    );
}
