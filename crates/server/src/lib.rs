//! HMS-ACH server.
