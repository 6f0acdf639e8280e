//! What the client tells its windows without being asked.

/// Something happened that a window may want to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// Values behind these tags changed; see [`Tag`].
    Changed {
        /// Words of [`Tag`].
        tags: Vec<String>,
    },
    /// A person should look now.
    Alert {
        /// Why.
        kind: AlertKind,
    },
}

/// Why a person should look now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// An emergency came into the queue.
    UrgentCase,
    /// A call rings.
    Ring,
    /// It is time to look again at a symptom check, or its questions were called back.
    CheckAgain,
}

impl AlertKind {
    /// The word that the window gets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UrgentCase => "urgent_case",
            Self::Ring => "ring",
            Self::CheckAgain => "check_again",
        }
    }
}

/// Groups of values that change together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// The app as a whole.
    App,
    /// What waits to be sent.
    Outbox,
    /// Sent and waiting reports.
    Reports,
    /// The open form.
    Draft,
    /// The clinicians' queue.
    Queue,
    /// A chart.
    Chart,
    /// The call.
    Visit,
    /// The manager's page.
    Manager,
    /// Summaries after visits.
    Summaries,
}

impl Tag {
    /// The words of all tags: everything may have changed.
    #[must_use]
    pub fn all() -> Vec<String> {
        let all = [
            Self::App,
            Self::Outbox,
            Self::Reports,
            Self::Draft,
            Self::Queue,
            Self::Chart,
            Self::Visit,
            Self::Manager,
            Self::Summaries,
        ];
        all.map(|tag| tag.as_str().to_owned()).to_vec()
    }

    /// The word that the window gets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Outbox => "outbox",
            Self::Reports => "reports",
            Self::Draft => "draft",
            Self::Queue => "queue",
            Self::Chart => "chart",
            Self::Visit => "visit",
            Self::Manager => "manager",
            Self::Summaries => "summaries",
        }
    }
}
