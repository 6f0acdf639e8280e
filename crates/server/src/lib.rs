//! The HMS-ACH server: FHIR R4, sign-in, and the service behind the carrier's and the clinician's programs.

pub mod app;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod data_dir;
pub mod db;
pub mod demo;
pub mod fhir;
pub mod hr;
pub mod jobs;
pub mod random;
pub mod relay;
pub mod routes;
pub mod service;
pub mod settings;
pub mod signal;
