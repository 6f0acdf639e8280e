//! What can be typed after `ach triage`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Where the tables are, seen from the top of the repository.
const CONTENT: &str = "crates/triage/content";
/// Where the pack is.
const PACK: &str = "crates/triage/pack/pack.json";
/// Where signatures of the pack are.
const SIGNATURES: &str = "crates/triage/pack/signatures.json";

/// Symptom checker.
#[derive(Debug, Subcommand)]
pub enum Triage {
    /// Ask on standard output, read answers on standard input, one JSON object a line.
    ///
    /// In, first: {"person":{"age":44,"sex":"female"}} and {"language":"es"}, both optional; then one of
    /// {"search":"dog bite"}, {"complaint":"animal_bite"} or {"start":true}, which brings the first question; then
    /// {"answer":{"id":"life.now","value":[]}} for each question, the value "unknown" where it is not known.
    ///
    /// Out: {"question":...}, {"error":...} and the question again, and {"outcome":...} at the end. A complaint that
    /// is not known is an error, and is then asked for. Where the input ends early, what was not answered counts as
    /// unknown.
    #[command(verbatim_doc_comment)]
    Interview {
        /// The only form there is; accepted for clarity.
        #[arg(long)]
        json: bool,
    },
    /// Check the tables of the content. Ends with 1 where something is found.
    Lint {
        /// Folder of the tables.
        #[arg(default_value = CONTENT)]
        content: PathBuf,
    },
    /// Make the pack from the tables, and with --fhir the same content as FHIR R4.
    Build {
        /// Folder of the tables.
        #[arg(default_value = CONTENT)]
        content: PathBuf,
        /// File to write.
        #[arg(long, default_value = PACK)]
        out: PathBuf,
        /// Version of the pack; the embedded pack's if absent.
        #[arg(long)]
        version: Option<String>,
        /// Folder for Questionnaire, PlanDefinition and the other resources, one file each.
        #[arg(long)]
        fhir: Option<PathBuf>,
    },
    /// Read the FHIR resources of a folder back into tables and pack.
    Import {
        /// Folder of the resources.
        folder: PathBuf,
        /// Folder for the tables.
        #[arg(long)]
        content: PathBuf,
        /// File for the pack.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Show rules in words, with their source; or an example: its urgency and why.
    Explain {
        /// Id of a rule or of an example, or the start of several.
        id: String,
        /// Folder of the tables.
        #[arg(long, default_value = CONTENT)]
        content: PathBuf,
    },
    /// Tell what changes between two packs: every example whose urgency moves, every row. Ends with 1 where a case
    /// gets an urgency that it must not get.
    #[command(verbatim_doc_comment)]
    Diff {
        /// The pack before.
        old: PathBuf,
        /// The pack after; made from the tables if absent.
        new: Option<PathBuf>,
        /// Folder of the tables, with the cases.
        #[arg(long, default_value = CONTENT)]
        content: PathBuf,
    },
    /// How long interviews are, complaint by complaint.
    Paths {
        /// Folder of the tables.
        #[arg(default_value = CONTENT)]
        content: PathBuf,
        /// Interviews walked for each complaint.
        #[arg(long, default_value_t = 200)]
        bound: usize,
    },
    /// Draw a module: screens, findings, rules, urgencies.
    Graph {
        /// The module, such as bite.
        module: String,
        /// Folder of the tables.
        #[arg(long, default_value = CONTENT)]
        content: PathBuf,
        /// DOT for Graphviz, instead of Mermaid.
        #[arg(long)]
        dot: bool,
    },
    /// Write the pack as one web page for clinicians to read, print and sign.
    Page {
        /// Folder for index.html; it is made where it is missing.
        #[arg(long)]
        out: PathBuf,
        /// Folder of the tables.
        #[arg(long, default_value = CONTENT)]
        content: PathBuf,
        /// Signatures of the pack, if there are any.
        #[arg(long, default_value = SIGNATURES, requires = "trust")]
        signatures: PathBuf,
        /// Who may sign.
        #[arg(long)]
        trust: Option<PathBuf>,
    },
    /// Make a key to sign packs with, and print the line for the list of those who may.
    Key {
        /// File for the secret key. It must not exist, and belongs in no repository.
        #[arg(long)]
        out: PathBuf,
        /// Whose it is.
        #[arg(long)]
        name: String,
    },
    /// Sign a pack.
    Sign {
        /// The pack.
        #[arg(long, default_value = PACK)]
        pack: PathBuf,
        /// Who signs.
        #[command(flatten)]
        by: Signer,
        /// File the signature is added to.
        #[arg(long, default_value = SIGNATURES)]
        out: PathBuf,
    },
    /// Make the file by which a signed pack goes to all devices: `ach-server import` takes it, or a PUT of a system.
    Release {
        /// The pack.
        #[arg(long, default_value = PACK)]
        pack: PathBuf,
        /// Its signatures.
        #[arg(long, default_value = SIGNATURES)]
        signatures: PathBuf,
        /// Who may sign, as the devices have it: what they would refuse is refused here.
        #[arg(long)]
        trust: PathBuf,
        /// File to write: a FHIR Questionnaire.
        #[arg(long)]
        out: PathBuf,
    },
    /// Make the file by which a pack is taken back on all devices, signed by one who may sign packs.
    ///
    /// Devices use another pack, raise what this one said by a step, and tell those it was said to.
    #[command(verbatim_doc_comment)]
    Recall {
        /// SHA-256 of the pack.
        hash: String,
        /// Who may sign, as the devices have it: what they would refuse is refused here.
        #[arg(long)]
        trust: PathBuf,
        /// Why, in English, for those who used it.
        #[arg(long)]
        why: String,
        /// Why, in Spanish.
        #[arg(long)]
        why_es: String,
        /// Who signs.
        #[command(flatten)]
        by: Signer,
        /// File to write: a FHIR Questionnaire.
        #[arg(long)]
        out: PathBuf,
    },
    /// Say whether a pack is approved. Ends with 1 where it is a draft.
    Verify {
        /// The pack.
        #[arg(long, default_value = PACK)]
        pack: PathBuf,
        /// Its signatures.
        #[arg(long, default_value = SIGNATURES)]
        signatures: PathBuf,
        /// Who may sign, and how many must: {"needed":2,"keys":[{"name":"...","key":"..."}]}.
        #[arg(long)]
        trust: PathBuf,
    },
}

/// Who signs, and when.
#[derive(Debug, Args)]
pub struct Signer {
    /// File of the secret key.
    #[arg(long)]
    pub key: PathBuf,
    /// Whose it is, as the list of those who may sign names them.
    #[arg(long)]
    pub name: String,
    /// The day, 2026-11-22.
    #[arg(long)]
    pub date: String,
}
