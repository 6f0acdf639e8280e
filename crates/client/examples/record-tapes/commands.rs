//! Every command of the windows by its name, with arguments and answers as the shell passes them.
//!
//! The shell's own functions (`src-tauri/src/commands`) are one line each: they pass their arguments on to the
//! method of the same name and turn a failure into a `CommandError`. This table does the same without a window;
//! `ui/test/tapes.test.ts` compares it with the generated bindings.

use hms_client::{Client, ClientError, Phone};
use serde::{de::DeserializeOwned, Serialize};
use serde_json::Value;

macro_rules! commands {
    ($($name:ident($($argument:literal),*);)*) => {
        /// What the command answers: data, or a code and a number for support.
        pub async fn give(client: &Client, command: &str, args: &Value) -> Result<Value, Value> {
            match command {
                $(stringify!($name) => answer(client.$name($(argument(args, $argument)),*).await),)*
                _ => panic!("{command} is not a command"),
            }
        }
    };
}

commands! {
    app_state();
    set_preferences("form");
    sign_in_start("deviceCode");
    sign_in_state();
    sign_in_cancel();
    set_pin("pin");
    unlock("pin");
    forgot_pin();
    lock();
    sync_now();
    outbox();
    where_am_i();
    dial("number");
    attachment("id");
    report_start("colleague");
    report_draft();
    report_step("draft", "step");
    report_attach("draft", "contentType", "base64");
    report_detach("draft", "id");
    report_discard("draft");
    report_send("draft");
    reports();
    report("id");
    report_add("report", "kind", "text");
    send_file_now("id");
    summaries();
    triage_start("report", "complaint");
    triage_search("text");
    triage_at("part");
    triage_answer("check", "question", "answer");
    triage_back("check");
    triage_recheck("check", "how");
    check_basis("check");
    visit();
    visit_call("task");
    visit_accept();
    visit_decline();
    visit_leave();
    visit_mute("muted");
    visit_camera("on");
    visit_sound_only("on");
    visit_try_picture();
    visit_ask_sharp();
    visit_give_sharp("keep");
    visit_refuse_sharp();
    visit_note_begin();
    visit_note_end("keep");
    visit_call_me();
    visit_text("text");
    visit_typing("text");
    queue();
    hand_over();
    take_in("text");
    queue_claim("task");
    queue_release("task");
    report_identify("task", "number", "name");
    chart("task");
    intake_save("task", "form");
    note_save("task", "text");
    note_sign("task", "text");
    note_addendum("task", "text");
    imaging_sites("task");
    order_imaging("task", "site", "part");
    duty_choices();
    advice_save("task", "form");
    advice_sign("task", "form");
    follow_up("task", "form");
    send_911("task");
    close_task("task");
    manager();
    acknowledge_notice("task");
    decide_duty("task", "form");
    conflicts();
    conflict_settle("id", "keep");
}

macro_rules! commands_of_the_phone {
    ($($name:ident($($argument:literal),*);)*) => {
        /// What a command answers that is about the phone and everybody on it; `None` for all others.
        pub async fn give_on_phone(phone: &Phone, command: &str, args: &Value) -> Option<Result<Value, Value>> {
            match command {
                $(stringify!($name) => Some(answer(phone.$name($(argument(args, $argument)),*).await)),)*
                _ => None,
            }
        }
    };
}

commands_of_the_phone! {
    phone_state();
    choose_person("seat");
    someone_else();
    leave_phone();
    storage();
    set_large_media("choice");
    mark_link_costly("costs");
    link_is("kind", "saveData");
    free_up();
}

fn argument<T: DeserializeOwned>(args: &Value, name: &str) -> T {
    let value = args.get(name).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn answer<T: Serialize>(result: Result<T, ClientError>) -> Result<Value, Value> {
    match result {
        Ok(data) => Ok(serde_json::to_value(data).expect("an answer is JSON")),
        Err(error) => Err(serde_json::to_value(error.to_view()).expect("an error is JSON")),
    }
}
