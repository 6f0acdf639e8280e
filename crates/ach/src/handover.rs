//! `ach hand-over`: unsent work as a file.

use crate::args::HandOver;
use crate::failure::Failure;
use crate::say::say;
use crate::session::{open_if_it_may, print};
use hms_client::Client;
use hms_model::view::ErrorCode;

/// Writes a file, or takes one in.
pub async fn run(client: &Client, task: &HandOver, json: bool) -> Result<(), Failure> {
    match task {
        HandOver::Export { folder } => {
            open_if_it_may(client).await?;
            let written = match client.hand_over_to(folder.clone()).await {
                Err(error) if error.code == ErrorCode::NotFound => {
                    say!("nothing waits to be sent");
                    return Ok(());
                }
                written => written?,
            };
            if json {
                return print(&written);
            }
            say!("{} entries in {}", written.entries, written.path);
            say!("They wait here as well, and count once however they arrive.");
        }
        HandOver::Import { file } => {
            let text = std::fs::read_to_string(file).map_err(|source| Failure::File {
                what: "read",
                file: file.clone(),
                source,
            })?;
            let taken = client.take_in(text).await?;
            if json {
                print(&taken)?;
            } else {
                say!(
                    "{} taken by the server, {} it had already, {} refused",
                    taken.taken,
                    taken.known,
                    taken.refused
                );
            }
            if taken.refused > 0 {
                return Err(Failure::Waited(
                    "the server did not take all of it: keep the file, and the phone it is from",
                ));
            }
        }
    }
    Ok(())
}
