//! HMS-ACH media.
