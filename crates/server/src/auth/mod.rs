//! Who may do what: accounts, tokens, the OpenID Connect issuer, and the access policy.

pub mod accounts;
pub mod actor;
pub mod attempts;
pub mod external;
pub mod keys;
pub mod links;
pub mod oidc;
pub mod password;
pub mod policy;
pub mod relation;
pub mod revoked;
pub mod signin;
pub mod standing;
pub mod tokens;

pub use actor::Actor;
