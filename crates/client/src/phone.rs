//! A phone that several people use: each has a profile of their own below one folder (database, keys, journal, device id),
//! and one of them is in front. What one does never touches what another has; what a locked one has in the journal is
//! handed in meanwhile, in the name of its writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hms_core::metered::said_by_system;
use hms_model::view::{ErrorCode, LargeMedia, PhoneView, StorageView};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;

use crate::client::Client;
use crate::commands::{size_of, tell_apart};
use crate::config::{Opener, ProfileConfig};
use crate::error::ClientError;
use crate::event::{ClientEvent, Tag};

/// Folder of the profiles of all but the first person.
pub(crate) const PEOPLE: &str = "people";
/// File that names who was in front last.
const FRONT: &str = "front";
const MAIN: &str = "main";
/// People on one phone, at most.
const MOST: usize = 8;
const EVENTS: usize = 256;

/// A phone with everybody on it. Clones share it.
#[derive(Clone)]
pub struct Phone {
    inner: Arc<Inner>,
}

struct Inner {
    template: Template,
    events: broadcast::Sender<ClientEvent>,
    seats: Mutex<Seats>,
    /// What the system says of the link: for whoever comes later too.
    link: Mutex<Option<bool>>,
    /// One change of who is there at a time.
    moving: tokio::sync::Mutex<()>,
}

struct Seats {
    all: Vec<Seat>,
    front: String,
}

#[derive(Clone)]
struct Seat {
    name: String,
    dir: PathBuf,
    client: Client,
    forward: AbortHandle,
}

/// What every profile of this phone is started with.
struct Template {
    config: ProfileConfig,
    opener: Arc<Opener>,
}

impl Template {
    fn new(mut config: ProfileConfig) -> Self {
        let opener = std::mem::replace(&mut config.opener, Box::new(|_| false));
        Self {
            config,
            opener: Arc::new(opener),
        }
    }

    fn of(&self, dir: &Path) -> ProfileConfig {
        let config = &self.config;
        let opener = Arc::clone(&self.opener);
        ProfileConfig {
            dir: dir.to_owned(),
            server: config.server.clone(),
            vault: config.vault,
            clock: Arc::clone(&config.clock),
            opener: Box::new(move |address| (*opener)(address)),
            position: config.position.clone(),
            media: config.media.clone(),
            staff: config.staff,
            locale: config.locale.clone(),
            downloads: config.downloads.clone(),
        }
    }
}

impl Phone {
    /// Opens the profiles of everybody on this phone; whoever was in front last is in front, locked.
    ///
    /// # Errors
    /// A profile's folder cannot be used.
    pub async fn start(config: ProfileConfig) -> Result<Self, ClientError> {
        let root = config.dir.clone();
        std::fs::create_dir_all(&root).map_err(ClientError::internal)?;
        let (events, _) = broadcast::channel(EVENTS);
        let template = Template::new(config);
        let mut all = Vec::new();
        for (name, dir) in profiles(&root) {
            all.push(seat(&template, &events, name, dir).await?);
        }
        let wanted = std::fs::read_to_string(root.join(FRONT)).unwrap_or_default();
        let front = all.iter().find(|seat| seat.name == wanted.trim());
        let front = front.map_or_else(|| MAIN.to_owned(), |seat| seat.name.clone());
        let phone = Self {
            inner: Arc::new(Inner {
                template,
                events,
                seats: Mutex::new(Seats { all, front }),
                link: Mutex::new(None),
                moving: tokio::sync::Mutex::new(()),
            }),
        };
        phone.tell_who_is_here();
        Ok(phone)
    }

    /// The profile in front.
    #[must_use]
    pub fn client(&self) -> Client {
        let seats = self.seats();
        let front = seats.all.iter().find(|seat| seat.name == seats.front);
        let seat = front.or(seats.all.first());
        seat.expect("a phone has the profile of its first person")
            .client
            .clone()
    }

    /// What changes for whoever looks at the phone.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ClientEvent> {
        self.inner.events.subscribe()
    }

    /// The phone and everybody on it.
    ///
    /// # Errors
    /// The phone is closing.
    pub async fn phone_state(&self) -> Result<PhoneView, ClientError> {
        let (all, front) = self.everybody();
        let mut view = PhoneView {
            people: Vec::new(),
            room: true,
            safe_to_hand_over: true,
            leaving: None,
            left: None,
            copied: false,
            offline_too_long: None,
        };
        let mut taken = 0;
        for seat in &all {
            let now = seat.client.seat_now().await?;
            let here = seat.name == front;
            view.safe_to_hand_over &= now.waiting.nothing() && now.leaving.is_none();
            if here {
                view.leaving = now.leaving;
                view.left = now.left;
                view.copied = now.copied;
                view.offline_too_long = now.offline_too_long;
            }
            if here || !now.is_empty() {
                view.people.push(now.person(&seat.name, here));
            }
            taken += usize::from(!now.is_empty());
        }
        tell_apart(&mut view.people);
        view.room = taken < MOST;
        Ok(view)
    }

    /// Brings somebody else to the front; whoever was there is locked first.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where there is no such person.
    pub async fn choose_person(&self, seat: String) -> Result<PhoneView, ClientError> {
        let _moving = self.inner.moving.lock().await;
        self.bring(&seat).await?;
        self.tidy().await?;
        self.phone_state().await
    }

    /// Makes room for somebody who has not signed in here yet.
    ///
    /// # Errors
    /// [`ErrorCode::Taken`] where the phone has no room for one more.
    pub async fn someone_else(&self) -> Result<PhoneView, ClientError> {
        let _moving = self.inner.moving.lock().await;
        let (all, _) = self.everybody();
        let mut empty = None;
        for seat in &all {
            if seat.client.seat_now().await?.is_empty() {
                empty = Some(seat.name.clone());
            }
        }
        let name = match empty {
            Some(name) => name,
            None if all.len() >= MOST => return Err(ClientError::new(ErrorCode::Taken)),
            None => self.add(&all).await?,
        };
        self.bring(&name).await?;
        self.phone_state().await
    }

    /// [`Client::leave_phone`] of whoever is in front.
    ///
    /// # Errors
    /// As there.
    pub async fn leave_phone(&self) -> Result<PhoneView, ClientError> {
        self.client().leave_phone().await?;
        self.phone_state().await
    }

    /// [`Client::storage`] of whoever is in front, with the bytes of everybody else.
    ///
    /// # Errors
    /// As there.
    pub async fn storage(&self) -> Result<StorageView, ClientError> {
        let view = self.client().storage().await?;
        Ok(self.with_others(view))
    }

    /// [`Client::set_large_media`] of whoever is in front.
    ///
    /// # Errors
    /// As there.
    pub async fn set_large_media(&self, choice: LargeMedia) -> Result<StorageView, ClientError> {
        let view = self.client().set_large_media(choice).await?;
        Ok(self.with_others(view))
    }

    /// [`Client::mark_link_costly`] of whoever is in front.
    ///
    /// # Errors
    /// As there.
    pub async fn mark_link_costly(&self, costs: bool) -> Result<StorageView, ClientError> {
        let view = self.client().mark_link_costly(costs).await?;
        Ok(self.with_others(view))
    }

    /// What the system says of the link, for everybody on this phone: its kind as the window names it, and whether data
    /// is to be saved.
    ///
    /// # Errors
    /// The phone is closing.
    pub async fn link_is(&self, kind: Option<String>, save_data: bool) -> Result<(), ClientError> {
        let metered = said_by_system(kind.as_deref(), save_data);
        *self.inner.link.lock().unwrap_or_else(PoisonError::into_inner) = metered;
        let (all, _) = self.everybody();
        for seat in all {
            seat.client.set_link_metered(metered).await?;
        }
        Ok(())
    }

    /// [`Client::free_up`] of whoever is in front.
    ///
    /// # Errors
    /// As there.
    pub async fn free_up(&self) -> Result<StorageView, ClientError> {
        let view = self.client().free_up().await?;
        Ok(self.with_others(view))
    }

    /// Adds what others have on this phone.
    fn with_others(&self, mut view: StorageView) -> StorageView {
        let (all, front) = self.everybody();
        let others = all.iter().filter(|seat| seat.name != front);
        #[expect(clippy::cast_precision_loss, reason = "bytes of a disk are below 2^53")]
        let bytes = others.map(|seat| size_of(&seat.dir)).sum::<u64>() as f64;
        view.others_bytes = bytes;
        view
    }

    /// Ends everybody's profile.
    pub async fn shutdown(&self) {
        let (all, _) = self.everybody();
        for seat in all {
            seat.forward.abort();
            seat.client.shutdown().await;
        }
    }

    async fn bring(&self, name: &str) -> Result<(), ClientError> {
        let (all, front) = self.everybody();
        if !all.iter().any(|seat| seat.name == name) {
            return Err(ClientError::new(ErrorCode::NotFound));
        }
        if name != front {
            self.client().lock().await?;
            let path = self.inner.template.config.dir.join(FRONT);
            if let Err(error) = std::fs::write(path, name) {
                tracing::warn!(%error, "Who is in front could not be kept");
            }
            name.clone_into(&mut self.seats().front);
            self.tell_who_is_here();
        }
        let _ = self.inner.events.send(ClientEvent::Changed { tags: Tag::all() });
        Ok(())
    }

    async fn add(&self, all: &[Seat]) -> Result<String, ClientError> {
        let root = &self.inner.template.config.dir;
        let free = |name: &String| !all.iter().any(|seat| seat.name == *name);
        let names = (2_u32..).map(|number| format!("p{number}"));
        let name = names.into_iter().find(free).unwrap_or_default();
        let dir = root.join(PEOPLE).join(&name);
        let seat = seat(&self.inner.template, &self.inner.events, name.clone(), dir).await?;
        let link = *self.inner.link.lock().unwrap_or_else(PoisonError::into_inner);
        seat.client.set_link_metered(link).await?;
        self.seats().all.push(seat);
        Ok(name)
    }

    /// Removes the folders of people who went off this phone, once somebody else is in front. What holds anything that
    /// may be unsent stays.
    async fn tidy(&self) -> Result<(), ClientError> {
        let (all, front) = self.everybody();
        for seat in all.iter().filter(|seat| seat.name != front && seat.name != MAIN) {
            if !seat.client.seat_now().await?.is_empty() || holds_more(&seat.dir) {
                continue;
            }
            seat.forward.abort();
            seat.client.shutdown().await;
            self.seats().all.retain(|other| other.name != seat.name);
            if let Err(error) = std::fs::remove_dir_all(&seat.dir) {
                tracing::warn!(%error, "An empty profile could not be removed");
            }
        }
        Ok(())
    }

    /// Tells each profile who else is here: nobody signs in at another's place, nor at two.
    fn tell_who_is_here(&self) {
        let (all, _) = self.everybody();
        for seat in &all {
            let others = all.iter().filter(|other| other.name != seat.name);
            let owners = others
                .map(|other| Arc::clone(&other.client.shared.owner))
                .collect();
            *seat
                .client
                .shared
                .neighbours
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(owners);
        }
    }

    fn everybody(&self) -> (Vec<Seat>, String) {
        let seats = self.seats();
        (seats.all.clone(), seats.front.clone())
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.inner.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Name and folder of every profile, the first person's first.
fn profiles(root: &Path) -> Vec<(String, PathBuf)> {
    let mut found = vec![(MAIN.to_owned(), root.to_owned())];
    let entries = std::fs::read_dir(root.join(PEOPLE))
        .into_iter()
        .flatten()
        .flatten();
    let mut others: Vec<(String, PathBuf)> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect();
    others.sort();
    found.extend(others);
    found
}

async fn seat(
    template: &Template,
    events: &broadcast::Sender<ClientEvent>,
    name: String,
    dir: PathBuf,
) -> Result<Seat, ClientError> {
    let client = Client::start(template.of(&dir)).await?;
    let (mut from, to) = (client.events(), events.clone());
    // Windows ask again for what a tag names; of somebody who is not in front that shows nothing but the counts.
    let forward = tokio::spawn(async move {
        use broadcast::error::RecvError;
        loop {
            let event = match from.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(_)) => ClientEvent::Changed { tags: Tag::all() },
                Err(RecvError::Closed) => return,
            };
            let _ = to.send(event);
        }
    });
    Ok(Seat {
        name,
        dir,
        client,
        forward: forward.abort_handle(),
    })
}

/// Whether a folder holds what was set aside, or bytes that may be entries.
fn holds_more(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.any(|name| name.starts_with("set-aside") || name == "unsent.damaged")
}
