//! THE list of commands and events. The window's types are generated from it: `ui/src/ipc/bindings.ts`.

use crate::commands;
use serde::{Deserialize, Serialize};
use tauri_specta::{collect_commands, collect_events, Builder};

/// Names of all commands, shared with the build script that makes a permission of each.
pub const COMMAND_NAMES: &[&str] = &include!("command_names.rs");

/// Something changed; the window asks again for what carries one of these tags.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
pub struct Changed {
    /// app, outbox, reports, draft, queue, chart, visit, manager, summaries.
    pub tags: Vec<String>,
}

/// Something wants attention: a sound and, where the window is not in front, a notice without health words.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
pub struct Alert {
    /// `urgent_case` or `ring`.
    pub kind: String,
}

/// The commands and events as tauri-specta knows them.
#[must_use]
pub fn builder() -> Builder<tauri::Wry> {
    Builder::<tauri::Wry>::new()
        // One name a type: views only go out and forms only come in.
        .disable_serde_phases()
        .commands(collect_commands![
            commands::app::app_state,
            commands::app::set_preferences,
            commands::app::sign_in_start,
            commands::app::sign_in_state,
            commands::app::sign_in_cancel,
            commands::app::set_pin,
            commands::app::unlock,
            commands::app::forgot_pin,
            commands::app::lock,
            commands::app::sync_now,
            commands::app::outbox,
            commands::app::hand_over,
            commands::app::take_in,
            commands::app::conflicts,
            commands::app::conflict_settle,
            commands::app::where_am_i,
            commands::app::dial,
            commands::app::attachment,
            commands::phone::phone_state,
            commands::phone::choose_person,
            commands::phone::someone_else,
            commands::phone::leave_phone,
            commands::phone::storage,
            commands::phone::set_large_media,
            commands::phone::mark_link_costly,
            commands::phone::link_is,
            commands::phone::send_file_now,
            commands::phone::free_up,
            commands::report::report_start,
            commands::report::report_draft,
            commands::report::report_step,
            commands::report::report_attach,
            commands::report::report_detach,
            commands::report::report_discard,
            commands::report::report_send,
            commands::report::reports,
            commands::report::report,
            commands::report::report_add,
            commands::report::summaries,
            commands::triage::triage_start,
            commands::triage::triage_search,
            commands::triage::triage_at,
            commands::triage::triage_answer,
            commands::triage::triage_back,
            commands::triage::triage_recheck,
            commands::visit::visit,
            commands::visit::visit_call,
            commands::visit::visit_accept,
            commands::visit::visit_decline,
            commands::visit::visit_leave,
            commands::visit::visit_mute,
            commands::visit::visit_camera,
            commands::visit::visit_sound_only,
            commands::visit::visit_try_picture,
            commands::visit::visit_ask_sharp,
            commands::visit::visit_give_sharp,
            commands::visit::visit_refuse_sharp,
            commands::visit::visit_note_begin,
            commands::visit::visit_note_end,
            commands::visit::visit_call_me,
            commands::visit::visit_text,
            commands::visit::visit_typing,
            commands::staff::queue,
            commands::staff::queue_claim,
            commands::staff::queue_release,
            commands::staff::report_identify,
            commands::staff::chart,
            commands::staff::check_basis,
            commands::staff::intake_save,
            commands::staff::note_save,
            commands::staff::note_sign,
            commands::staff::note_addendum,
            commands::staff::imaging_sites,
            commands::staff::order_imaging,
            commands::staff::duty_choices,
            commands::staff::advice_save,
            commands::staff::advice_sign,
            commands::staff::follow_up,
            commands::staff::send_911,
            commands::staff::close_task,
            commands::manager::manager,
            commands::manager::acknowledge_notice,
            commands::manager::decide_duty,
        ])
        .events(collect_events![Changed, Alert])
}
