//! HMS-ACH store.
