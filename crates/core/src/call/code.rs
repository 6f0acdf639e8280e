//! The short code of a call: six digits that two people read to each other, to hear that nobody sits between their engines.
//!
//! The engines' fingerprints come over the server, and whoever runs it could put others in their place. Six digits made of
//! the fingerprints alone could be searched for: a million certificates are made in minutes. So who offers binds itself
//! first to a secret number, who answers then names one of their own, and only then is the first told, over the secured
//! channel. Whoever sits in the middle has to choose their numbers before they know the others, and has one guess in a million
//! for each call.

use hms_model::view::VisitCode;
use hms_model::wire::signal::SdpKind;
use sha2::{Digest, Sha256};

/// First byte of the message that tells the offerer's number.
pub const REVEAL: u8 = 4;
/// In an offer: what the offerer is bound to.
const COMMIT: &str = "a=x-hms-code-commit:";
/// In an answer: the answerer's number.
const NONCE: &str = "a=x-hms-code-nonce:";
const FINGERPRINT: &str = "a=fingerprint:";
const COMMIT_LABEL: &[u8] = b"hms-ach visit code commit 1";
const CODE_LABEL: &[u8] = b"hms-ach visit code 1";
/// Codes are below this: six digits.
const CODES: u64 = 1_000_000;

type Hash = [u8; 32];
/// A secret number of one transport. Never used for a second one.
pub type Nonce = [u8; 16];

/// What a code is made with.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeSeed {
    /// The visit, the same on both sides.
    pub visit: String,
    /// From the system's source of chance, new for each transport.
    pub nonce: Nonce,
}

impl std::fmt::Debug for CodeSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeSeed(«hidden»)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Offers,
    Answers,
}

/// One transport's part in making the code. The first descriptions that the engine takes decide it, as they decide whom the
/// engine speaks with; later ones look for new paths and must say the same.
#[derive(Debug, Clone, Default)]
pub struct ShortCode {
    seed: Option<CodeSeed>,
    role: Option<Role>,
    own: Option<Hash>,
    /// The far side's fingerprint, and its number (an answer) or what it is bound to (an offer).
    far: Option<(Hash, Vec<u8>)>,
    told: bool,
    /// The far side's description is known.
    met: bool,
    state: VisitCode,
}

impl ShortCode {
    /// A transport that has not described itself; without a seed there is no code.
    #[must_use]
    pub fn new(seed: Option<CodeSeed>) -> Self {
        let state = match seed {
            Some(_) => VisitCode::Waiting,
            None => VisitCode::None,
        };
        Self {
            seed,
            state,
            ..Self::default()
        }
    }

    /// What the screen shows.
    #[must_use]
    pub fn state(&self) -> &VisitCode {
        &self.state
    }

    /// The line that goes into a description of this side, which the engine has just made; none where this side makes no
    /// code.
    pub fn describe(&mut self, kind: SdpKind, sdp: &str) -> Option<String> {
        let seed = self.seed.clone()?;
        let role = *self.role.get_or_insert(match kind {
            SdpKind::Offer => Role::Offers,
            SdpKind::Answer => Role::Answers,
        });
        let own = fingerprint(sdp)?;
        if *self.own.get_or_insert(own) != own {
            self.fail();
        }
        match (role, kind) {
            (Role::Offers, SdpKind::Offer) => Some(format!(
                "{COMMIT}{}",
                hex(&commitment(&seed.visit, &seed.nonce, &own))
            )),
            (Role::Answers, SdpKind::Answer) => Some(format!("{NONCE}{}", hex(&seed.nonce))),
            // Who is bound to a number does not tell it in an answer: that would be before its time.
            (Role::Offers, SdpKind::Answer) | (Role::Answers, SdpKind::Offer) => None,
        }
    }

    /// The far side's description, which the engine has just taken.
    pub fn hear(&mut self, kind: SdpKind, sdp: &str) {
        let role = *self.role.get_or_insert(match kind {
            SdpKind::Offer => Role::Answers,
            SdpKind::Answer => Role::Offers,
        });
        let (mark, length) = match (role, kind) {
            (Role::Offers, SdpKind::Answer) => (NONCE, 16),
            (Role::Answers, SdpKind::Offer) => (COMMIT, 32),
            (Role::Offers, SdpKind::Offer) | (Role::Answers, SdpKind::Answer) => return,
        };
        if self.seed.is_none() || self.state == VisitCode::Failed {
            return;
        }
        let Some(said) = sdp.lines().find_map(|line| line.strip_prefix(mark)) else {
            if self.far.is_some() {
                self.fail();
            } else {
                self.met = true;
                self.state = VisitCode::None;
            }
            return;
        };
        let said = unhex(said).filter(|bytes| bytes.len() == length);
        let (Some(said), Some(far)) = (said, fingerprint(sdp)) else {
            return self.fail();
        };
        if self.met && self.far.as_ref() != Some(&(far, said.clone())) {
            return self.fail();
        }
        self.met = true;
        self.far = Some((far, said));
    }

    /// The message that tells this side's number, once the secured channel is open; `None` where there is nothing to tell,
    /// or it was told.
    #[must_use]
    pub fn to_tell(&self) -> Option<Vec<u8>> {
        let waits = self.role == Some(Role::Offers) && self.far.is_some() && !self.told;
        let seed = self
            .seed
            .as_ref()
            .filter(|_| waits && self.state == VisitCode::Waiting)?;
        Some([&[REVEAL][..], &seed.nonce].concat())
    }

    /// The message has gone out: both sides can show the code.
    pub fn told(&mut self) {
        self.told = true;
        if let (VisitCode::Waiting, Some(seed), Some(own), Some((far, said))) =
            (&self.state, &self.seed, &self.own, &self.far)
        {
            let digits = digits(&seed.visit, [own, far], [&seed.nonce, said]);
            self.state = VisitCode::Digits { digits };
        }
    }

    /// A message of the far side that tells its number; others are passed over. A second one changes nothing.
    pub fn revealed(&mut self, message: &[u8]) {
        let (Some((&REVEAL, nonce)), Some(Role::Answers)) = (message.split_first(), self.role) else {
            return;
        };
        if self.state != VisitCode::Waiting {
            return;
        }
        if let (Some(seed), Some(own), Some((far, said))) = (&self.seed, &self.own, &self.far) {
            if nonce.len() == 16 && commitment(&seed.visit, nonce, far)[..] == said[..] {
                let digits = digits(&seed.visit, [far, own], [nonce, &seed.nonce]);
                self.state = VisitCode::Digits { digits };
            } else {
                self.fail();
            }
        }
    }

    fn fail(&mut self) {
        self.state = VisitCode::Failed;
    }
}

fn commitment(visit: &str, nonce: &[u8], fingerprint: &Hash) -> Hash {
    hash([COMMIT_LABEL, visit.as_bytes(), nonce, fingerprint])
}

/// Six digits from the fingerprints and numbers of who offered and who answered.
fn digits(visit: &str, fingerprints: [&Hash; 2], nonces: [&[u8]; 2]) -> String {
    let [offered, answered] = fingerprints;
    let [first, second] = nonces;
    let hash = hash([CODE_LABEL, visit.as_bytes(), offered, answered, first, second]);
    let [a, b, c, d, e, f, g, h, ..] = hash;
    // The few codes that come more often than others do so by less than one in 10^13.
    format!("{:06}", u64::from_be_bytes([a, b, c, d, e, f, g, h]) % CODES)
}

/// Each part with its length before it, so that no two lists of parts are the same bytes.
fn hash<const N: usize>(parts: [&[u8]; N]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The SHA-256 fingerprint of a description. `None` where it has none, or several that differ: then nobody could say which
/// of them the engine compares.
fn fingerprint(sdp: &str) -> Option<Hash> {
    let mut found = None;
    for line in sdp.lines() {
        let Some(value) = line.trim_end().strip_prefix(FINGERPRINT) else {
            continue;
        };
        let (kind, bytes) = value.split_once(' ')?;
        let bytes = unhex(&bytes.replace(':', ""))?;
        let print: Hash = bytes.try_into().ok()?;
        if !kind.eq_ignore_ascii_case("sha-256") || *found.get_or_insert(print) != print {
            return None;
        }
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::split_mix;

    fn side(number: u8) -> ShortCode {
        ShortCode::new(Some(CodeSeed {
            visit: "v1".into(),
            nonce: [number; 16],
        }))
    }

    /// A description with this engine's fingerprint, and a line before its media.
    fn sdp(print: u8, line: Option<&str>) -> String {
        let print: Vec<String> = (0..32).map(|_| format!("{print:02X}")).collect();
        let line = line.map(|line| format!("{line}\r\n")).unwrap_or_default();
        format!(
            "v=0\r\n{line}m=audio\r\na=fingerprint:sha-256 {}\r\n",
            print.join(":")
        )
    }

    /// Offer and answer of two engines with these fingerprints, each heard by the other.
    fn meet(caller: (&mut ShortCode, u8), called: (&mut ShortCode, u8)) {
        let offer = caller.0.describe(SdpKind::Offer, &sdp(caller.1, None));
        called.0.hear(SdpKind::Offer, &sdp(caller.1, offer.as_deref()));
        let answer = called.0.describe(SdpKind::Answer, &sdp(called.1, None));
        caller.0.hear(SdpKind::Answer, &sdp(called.1, answer.as_deref()));
    }

    fn tell(from: &mut ShortCode, to: &mut ShortCode) {
        let message = from.to_tell().expect("a number to tell");
        from.told();
        to.revealed(&message);
    }

    fn shown(side: &ShortCode) -> String {
        match side.state() {
            VisitCode::Digits { digits } => digits.clone(),
            other => panic!("no digits: {other:?}"),
        }
    }

    #[test]
    fn both_sides_show_the_same_six_digits_and_keep_them_through_new_paths() {
        let (mut caller, mut called) = (side(1), side(2));
        meet((&mut caller, 10), (&mut called, 20));
        assert_eq!(caller.state(), &VisitCode::Waiting, "nothing before it was told");
        tell(&mut caller, &mut called);

        let code = shown(&caller);
        assert!(
            code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
            "{code}"
        );
        assert_eq!(shown(&called), code);
        meet((&mut caller, 10), (&mut called, 20));
        assert_eq!((shown(&caller), shown(&called)), (code.clone(), code.clone()));
        assert_eq!(caller.to_tell(), None, "told once");

        let (mut caller, mut called) = (side(3), side(2));
        meet((&mut caller, 10), (&mut called, 20));
        tell(&mut caller, &mut called);
        assert_ne!(shown(&caller), code, "a new transport has a new code");
    }

    #[test]
    fn who_sits_between_with_other_fingerprints_is_heard() {
        let mut same = 0;
        for round in 0..500_u64 {
            let nonce = |n: u64| {
                let number = split_mix(round * 8 + n);
                let mut nonce = [0; 16];
                nonce[..8].copy_from_slice(&number.to_be_bytes());
                CodeSeed {
                    visit: "v1".into(),
                    nonce,
                }
            };
            let [mut caller, mut far, mut near, mut called] =
                [0, 1, 2, 3].map(|n| ShortCode::new(Some(nonce(n))));
            // Towards the caller with fingerprint 30, towards the called one with 40.
            meet((&mut caller, 10), (&mut far, 30));
            meet((&mut near, 40), (&mut called, 20));
            tell(&mut caller, &mut far);
            tell(&mut near, &mut called);
            same += u32::from(shown(&caller) == shown(&called));
        }
        assert_eq!(same, 0);
    }

    #[test]
    fn a_fingerprint_that_was_changed_on_the_way_alone_is_heard_too() {
        let (mut caller, mut called) = (side(1), side(2));
        let offer = caller.describe(SdpKind::Offer, &sdp(10, None));
        called.hear(SdpKind::Offer, &sdp(10, offer.as_deref()));
        let answer = called.describe(SdpKind::Answer, &sdp(20, None));
        caller.hear(SdpKind::Answer, &sdp(30, answer.as_deref()));
        tell(&mut caller, &mut called);
        assert_ne!(shown(&caller), shown(&called));

        // In the offer it does not fit what the caller is bound to.
        let (mut caller, mut called) = (side(1), side(2));
        let offer = caller.describe(SdpKind::Offer, &sdp(10, None));
        called.hear(SdpKind::Offer, &sdp(40, offer.as_deref()));
        let answer = called.describe(SdpKind::Answer, &sdp(20, None));
        caller.hear(SdpKind::Answer, &sdp(20, answer.as_deref()));
        tell(&mut caller, &mut called);
        assert_eq!(called.state(), &VisitCode::Failed);
    }

    #[test]
    fn a_number_other_than_the_promised_one_is_caught() {
        let (mut caller, mut called) = (side(1), side(2));
        meet((&mut caller, 10), (&mut called, 20));
        let mut message = caller.to_tell().expect("a number");
        message[5] ^= 1;
        called.revealed(&message);
        assert_eq!(called.state(), &VisitCode::Failed);
        called.revealed(&caller.to_tell().expect("a number"));
        assert_eq!(called.state(), &VisitCode::Failed, "there is one try");

        let (mut caller, mut called) = (side(1), side(2));
        let other = side(9).describe(SdpKind::Offer, &sdp(10, None));
        caller.describe(SdpKind::Offer, &sdp(10, None));
        called.hear(SdpKind::Offer, &sdp(10, other.as_deref()));
        let answer = called.describe(SdpKind::Answer, &sdp(20, None));
        caller.hear(SdpKind::Answer, &sdp(20, answer.as_deref()));
        tell(&mut caller, &mut called);
        assert_eq!(called.state(), &VisitCode::Failed, "bound to another number");
    }

    #[test]
    fn what_changes_in_a_later_description_is_caught() {
        for (number, print) in [(2, 21), (7, 20)] {
            let (mut caller, mut called) = (side(1), side(2));
            meet((&mut caller, 10), (&mut called, 20));
            tell(&mut caller, &mut called);
            let mut other = side(number);
            other.hear(SdpKind::Offer, &sdp(10, None));
            let line = other.describe(SdpKind::Answer, &sdp(print, None));
            caller.hear(SdpKind::Answer, &sdp(print, line.as_deref()));
            assert_eq!(caller.state(), &VisitCode::Failed, "{number} {print}");
        }
        let (mut caller, mut called) = (side(1), side(2));
        meet((&mut caller, 10), (&mut called, 20));
        caller.hear(SdpKind::Answer, &sdp(20, None));
        assert_eq!(caller.state(), &VisitCode::Failed, "the line was taken out");
    }

    #[test]
    fn a_side_that_does_not_know_it_leaves_no_code_and_never_a_false_one() {
        for old in 0..2 {
            let mut sides = [side(1), side(2)];
            sides[old] = ShortCode::new(None);
            let [mut caller, mut called] = sides;
            meet((&mut caller, 10), (&mut called, 20));
            assert_eq!(caller.to_tell(), None);
            called.revealed(&[&[REVEAL][..], &[1; 16]].concat());
            assert_eq!(
                (caller.state(), called.state()),
                (&VisitCode::None, &VisitCode::None)
            );
        }
    }

    #[test]
    fn what_cannot_be_trusted_to_be_compared_makes_no_code() {
        let two = format!("{}a=fingerprint:sha-256 00:11\r\n", sdp(10, None));
        let differing = format!("{}{}", sdp(10, None), sdp(11, None));
        let sha1 = sdp(10, None).replace("sha-256", "sha-1");
        for bad in ["v=0\r\n", "a=fingerprint:\r\n", &two, &differing, &sha1] {
            assert_eq!(fingerprint(bad), None, "{bad}");
            let mut called = side(2);
            called.hear(SdpKind::Offer, &format!("{bad}{COMMIT}{}\r\n", hex(&[1; 32])));
            assert_eq!(called.state(), &VisitCode::Failed);
        }
        for said in ["", "zz", "0", "00", "é"] {
            let mut called = side(2);
            called.hear(SdpKind::Offer, &sdp(10, Some(&format!("{COMMIT}{said}"))));
            assert_eq!(called.state(), &VisitCode::Failed, "{said}");
        }
        assert!(fingerprint(&sdp(10, None).to_lowercase()).is_some());
    }

    #[test]
    fn who_is_bound_to_a_number_does_not_tell_it_in_an_answer() {
        let mut caller = side(1);
        caller.describe(SdpKind::Offer, &sdp(10, None));
        let offer = side(9).describe(SdpKind::Offer, &sdp(90, None));
        caller.hear(SdpKind::Offer, &sdp(90, offer.as_deref()));
        assert_eq!(caller.describe(SdpKind::Answer, &sdp(10, None)), None);
        assert_eq!(caller.to_tell(), None);
        assert_eq!(format!("{:?}", caller.seed), "Some(CodeSeed(«hidden»))");
    }
}
