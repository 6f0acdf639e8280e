//! `ach-server user …` and `ach-server device …`.

use super::{link_url, operator_agent, Data};
use crate::app::App;
use crate::auth::accounts::{self, AccountError, LinkPurpose, NewAccount};
use crate::auth::password;
use crate::db::sqlite::table::{device, user};
use crate::db::{DbError, Tx};
use anyhow::Context;
use clap::Subcommand;
use hms_model::role::Role;
use hms_model::secret::Secret;
use hms_model::time::Timestamp;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add an account; without --password-file it prints a link by which the person sets a password.
    Add {
        /// Sign-in name.
        username: String,
        /// carrier, clinician, nurse, manager, hr, compliance, administrator or system.
        #[arg(long, value_parser = parse_role)]
        role: Role,
        /// Name to show.
        #[arg(long)]
        name: String,
        /// The person's resource: Patient/ID for a carrier, Practitioner/ID for staff.
        #[arg(long, value_name = "TYPE/ID")]
        fhir: Option<String>,
        /// Organization id of the site, for carriers and managers.
        #[arg(long, value_name = "ID")]
        site: Option<String>,
        /// Organization id of the district, for nurses and clinicians.
        #[arg(long, value_name = "ID")]
        district: Option<String>,
        /// Scopes of a system account, such as "system/Observation.rs system/Patient.r".
        #[arg(long, default_value = "")]
        scopes: String,
        /// File whose first line is the password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        data: Data,
    },
    /// Keep an account from signing in, and end its sign-ins.
    Disable {
        /// Sign-in name.
        username: String,
        #[command(flatten)]
        data: Data,
    },
    /// Let a disabled account sign in again.
    Enable {
        /// Sign-in name.
        username: String,
        #[command(flatten)]
        data: Data,
    },
    /// For a forgotten PIN or password: end the sign-ins, and print a link for a new password.
    ResetPin {
        /// Sign-in name.
        username: String,
        #[command(flatten)]
        data: Data,
    },
    /// List accounts.
    List {
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// List devices.
    List {
        /// Only those of this account.
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        data: Data,
    },
    /// Take a device's access away, for good.
    Revoke {
        /// Device id.
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

fn parse_role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| {
        let words: Vec<&str> = Role::ALL.iter().map(|r| r.as_str()).collect();
        format!("one of {}", words.join(", "))
    })
}

/// Which of these references lead nowhere.
fn not_here<'a>(app: &App, references: impl Iterator<Item = &'a String>) -> Result<Vec<String>, DbError> {
    let references: Vec<String> = references.cloned().collect();
    app.db.read_blocking(|read| {
        let mut missing = Vec::new();
        for reference in references {
            let (kind, id) = reference.split_once('/').unwrap_or(("", &reference));
            if read.get(kind, id)?.is_none() {
                missing.push(reference);
            }
        }
        Ok(missing)
    })
}

pub(super) fn user(command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add {
            username,
            role,
            name,
            fhir,
            site,
            district,
            scopes,
            password_file,
            data,
        } => {
            let (_, app) = data.open()?;
            let password_hash = match password_file {
                Some(path) => {
                    let text = std::fs::read_to_string(&path)
                        .with_context(|| format!("cannot read {}", path.display()))?;
                    let line = text.lines().next().unwrap_or_default().to_owned();
                    Some(password::hash(&Secret::new(line))?)
                }
                None => None,
            };
            let with_link = password_hash.is_none();
            let site_org = site.as_ref().map(|id| format!("Organization/{id}"));
            let missing = not_here(&app, fhir.iter().chain(&site_org))?;
            let new = NewAccount {
                username: username.clone(),
                role,
                name,
                fhir,
                site,
                district,
                scopes,
                password_hash,
            };
            let link =
                app.db
                    .write_blocking(move |tx: &mut Tx<'_>| -> Result<Option<String>, AccountError> {
                        let id = accounts::add(tx, new, &operator_agent())?;
                        if !with_link {
                            return Ok(None);
                        }
                        Ok(Some(accounts::make_link(
                            tx,
                            &LinkPurpose::SetPassword { user: id },
                        )?))
                    })?;
            println!("Added {username}.");
            for reference in missing {
                println!("Note: {reference} is not in this server yet. Import it, or {username} sees nothing of it.");
            }
            if let Some(link) = link {
                println!(
                    "They set their password with this link, once, within 24 hours:\n  {}",
                    link_url(&app, &link)
                );
            }
        }
        UserCommand::Disable { username, data } => set_disabled(&data, &username, true)?,
        UserCommand::Enable { username, data } => set_disabled(&data, &username, false)?,
        UserCommand::ResetPin { username, data } => {
            let (_, app) = data.open()?;
            let name = username.clone();
            let link = app
                .db
                .write_blocking(move |tx: &mut Tx<'_>| accounts::reset_pin(tx, &name, &operator_agent()))?;
            println!("{username} is signed out everywhere; what is unsent stays on their device.");
            println!(
                "They set a new password with this link, once, within 24 hours:\n  {}",
                link_url(&app, &link)
            );
        }
        UserCommand::List { data } => {
            let (_, app) = data.open()?;
            let users = app
                .db
                .read_blocking(|read| -> Result<_, DbError> { user::all(read.conn()) })?;
            for account in users {
                let state = if account.disabled { "disabled" } else { "active" };
                let fhir = account.fhir.unwrap_or_default();
                println!(
                    "{}\t{}\t{}\t{}\t{}",
                    account.username,
                    account.role.as_str(),
                    state,
                    account.id,
                    fhir
                );
            }
        }
    }
    Ok(())
}

fn set_disabled(data: &Data, username: &str, disabled: bool) -> anyhow::Result<()> {
    let (_, app) = data.open()?;
    let name = username.to_owned();
    app.db.write_blocking(move |tx: &mut Tx<'_>| {
        accounts::set_disabled(tx, &name, disabled, &operator_agent())
    })?;
    println!(
        "{username} is {}.",
        if disabled {
            "disabled and signed out"
        } else {
            "enabled"
        }
    );
    Ok(())
}

pub(super) fn device(command: DeviceCommand) -> anyhow::Result<()> {
    match command {
        DeviceCommand::List { user: username, data } => {
            let (_, app) = data.open()?;
            let devices = app.db.read_blocking(|read| -> Result<_, AccountError> {
                let user_id = match username {
                    Some(name) => {
                        let found = user::by_name(read.conn(), &name.to_lowercase())?;
                        Some(found.ok_or(AccountError::Unknown)?.0.id)
                    }
                    None => None,
                };
                Ok(device::list(read.conn(), user_id.as_deref())?)
            })?;
            for d in devices {
                let state = if d.revoked_ms.is_some() {
                    "revoked"
                } else {
                    "active"
                };
                println!(
                    "{}\t{}\t{}\t{}\t{}",
                    d.id,
                    d.user_id,
                    state,
                    Timestamp(d.seen_ms).to_instant(),
                    d.name
                );
            }
        }
        DeviceCommand::Revoke { id, data } => {
            let (_, app) = data.open()?;
            let wanted = id.clone();
            let known = app.db.write_blocking(move |tx: &mut Tx<'_>| {
                accounts::revoke_device(tx, &wanted, &operator_agent())
            })?;
            if !known {
                anyhow::bail!("there is no device {id}; see: ach-server device list");
            }
            println!("{id} may no longer connect.");
        }
    }
    Ok(())
}
