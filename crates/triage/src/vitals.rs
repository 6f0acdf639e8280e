//! Measured values: the units a meter may show, and what no living person's meter shows. "Not measured" is unknown,
//! never normal: a number that was not given rules nothing out.
//!
//! A question keeps one unit. A reading in another one is brought into it, and meets a threshold exactly when it
//! meets the threshold as that meter would show it: 39.4 °C is 103 °F, though 39.4 × 9/5 + 32 is 102.92.

use serde::{Deserialize, Serialize};

use crate::answer::Milli;
use crate::pack::{NumberSpec, Side};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vital {
    /// Body temperature.
    Temperature,
    /// Heartbeats a minute.
    Pulse,
    /// Breaths a minute.
    RespiratoryRate,
    /// Oxygen saturation by a finger meter.
    OxygenSaturation,
    /// Upper blood pressure.
    Systolic,
    /// Lower blood pressure.
    Diastolic,
    /// Sugar in the blood.
    Glucose,
}

/// A unit by its UCUM code, with what is plausible in it. A value in it is `value * times / over + plus` of the
/// vital's first unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VitalUnit {
    /// UCUM code, as in FHIR.
    pub code: &'static str,
    /// Sign on the meter; the same in English and Spanish.
    pub sign: &'static str,
    /// Below this it is a slip of the finger or the wrong unit.
    pub min: Milli,
    /// Above this too.
    pub max: Milli,
    /// The last digit that a meter shows.
    pub step: Milli,
    times: i64,
    over: i64,
    plus: i64,
}

const fn unit(code: &'static str, sign: &'static str, limits: (i64, i64), step: i64) -> VitalUnit {
    VitalUnit {
        code,
        sign,
        min: Milli(limits.0),
        max: Milli(limits.1),
        step: Milli(step),
        times: 1,
        over: 1,
        plus: 0,
    }
}

const fn turned(unit: VitalUnit, times: i64, over: i64, plus: i64) -> VitalUnit {
    VitalUnit {
        times,
        over,
        plus,
        ..unit
    }
}

/// A body colder or hotter than this is not read by a person with a thermometer at hand.
const TEMPERATURE: &[VitalUnit] = &[
    unit("[degF]", "°F", (75_000, 115_000), 100),
    turned(unit("Cel", "°C", (23_900, 46_100), 100), 9, 5, 32_000),
];
const PER_MINUTE_PULSE: &[VitalUnit] = &[unit("/min", "/min", (20_000, 300_000), 1_000)];
const PER_MINUTE_BREATHS: &[VitalUnit] = &[unit("/min", "/min", (2_000, 100_000), 1_000)];
const SATURATION: &[VitalUnit] = &[unit("%", "%", (40_000, 100_000), 1_000)];
const SYSTOLIC: &[VitalUnit] = &[unit("mm[Hg]", "mmHg", (40_000, 300_000), 1_000)];
const DIASTOLIC: &[VitalUnit] = &[unit("mm[Hg]", "mmHg", (20_000, 200_000), 1_000)];
/// A millimole of glucose in a litre is 18.016 mg in a decilitre (molar mass 180.16).
const GLUCOSE: &[VitalUnit] = &[
    unit("mg/dL", "mg/dL", (10_000, 1_500_000), 1_000),
    turned(unit("mmol/L", "mmol/L", (600, 83_300), 100), 18_016, 1_000, 0),
];

impl Vital {
    /// Every vital.
    pub const ALL: [Vital; 7] = [
        Vital::Temperature,
        Vital::Pulse,
        Vital::RespiratoryRate,
        Vital::OxygenSaturation,
        Vital::Systolic,
        Vital::Diastolic,
        Vital::Glucose,
    ];

    /// The units a meter may show; the first is the one that a question keeps.
    #[must_use]
    pub fn units(self) -> &'static [VitalUnit] {
        match self {
            Vital::Temperature => TEMPERATURE,
            Vital::Pulse => PER_MINUTE_PULSE,
            Vital::RespiratoryRate => PER_MINUTE_BREATHS,
            Vital::OxygenSaturation => SATURATION,
            Vital::Systolic => SYSTOLIC,
            Vital::Diastolic => DIASTOLIC,
            Vital::Glucose => GLUCOSE,
        }
    }

    /// One of its units.
    #[must_use]
    pub fn unit(self, code: &str) -> Option<&'static VitalUnit> {
        self.units().iter().find(|u| u.code == code)
    }
}

/// Why a reading was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// The question takes no such unit.
    #[error("the question takes no such unit")]
    Unit,
    /// Outside the plausible range of its unit: a slip, or the wrong unit.
    #[error("the reading is not plausible in its unit")]
    Implausible,
}

/// A reading in the question's own unit.
///
/// # Errors
/// [`ReadingError`] with the reason; a reading without a unit of this vital is refused, not guessed.
pub(crate) fn reading(spec: &NumberSpec, value: Milli, code: &str) -> Result<Milli, ReadingError> {
    let unit = spec
        .vital
        .and_then(|vital| vital.unit(code))
        .ok_or(ReadingError::Unit)?;
    if value < unit.min || value > unit.max {
        return Err(ReadingError::Implausible);
    }
    let mut own = unit.own(value.0);
    for t in &spec.thresholds {
        let shown = unit.shown(t.value.0);
        let worse = match t.side {
            Side::AtLeast => value.0 >= shown,
            Side::AtMost => value.0 <= shown,
        };
        own = match (t.side, worse) {
            (Side::AtLeast, true) | (Side::AtMost, false) => {
                own.max(t.value.0 + i64::from(t.side == Side::AtMost))
            }
            (Side::AtLeast, false) | (Side::AtMost, true) => {
                own.min(t.value.0 - i64::from(t.side == Side::AtLeast))
            }
        };
    }
    Ok(Milli(own.clamp(spec.min.0, spec.max.0)))
}

impl VitalUnit {
    /// Thousandths of this unit as thousandths of the vital's first one.
    fn own(&self, value: i64) -> i64 {
        rounded(value * self.times, self.over) + self.plus
    }

    /// A threshold of the first unit as a meter in this one shows it, to its last digit.
    fn shown(&self, own: i64) -> i64 {
        rounded((own - self.plus) * self.over, self.times * self.step.0) * self.step.0
    }
}

/// To the nearest, halves away from zero.
fn rounded(value: i64, over: i64) -> i64 {
    (2 * value.abs() + over) / (2 * over) * value.signum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::Threshold;
    use crate::text::Text;

    fn spec(vital: Vital, thresholds: &[(&str, Side, i64)]) -> NumberSpec {
        let own = vital.units()[0];
        NumberSpec {
            unit: Text::default(),
            min: own.min,
            max: own.max,
            thresholds: thresholds
                .iter()
                .map(|(finding, side, value)| Threshold {
                    finding: (*finding).to_owned(),
                    side: *side,
                    value: Milli(*value),
                })
                .collect(),
            vital: Some(vital),
        }
    }

    fn worse(spec: &NumberSpec, own: Milli) -> Vec<bool> {
        let meets = |t: &Threshold| match t.side {
            Side::AtLeast => own >= t.value,
            Side::AtMost => own <= t.value,
        };
        spec.thresholds.iter().map(meets).collect()
    }

    #[test]
    fn a_reading_meets_a_threshold_as_its_own_meter_shows_it() {
        let heat = spec(
            Vital::Temperature,
            &[
                ("hot", Side::AtLeast, 103_000),
                ("warm", Side::AtLeast, 100_400),
                ("cold", Side::AtMost, 95_000),
            ],
        );
        for (text, unit, expected) in [
            ("39.4", "Cel", [true, true, false]),
            ("39.3", "Cel", [false, true, false]),
            ("38", "Cel", [false, true, false]),
            ("37.9", "Cel", [false, false, false]),
            ("35", "Cel", [false, false, true]),
            ("35.1", "Cel", [false, false, false]),
            ("103", "[degF]", [true, true, false]),
            ("102.9", "[degF]", [false, true, false]),
        ] {
            let own = reading(&heat, Milli::parse(text).unwrap(), unit).unwrap();
            assert_eq!(worse(&heat, own), expected, "{text} {unit} is {own}");
        }
        let sugar = spec(
            Vital::Glucose,
            &[("low", Side::AtMost, 70_000), ("high", Side::AtLeast, 300_000)],
        );
        for (text, unit, expected) in [
            ("3.9", "mmol/L", [true, false]),
            ("4", "mmol/L", [false, false]),
            ("16.7", "mmol/L", [false, true]),
            ("16.6", "mmol/L", [false, false]),
            ("70", "mg/dL", [true, false]),
            ("300", "mg/dL", [false, true]),
        ] {
            let own = reading(&sugar, Milli::parse(text).unwrap(), unit).unwrap();
            assert_eq!(worse(&sugar, own), expected, "{text} {unit} is {own}");
        }
    }

    #[test]
    fn a_higher_reading_is_never_a_lower_number() {
        let limits = [("low", Side::AtMost, 2), ("high", Side::AtLeast, 3)];
        for vital in Vital::ALL {
            let own = vital.units()[0];
            let at = |n: i64| own.min.0 + (own.max.0 - own.min.0) / 4 * (n - 1);
            let spec = spec(vital, &limits.map(|(name, side, n)| (name, side, at(n))));
            for unit in vital.units() {
                let mut before: Option<Milli> = None;
                let mut value = unit.min.0;
                while value <= unit.max.0 {
                    let number = reading(&spec, Milli(value), unit.code).unwrap();
                    assert!(
                        before.is_none_or(|b| b <= number),
                        "{vital:?} {value} {}",
                        unit.code
                    );
                    before = Some(number);
                    value += unit.step.0;
                }
            }
        }
    }

    #[test]
    fn the_wrong_unit_is_refused_and_not_guessed() {
        let sugar = spec(Vital::Glucose, &[]);
        let heat = spec(Vital::Temperature, &[]);
        for (spec, text, unit, why) in [
            (&sugar, "5.5", "mg/dL", ReadingError::Implausible),
            (&sugar, "120", "mmol/L", ReadingError::Implausible),
            (&sugar, "100", "", ReadingError::Unit),
            (&heat, "38", "[degF]", ReadingError::Implausible),
            (&heat, "101", "Cel", ReadingError::Implausible),
            (&heat, "98", "K", ReadingError::Unit),
        ] {
            let number = Milli::parse(text).unwrap();
            assert_eq!(reading(spec, number, unit), Err(why), "{text} {unit}");
        }
    }

    #[test]
    fn the_limits_of_two_units_are_the_same_limits() {
        for vital in Vital::ALL {
            let own = vital.units()[0];
            for unit in vital.units() {
                for (limit, other) in [(unit.min, own.min), (unit.max, own.max)] {
                    let apart = (unit.own(limit.0) - other.0).abs();
                    assert!(
                        apart <= unit.own(unit.step.0) - unit.plus + own.step.0,
                        "{vital:?} {}",
                        unit.code
                    );
                }
            }
        }
    }
}
