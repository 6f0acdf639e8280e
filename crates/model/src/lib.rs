//! HMS-ACH model.
