//! Behaviour suites. Each file is an area of behaviour; the names say what holds.

mod accounts;
mod bodies;
mod check;
mod config;
mod cors;
mod csrf;
mod edge;
mod encodings;
mod faults;
mod feed;
mod forged_tokens;
mod health;
mod imports;
mod isolation;
mod kitchen;
mod read_your_writes;
mod readme;
mod recovery;
mod requests;
mod screens;
mod secrets;
mod service_tokens;
mod sessions;
mod single_flight;
mod stale;
mod writes;
