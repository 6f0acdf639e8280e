//! HMS-ACH client.
