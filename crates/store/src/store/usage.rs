//! How much this device holds.

use super::Store;
use crate::table::usage;
use crate::{StoreError, Usage};

impl Store {
    /// Rows and bytes of records, photos and what waits.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn usage(&self) -> Result<Usage, StoreError> {
        self.read(usage::read).await
    }

    /// Every photo and recording with its size in bytes.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn files(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.read(usage::files).await
    }

    /// Gives the space of what was removed back to the system, as far as the file allows it.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn give_space_back(&self) -> Result<(), StoreError> {
        self.read(usage::give_back).await
    }
}
