//! What a server makes of a record that it is given: it rounds decimals, puts lists in another order, drops extensions,
//! writes dates another way. None of that is an edit of anybody (S3).

use hms_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Elements of which nobody here is the author.
const SERVERS_OWN: [&str; 4] = ["meta", "text", "id", "resourceType"];

/// Whether what the server has is what was sent, as servers write it: everything that is there was sent. What is missing
/// there was left out by the server; that nobody took it away is known only right after sending.
#[must_use]
pub fn same_meaning(sent: &Value, there: &Value) -> bool {
    match (sent.as_object(), there.as_object()) {
        (Some(sent), Some(there)) => {
            let own = |name: &&String| !SERVERS_OWN.contains(&name.as_str());
            there.keys().filter(own).all(|name| {
                sent.get(name)
                    .is_some_and(|ours| is_image(ours, there.get(name).unwrap_or(&Value::Null)))
            }) && sent.keys().filter(own).any(|name| there.contains_key(name))
        }
        _ => false,
    }
}

/// Whether an update has arrived: all of it is there and nothing else, however it is written. Here a part is not enough:
/// a record that somebody else made smaller would be taken for ours, and our words would be gone.
#[must_use]
pub fn arrived(sent: &Value, there: &Value) -> bool {
    let own = |value: &Value| {
        let mut map = value.as_object().cloned().unwrap_or_default();
        SERVERS_OWN.iter().for_each(|name| {
            map.shift_remove(*name);
        });
        Value::Object(map)
    };
    is_same(&own(sent), &own(there))
}

fn is_same(sent: &Value, there: &Value) -> bool {
    match (sent, there) {
        (Value::Array(ours), Value::Array(theirs)) => {
            let mut left: Vec<&Value> = ours.iter().collect();
            ours.len() == theirs.len()
                && theirs.iter().all(|there| {
                    let found = left.iter().position(|sent| is_same(sent, there));
                    found.map(|at| left.swap_remove(at)).is_some()
                })
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && theirs
                    .iter()
                    .all(|(name, there)| ours.get(name).is_some_and(|sent| is_same(sent, there)))
        }
        (Value::Number(ours), Value::Number(theirs)) => ours == theirs || ours.as_f64() == theirs.as_f64(),
        _ => is_image(sent, there),
    }
}

fn is_image(sent: &Value, there: &Value) -> bool {
    match (sent, there) {
        (Value::Number(ours), Value::Number(theirs)) => match (ours.as_f64(), theirs.as_f64()) {
            (Some(ours), Some(theirs)) => is_rounded(ours, theirs, &there.to_string()),
            _ => ours == theirs,
        },
        (Value::String(ours), Value::String(theirs)) => {
            let moments = (Timestamp::parse(ours), Timestamp::parse(theirs));
            // To the second: some keep no more.
            let same_moment =
                matches!(moments, (Some(a), Some(b)) if a.0.div_euclid(1000) == b.0.div_euclid(1000));
            ours == theirs || same_moment
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            let mut left: Vec<&Value> = ours.iter().collect();
            theirs.iter().all(|there| {
                let found = left.iter().position(|sent| is_image(sent, there));
                found.map(|at| left.swap_remove(at)).is_some()
            })
        }
        (Value::Object(ours), Value::Object(theirs)) => theirs
            .iter()
            .all(|(name, there)| ours.get(name).is_some_and(|sent| is_image(sent, there))),
        _ => sent == there,
    }
}

/// Rounded to the decimals that are written there, or the same number written another way.
fn is_rounded(ours: f64, theirs: f64, written: &str) -> bool {
    let decimals = written.split_once('.').map_or(0, |(_, rest)| rest.len().min(12));
    let unit = 10_f64.powi(-i32::try_from(decimals).unwrap_or(12));
    let difference = (ours - theirs).abs();
    difference <= f64::EPSILON * ours.abs().max(1.0)
        || (decimals > 0 && difference <= unit / 2.0 + f64::EPSILON)
}

/// Elements that a server wrote another way than they were sent: the name, what was sent, what is there.
///
/// Kept until the record is written again. A newer version is read through it: an element that stands there as the server
/// had written ours is ours still, and only the others were changed by somebody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Form(Map<String, Value>);

impl Form {
    /// What the server made of what was sent, both in this device's words.
    #[must_use]
    pub fn between(sent: &Value, there: &Value) -> Self {
        let empty = Map::new();
        let (ours, theirs) = (
            sent.as_object().unwrap_or(&empty),
            there.as_object().unwrap_or(&empty),
        );
        let mut form = Map::new();
        let names = ours
            .keys()
            .chain(theirs.keys().filter(|name| !ours.contains_key(*name)));
        for name in names.filter(|name| !SERVERS_OWN.contains(&name.as_str())) {
            let (sent, there) = (ours.get(name), theirs.get(name));
            if sent != there {
                let pair = vec![
                    sent.cloned().unwrap_or(Value::Null),
                    there.cloned().unwrap_or(Value::Null),
                ];
                form.insert(name.clone(), Value::Array(pair));
            }
        }
        Self(form)
    }

    /// True where the server keeps records as they are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A later version of the record, with what nobody has changed since as it was sent.
    #[must_use]
    pub fn restore(&self, there: &Value) -> Value {
        let mut found = there.clone();
        let Some(map) = found.as_object_mut() else {
            return found;
        };
        for (name, pair) in &self.0 {
            let (sent, was) = (
                pair.get(0).unwrap_or(&Value::Null),
                pair.get(1).unwrap_or(&Value::Null),
            );
            if map.get(name).unwrap_or(&Value::Null) != was {
                continue;
            }
            if sent.is_null() {
                map.shift_remove(name);
            } else {
                map.insert(name.clone(), sent.clone());
            }
        }
        found
    }
}
