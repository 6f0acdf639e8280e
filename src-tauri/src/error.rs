//! What a failed command tells the window: a code with words in the catalogue, and a number for support.

use hms_client::ClientError;
use hms_model::view::CommandError;

/// Turns the client's answer into the window's, and writes the cause to the log under the same number.
///
/// # Errors
/// The client's error, without its cause.
pub fn reply<T>(result: Result<T, ClientError>) -> Result<T, CommandError> {
    result.map_err(|error| {
        tracing::warn!(reference = error.reference, code = ?error.code, cause = error.chain(), "A command failed");
        error.to_view()
    })
}
