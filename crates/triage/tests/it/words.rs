//! Danger words: what people type when it is an emergency, and what they type when it is not.

use hms_triage::{search, Lang, Milli, Pack, Person, Session, Urgency};

const ALARMS: [&str; 132] = [
    "sudden weakness in one arm",
    "sudden trouble speaking",
    "uneven smile",
    "cant raise one arm",
    "vision suddenly blurry in both eyes",
    "double vision",
    "sudden severe headache",
    "stiff neck and fever",
    "seizure lasting more than five minutes",
    "uncontrolled bleeding",
    "coughing up blood",
    "vomiting blood",
    "blood in stool a lot",
    "black tarry stools",
    "severe chest pain",
    "chest pressure spreading to jaw",
    "crushing chest pain",
    "trouble breathing at rest",
    "lips turned blue",
    "gasping for air",
    "wheezing and cant talk",
    "choking",
    "swelling of tongue and throat",
    "hives and trouble breathing",
    "unconscious",
    "fainted and not waking",
    "confusion",
    "very drowsy after head injury",
    "clear fluid from nose after fall",
    "vomiting after hitting head",
    "one pupil bigger than the other",
    "neck pain with numb hands after crash",
    "loss of bladder control",
    "numbness in groin",
    "both legs weak",
    "deformed arm after fall",
    "bone sticking out",
    "foot cold and blue after injury",
    "amputated finger",
    "eye chemical burn",
    "something stuck in eye from grinding",
    "sudden vision loss",
    "severe burn on face",
    "burn covering arm",
    "electrical burn",
    "lightning strike",
    "hot dry skin and confused",
    "body temp 105",
    "stopped sweating in heat",
    "core temp below 95",
    "slurred speech in the cold",
    "frostbite with blisters",
    "snake bite",
    "black widow bite with cramps",
    "bat bite",
    "dog bite to the face",
    "stung in the throat",
    "carbon monoxide exposure headache",
    "swallowed bleach",
    "overdose of pills",
    "suicidal with plan",
    "wants to hurt others",
    "hallucinating",
    "strangled",
    "sexual assault",
    "stab wound to the chest",
    "gunshot",
    "high pressure injection injury to hand",
    "needle stick from used needle",
    "crush injury",
    "tight swollen leg after cast",
    "calf swelling and pain",
    "severe abdominal pain with rigid belly",
    "right lower abdominal pain with fever",
    "vomiting and no bowel movement with swollen belly",
    "pulsating belly mass",
    "painful testicle",
    "cant pass urine",
    "flank pain with fever",
    "pregnant with vaginal bleeding",
    "pregnant with severe headache and swelling",
    "baby not moving",
    "water broke early",
    "heavy bleeding after birth",
    "infant fever",
    "limp baby",
    "child drooling and cant swallow",
    "child swallowed battery",
    "baby with sunken soft spot and no wet diapers",
    "rash that does not fade with fever",
    "blood sugar 35",
    "blood sugar 500 and vomiting",
    "fast heartbeat with fainting",
    "icd shock",
    "leg suddenly cold and numb",
    "fever on chemotherapy",
    "red streaks from wound with fever",
    "lockjaw",
    "face swollen from tooth infection",
    "cant open mouth and drooling",
    "nosebleed for an hour",
    "knocked out tooth",
    "eye pain with halos and vomiting",
    "thoughts of suicide",
    "cant stop vomiting",
    "severe dehydration",
    "severe allergic reaction",
    "dolor de pecho que va al brazo",
    "me cuesta trabajo respirar",
    "se me hincho la lengua",
    "me desmaye",
    "mi papa no despierta",
    "vomito con sangre",
    "popo negro como alquitran",
    "no puedo orinar desde ayer",
    "se me durmio media cara",
    "mi hijo trago una pila",
    "bebe con fiebre",
    "me mordio una vibora",
    "me corte el dedo y no para de sangrar",
    "me quiero matar",
    "golpe en la cabeza y vomita",
    "no siento las piernas",
    "dolor de cabeza horrible de repente",
    "embarazada y sangrando",
    "calambres y orina como coca cola",
    "me cayo acido en el ojo",
    "se quemo la cara",
    "me dio toques la corriente y me desmaye",
    "fiebre y cuello tieso",
    "dolor en el testiculo",
    "esta muy confundido por el calor",
];

const EVERYDAY: [&str; 128] = [
    "small cut on my wrist",
    "severe dandruff",
    "acid reflux burning in my chest area at night",
    "slipped on ice and landed on my hand",
    "blood pressure 150 over 90 with no symptoms",
    "stabbing pain in my side when i run",
    "contusion on my thigh",
    "severe back strain from lifting",
    "severe itching",
    "shoulder a bit stiff after painting",
    "shoulder pain cant lift my arm overhead",
    "common cold runny nose",
    "sore throat for two days",
    "mild headache after work",
    "my usual migraine",
    "twisted ankle",
    "scraped knee",
    "bee sting on arm red and itchy",
    "mosquito bites",
    "poison ivy on legs",
    "sunburn on my shoulders",
    "heartburn after meals",
    "constipated for three days",
    "hemorrhoids itch",
    "diarrhea since yesterday",
    "threw up once last night",
    "burning when i pee",
    "yeast infection",
    "period cramps",
    "stuffy nose and sinus pressure",
    "seasonal allergies sneezing",
    "pink eye",
    "stye on eyelid",
    "dry eyes",
    "ear ache",
    "earwax",
    "toothache",
    "canker sore",
    "cold sore on lip",
    "bleeding gums",
    "small cut on finger",
    "paper cut",
    "splinter in my hand",
    "blister on heel",
    "ingrown toenail",
    "athletes foot",
    "jock itch",
    "eczema flare on hands",
    "acne",
    "wart on finger",
    "dandruff",
    "back pain from lifting",
    "stiff neck from sleeping wrong",
    "sore shoulder from reaching",
    "tennis elbow",
    "carpal tunnel at night",
    "knee pain on stairs",
    "heel pain in the morning",
    "muscle cramps at night",
    "bruise on my thigh",
    "nosebleed that stopped",
    "tired and stressed",
    "cant sleep",
    "anxious about work",
    "feeling sad",
    "head lice",
    "insect bite swollen",
    "tick on my leg",
    "small burn from oven",
    "dog scratched me",
    "chapped lips",
    "hiccups",
    "gas and bloating",
    "acid reflux at night",
    "motion sickness",
    "vertigo when rolling over in bed",
    "cough for a week with phlegm",
    "flu aches and fever",
    "hand numb from sleeping on it",
    "chest congestion",
    "pulled muscle in my chest from lifting",
    "ringing in my ears",
    "hoarse voice",
    "dizzy when i stand up fast",
    "refill my medicine",
    "vaccine",
    "my arm hurts after flu shot",
    "swollen feet after standing all day",
    "shin splints",
    "jammed finger",
    "black eye from a ball",
    "fell on my butt",
    "hit my thumb with a hammer",
    "i cut myself shaving",
    "cut myself with a box cutter",
    "my face is sunburned",
    "face is swollen from poison ivy",
    "lip is swollen from a bump",
    "hot and sweaty after walking",
    "car accident last month sore back",
    "my throat is swollen and sore",
    "stubbed toe",
    "gripe y tos",
    "dolor de garganta",
    "dolor de espalda por cargar",
    "me torci el tobillo",
    "piquete de mosquito",
    "agruras",
    "estreñimiento",
    "diarrea desde ayer",
    "dolor de cabeza por estres",
    "comezon en la piel",
    "ojo rojo con lagañas",
    "dolor de muela",
    "me corte poquito el dedo",
    "quemadura leve de la estufa",
    "estoy resfriado",
    "me arde al orinar",
    "dolor de rodilla",
    "calambre en la pierna",
    "tengo gases",
    "dolor de oido",
    "me siento triste",
    "no puedo dormir",
    "alergia al polen",
    "se me durmio la mano por dormir encima",
    "me cai y me raspe",
    "mareo al levantarme",
];

#[test]
fn words_of_danger_raise_before_a_question_is_asked() {
    let pack = Pack::embedded();
    let silent: Vec<&&str> = ALARMS
        .iter()
        .filter(|t| search::danger(pack, t).is_empty())
        .collect();
    println!(
        "raised by words alone: {} of {}",
        ALARMS.len() - silent.len(),
        ALARMS.len()
    );

    // The rest is left to the red flags of its module; the share can only be driven up.
    assert!(silent.len() * 100 <= ALARMS.len() * 8, "{silent:#?}");
}

/// What it asks for (`911`, `ed` or `none`) and the text.
fn said() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = include_str!("said.tsv")
        .lines()
        .filter(|row| !row.starts_with('#'));
    rows.map(|row| match row.split('\t').collect::<Vec<_>>().as_slice() {
        [want, _, text] => (*want, *text),
        _ => panic!("not three columns: {row}"),
    })
}

/// The urgency that the words alone give.
fn urgency(pack: &Pack, text: &str) -> Option<Urgency> {
    let raised = search::danger(pack, text);
    let rules = pack.file().rules.iter().filter(|r| raised.contains(&r.id));
    rules.map(|r| r.level).max()
}

/// What a stranger to the phrases typed. The phrases were mended by these texts since: new ones tell more.
#[test]
fn what_strangers_typed_of_an_emergency_raises_and_little_else_does() {
    let pack = Pack::embedded();
    let level = |text| urgency(pack, text).unwrap_or(Urgency::SelfCare);
    let (harmless, danger): (Vec<_>, Vec<_>) = said().partition(|(want, _)| *want == "none");
    let silent: Vec<_> = danger
        .iter()
        .filter(|(_, text)| level(text) < Urgency::EdNow)
        .collect();
    let low = danger
        .iter()
        .filter(|(want, text)| *want == "911" && level(text) == Urgency::EdNow);
    let loud: Vec<_> = harmless
        .iter()
        .filter(|(_, text)| level(text) >= Urgency::EdNow)
        .collect();
    println!(
        "counts: of {} texts of danger {} raise nothing and {} less than 911; of {} harmless ones {} raise",
        danger.len(),
        silent.len(),
        low.count(),
        harmless.len(),
        loud.len()
    );
    assert!(silent.len() <= 2, "{silent:#?}");
    // "Had a heart attack ten years ago": what was is not told from what is.
    assert!(loud.len() * 100 <= harmless.len() * 8, "{loud:#?}");
}

#[test]
fn everyday_words_raise_nothing() {
    let pack = Pack::embedded();
    let loud: Vec<&&str> = EVERYDAY
        .iter()
        .filter(|t| !search::danger(pack, t).is_empty())
        .collect();
    assert!(loud.is_empty(), "{loud:#?}");
}

#[test]
fn everyday_words_find_a_complaint() {
    let pack = Pack::embedded();
    let mut fallback = search::complaints(pack, "xyzzy", 6);
    fallback.truncate(6);
    let lost: Vec<&&str> = EVERYDAY
        .iter()
        .filter(|t| search::complaints(pack, t, 6) == fallback)
        .collect();
    // Refills and the like have no complaint: they are "something else".
    assert!(lost.len() <= 4, "{lost:#?}");
}

#[test]
fn a_childs_own_list_is_offered_for_a_child_and_for_nobody_else() {
    let pack = Pack::embedded();
    for (age, offered) in [("17.9", true), ("18", false)] {
        let mut session = Session::new(pack);
        let person = Person {
            age: Milli::parse(age),
            ..Person::default()
        };
        assert!(session.know(pack, &person));
        let found = session.search(pack, "fish bone stuck", Lang::En).complaints;
        assert_eq!(found.iter().any(|c| c.code == "child"), offered, "{age}");
        assert_eq!(found.last().unwrap().code, "something_else");
    }
}

/// What stands for an idiom is taken out before anything is matched: what could be meant must not be among it.
#[test]
fn a_bullet_is_no_vaccine() {
    let pack = Pack::embedded();
    for text in [
        "he got shot in the arm",
        "shot in the dark by a stranger",
        "me muero",
    ] {
        assert!(!search::danger(pack, text).is_empty(), "{text}");
    }
}

#[test]
fn who_got_bit_finds_bites_and_a_bit_of_something_finds_that() {
    let pack = Pack::embedded();
    for (text, code) in [
        ("bit", "animal_bite"),
        ("got bit on the leg", "animal_bite"),
        ("bit my hand", "animal_bite"),
        ("something bit me", "animal_bite"),
        ("a bit dizzy", "dizzy"),
        ("throat a bit sore", "throat"),
    ] {
        assert_eq!(search::complaints(pack, text, 1), [code], "{text}");
    }
}

/// Spanish as it is typed, with its slips.
const SPANISH: [(&str, &str); 36] = [
    ("me mordio un pero en la mano", "animal_bite"),
    ("me duele la espalda", "back_pain"),
    ("tengo mucha calentura", "infection"),
    ("me queme con aceite", "burn"),
    ("me corte con vidrio", "cut"),
    ("me pico una avispa", "sting"),
    ("estoy mareada", "dizzy"),
    ("dolor de garganta", "throat"),
    ("tengo tos con flema", "cough"),
    ("ardor al horinar", "urinary"),
    ("me duele la pansa", "belly"),
    ("vomito y diarea", "vomiting"),
    ("chocamos en la troca", "crash"),
    ("me cai de las escaleras", "fall"),
    ("me torci el pie", "fall"),
    ("se me hincho la pierna", "limb"),
    ("tengo ronchas", "allergy"),
    ("me entro polvo en el ojo", "eye"),
    ("me asaltaron", "assault"),
    ("ando muy triste", "stress"),
    ("azucar alta", "diabetes"),
    ("mi bebe tiene fiebre", "child"),
    ("me sangra la nariz", "nose"),
    ("me duele una muela", "tooth"),
    ("me duele el oido", "ear"),
    ("no puedo dormir", "stress"),
    ("estreñido", "bowel"),
    ("regla muy abundante", "women"),
    ("estoy embarasada", "pregnancy"),
    ("golpe de calor", "heat"),
    ("manos congeladas", "cold"),
    ("se me acelera el corazon", "palpitations"),
    ("huele a gas", "chemical"),
    ("me duele la cabeza", "headache"),
    ("cuello tieso", "neck_pain"),
    ("presion alta", "palpitations"),
];

#[test]
fn spanish_as_it_is_typed_finds_its_complaint() {
    let pack = Pack::embedded();
    for (text, code) in SPANISH {
        let found = search::complaints(pack, text, 6);
        assert!(found.iter().take(3).any(|c| c == code), "{text}: {found:?}");
    }
}

#[test]
fn a_text_of_a_megabyte_is_read_at_both_ends_and_at_once() {
    let pack = Pack::embedded();
    for text in [
        format!("cant breathe {}", "la la ".repeat(200_000)),
        format!("{} no puedo respirar", "é ".repeat(400_000)),
    ] {
        let mut session = Session::new(pack);
        assert!(session.search(pack, &text, Lang::En).raised);
    }
}
