//! The district's places: 40 sites over some 300 km of country, and where an X-ray can be taken.

use super::chance::Chance;
use super::names::TOWNS;
use super::DISTRICT;
use hms_model::map::{concept, reference, system};
use hms_model::report::Position;
use serde_json::{json, Value};

/// Sites.
pub const SITES: usize = 40;

const IMAGING: [(&str, f64, f64); 8] = [
    ("Valley Imaging, Owatonna Road", 44.08, -93.23),
    ("Prairie Radiology", 43.66, -94.46),
    ("Lakeside Urgent Care and X-ray", 45.12, -95.04),
    ("Copper Bend Hospital Radiology", 44.55, -95.98),
    ("North Barrow Clinic X-ray", 46.10, -94.60),
    ("Birchwater Community Hospital", 45.86, -93.29),
    ("Granite Ford Imaging", 44.02, -92.47),
    ("Elk Prairie Medical Center", 45.40, -93.90),
];

/// A site: its resources and where it is.
#[derive(Debug, Clone)]
pub struct Site {
    /// Organization id; the Location's id is `{id}-place`.
    pub id: String,
    /// Where.
    pub position: Position,
    /// Name.
    pub name: String,
}

/// Id of a site, from 1.
#[must_use]
pub fn site_id(number: usize) -> String {
    format!("site-{number:03}")
}

/// The sites.
pub fn sites(chance: &mut Chance) -> Vec<Site> {
    TOWNS
        .iter()
        .enumerate()
        .map(|(n, town)| {
            // Rural southern and central Minnesota, more or less.
            let (row, column) = (n / 8, n % 8);
            let jitter = |chance: &mut Chance| (chance.below(2000) as f64 - 1000.0) / 6000.0;
            Site {
                id: site_id(n + 1),
                position: Position {
                    latitude: round(43.7 + row as f64 * 0.55 + jitter(chance)),
                    longitude: round(-96.1 + column as f64 * 0.48 + jitter(chance)),
                    accuracy_m: None,
                },
                name: format!("{town} Post Office"),
            }
        })
        .collect()
}

fn round(degrees: f64) -> f64 {
    (degrees * 10_000.0).round() / 10_000.0
}

/// A site as Organization and Location.
#[must_use]
pub fn site_resources(site: &Site) -> [Value; 2] {
    [
        json!({"resourceType": "Organization", "id": site.id, "active": true, "name": site.name,
            "partOf": reference("Organization", DISTRICT)}),
        json!({"resourceType": "Location", "id": format!("{}-place", site.id), "status": "active", "name": site.name,
            "mode": "instance", "type": [concept(&system::codes("location"), "post-office")],
            "position": {"longitude": site.position.longitude, "latitude": site.position.latitude},
            "managingOrganization": reference("Organization", &site.id)}),
    ]
}

/// The imaging sites.
#[must_use]
pub fn imaging() -> Vec<Value> {
    IMAGING
        .iter()
        .enumerate()
        .map(|(n, (name, latitude, longitude))| {
            json!({"resourceType": "Location", "id": format!("imaging-{}", n + 1), "status": "active", "name": name,
                "mode": "instance", "type": [concept(&system::codes("location"), "imaging")],
                "telecom": [{"system": "phone", "value": format!("507-555-01{:02}", 50 + n), "use": "work"}],
                "address": {"text": *name, "state": "MN", "country": "US"},
                "position": {"longitude": longitude, "latitude": latitude}})
        })
        .collect()
}

/// The nearest of some Locations that have a position, with its distance in kilometres.
#[must_use]
pub fn nearest<'a>(from: &Position, locations: &'a [Value]) -> Option<(&'a Value, f64)> {
    let distance = |location: &Value| {
        let position = location.get("position")?;
        let to = Position {
            latitude: position.get("latitude")?.as_f64()?,
            longitude: position.get("longitude")?.as_f64()?,
            accuracy_m: None,
        };
        Some(from.distance_km(&to))
    };
    locations
        .iter()
        .filter_map(|l| Some((l, distance(l)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_valid_and_apart() {
        let sites = sites(&mut Chance::new(7));
        assert_eq!(sites.len(), SITES);
        for resource in sites.iter().flat_map(site_resources).chain(imaging()) {
            assert_eq!(hms_fhir::validate(&resource), Ok(()));
        }
        for (n, a) in sites.iter().enumerate() {
            assert!(
                sites
                    .iter()
                    .skip(n + 1)
                    .all(|b| a.position.distance_km(&b.position) > 2.0),
                "{}",
                a.name
            );
        }
    }

    #[test]
    fn the_nearest_imaging_site_is_the_nearest() {
        let here = Position {
            latitude: 44.05,
            longitude: -92.5,
            accuracy_m: None,
        };
        let all = imaging();

        let (site, km) = nearest(&here, &all).expect("one");

        assert_eq!(site.get("name"), Some(&json!("Granite Ford Imaging")));
        assert!(km < 10.0);
    }
}
