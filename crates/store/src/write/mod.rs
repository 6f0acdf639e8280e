//! The transactions: each function here runs inside one, and either all of it holds or none.

pub(crate) mod anew;
pub(crate) mod batch;
pub(crate) mod page;
pub(crate) mod proof;
pub(crate) mod reconcile;
pub(crate) mod regroup;
pub(crate) mod result;
pub(crate) mod save;
pub(crate) mod settle;
