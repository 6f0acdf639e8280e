//! Made-up people. Given names are common; family names are put together from two halves, so that they are
//! nobody's in particular.

use super::chance::Chance;

const FEMALE: [&str; 20] = [
    "Ada", "Beth", "Carla", "Della", "Elin", "Fay", "Greta", "Hope", "Ines", "June", "Kaya", "Lena", "Mara",
    "Nell", "Opal", "Pia", "Rosa", "Signe", "Thea", "Vera",
];
const MALE: [&str; 20] = [
    "Abel", "Bram", "Carl", "Dov", "Emil", "Finn", "Glen", "Hugo", "Ivan", "Joel", "Kurt", "Leif", "Milo",
    "Nils", "Otto", "Paul", "Reza", "Saul", "Tomas", "Vito",
];
const FRONT: [&str; 25] = [
    "White", "Birch", "Stone", "River", "Marsh", "Alder", "Copper", "Winter", "Long", "Fair", "Cedar",
    "Iron", "Clear", "North", "Summer", "Wheat", "Silver", "Maple", "Frost", "Prairie", "Hazel", "Elk",
    "Amber", "Willow", "Granite",
];
const BACK: [&str; 20] = [
    "feather", "field", "water", "brook", "bridge", "wood", "hill", "ridge", "lake", "crane", "meadow",
    "shore", "dale", "path", "moor", "barrow", "haven", "gate", "well", "grove",
];

/// A person's name and gender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// FHIR administrative gender.
    pub gender: &'static str,
}

/// A made-up name.
pub fn name(chance: &mut Chance) -> Name {
    let female = chance.percent(45);
    let given = if female {
        chance.one(&FEMALE)
    } else {
        chance.one(&MALE)
    };
    Name {
        given: (*given).to_owned(),
        family: format!("{}{}", chance.one(&FRONT), chance.one(&BACK)),
        gender: if female { "female" } else { "male" },
    }
}

/// Forty places that are on no map.
pub const TOWNS: [&str; 40] = [
    "Cedar Valley Main",
    "Alder Creek",
    "Blue Heron",
    "Copper Bend",
    "Dovetail",
    "Elk Prairie",
    "Fallow Lake",
    "Granite Ford",
    "Hazel Run",
    "Ironwood Junction",
    "Juniper Flats",
    "Kettle Hills",
    "Larkspur",
    "Maple Rapids Road",
    "North Barrow",
    "Otter Bluff",
    "Pelican Slough",
    "Quarry Point",
    "Rush Meadow",
    "Sandpiper",
    "Tamarack Siding",
    "Upper Basswood",
    "Vesper",
    "Wheatland Corner",
    "Yarrow",
    "Zumbrota Fork",
    "Amber Hollow",
    "Birchwater",
    "Crane Marsh",
    "Drift Prairie",
    "East Sedge",
    "Fox Ferry",
    "Gull Point",
    "Harrow Lake",
    "Indigo Mills",
    "Jack Pine",
    "Kingfisher",
    "Lone Oak",
    "Mallard Bay",
    "Ninebark",
];
