//! HMS-ACH triage.
