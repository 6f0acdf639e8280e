//! The server as the world sees it: it is killed in the middle, put back to an older backup, and its clock is turned.

use crate::district::{self, World};
use axum::Router;
use hms_server::app::App;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts;
use hms_server::data_dir::DataDir;
use hms_server::db::{DbError, Tx, WriteError};
use hms_server::service::sync;
use hms_server::settings::Settings;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Backups that are kept at most.
const BACKUPS: usize = 3;

/// Accounts that histories disable.
pub const MAY_BE_DISABLED: [&str; 3] = ["dana", "sam", "ada"];

pub struct Server {
    world: World,
    /// All routes of this process; a new one has its own.
    router: Router,
    /// Cursors of another epoch are of a database that is no more.
    pub epoch: String,
    backups: Vec<TempDir>,
    disabled: BTreeSet<&'static str>,
}

impl std::ops::Deref for Server {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Server {
    pub async fn new() -> Self {
        let world = World::new().await;
        let mut server = Self {
            router: world.app.router(),
            world,
            epoch: String::new(),
            backups: Vec::new(),
            disabled: BTreeSet::new(),
        };
        server.read_epoch().await;
        server
    }

    async fn read_epoch(&mut self) {
        let epoch: Result<String, DbError> = self.app.db.write(|tx: &mut Tx<'_>| sync::epoch(tx)).await;
        self.epoch = epoch.expect("an epoch");
    }

    /// The process ends without a word, and another opens what is on the disk.
    pub fn kill(&mut self) {
        let temp = TempDir::new().expect("a folder");
        copy(&self.root(), &temp.path().join("data"), &|_| true);
        self.open(temp);
    }

    /// Whether there is something to go back to.
    pub fn has_backup(&self) -> bool {
        !self.backups.is_empty()
    }

    /// Copies the database away, as the command does.
    pub fn back_up(&mut self) {
        let temp = TempDir::new().expect("a folder");
        self.app.db.copy_to(&temp.path().join("ach.db")).expect("copies");
        self.backups.push(temp);
        if self.backups.len() > BACKUPS {
            self.backups.remove(0);
        }
    }

    /// Backups are of one history: another one's beginning is not gone back behind.
    pub fn forget_backups(&mut self) {
        self.backups.clear();
    }

    /// Everything since a backup is gone; later backups are of what is gone.
    pub async fn restore(&mut self, which: usize) {
        let which = which % self.backups.len();
        self.backups.truncate(which + 1);
        let temp = TempDir::new().expect("a folder");
        let root = temp.path().join("data");
        copy(&self.root(), &root, &|name| !name.starts_with("ach.db"));
        std::fs::copy(self.backups[which].path().join("ach.db"), root.join("ach.db")).expect("copies");
        self.open(temp);
        let renewed: Result<String, DbError> =
            self.app.db.write(|tx: &mut Tx<'_>| sync::renew_epoch(tx)).await;
        self.epoch = renewed.expect("an epoch");
        // Accounts are what they were before the restore, also those that the backup has as disabled.
        let disabled = std::mem::take(&mut self.disabled);
        for who in MAY_BE_DISABLED {
            self.set_disabled(who, disabled.contains(who)).await;
        }
    }

    fn root(&self) -> PathBuf {
        self.world.temp.path().join("data")
    }

    fn open(&mut self, temp: TempDir) {
        let dir = DataDir::open(&temp.path().join("data")).expect("data");
        let clock = self.world.app.clock.clone();
        self.world.app = App::open_with(&dir, clock, Settings::default()).expect("opens");
        self.world.temp = temp;
        self.router = self.world.app.router();
    }

    /// All routes, made once for each process.
    pub fn routes(&self) -> Router {
        self.router.clone()
    }

    /// Somebody may not sign in any more, and whoever is signed in as them is not; or may again.
    pub async fn set_disabled(&mut self, who: &'static str, disabled: bool) {
        let agent = AuditAgent::service();
        let done = self
            .app
            .db
            .write(move |tx: &mut Tx<'_>| {
                accounts::set_disabled(tx, who, disabled, &agent).map_err(|_| DbError::Closed)
            })
            .await;
        done.expect("an account");
        if disabled {
            self.disabled.insert(who);
        } else {
            self.disabled.remove(who);
        }
    }

    pub fn is_disabled(&self, who: &str) -> bool {
        self.disabled.contains(who)
    }

    /// Everybody may sign in again.
    pub async fn enable_all(&mut self) {
        for who in self.disabled.clone() {
            self.set_disabled(who, false).await;
        }
    }

    /// A carrier works at another site from now on.
    pub async fn transfer(&self, who: &str, site: &str) {
        let all = self.stored("Patient").await;
        let mut patient = all
            .into_iter()
            .find(|patient| district::text(patient, "id") == who)
            .expect("a patient");
        patient["managingOrganization"]["reference"] = format!("Organization/{site}").into();
        self.put(patient).await;
    }

    /// A nurse has another district from now on.
    pub async fn assign(&self, who: &str, district: &str) {
        let (who, district) = (format!("u-{who}"), district.to_owned());
        self.change(move |tx| {
            tx.conn()
                .execute("UPDATE user SET district = ?1 WHERE id = ?2", [&district, &who])
                .map(drop)
                .map_err(|source| {
                    WriteError::from(DbError::Sql {
                        what: "assign",
                        source,
                    })
                })
        })
        .await;
    }

    /// Somebody removes an entry of the queue for good.
    pub async fn remove(&self, id: &str) {
        let id = id.to_owned();
        self.change(move |tx| tx.delete("Task", &id, None).map(drop))
            .await;
    }
}

fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // The index of the log is made anew from it; the lock is of the process that is no more.
        if name.ends_with("-shm") || name == "lock" || !wanted(&name) {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(&name), wanted);
        } else {
            std::fs::copy(entry.path(), to.join(&name)).expect("copies");
        }
    }
}
