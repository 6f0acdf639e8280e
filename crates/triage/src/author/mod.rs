//! Authoring: tables in YAML, the linter and the builder.
