//! `$hms-sync`: changes up with results that are kept, changes down since a cursor.

pub mod apply;
pub mod cursor;
pub mod feed;
pub mod scope;
