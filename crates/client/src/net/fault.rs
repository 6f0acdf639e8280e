//! Why the server could not be used, in the words that the screen has a next step for.

use hms_core::outbox::Answer;
use hms_model::view::{ErrorCode, NetworkProblem};

use crate::error::ClientError;

/// A request that did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// No connection.
    #[error("the server cannot be reached")]
    Unreachable,
    /// No answer in time.
    #[error("the server answers too slowly")]
    Slow,
    /// The connection broke in the middle.
    #[error("the connection broke")]
    Cut,
    /// Something else answered: a sign-in page of a public network.
    #[error("something else than the server answered")]
    NotOurServer,
    /// The network's proxy refused to connect to the server.
    #[error("the proxy does not connect to the server")]
    Proxy,
    /// The certificate is not from the authority that this profile trusts.
    #[error("the certificate is not trusted")]
    NotTrusted,
    /// 5xx.
    #[error("the server has a fault (status {0})")]
    Server(u16),
    /// 401, also after a refresh.
    #[error("signed out")]
    SignInNeeded,
    /// Another refusal.
    #[error("the server refused (status {0})")]
    Refused(u16),
    /// The answer cannot be understood.
    #[error("the answer cannot be understood")]
    Unreadable,
}

impl Fault {
    /// What the screen says about the link; `None` where the link itself is fine.
    pub(crate) fn problem(self) -> Option<NetworkProblem> {
        match self {
            Self::Unreachable | Self::Cut => Some(NetworkProblem::Unreachable),
            Self::Slow => Some(NetworkProblem::Slow),
            Self::NotOurServer => Some(NetworkProblem::NotOurServer),
            Self::Proxy => Some(NetworkProblem::ProxyRefused),
            Self::NotTrusted => Some(NetworkProblem::NotTrusted),
            Self::Server(_) | Self::Unreadable => Some(NetworkProblem::ServerFault),
            Self::SignInNeeded => Some(NetworkProblem::SignInNeeded),
            Self::Refused(_) => None,
        }
    }

    /// Whether a server that answers so may name a time to wait: it is asked too much, or away for a while.
    pub(crate) fn asks_to_wait(self) -> bool {
        matches!(self, Self::Refused(429) | Self::Server(503))
    }

    /// The same for the outbox's classification.
    pub(crate) fn answer(self) -> Answer {
        match self {
            // Nothing of the request has left the proxy.
            Self::Unreachable | Self::Proxy => Answer::Unreachable,
            Self::Slow => Answer::TimedOut,
            Self::Cut => Answer::Cut,
            Self::NotOurServer => Answer::NotOurServer,
            Self::NotTrusted => Answer::NotTrusted,
            Self::Server(status) | Self::Refused(status) => Answer::Status(status),
            Self::SignInNeeded => Answer::Status(401),
            Self::Unreadable => Answer::Unreadable,
        }
    }

    /// The fault behind a failed request.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Slow;
        }
        if is_of_tls(error) {
            return Self::NotTrusted;
        }
        if is_of_proxy(error) {
            return Self::Proxy;
        }
        if error.is_connect() {
            Self::Unreachable
        } else {
            // A body that breaks off counts as cut; what is in it is judged by whoever reads it.
            Self::Cut
        }
    }

    /// The fault behind an answer, if it is one. `html` is true where a web page came back.
    pub(crate) fn of_status(status: u16, html: bool) -> Option<Self> {
        match status {
            300..=399 | 511 => Some(Self::NotOurServer),
            200..=299 if html => Some(Self::NotOurServer),
            200..=299 => None,
            401 => Some(Self::SignInNeeded),
            400..=499 if html => Some(Self::NotOurServer),
            400..=499 => Some(Self::Refused(status)),
            _ => Some(Self::Server(status)),
        }
    }
}

/// Whether a TLS error is among the causes. They travel inside (nested) io errors, which hide them from `source`.
fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    inner.is_some_and(|inner| is_of_tls(inner)) || error.source().is_some_and(is_of_tls)
}

/// Whether a proxy gave an answer that is no tunnel. Its error is of a type that cannot be named: only its words tell it, and the
/// tests of the proxy hold them fast.
fn is_of_proxy(error: &(dyn std::error::Error + 'static)) -> bool {
    let words = error.to_string();
    let refused = [
        "proxy authorization required",
        "unsuccessful",
        "proxy response headers too long",
        "unexpected end of file",
    ];
    let here = words
        .strip_prefix("tunnel error: ")
        .is_some_and(|why| refused.contains(&why));
    here || error.source().is_some_and(is_of_proxy)
}

impl From<Fault> for ClientError {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::Refused(403) => ErrorCode::NotAllowed,
            Fault::Refused(404 | 410) => ErrorCode::NotFound,
            Fault::Refused(409 | 412) => ErrorCode::Changed,
            Fault::Refused(413) => ErrorCode::BadFile,
            // Nothing is wrong with what was sent: it is for later.
            Fault::Refused(429) => ErrorCode::Offline,
            Fault::Refused(_) => ErrorCode::Invalid,
            Fault::Unreachable
            | Fault::Slow
            | Fault::Cut
            | Fault::NotOurServer
            | Fault::Proxy
            | Fault::NotTrusted
            | Fault::Server(_)
            | Fault::SignInNeeded
            | Fault::Unreadable => ErrorCode::Offline,
        };
        Self::caused(code, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_page_is_never_our_server() {
        assert_eq!(Fault::of_status(200, true), Some(Fault::NotOurServer));
        assert_eq!(Fault::of_status(302, false), Some(Fault::NotOurServer));
        assert_eq!(Fault::of_status(403, true), Some(Fault::NotOurServer));
        assert_eq!(Fault::of_status(200, false), None);
    }

    #[test]
    fn a_server_fault_is_told_apart_from_a_refusal() {
        assert_eq!(
            Fault::of_status(502, true).and_then(Fault::problem),
            Some(NetworkProblem::ServerFault)
        );
        assert_eq!(Fault::of_status(422, false).and_then(Fault::problem), None);
        assert_eq!(
            Fault::of_status(401, false).and_then(Fault::problem),
            Some(NetworkProblem::SignInNeeded)
        );
        let said = |status| ClientError::from(Fault::Refused(status)).code;
        assert_eq!((said(429), said(422)), (ErrorCode::Offline, ErrorCode::Invalid));
    }
}
