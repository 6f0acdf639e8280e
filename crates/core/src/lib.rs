//! HMS-ACH core.
