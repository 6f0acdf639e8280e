//! Only clinicians' signatures approve a pack, and nothing that was signed can be changed.

use hms_triage::author::{sign, SigningSeed};
use hms_triage::signing::{verify, PackSignature, Status, Trust, TrustedKey};
use hms_triage::Pack;

fn pack() -> Vec<u8> {
    serde_json::to_vec(Pack::embedded().file()).unwrap()
}

/// A key that exists in this test alone.
fn key(of: u8) -> SigningSeed {
    SigningSeed::new(&[of; 32])
}

fn trust(needed: usize, who: &[(&str, u8)]) -> Trust {
    let trusted = |(name, of): &(&str, u8)| TrustedKey {
        name: (*name).to_owned(),
        key: key(*of).public(),
    };
    Trust {
        needed,
        keys: who.iter().map(trusted).collect(),
    }
}

fn signed(name: &str, of: u8) -> PackSignature {
    sign(&pack(), &key(of), name, "2026-11-22").unwrap()
}

const ADA: (&str, u8) = ("Ada Ruiz, MD", 1);
const BEN: (&str, u8) = ("Ben Oduya, RN", 2);

#[test]
fn two_clinicians_approve_and_one_does_not() {
    let trust = trust(2, &[ADA, BEN]);
    let (ada, ben) = (signed(ADA.0, ADA.1), signed(BEN.0, BEN.1));

    assert_eq!(verify(&pack(), &[], &trust), Status::DraftUnsigned);
    assert_eq!(
        verify(&pack(), std::slice::from_ref(&ada), &trust),
        Status::DraftUnsigned
    );
    assert_eq!(
        verify(&pack(), &[ada.clone(), ada.clone()], &trust),
        Status::DraftUnsigned
    );
    let by = vec![ADA.0.to_owned(), BEN.0.to_owned()];
    assert_eq!(verify(&pack(), &[ben, ada], &trust), Status::Approved { by });
}

#[test]
fn a_changed_pack_is_a_draft_again() {
    let (trust, ada) = (trust(1, &[ADA]), signed(ADA.0, ADA.1));
    assert_ne!(
        verify(&pack(), std::slice::from_ref(&ada), &trust),
        Status::DraftUnsigned
    );
    let bytes = pack();
    for at in [0, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(
            verify(&changed, std::slice::from_ref(&ada), &trust),
            Status::DraftUnsigned
        );
        // Also where the signature is made to name the changed pack.
        let mut moved = ada.clone();
        moved.pack = sign(&changed, &key(9), "x", "y").unwrap().pack;
        assert_eq!(verify(&changed, &[moved], &trust), Status::DraftUnsigned);
    }
}

#[test]
fn nothing_that_was_signed_can_be_changed() {
    let trust = trust(1, &[ADA, BEN]);
    let good = signed(ADA.0, ADA.1);
    let changes: [fn(&mut PackSignature); 7] = [
        |s| s.name = BEN.0.to_owned(),
        |s| s.date = "2027-01-01".to_owned(),
        |s| s.key = key(2).public(),
        |s| s.key = s.key.to_uppercase(),
        |s| s.signature = s.signature.replacen(|c: char| c.is_ascii_digit(), "a", 1),
        |s| s.signature.truncate(126),
        |s| s.signature = "00".repeat(64),
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(
            verify(&pack(), &[bad.clone()], &trust),
            Status::DraftUnsigned,
            "{bad:?}"
        );
    }
}

#[test]
fn a_key_that_is_not_listed_approves_nothing_whatever_it_calls_itself() {
    let stranger = signed(ADA.0, 7);
    assert_eq!(
        verify(&pack(), &[stranger], &trust(1, &[ADA])),
        Status::DraftUnsigned
    );
    assert_eq!(
        verify(&pack(), &[signed(ADA.0, ADA.1)], &trust(0, &[])),
        Status::DraftUnsigned
    );
    // Zero needed is not "none": an empty list never approves.
    assert_eq!(verify(&pack(), &[], &trust(0, &[ADA])), Status::DraftUnsigned);
    // The key whose signature every message seems to fit is refused (small order).
    let weak = TrustedKey {
        name: "x".to_owned(),
        key: format!("01{}", "00".repeat(31)),
    };
    let mut forged = signed("x", 3);
    forged.key = weak.key.clone();
    forged.signature = format!("01{}", "00".repeat(63));
    let trust = Trust {
        needed: 1,
        keys: vec![weak],
    };
    assert_eq!(verify(&pack(), &[forged], &trust), Status::DraftUnsigned);
}

#[test]
fn a_pack_that_calls_itself_approved_is_a_draft() {
    let mut file = Pack::embedded().file().clone();
    file.status = "approved".to_owned();
    let bytes = serde_json::to_vec(&file).unwrap();
    assert_eq!(
        verify(&bytes, &[], &trust(1, &[ADA])).to_string(),
        "draft, unsigned"
    );
}

#[test]
fn a_name_with_a_line_break_is_not_signed() {
    for (name, date) in [("Ada\n2026", "2026-11-22"), ("", "2026-11-22"), ("Ada", " ")] {
        assert!(sign(&pack(), &key(1), name, date).is_err());
    }
}
